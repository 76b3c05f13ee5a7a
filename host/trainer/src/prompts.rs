//! How an `rl` or `eval` stage asks: `prompt`, or `template` with what belongs to it.
//!
//! What the recipe names is read here, so that the stage's key holds the template's text and the examples themselves.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use octo_data::field_map::FieldMap;
use octo_data::prompt::{Data, Example, LONGEST_TEMPLATE, PromptSettings, TemplateSettings};
use octo_data::rows::files::{Kind, read_text};
use octo_run::recipe::source::{Source, file_or_folder};
use octo_run::recipe::stage::StageTable;
use octo_run::recipe::values::Named;
use schemars::JsonSchema;
use serde::Deserialize;

/// The name that stands for the chat template of the stage's model.
const CHAT: &str = "chat";

/// The keys that say how problems are asked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptKeys {
    /// The prompt, with `{problem}` where the problem goes. With `template = "chat"` it is the user's message.
    prompt: Option<String>,
    /// A file in Jinja's syntax, relative to the recipe, or `"chat"` for the chat template that the model brings.
    template: Option<String>,
    /// The system message of a chat template.
    system: Option<String>,
    /// Further names that a template is given.
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    variables: Option<toml::Table>,
    /// Worked examples that a template shows.
    few_shot: Option<FewShot>,
}

/// Worked examples, the first so many rows of a file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FewShot {
    /// The file, relative to the recipe.
    file: String,
    /// Examples to show in each epoch, such as `[4, 2, 0]`; the last number holds from there on.
    by_epoch: Vec<usize>,
    /// Columns by the field of an example that they hold. `solution` is read from the column of that name where the file has
    /// one.
    #[serde(default)]
    map: Named<String>,
}

/// Replaces `prompt`, `template`, `system`, `variables` and `few_shot` of a stage by one `prompt`, resolved.
///
/// # Errors
/// Keys that contradict each other or are missing, or a file that cannot be read, with its place.
pub fn resolve(table: &mut StageTable<'_>) -> Result<()> {
    let keys: PromptKeys = table.part()?;
    let settings = match (keys.prompt, keys.template) {
        (None, None) => return Err(anyhow!("{}: needs `prompt` or `template`", table.place(""))),
        (Some(prompt), None) => {
            for (key, given) in [
                ("system", keys.system.is_some()),
                ("variables", keys.variables.is_some()),
                ("few_shot", keys.few_shot.is_some()),
            ] {
                if given {
                    bail!("{}: belongs to a template; set `template` to a file or to \"chat\"", table.place(key));
                }
            }
            PromptSettings::Inline(prompt)
        }
        (message, Some(name)) => {
            let mut settings = TemplateSettings { name: name.clone(), ..TemplateSettings::default() };
            if name == CHAT {
                (settings.message, settings.system) = (message, keys.system);
            } else {
                for (key, given) in [("prompt", message.is_some()), ("system", keys.system.is_some())] {
                    if given {
                        bail!("{}: the template file says it all; put it there", table.place(key));
                    }
                }
                settings.text = Some(read(&table.folder().join(&name)).with_context(|| table.place("template"))?);
            }
            for (key, value) in keys.variables.unwrap_or_default() {
                settings.variables.insert(key, Data::deserialize(value)?);
            }
            if let Some(few_shot) = keys.few_shot {
                settings.examples = examples(table, &few_shot)?;
                settings.by_epoch = few_shot.by_epoch;
            }
            PromptSettings::Template(settings)
        }
    };
    let key = if matches!(settings, PromptSettings::Inline(_)) { "prompt" } else { "template" };
    settings.check().map_err(|error| {
        let error = error.to_string();
        // The place has the key already.
        anyhow!("{}: {}", table.place(key), error.strip_prefix("prompt: ").unwrap_or(&error))
    })?;
    table.put("prompt", toml::Value::try_from(&settings)?);
    Ok(())
}

/// The text of a template's file, which is a regular one of a bounded size.
pub(crate) fn read(path: &Path) -> Result<String> {
    read_text(path, Kind::Regular, LONGEST_TEMPLATE).context("could not read the template")
}

/// The rows of the file that any epoch shows, and one more: a problem that is among them is asked with the next.
fn examples(table: &StageTable<'_>, few_shot: &FewShot) -> Result<Vec<Example>> {
    let place = table.place("few_shot.file");
    let source = Source::parse(&few_shot.file, table.folder()).map_err(|error| anyhow!("{place}: {error}"))?;
    let Source::File(path) = source else {
        bail!("{place}: examples come from a file, not from a stage, since the stage's key holds them");
    };
    let shown = few_shot.by_epoch.iter().copied().max().unwrap_or(0);
    if shown == 0 {
        return Ok(Vec::new());
    }
    file_or_folder(&path).with_context(|| place.clone())?;
    let map = &few_shot.map.0;
    let read = |rows: usize| {
        octo_data::jsonl::read_examples(std::slice::from_ref(&path), &FieldMap::new(map.clone()), Some(0..rows))
    };
    let found = read(shown + 1).or_else(|_| read(shown)).with_context(|| place)?;
    Ok(found.into_iter().map(Example::from).collect())
}
