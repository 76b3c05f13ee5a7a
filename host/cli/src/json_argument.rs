//! Arguments that are JSON, or name a file of it.

use anyhow::{Context, Result};
use serde_json::Value;

/// `text` as JSON, or the JSON in the file whose name follows an `@`; `flag` is for error messages.
pub fn json_or_file(text: &str, flag: &str) -> Result<Value> {
    match text.strip_prefix('@') {
        None => serde_json::from_str(text).with_context(|| format!("{flag} is not JSON: {text}")),
        Some(path) => {
            let read = std::fs::read_to_string(path).with_context(|| format!("{flag}: could not read {path}"))?;
            serde_json::from_str(&read).with_context(|| format!("{flag}: {path} is not JSON"))
        }
    }
}
