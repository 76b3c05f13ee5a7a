//! Where the real data lie that tests and examples read, and how they say that it is not here.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file of the folder `data/` that `OCTO_SHARED` holds, or `../shared` beside the repository where that is not set.
fn data(path: &str) -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("OCTO_SHARED").map_or_else(beside, PathBuf::from).join("data").join(path)
}

/// The rows of a JSON Lines file of `data/`. Without it there are none, which is said on standard error.
pub fn rows(path: &str) -> Vec<Value> {
    let path = data(path);
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
