//! Every command that the README and the pages show runs, every flag that they name exists, and the plugin that the
//! README shows compiles.
//!
//! A block marked `console` is run, line by line, in one folder for all pages; one marked `sh` is only shown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use octo_test_support::{Call, Workdir, environment, octo_host, octo_host_path, repository, shared, skip};

/// The pages whose `console` blocks are run: the README, those of `docs` and that of the recipes.
fn run_pages() -> Vec<PathBuf> {
    let mut docs = markdown_in("docs");
    docs.sort();
    [PathBuf::from("README.md")].into_iter().chain(docs).chain([PathBuf::from("recipes/README.md")]).collect()
}

/// Those, and all others that show `octo-host`.
fn all_pages() -> Vec<PathBuf> {
    let plugins = std::fs::read_dir(repository().join("plugins")).expect("the folder of plugins can be read");
    let plugins = plugins.map(|entry| entry.expect("an entry can be read").file_name());
    let plugins = plugins.map(|name| Path::new("plugins").join(name).join("README.md"));
    let others = ["CONTRIBUTING.md", "SECURITY.md", "sdk/python/README.md", "host/plugin/README.md"].map(PathBuf::from);
    let there = |path: &PathBuf| repository().join(path).is_file();
    run_pages().into_iter().chain(plugins).chain(others).filter(there).collect()
}

fn markdown_in(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository().join(folder)).expect("the folder can be read");
    let names = entries.map(|entry| PathBuf::from(entry.expect("an entry can be read").file_name()));
    names
        .filter(|name| name.extension().is_some_and(|ending| ending == "md"))
        .map(|name| Path::new(folder).join(name))
        .collect()
}

fn text(page: &Path) -> String {
    let path = repository().join(page);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a page's fenced blocks of one language, one list of lines per block.
fn blocks(page: &Path, language: &str) -> Vec<Vec<String>> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, Vec<String>)> = None;
    for line in text(page).lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(name)) => open = Some((name == language, Vec::new())),
            (Some(_), Some(_)) => blocks.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, block)| block)),
            (Some((_, block)), None) => block.push(line.to_owned()),
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn every_command_runs() {
    let workdir = Workdir::new();
    let mut path = std::ffi::OsString::from(octo_host_path().parent().expect("the program lies in a folder"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut seen = BTreeSet::new();
    let mut ran = 0;
    for page in run_pages() {
        for line in blocks(&page, "console").into_iter().flatten() {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let place = page.display();
            if command.starts_with("make ") {
                assert_target(&page, command.split_whitespace().nth(1).unwrap_or_default());
                continue;
            }
            if !seen.insert(command.to_owned()) {
                continue;
            }
            if command.contains("smollm2") {
                let real_model = repository().join(".octo/smollm2").is_dir();
                if !real_model {
                    skip(&format!("{place}: `{command}` needs .octo/smollm2; `make smollm2` fetches it"));
                }
                if !real_model || shared("data/problems/mawps.jsonl").is_none() {
                    continue;
                }
            }
            // Long recipes are planned here; that they run is the business of `make demo` and of the other tests.
            let planned = match command.contains("octo-host run ") && !command.contains("--dry-run") {
                true => format!("{command} --dry-run"),
                false => command.to_owned(),
            };
            let mut bash = Command::new("bash");
            bash.args(["-euo", "pipefail", "-c", &planned]).current_dir(workspace(workdir.folder()));
            environment::clear(&mut bash);
            let call = Call::from(bash).guest_toolchain().env("PATH", &path);
            let ended = call.env("OCTO_SHARED", octo_test_support::shared::folder()).run();
            // A plan whose inputs are missing is shown, and fails.
            let plans = planned.contains("--dry-run") && ended.stdout.contains("missing, so nothing can run yet");
            let expected = if plans { 1 } else { 0 };
            assert_eq!(ended.code, Some(expected), "{place}: `{command}` failed\n{}", ended.shown());
            ran += 1;
        }
    }
    assert!(ran >= 8, "the pages show only {ran} commands of octo-host");
}

#[test]
fn every_subcommand_and_flag_exists() {
    let mut help: BTreeMap<Vec<String>, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    for page in all_pages() {
        for (number, words) in calls(&page) {
            let subcommand: Vec<String> = match words.first().map(String::as_str) {
                Some("plugin") => words.iter().take(2).cloned().collect(),
                Some(word) if word.chars().all(|letter| letter.is_ascii_lowercase()) => vec![word.to_owned()],
                _ => Vec::new(),
            };
            let help = help.entry(subcommand.clone()).or_insert_with(|| {
                let mut arguments: Vec<&str> = subcommand.iter().map(String::as_str).collect();
                arguments.push("--help");
                octo_host(&arguments).run().stdout
            });
            let usage =
                ["octo-host"].into_iter().chain(subcommand.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
            let place = format!("{}:{number}", page.display());
            if !help.contains(&format!("{usage} ")) {
                wrong.push(format!("{place}: there is no `{usage}`"));
                continue;
            }
            let known: BTreeSet<&str> =
                help.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').collect();
            for word in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                let flag = word.split('=').next().unwrap_or_default();
                if !known.contains(flag) {
                    wrong.push(format!("{place}: `{usage}` has no flag {flag}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "commands that octo-host does not have:\n  {}", wrong.join("\n  "));
}

/// The words after `octo-host` wherever a page shows a call of it, in a block or inline, with the line's number.
fn calls(page: &Path) -> Vec<(usize, Vec<String>)> {
    let mut calls = Vec::new();
    let mut in_block = false;
    for (number, line) in (1..).zip(text(page).lines()) {
        if line.starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let parts: Vec<&str> = match in_block {
            true => line.split('|').collect(),
            false => line.split('`').skip(1).step_by(2).filter(|code| code.starts_with("octo-host ")).collect(),
        };
        for part in parts {
            let mut words = part.split_whitespace().map(|word| word.trim_matches(['\'', '"']).to_owned());
            if words.any(|word| word == "octo-host") {
                calls.push((number, words.take_while(|word| !["#", ">", "×", "·"].contains(&word.as_str())).collect()));
            }
        }
    }
    calls
}

#[test]
fn the_plugin_shown_is_the_one_that_is_built() {
    let readme = Path::new("README.md");
    let folder = Path::new("examples/reward_brevity");
    let source = text(&folder.join("src/lib.rs"));
    assert_eq!(blocks(readme, "rust"), [source.lines().map(str::to_owned).collect::<Vec<_>>()]);

    // The manifest shown is for a crate outside of this workspace; it says the same.
    let shown: toml::Table = blocks(readme, "toml")[0].join("\n").parse().expect("the manifest shown is TOML");
    let built: toml::Table = text(&folder.join("Cargo.toml")).parse().expect("the manifest is TOML");
    for key in ["name", "description"] {
        assert_eq!(shown["package"][key], built["package"][key], "`{key}` of the package");
    }
    assert_eq!(shown["lib"], built["lib"]);
    let names = |manifest: &toml::Table| -> Vec<String> {
        manifest["dependencies"].as_table().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&shown), names(&built));
}

#[test]
fn the_verdict_shown_is_the_one_that_is_given() {
    let line = "{\"response\": \"So it is $\\\\boxed{\\\\frac{1}{2}}$.\", \"reference\": \"0.5\"}\n";
    let ended = octo_host(&["--plugin", "verifier_math.wasm", "-"]).stdin(line).run().exits_with(0);
    let verdict = ended.stdout.trim().to_owned();
    for page in ["README.md", "docs/guide.md"] {
        let shown = blocks(Path::new(page), "text").into_iter().next().unwrap_or_default();
        assert_eq!(shown.first().map(String::as_str), Some(verdict.as_str()), "{page}");
    }
}

fn assert_target(page: &Path, target: &str) {
    let makefile = text(Path::new("Makefile"));
    let named = makefile
        .lines()
        .any(|line| line.split(':').next().is_some_and(|names| names.split(' ').any(|name| name == target)));
    assert!(named, "{}: the Makefile has no target {target:?}", page.display());
}

/// A copy of what the commands of the pages look at, so that they leave nothing in the repository.
fn workspace(folder: &Path) -> &Path {
    for name in ["recipes", "plugins", "examples", ".octo"] {
        let link = folder.join(name);
        if !link.exists() && repository().join(name).exists() {
            std::os::unix::fs::symlink(repository().join(name), &link).expect("a link can be made");
        }
    }
    folder
}
