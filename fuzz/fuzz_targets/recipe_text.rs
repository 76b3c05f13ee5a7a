//! A recipe of any text is read or refused.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use octo_run::Kinds;
use octo_run::recipe::{self, Recipe};

/// All of them, those that train too.
static KINDS: LazyLock<Kinds> = LazyLock::new(octo_trainer::all_kinds);

/// The folder goes with the process; one file in it is written again and again.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if bytes.len() > 1 << 14 {
        return Corpus::Reject;
    }
    // The first line may be an override as `--set` takes it, since those are read by the same code.
    let (set, text) = match bytes.strip_prefix(b"#set ") {
        Some(rest) => match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (String::from_utf8_lossy(&rest[..end]).into_owned(), &rest[end + 1..]),
            None => (String::new(), rest),
        },
        None => (String::new(), bytes),
    };
    let path: PathBuf = FOLDER.path().join("recipe.toml");
    std::fs::write(&path, text).expect("a file");
    let set: Vec<String> = if set.is_empty() { Vec::new() } else { vec![set] };
    let Ok(recipe) = recipe::load(&path, &set, &[], &KINDS) else { return Corpus::Keep };
    // What was resolved is a recipe too, with the same stages: a run folder's copy can be run.
    std::fs::write(&path, &recipe.resolved).expect("a file");
    let again = recipe::load(&path, &[], &[], &KINDS).unwrap_or_else(|error| panic!("{error:#}\n{}", recipe.resolved));
    let names = |recipe: &Recipe| recipe.stages.iter().map(|stage| stage.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&again), names(&recipe));
    Corpus::Keep
});
