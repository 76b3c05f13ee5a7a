//! Arguments that are JSON, or name a file of it.

use std::path::Path;

use anyhow::{Context, Result};
use octo_data::rows::files::{Kind, read_text};
use serde_json::Value;

/// Bytes of such a file.
const LONGEST: u64 = 64 << 20;

/// `text` as JSON, or the JSON in the file whose name follows an `@`; `flag` is for error messages.
pub fn json_or_file(text: &str, flag: &str) -> Result<Value> {
    match text.strip_prefix('@') {
        None => serde_json::from_str(text).with_context(|| format!("{flag} is not JSON: {text}")),
        Some(path) => {
            let read = read_text(Path::new(path), Kind::Stream, LONGEST)
                .with_context(|| format!("{flag} cannot be taken from its file"))?;
            serde_json::from_str(&read).with_context(|| format!("{flag}: {path} is not JSON"))
        }
    }
}
