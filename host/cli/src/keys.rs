//! `octo-host keys`: the keys of a recipe, of each kind of stage and of a plugin's entry, and the variables that Octo
//! reads; all from the types that read them. `docs/keys.md` is what `--markdown` prints.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Result, bail};
use octo_plugin::Limits;
use octo_run::kind::keys_of;
use octo_run::recipe::stage::CommonKeys;
use octo_run::recipe::{PluginKeys, RecipeKeys};
use octo_run::{Kinds, nearest};
use schemars::Schema;

use crate::arguments::KeysArguments;
use crate::key_rows::{self, Row};
use crate::key_table;
use crate::{Program, terminal, trainer};

/// Variables that Octo reads, and what for. The test of this list looks for every such name in the sources.
pub const VARIABLES: [(&str, &str); 14] = [
    (
        "OCTO_PLUGIN_PATH",
        "Folders to look for plugins in, separated by `:`, before those of octo-host (`plugins` beside it and beside its folder, `share/octo/plugins` beside its folder).",
    ),
    (
        "OCTO_LOG",
        "What is logged where neither `-v` nor `-q` is given: `warn` where it is not set, `info`, `debug`, or one part of it, \
         `octo_plugin=debug`.",
    ),
    ("OCTO_CACHE_DIR", "Where compiled plugins are kept; else `$XDG_CACHE_HOME/octo` or `~/.cache/octo`."),
    ("OCTO_GUEST_CARGO", "The cargo that `plugin build` calls."),
    ("OCTO_GUEST_RUSTC", "The rustc that `plugin build` calls."),
    ("OCTO_GUEST_LINKER", "The linker of plugins."),
    ("OCTO_GUEST_BUILD_STD", "Set where the standard library of plugins must be compiled too."),
    (
        "OCTO_SHARED",
        "Folder with `data/`: real problems and responses, for recipes, tests and benchmarks that want them.",
    ),
    (
        "OCTO_RANKS_START_SECONDS",
        "How long several processes that train one model wait for each other to start; 600 where it is not set.",
    ),
    (
        "OCTO_RANKS_GONE_SECONDS",
        "How long the machine of another process may answer no probe before it is gone; 60 where it is not set.",
    ),
    (
        "OCTO_RANKS_STEP_SECONDS",
        "How long a process waits within a stage for the next message of another whose machine answers; 3600 where it is not set.",
    ),
    (
        "OCTO_RANKS_STOP_SECONDS",
        "How long a process that was asked to stop waits for the others to come to the end of their step; 300 where it is not set.",
    ),
    ("OCTO_TORCH_CUDA", "Set by the build where libtorch has CUDA."),
    ("OCTO_CUDA_HEADERS", "Folder of CUDA's headers, for the build; else those of the Python packages."),
];

/// One table of the reference.
struct Section {
    name: String,
    about: String,
    rows: Vec<Row>,
}

/// Prints all tables, or the one that is asked for.
pub fn run(arguments: KeysArguments, program: &Program) -> Result<ExitCode> {
    trainer::become_if_there(program)?;
    let mut sections = sections(&program.kinds);
    if let Some(name) = &arguments.table {
        let known: Vec<String> = sections.iter().map(|section| section.name.clone()).collect();
        sections.retain(|section| section.name == *name);
        if sections.is_empty() {
            bail!("there is no table {name:?} of keys{}", nearest(name, known));
        }
    }
    let text = if arguments.markdown { markdown(&sections)? } else { plain(&sections)? };
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn sections(kinds: &Kinds) -> Vec<Section> {
    let section = |name: &str, about: &str, schemas: Vec<Schema>| {
        let mut rows: Vec<Row> = Vec::new();
        for row in schemas.iter().flat_map(|schema| key_rows::rows(schema.as_value())) {
            // A kind's own keys come first, and take the place of those of its loop that they are resolved into.
            if rows.iter().all(|known| known.key != row.key) {
                rows.push(row);
            }
        }
        // The limits have a table of their own, and the rows of a table's keys say what it takes.
        rows.retain(|row| !row.key.starts_with("limits."));
        let tables: Vec<String> = rows.iter().filter_map(|row| Some(row.key.rsplit_once('.')?.0.to_owned())).collect();
        for row in &mut rows {
            if row.key == "limits" || tables.contains(&row.key) && row.takes.starts_with('{') {
                (row.takes, row.default) = ("table".to_owned(), String::new());
            }
        }
        Section { name: name.to_owned(), about: about.to_owned(), rows }
    };
    let mut sections = vec![
        section("recipe", "Top level of a recipe.", vec![keys_of::<RecipeKeys>()]),
        section("plugin", "A plugin's entry in `[plugins]`, where it is a table.", vec![keys_of::<PluginKeys>()]),
        section("limits", "What a plugin may use: `limits` of its entry, or `--limits`.", vec![keys_of::<Limits>()]),
        section("stage", "Every `[stages.NAME]` table, whatever its kind.", vec![keys_of::<CommonKeys>()]),
    ];
    sections.extend(kinds.iter().map(|kind| section(kind.name(), kind.about(), kind.keys())));
    let variable = |(name, meaning): &(&str, &str)| Row {
        key: (*name).to_owned(),
        takes: String::new(),
        default: String::new(),
        meaning: (*meaning).to_owned(),
    };
    sections.push(Section {
        name: "environment".to_owned(),
        about: "Variables of the environment.".to_owned(),
        rows: VARIABLES.iter().map(variable).collect(),
    });
    sections
}

fn plain(sections: &[Section]) -> Result<String> {
    let mut text = String::new();
    for section in sections {
        writeln!(text, "{}: {}\n", section.name, section.about)?;
        key_table::write(&mut text, "key", &section.rows)?;
        writeln!(text)?;
    }
    Ok(text)
}

fn markdown(sections: &[Section]) -> Result<String> {
    let mut text = String::from(
        "# Keys\n\nEvery key that a recipe may have, and every variable that Octo reads. This page is what\n`octo-host keys --markdown` prints; `octo-host keys rl` shows one table in a terminal.\n",
    );
    for section in sections {
        writeln!(text, "\n## {}\n\n{}\n", section.name, section.about)?;
        if section.rows.is_empty() {
            writeln!(text, "It has no keys of its own.")?;
            continue;
        }
        let cell = |text: &str| text.replace('|', "\\|");
        if section.name == "environment" {
            writeln!(text, "| variable | meaning |\n|---|---|")?;
            for row in &section.rows {
                writeln!(text, "| `{}` | {} |", row.key, cell(&row.meaning))?;
            }
            continue;
        }
        writeln!(text, "| key | takes | default | meaning |\n|---|---|---|---|")?;
        for Row { key, takes, default, meaning } in &section.rows {
            let default = match default.as_str() {
                "" | "required" => default.clone(),
                value => format!("`{}`", cell(value)),
            };
            writeln!(text, "| `{key}` | {} | {default} | {} |", cell(takes), cell(meaning))?;
        }
    }
    Ok(text)
}
