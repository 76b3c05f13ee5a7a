//! `decontaminate` as a stage: its keys, what is named before anything runs, and a run whose index another stage reads.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use octo_record::Contamination;
use octo_run::world::{Alone, World};
use octo_run::{Ended, Kinds, PlannedRun, RecipeArguments};

const PROBLEM: &str = "A grower packs 48 crates of red apples on Monday and half as many crates on Tuesday. How many crates \
                       does the grower pack on both days together?";

fn plan(folder: &Path, recipe: &str) -> Result<PlannedRun> {
    let file = folder.join("r.toml");
    std::fs::write(&file, recipe)?;
    let runs = folder.join("runs");
    let arguments = RecipeArguments { recipe: &file, set: &[], plugin: &[], runs: &runs, again: &[] };
    PlannedRun::new(&arguments, &Kinds::new(octo_run::kinds::all()), None)
}

fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let line = |text: &str| serde_json::json!({ "text": text }).to_string();
    let documents = [line("The river turns to the west below the old bridge."), line(PROBLEM)].join("\n");
    std::fs::write(folder.path().join("documents.jsonl"), documents).expect("written");
    let row = serde_json::json!({ "question": PROBLEM, "answer": "72" }).to_string();
    std::fs::write(folder.path().join("ours.jsonl"), row).expect("written");
    folder
}

fn stage(keys: &str) -> String {
    format!("[stages.a]\nkind = \"decontaminate\"\ninputs = \"documents.jsonl\"\n{keys}\n")
}

const OURS: &str =
    "benchmarks = { ours = { path = \"ours.jsonl\", map = { query = \"question\", label = \"answer\" } } }";

#[test]
fn keys_that_cannot_hold_together_are_refused_with_their_place() {
    let folder = files();
    for (keys, message) in [
        (
            String::new(),
            "r.toml:1: stages.a: the key `benchmarks` is missing; name files of benchmarks, or an `index` that was built of some",
        ),
        (
            format!("{OURS}\nindex = \"x.index\""),
            "r.toml:5: stages.a.index: the stage has `benchmarks` too; an index is read in their place, so give one of the two",
        ),
        (
            format!("{OURS}\nmode = \"decon\"\nrules = \"datatrove\""),
            "r.toml:6: stages.a.rules: datatrove's rules are for mode \"ngram\"; leave this key out, or set mode = \"ngram\"",
        ),
        (format!("{OURS}\nn = 65"), "r.toml:5: stages.a.n: is 65; give a number of words from 1 to 64"),
        (format!("{OURS}\nthreshold = 1.5"), "r.toml:5: stages.a.threshold: is 1.5; give a share from 0 to 1"),
        (format!("{OURS}\nsample_every = 0"), "r.toml:5: stages.a.sample_every: is 0; give a number from 1"),
        (
            format!("{OURS}\nrules = \"datatrove\"\naction = \"cut\""),
            "r.toml:6: stages.a.action: datatrove's rules do not say where in a document a gram stands; take \"remove\" or \
             \"report\", or set rules = \"own\"",
        ),
    ] {
        let error = plan(folder.path(), &stage(&keys)).err().expect("refused").to_string();
        assert!(error.ends_with(message), "{keys}\n{error}");
    }
}

#[test]
fn benchmarks_and_indexes_that_cannot_be_read_are_named_before_anything_runs() {
    let folder = files();
    std::fs::write(folder.path().join("bad.jsonl"), "{\"question\": \"x\"").expect("written");
    std::fs::write(folder.path().join("bad.index"), "no index").expect("written");
    let faults = |keys: &str| plan(folder.path(), &stage(keys)).expect("plans").faults();
    assert_eq!(faults(OURS), [""; 0]);
    let lacking = faults("benchmarks = { ours = \"ours.jsonl\", bad = \"bad.jsonl\" }");
    assert_eq!(lacking.len(), 2, "{lacking:?}");
    assert!(
        lacking.iter().any(|fault| fault.contains("ours.jsonl, line 1: has no column \"query\" for `query`")),
        "{lacking:?}"
    );
    assert!(lacking.iter().any(|fault| fault.contains("bad.jsonl, line 1: ")), "{lacking:?}");
    let foreign = faults("index = \"bad.index\"");
    assert!(foreign[0].contains("bad.index: is not an index of benchmarks; name a file"), "{foreign:?}");
}

#[test]
fn a_stage_runs_and_another_reads_its_index() {
    let folder = files();
    let world: Arc<dyn World> = Arc::new(Alone);
    let run = |recipe: &str| {
        let planned = plan(folder.path(), recipe).expect("plans");
        octo_run::run::run(&planned, 1, &world, &Arc::new(AtomicBool::new(false)), |_| ()).expect("runs")
    };
    assert_eq!(run(&stage(OURS)), Ended::Done);
    let report = |stage: &str| -> Contamination {
        let path = folder.path().join("runs/r/stages").join(stage).join("contamination.json");
        serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("a report")
    };
    let first = report("a");
    assert_eq!((first.documents, first.contaminated, first.benchmarks["ours"].rows_hit), (2, 1, 1));
    let second = format!(
        "{}[stages.b]\nkind = \"decontaminate\"\ninputs = \"documents.jsonl\"\naction = \"report\"\nindex = \"@a/{}\"\n",
        stage(OURS),
        first.index
    );
    assert_eq!(run(&second), Ended::Done);
    let second = report("b");
    assert_eq!(
        (second.action.as_str(), &second.index, &second.benchmarks),
        ("report", &first.index, &first.benchmarks)
    );
}
