//! What the tests of whole runs share: the recipes that lie beside them, and readers of what a run has left.
//!
//! How the program is called is the business of `octo-test-support`.

use std::path::PathBuf;

use octo_test_support::{Workdir, repository};
use serde_json::Value;

/// The path of a recipe of this crate's folder `recipes`, for a command line.
///
/// # Panics
/// Where there is none of that name.
pub fn recipe_path(name: &str) -> String {
    let path = repository().join("tests/end_to_end/recipes").join(name);
    assert!(path.is_file(), "{} is not there", path.display());
    path.to_str().expect("the repository's path is UTF-8").to_owned()
}

/// The text of a recipe of this crate's folder `recipes`, to be changed.
///
/// # Panics
/// Where there is none of that name.
pub fn recipe_text(name: &str) -> String {
    std::fs::read_to_string(recipe_path(name)).expect("the recipe can be read")
}

/// The folder of a stage of a run, for example `runs/tiny` and `rl-short`.
pub fn stage_folder(workdir: &Workdir, run: &str, stage: &str) -> PathBuf {
    workdir.path(run).join("stages").join(stage)
}

/// Digests of a stage's outputs by file, from `done.json`.
///
/// # Panics
/// Where the stage is not done.
#[track_caller]
pub fn outputs(workdir: &Workdir, run: &str, stage: &str) -> Value {
    let text = workdir.read(&format!("{run}/stages/{stage}/done.json"));
    let done: Value = serde_json::from_str(&text).expect("done.json is JSON");
    done["outputs"].clone()
}

/// The records of a stage's `metrics.jsonl`, in order.
///
/// # Panics
/// Where there is no such file, or a line is not whole.
#[track_caller]
pub fn records(workdir: &Workdir, run: &str, stage: &str) -> Vec<Value> {
    json_lines(&workdir.read(&format!("{run}/stages/{stage}/metrics.jsonl")))
}

/// The records of a stage's `metrics.jsonl` that are steps of reinforcement learning, without its evaluations.
///
/// # Panics
/// Where there is no such file, or a line is not whole.
#[track_caller]
pub fn rl_steps(workdir: &Workdir, run: &str, stage: &str) -> Vec<Value> {
    let mut steps = records(workdir, run, stage);
    steps.retain(|record| record.get("updates").is_some());
    steps
}

/// JSON Lines as values.
///
/// # Panics
/// Where a line is not JSON.
#[track_caller]
pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}
