//! The keys that a kind of stage says it has are those that it reads: the reference and the reader do not drift apart.

use std::collections::BTreeSet;

use octo_run::recipe;
use schemars::JsonSchema as _;

/// The least that a stage of each kind needs.
const LEAST: [(&str, &str); 15] = [
    ("generate", ""),
    ("extract", "inputs = \"x\"\n"),
    ("language", "inputs = \"x\"\n"),
    ("sample", "inputs = \"x\"\ndocuments = 9\n"),
    ("annotate", "inputs = \"x\"\nannotator = \"a\"\nmodel_folder = \"x\"\n"),
    ("classifier", "documents = \"x\"\n"),
    ("curate", "inputs = \"x\"\n"),
    ("decontaminate", "inputs = \"x\"\nbenchmarks = { b = \"x\" }\n"),
    ("deduplicate", "inputs = \"x\"\n"),
    ("tokenizer", "documents = \"x\"\nvocabulary = 300\n"),
    ("tokenize", "documents = \"x\"\ntokenizer = \"x\"\n"),
    (
        "midtrain",
        "initial = \"x\"\nsources = { s = \"x\" }\nmixture = \"m\"\ntokens = 9\ncontext = 3\nsequences_per_step = 1\nlearning_rate = 1e-3\n",
    ),
    (
        "rl",
        "model = \"x\"\nproblems = \"x\"\nverifier = \"v\"\nreward = \"r\"\nschedule = \"s\"\nprompt = \"{problem}\"\n",
    ),
    ("perplexity", "model = \"x\"\ntexts = { t = \"x\" }\n"),
    ("eval", "model = \"x\"\nproblems = \"x\"\nverifier = \"v\"\nprompt = \"{problem}\"\nmax_response_tokens = 8\n"),
];

#[test]
fn every_kind_reads_the_keys_that_it_says_it_has_and_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("r.toml");
    let kinds = octo_trainer::all_kinds();
    let common = octo_run::recipe::stage::CommonKeys::json_schema(&mut schemars::SchemaGenerator::default());
    let mut seen = BTreeSet::new();
    for kind in kinds.iter() {
        let (_, least) = LEAST
            .iter()
            .find(|(name, _)| *name == kind.name())
            .unwrap_or_else(|| panic!("this test has no stage of kind {}: add the least that one needs", kind.name()));
        let plugins = "[plugins]\na = \"a\"\nm = \"m\"\nv = \"v\"\nr = \"r\"\ns = \"s\"\n";
        let stage = format!("{plugins}[stages.a]\nkind = \"{}\"\n{least}", kind.name());
        std::fs::write(&file, &stage).expect("written");
        recipe::load(&file, &[], &[], &kinds).unwrap_or_else(|error| panic!("{}: {error:#}", kind.name()));

        // What it reads is what it lists where a key is like none of them.
        std::fs::write(&file, format!("{stage}\"????????????\" = 1\n")).expect("written");
        let error = recipe::load(&file, &[], &[], &kinds).err().expect("no kind has such a key").to_string();
        let (_, known) = error.split_once("unknown key; known here: ").unwrap_or_else(|| panic!("{error}"));
        let read: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();

        let mut said = BTreeSet::new();
        for schema in kind.keys().iter().chain([&common]) {
            let keys = schema.get("properties").and_then(|keys| keys.as_object()).expect("an object has keys");
            said.extend(keys.keys().cloned());
        }
        assert_eq!(read, said, "{}", kind.name());
        seen.insert(kind.name());
    }
    assert_eq!(seen.len(), LEAST.len(), "a kind of this test is no more");
}
