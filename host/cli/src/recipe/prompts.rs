//! How an `rl` or `eval` stage asks: `prompt`, or `template` with what belongs to it.
//!
//! What the recipe names is read here, so that the stage's key holds the template's text and the examples themselves.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use octo_data::field_map::FieldMap;
use octo_data::prompt::{Example, LONGEST_TEMPLATE, PromptSettings, TemplateSettings};

use super::keys::Keys;
use super::source::Source;
use super::stage::Wiring;
use super::text::RecipeText;

/// The name that stands for the chat template of the stage's model.
const CHAT: &str = "chat";

/// Replaces `prompt`, `template`, `system`, `variables` and `few_shot` of a stage by one `prompt`, resolved.
pub fn resolve(wiring: &mut Wiring<'_>, text: &RecipeText, stage: &str, folder: &Path) -> Result<()> {
    let prompt = wiring.keys.take_string("prompt")?;
    let template = wiring.keys.take_string("template")?;
    let system = wiring.keys.take_string("system")?;
    let variables = wiring.keys.take_table("variables")?;
    let few_shot = wiring.keys.take_table("few_shot")?;
    let settings = match (prompt, template) {
        (None, None) => return Err(anyhow!("{}: needs `prompt` or `template`", wiring.keys.place(""))),
        (Some(prompt), None) => {
            for (key, given) in
                [("system", system.is_some()), ("variables", variables.is_some()), ("few_shot", few_shot.is_some())]
            {
                if given {
                    bail!("{}: belongs to a template; set `template` to a file or to \"chat\"", wiring.keys.place(key));
                }
            }
            PromptSettings::Inline(prompt)
        }
        (message, Some(name)) => {
            let mut settings = TemplateSettings { name: name.clone(), ..TemplateSettings::default() };
            if name == CHAT {
                (settings.message, settings.system) = (message, system);
            } else {
                for (key, given) in [("prompt", message.is_some()), ("system", system.is_some())] {
                    if given {
                        bail!("{}: the template file says it all; put it there", wiring.keys.place(key));
                    }
                }
                settings.text = Some(read(&folder.join(&name)).with_context(|| wiring.keys.place("template"))?);
            }
            for (key, value) in variables.unwrap_or_default() {
                settings.variables.insert(key, serde_json::to_value(value)?);
            }
            if let Some(table) = few_shot {
                let keys = Keys::new(text, &format!("stages.{stage}.few_shot"), table);
                (settings.examples, settings.by_epoch) = examples(keys, folder)?;
            }
            PromptSettings::Template(settings)
        }
    };
    wiring.keys.put("prompt", toml::Value::try_from(&settings)?);
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    let length =
        std::fs::metadata(path).with_context(|| format!("could not read the template {}", path.display()))?.len();
    if length > LONGEST_TEMPLATE {
        bail!("the template {} has {length} bytes; the most is {LONGEST_TEMPLATE}", path.display());
    }
    std::fs::read_to_string(path).with_context(|| format!("could not read the template {}", path.display()))
}

/// `few_shot = { file = "examples.jsonl", by_epoch = [4, 2, 0], map = { problem = "question", .. } }`: the first so many
/// rows of the file.
fn examples(mut keys: Keys<'_>, folder: &Path) -> Result<(Vec<Example>, Vec<usize>)> {
    let file = keys.require_string("file")?;
    let by_epoch: Vec<usize> = match keys.take("by_epoch") {
        None => return Err(keys.missing("by_epoch")),
        Some(value) => value.try_into().map_err(|_| {
            anyhow!("{}: must be counts of examples, one an epoch, such as [4, 2, 0]", keys.place("by_epoch"))
        })?,
    };
    let mut map = Vec::new();
    for (name, column) in keys.take_table("map")?.unwrap_or_default() {
        let Some(column) = column.as_str() else {
            bail!("{}: `map` gives each name the name of a column", keys.place("map"));
        };
        map.push((name, column.to_owned()));
    }
    let place = keys.place("file");
    keys.finish()?;
    let Source::File(path) = Source::parse(&file, folder).map_err(|error| anyhow!("{place}: {error}"))? else {
        bail!("{place}: examples come from a file, not from a stage, since the stage's key holds them");
    };
    let shown = by_epoch.iter().copied().max().unwrap_or(0);
    if shown == 0 {
        return Ok((Vec::new(), by_epoch));
    }
    // One more than are shown: a problem that is among them is asked with the next.
    let read = |rows: usize| octo_data::jsonl::read_problems(&path, &FieldMap::new(map.clone()), Some(0..rows));
    let found = read(shown + 1).or_else(|_| read(shown)).with_context(|| place)?;
    Ok((found.into_iter().map(Example::from).collect(), by_epoch))
}
