//! Tests that do not run say so where a person sees it.
//!
//! Rust's harness knows no skipped tests: one that returns early counts as passed, and what it printed is swallowed
//! with the output of all tests that pass. So the line goes around the harness to the process's own standard error, and
//! into `target/skipped-tests.txt`, which `make test` empties when it starts and prints when it ends.

use std::fs::OpenOptions;
use std::io::Write;

use crate::binary::target_folder;

/// The list of skipped tests, in the build's `target` folder; `make test` knows it by this name.
const LIST: &str = "skipped-tests.txt";

/// Says that the calling test does not run, and why: what is missing and how to get it. The caller returns then.
pub fn skip(reason: &str) {
    let program = std::env::current_exe().unwrap_or_default();
    let program = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let suite = program.rsplit_once('-').map_or(program.as_str(), |(name, _)| name);
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").map_or(String::new(), |name| format!(" {name}"));
    let line = format!("SKIPPED {suite}{test}: {reason}\n");
    // `eprintln!` writes into the harness's capture; a handle of standard error writes past it. Neither failing is a
    // reason to fail the test.
    drop(std::io::stderr().write_all(line.as_bytes()));
    let list = OpenOptions::new().create(true).append(true).open(target_folder().join(LIST));
    drop(list.and_then(|mut list| list.write_all(line.as_bytes())));
}
