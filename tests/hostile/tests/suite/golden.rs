//! `errors.txt`: how every case ends, reviewed by a person and kept, one line per case in the order of the table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use libtest_mimic::Failed;
use regex::Regex;

/// Set to anything, this variable makes a run write `errors.txt` instead of comparing with it.
const WRITE: &str = "OCTO_WRITE_GOLDEN";

/// What changes with every edit of the guests and with their compiler.
const FILTERS: [(&str, &str); 5] = [
    // Frames end where the last words begin, or the next result, or the line.
    (r"(?P<cause>\)|executed|exhausted|is \d+) in .*?(?P<end>: (panicked|last)| \||$| \[)", "${cause} in …${end}"),
    (r"\w+\.rs:\d+:\d+", "….rs"),
    // What a hoard had come to when it was denied depends on how its code was laid out.
    (r"asked for \d+ bytes of memory", "asked for … bytes of memory"),
    (r"config schema has \d+ bytes", "config schema has … bytes"),
    ("x{50,}", "xxx"),
];

/// The lines of `errors.txt` by the name of their case.
static KEPT: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    text.lines().filter_map(|line| line.split_once(": ")).map(|(name, line)| (name.into(), line.into())).collect()
});

/// What this run has found, where it is to be written.
static FOUND: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/errors.txt")
}

fn writing() -> bool {
    std::env::var_os(WRITE).is_some()
}

/// Compares how a case ended with what is kept of it.
pub fn compare(name: &str, outcome: &str) -> Result<(), Failed> {
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> =
        LazyLock::new(|| FILTERS.map(|(from, to)| (Regex::new(from).expect("a pattern"), to)).to_vec());
    let mut outcome = outcome.to_owned();
    for (pattern, replacement) in PATTERNS.iter() {
        outcome = pattern.replace_all(&outcome, *replacement).into_owned();
    }
    if writing() {
        FOUND.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), outcome);
        return Ok(());
    }
    match KEPT.get(name) {
        Some(kept) if *kept == outcome => Ok(()),
        kept => {
            let kept = kept.map_or("nothing", String::as_str);
            let how = format!("if that is right, run it again with {WRITE}=1 and review errors.txt");
            Err(format!("errors.txt has: {kept}\nit ended as:    {outcome}\n{how}").into())
        }
    }
}

/// That `errors.txt` has a line for every case, in their order, and no other.
pub fn is_complete(names: &[String]) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path())?;
    let kept: Vec<&str> = text.lines().map(|line| line.split_once(": ").map_or(line, |(name, _)| name)).collect();
    let expected: Vec<&str> = names.iter().map(String::as_str).collect();
    if writing() || kept == expected {
        return Ok(());
    }
    let missing: Vec<_> = expected.iter().filter(|name| !kept.contains(name)).collect();
    let further: Vec<_> = kept.iter().filter(|name| !expected.contains(name)).collect();
    Err(format!("errors.txt lacks {missing:?}, has {further:?} that are not cases, or has another order").into())
}

/// Writes what this run has found over the lines of the same cases, in the order of the table.
pub fn write(names: &[String]) {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if !writing() || found.is_empty() {
        return;
    }
    let lines = names.iter().filter_map(|name| {
        let line = found.get(name).or_else(|| KEPT.get(name))?;
        Some(format!("{name}: {line}\n"))
    });
    std::fs::write(path(), lines.collect::<String>()).expect("errors.txt can be written");
}
