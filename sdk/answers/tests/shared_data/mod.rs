//! Where real data is looked for, and how a test says that it is not here.

use serde_json::Value;
use std::path::PathBuf;

/// The rows of a file of `data/`, which `OCTO_SHARED` (or `../shared` beside the repository) holds. Without it the test
/// passes over them, and says so.
pub fn rows(path: &str) -> Vec<Value> {
    let shared =
        std::env::var("OCTO_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into());
    let path = PathBuf::from(shared).join("data").join(path);
    match std::fs::read_to_string(&path) {
        Ok(text) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        Err(error) => {
            eprintln!("skipped: {} is not here ({error})", path.display());
            Vec::new()
        }
    }
}

/// A value as text: strings without their quotation marks.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}
