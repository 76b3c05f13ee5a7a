//! The chat template of a model's folder, as `transformers` finds and renders it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::engine::Template;
use crate::error::DataError;

/// Tokens that a chat template may print by name.
const SPECIAL: [&str; 5] = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token"];

/// The template of `chat_template.jinja`, or else of `tokenizer_config.json` (a text, or the one named `default` of a
/// list), and the names of its special tokens. What a template may ask for and a prompt does not have (`tools`,
/// `documents`) is none, as in `transformers`.
pub(super) fn load(
    folder: &Path,
    variables: &BTreeMap<String, Value>,
) -> Result<(Template, Map<String, Value>), DataError> {
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
    if let Some(today) = variables.get("today").and_then(Value::as_str) {
        date(today).map_err(DataError::Invalid)?;
        template.add_function("strftime_now", formatted, today.to_owned());
    }
    let mut given = Map::new();
    for name in SPECIAL {
        let token = config.get(name);
        // A token is its text, or an object with its text and flags.
        if let Some(text) = token.and_then(|token| token.as_str().or_else(|| token["content"].as_str())) {
            given.insert(name.to_owned(), json!(text));
        }
    }
    given.insert("tools".into(), Value::Null);
    given.insert("documents".into(), Value::Null);
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

/// Year, month and day of `2025-01-31`.
fn date(text: &str) -> Result<(u32, usize, u32), String> {
    let parts: Vec<u32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [year, month @ 1..=12, day @ 1..=31] if text.len() == 10 => Ok((*year, *month as usize, *day)),
        _ => Err(format!("variables.today is {text:?}; write a date such as \"2025-01-31\"")),
    }
}

/// `strftime_now(format)` on a day that the recipe fixed: what chat templates print of a date.
fn formatted(today: &str, format: &str) -> Result<String, String> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (year, month, day) = date(today)?;
    let name = MONTHS.get(month - 1).copied().unwrap_or_default();
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('Y') => text.push_str(&format!("{year:04}")),
            Some('m') => text.push_str(&format!("{month:02}")),
            Some('d') => text.push_str(&format!("{day:02}")),
            Some('B') => text.push_str(name),
            Some('b') => text.push_str(name.get(..3).unwrap_or(name)),
            Some('%') => text.push('%'),
            other => {
                let other = other.map(String::from).unwrap_or_default();
                return Err(format!("strftime_now: %{other} is not known here; known are %Y %m %d %B %b"));
            }
        }
    }
    Ok(text)
}
