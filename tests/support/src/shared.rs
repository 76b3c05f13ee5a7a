//! Real problems, model responses and web pages, which are too large for the repository.

use std::path::PathBuf;

use crate::binary::repository;
use crate::skipping::skip;

/// The variable that names the folder which holds `data/`.
const VARIABLE: &str = "OCTO_SHARED";

/// The folder that holds `data/`: `OCTO_SHARED`, or else `shared` beside the repository. It need not be there.
pub fn folder() -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(|| repository().join("../shared"), PathBuf::from)
}

/// A file or folder in the shared folder, for example `data/problems/mawps.jsonl`. Where it is not there the calling
/// test is reported as [skipped](skip), and has to return.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = folder().join(path);
    if full.exists() {
        return Some(full);
    }
    skip(&format!("{} is not there; set {VARIABLE} to the folder that holds {path}", full.display()));
    None
}
