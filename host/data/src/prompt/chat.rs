//! The chat template of a model's folder, as `transformers` finds and renders it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::jinja::{Data, Template};
use crate::error::DataError;

/// Tokens that a chat template may print by name.
const SPECIAL: [&str; 5] = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token"];

/// The template of `chat_template.jinja`, or else of `tokenizer_config.json` (a text, or the one named `default` of a
/// list), and the names of its special tokens. What a template may ask for and a prompt does not have (`tools`,
/// `documents`) is none, as in `transformers`.
pub(super) fn load(
    folder: &Path,
    variables: &BTreeMap<String, Data>,
) -> Result<(Template, Vec<(String, Data)>), DataError> {
    let config_path = folder.join("tokenizer_config.json");
    let config: Value = match read(&config_path)? {
        None => json!({}),
        Some(text) => serde_json::from_str(&text)
            .map_err(|error| DataError::Format { path: config_path.clone(), message: error.to_string() })?,
    };
    let own = folder.join("chat_template.jinja");
    let (path, text) = match read(&own)? {
        Some(text) => (own, text),
        None => (config_path, in_config(&config).ok_or_else(|| none(folder))?),
    };
    let mut template = Template::lenient(&path.display().to_string(), &text)?;
    if let Some(today) = variables.get("today").and_then(Data::as_str) {
        template.set_today(today)?;
    }
    let mut given = Vec::new();
    for name in SPECIAL {
        let token = config.get(name);
        // A token is its text, or an object with its text and flags.
        if let Some(text) = token.and_then(|token| token.as_str().or_else(|| token["content"].as_str())) {
            given.push((name.to_owned(), Data::from(text)));
        }
    }
    given.push(("tools".to_owned(), Data::None));
    given.push(("documents".to_owned(), Data::None));
    Ok((template, given))
}

fn none(folder: &Path) -> DataError {
    DataError::Invalid(format!(
        "template = \"chat\": {} has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); a \
         base model has none, so name a template file",
        folder.display()
    ))
}

fn in_config(config: &Value) -> Option<String> {
    match config.get("chat_template")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(named) => named
            .iter()
            .find(|entry| entry["name"] == "default")
            .and_then(|entry| entry["template"].as_str())
            .map(str::to_owned),
        _ => None,
    }
}

/// A file's text, if it is there; a long one, or what is not a file, is refused.
fn read(path: &Path) -> Result<Option<String>, DataError> {
    let Some(bytes) = crate::model_file::read_if_there(path)? else { return Ok(None) };
    let wrong = |_| DataError::Format { path: path.to_path_buf(), message: "is not UTF-8".to_owned() };
    String::from_utf8(bytes).map(Some).map_err(wrong)
}
