//! What a plugin fails on in a run is kept as cases, of which each fails alone as it did there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use octo_test_support::{Ended, Workdir, assert_shown};
use octo_tests::{outputs, stage_folder};
use serde_json::json;

/// The cases of a stage by what their names begin with.
fn cases(workdir: &Workdir, run: &str, stage: &str) -> BTreeMap<String, Vec<PathBuf>> {
    let mut cases: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in std::fs::read_dir(stage_folder(workdir, run, stage).join("failures")).expect("cases") {
        let path = entry.expect("a case").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (group, _) = name.rsplit_once('-').expect("PLUGIN-FAILURE-DIGEST.json");
        cases.entry(group.to_owned()).or_default().push(path);
    }
    cases
}

/// Replays a case in another folder, which must end as it did in the run.
#[track_caller]
fn fails_as_saved(workdir: &Workdir, case: &Path) -> Ended {
    let elsewhere = Workdir::new();
    let case = std::path::absolute(workdir.path("x").join(case)).expect("a path");
    let ended = elsewhere.run(&["plugin", "replay", &case.display().to_string()]).exits_with(0);
    assert!(ended.stdout.contains("the same as saved"), "{}", ended.stdout);
    ended
}

#[test]
fn a_failed_document_of_a_run_is_kept_and_fails_alone_as_it_did_there() {
    let workdir = Workdir::new();
    let mut lines = String::new();
    let words = [("BOOM", 30), ("SPIN", 2), ("EAT", 1), ("REFUSE", 1), ("fine", 40), ("DROP", 3)];
    for (word, count) in words {
        for index in 0..count {
            lines += &format!("{}\n", json!({"id": format!("{word}-{index}"), "text": format!("{word} {index}")}));
        }
    }
    workdir.write("documents.jsonl", lines);
    workdir.write(
        "r.toml",
        "name = \"failing\"\n\
         [plugins]\n\
         hostile = { plugin = \"hostile_filter\", limits = { fuel_per_item = 20000000, memory_bytes = 8388608 } }\n\
         [stages.web]\nkind = \"curate\"\ninputs = [\"documents.jsonl\"]\nfilters = [\"hostile\"]\n",
    );
    assert_shown!(workdir.run(&["run", "r.toml"]).without_stdout(), @r#"
    exit 0
    --- stderr
    failing: 1 stage, 0 done already
     WARN stage{name=web}: filter "hostile" may ask classifiers, and the stage names none in `classifiers`
    ERROR panicked at tests/hostile_behaviour/src/deeds.rs:[place]: an item asked to panic plugin=hostile_filter
    ERROR stage{name=web}: 28 more lines like "panicked at tests/hostile_behaviour/src/deeds.rs:[place]: an item asked to panic"; -v shows all plugin=hostile_filter
    web: done in [time]
    web: 34 failed items (2 fuel, 1 memory, 1 plugin-error, 30 trap); 24 are kept in runs/failing/stages/web/failures: `octo-host plugin replay FILE` runs one again
    failing: done in [time]
    "#);

    let found = cases(&workdir, "runs/failing", "web");
    let counts: Vec<(&str, usize)> = found.iter().map(|(group, cases)| (group.as_str(), cases.len())).collect();
    let expected = [("filter-fuel", 2), ("filter-memory", 1), ("filter-plugin-error", 1), ("filter-trap", 20)];
    assert_eq!(counts, expected, "the first 20 of each kind of failure");
    for (group, words) in [
        ("filter-fuel", "`fuel_per_item` is 20000000"),
        ("filter-memory", "the limit `memory_bytes` is 8388608"),
        ("filter-plugin-error", "an item asked to be refused"),
        ("filter-trap", "an item asked to panic"),
    ] {
        let ended = fails_as_saved(&workdir, &found[group][0]);
        assert!(ended.stdout.contains(words), "no {words:?} in {}", ended.stdout);
        assert!(ended.stdout.contains("stage web of run failing"), "{}", ended.stdout);
    }
    let outputs = outputs(&workdir, "runs/failing", "web");
    let named: Vec<&String> = outputs.as_object().expect("outputs").keys().collect();
    assert!(named.iter().all(|name| !name.contains("failures")), "a seal is of what the stage made: {named:?}");
}

/// A model too small to learn, for stages that fail on what it says.
const MODEL: &str = r#"
seed = 5
[stages.corpus]
kind = "generate"
prose_documents = 40
train_problems = 20
held_out_problems = 6
[stages.tokenizer]
kind = "tokenizer"
documents = ["@corpus/prose.jsonl.zst"]
vocabulary = 300
[stages.base]
kind = "midtrain"
tokenizer = "@tokenizer"
architecture = { hidden_size = 16, intermediate_size = 32, num_hidden_layers = 1, num_attention_heads = 1 }
sources = { prose = ["@corpus/prose.jsonl.zst"] }
mixture = "mix"
tokens = 1024
context = 32
sequences_per_step = 8
learning_rate = 1e-3
[stages.rl]
kind = "rl"
model = "@base/model"
problems = "@corpus/problems-train.jsonl.zst"
held_out = "@corpus/problems-held-out.jsonl.zst"
verifier = "verifier"
reward = "reward"
schedule = "schedule"
prompt = "{problem}"
steps = 2
prompts_per_step = 2
rollouts_per_prompt = 4
learning_rate = 1e-3
max_response_tokens = 8
[stages.eval]
kind = "eval"
model = "@rl/model"
problems = "@corpus/problems-held-out.jsonl.zst"
verifier = "judge"
prompt = "{problem}"
max_response_tokens = 8
[plugins]
mix = { plugin = "mixture_static", config = { weights = { prose = 1.0 } } }
verifier = "verifier_math"
"#;

#[test]
fn failed_rollouts_of_training_and_evaluation_are_kept_by_group_and_by_attempt() {
    let workdir = Workdir::new();
    let plugins = r#"
reward = { plugin = "hostile_reward", config = { mode = "panic" } }
schedule = { plugin = "schedule_staircase", config = { stairs = [{ step = 0, tokens = 8 }] } }
judge = { plugin = "hostile_plugin", config = { mode = "panic" } }
"#;
    workdir.write("r.toml", format!("name = \"judged\"\n{MODEL}{plugins}"));
    // Two steps of two groups: a group that is rewarded in one call fails in one.
    workdir
        .run(&["run", "r.toml"])
        .exits_with(0)
        .stderr_has("rl: 4 failed items (4 trap); 4 are kept in ")
        .stderr_has("eval: 6 failed items (6 trap); ");

    let rewards = cases(&workdir, "runs/judged", "rl").remove("reward-trap").expect("cases of the reward");
    assert_eq!(rewards.len(), 4);
    let ended = fails_as_saved(&workdir, &rewards[0]);
    assert!(
        ended.stdout.contains("rollout 1 of a group of 4") && ended.stdout.contains("asked to panic"),
        "{}",
        ended.stdout
    );
    let verdicts = cases(&workdir, "runs/judged", "eval").remove("verifier-trap").expect("cases of the verifier");
    let ended = fails_as_saved(&workdir, &verdicts[0]);
    assert!(ended.stdout.contains("stage eval of run judged"), "{}", ended.stdout);
}

#[test]
fn the_call_of_a_stateful_plugin_that_ends_its_stage_is_kept_once_however_often_it_is_tried() {
    let workdir = Workdir::new();
    let plugins = r#"
reward = "reward_outcome"
schedule = { plugin = "hostile_schedule", config = { mode = "spin" }, limits = { fuel_per_item = 1000000 } }
judge = "verifier_math"
"#;
    workdir.write("r.toml", format!("name = \"stuck\"\n{MODEL}{plugins}"));
    let stuck = || {
        let ended = workdir.run(&["run", "r.toml", "--jobs", "1"]);
        let found = cases(&workdir, "runs/stuck", "rl");
        assert_eq!(found.values().map(Vec::len).sum::<usize>(), 1, "{found:?}");
        let replayed = fails_as_saved(&workdir, &found["schedule-fuel"][0]);
        assert!(replayed.stdout.contains("step 0, 4 bytes of memory"), "{}", replayed.stdout);
        ended
    };
    assert_shown!(stuck(), @r#"
    exit 1
    --- stderr
    stuck: 5 stages, 0 done already
    corpus: done in [time]
    tokenizer: done in [time]
    base: done in [time]
    rl: failed
    rl: 1 failed item (1 fuel); 1 is kept in runs/stuck/stages/rl/failures: `octo-host plugin replay FILE` runs one again
    error: stage "rl" failed
      because: the schedule plugin failed at step 0 (fuel): used up its fuel (`fuel_per_item` is 1000000) in [functions]
    "#);
    assert_shown!(stuck(), @r#"
    exit 1
    --- stderr
    stuck: 5 stages, 3 done already
    rl: resumes where it stopped
    rl: failed
    rl: 1 failed item (1 fuel); 1 is kept in runs/stuck/stages/rl/failures: `octo-host plugin replay FILE` runs one again
    error: stage "rl" failed
      because: the schedule plugin failed at step 0 (fuel): used up its fuel (`fuel_per_item` is 1000000) in [functions]
    "#);
}
