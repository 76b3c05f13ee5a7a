//! From pages to a classifier and on to filters that may ask it: the kinds `language`, `classifier` and `curate`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use octo_record::{ClassifierReport, LabelCounts, RunLock, Statistics};
use octo_run::world::{Alone, World};
use octo_run::{Ended, Kinds, PlannedRun, RecipeArguments};

const RECIPE: &str = r#"
[stages.english]
kind = "language"
inputs = "pages.jsonl"

[stages.learnt]
kind = "classifier"
documents = "@english/kept.jsonl.zst"
dim = 4
bucket = 300
min_count = 1
epochs = 5
learning_rate = 0.5
held_out = 0.0
quantise = true

[stages.kept]
kind = "curate"
inputs = "@english/kept.jsonl.zst"
classifiers = { math = { model = "@learnt/model.ftz" } }
"#;

/// 15 pages on mathematics, 15 on cooking, and 3 in German.
fn pages() -> String {
    let page = |number: usize, text: &str, score: u32| {
        format!(
            "{{\"url\":\"https://s{number}.org/\",\"text\":\"{text}, as number {number} of this book says in its chapter.\",\"math_score\":\"{score}\"}}\n"
        )
    };
    (0..15)
        .map(|number| page(number, "The proof that every ideal of the ring is the kernel of a homomorphism", 4))
        .chain((15..30).map(|number| page(number, "The onions should simmer with the butter until they are soft", 1)))
        .chain((30..33).map(|number| {
            page(number, "Die Zwiebeln sollen mit der Butter schmoren, bis sie weich sind, und das dauert", 1)
        }))
        .collect()
}

fn plan(folder: &Path, set: &[&str]) -> Result<PlannedRun> {
    let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
    let (recipe, runs) = (folder.join("r.toml"), folder.join("runs"));
    let arguments = RecipeArguments { recipe: &recipe, set: &set, plugin: &[], runs: &runs, again: &[] };
    PlannedRun::new(&arguments, &Kinds::new(octo_run::kinds::all()), None)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("r.toml"), RECIPE).expect("written");
    std::fs::write(folder.path().join("pages.jsonl"), pages()).expect("written");
    folder
}

#[test]
fn pages_in_english_make_a_classifier_that_filters_may_ask() {
    let folder = folder();
    let world: Arc<dyn World> = Arc::new(Alone);
    let planned = plan(folder.path(), &[]).expect("plans");
    assert_eq!(
        planned.forecast(),
        "classifiers, on one thread each:\n  learnt: 0.0 GB for the model while it is trained, and on disk\n"
    );
    planned.check().expect("nothing keeps it from running");
    let ended = octo_run::run::run(&planned, 2, &world, &Arc::new(AtomicBool::new(false)), |_| ()).expect("runs");
    assert_eq!(ended, Ended::Done);

    let read = |path: &str| std::fs::read(folder.path().join("runs/r").join(path)).expect("reads");
    let statistics: Statistics = serde_json::from_slice(&read("stages/english/statistics.json")).expect("counts");
    assert_eq!((statistics.total.read, statistics.total.kept, statistics.total.dropped), (33, 30, 3));
    assert_eq!(statistics.filters[0].dropped["language"], 3);
    let report: ClassifierReport = serde_json::from_slice(&read("stages/learnt/classifier.json")).expect("a report");
    assert_eq!(report.training, LabelCounts { positive: 15, negative: 15 });
    assert_eq!((report.documents, report.preprocessing.as_str()), (30, "mathematics"));
    let lock: RunLock = serde_json::from_slice(&read("run.lock.json")).expect("a lock");
    assert!(lock.stages["kept"].inputs["classifiers.math"].ends_with("/model.ftz"), "{:?}", lock.stages["kept"].inputs);
}

#[test]
fn keys_that_cannot_be_and_models_that_are_none_are_refused_with_their_place() {
    let folder = folder();
    let file = folder.path().join("r.toml");
    let refused = |set: &[&str]| {
        format!("{:#}", plan(folder.path(), set).and_then(|planned| planned.check()).expect_err("refused"))
    };
    for (set, message) in [
        ("stages.english.threshold=2", "stages.english.threshold: 2 is not from 0 to 1"),
        (
            "stages.english.languages=[\"English, please\"]",
            "stages.english.languages: \"English, please\" is not the code of a language; write them like \"en\"",
        ),
        ("stages.learnt.dim=0", "stages.learnt.dim: 0 is not from 1 to 4096"),
        ("stages.learnt.held_out=1.0", "stages.learnt.held_out: 1 is not from 0 to 0.9"),
        (
            "stages.learnt={ kind = \"classifier\", documents = \"pages.jsonl\", cutoff = 300 }",
            "stages.learnt.cutoff: only a quantised model is cut off; add quantise = true",
        ),
        ("stages.learnt.negative_label=\"math\"", "stages.learnt.negative_label: is \"math\" like positive_label"),
        ("stages.learnt.positive_label=\"a b\"", "stages.learnt.positive_label: \"a b\" is not one word"),
        (
            "stages.kept.classifiers={ \"a b\" = { model = \"@learnt/model.bin\" } }",
            "stages.kept.classifiers: \"a b\" is not the name of a classifier, which is one word",
        ),
        (
            "stages.kept.classifiers={ math = { model = \"@learnt/model.zip\" } }",
            "classifiers.math is stage \"learnt\"'s model.zip, which it does not write: it writes model.bin and classifier.json",
        ),
        ("stages.learnt.quantise=false", "is stage \"learnt\"'s model.ftz, which it writes with quantise = true"),
        (
            "stages.kept.classifiers={ math = { model = \"pages.jsonl\" } }",
            "pages.jsonl: is not a model of fastText: it does not begin as one",
        ),
    ] {
        let error = refused(&[set]);
        assert!(error.contains(message), "{set}\n{error}");
        let placed = [&*file.display().to_string(), "--set", "stage \""].iter().any(|place| error.contains(place));
        assert!(placed, "{error}");
    }
    let error = refused(&["stages.learnt.bucket=1000000000", "stages.learnt.dim=256"]);
    assert!(
        error.contains("stages.learnt.bucket: 1000000000 rows of 256 numbers take 954 GiB; 64 GiB are the most"),
        "{error}"
    );
}
