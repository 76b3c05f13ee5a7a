//! What a run wrote is read as these types and written again byte for byte.
//!
//! The files in `run/` are of runs of `tests/end_to_end/recipes/tiny.toml` and of recipes made from it (held-out
//! documents and named sets, a cap on epochs, two rewards, alarms, several attempts, a verifier that runs out of fuel, one
//! that accepts everything): a few lines of each, as they were written. Only the processor has another name.

use std::path::PathBuf;

use octo_record::{
    AnyRecord, EvalResults, HeldOutRecord, MidtrainRecord, MidtrainResults, ProblemHistory, RlRecord, RlResults,
    RunLine, RunLock, Sample, StageDone, Statistics, to_json,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/run").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The records of a file of lines, each of which is written again as it was.
fn lines<T: Serialize + DeserializeOwned>(name: &str) -> Vec<T> {
    let text = file(name);
    let records: Vec<T> = text
        .lines()
        .map(|line| {
            let record = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}\n{line}"));
            assert_eq!(serde_json::to_string(&record).expect("writes"), line, "{name}");
            record
        })
        .collect();
    assert!(records.len() > 1 || name.starts_with("eval"), "{name} is to have several lines");
    records
}

/// The record of a file of one, which is written again as it was.
fn one<T: Serialize + DeserializeOwned>(name: &str) -> T {
    let text = file(name);
    let record = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(String::from_utf8(to_json(&record).expect("writes")).expect("UTF-8"), text, "{name}");
    record
}

#[test]
fn metrics_of_midtrain_stages() {
    let records: Vec<MidtrainRecord> = lines("midtrain/metrics.jsonl");
    assert!(matches!(&records[0], MidtrainRecord::Start(start) if start.held_out_loss > 0.0), "{:?}", records[0]);
    let steps = records.iter().filter_map(|record| match record {
        MidtrainRecord::Step(step) => Some(step),
        MidtrainRecord::Start(_) => None,
    });
    assert!(steps.clone().any(|step| step.loss.is_some() && !step.mixture.is_empty()));
    assert!(steps.clone().any(|step| step.held_out_loss.is_some()), "one has been measured after");
    let results: MidtrainResults = one("midtrain/results.json");
    assert!(results.held_out_loss < results.held_out_loss_before);
}

#[test]
fn metrics_of_rl_stages() {
    let records: Vec<RlRecord> = lines("rl/metrics.jsonl");
    assert!(records.iter().any(RlRecord::is_held_out) && !records.iter().all(RlRecord::is_held_out));
    let history: Vec<ProblemHistory> = lines("rl/problem_history.jsonl");
    assert!(history.iter().all(|problem| problem.judged >= problem.correct && problem.groups > 0));
    let results: RlResults = one("rl/results.json");
    assert!(results.held_out.is_some() && results.steps > 0);
}

#[test]
fn samples_of_training_and_evaluation() {
    let samples: Vec<Sample> = lines("rl/samples.jsonl");
    assert!(samples.iter().any(|sample| sample.pick.is_some()) && samples.iter().any(|sample| sample.pick.is_none()));
    assert!(samples.iter().all(|sample| sample.tokens == sample.token_ids.len() as u64));
}

#[test]
fn metrics_and_results_of_eval_stages() {
    let records: Vec<HeldOutRecord> = lines("eval/metrics.jsonl");
    let results: EvalResults = one("eval/results.json");
    assert_eq!(EvalResults::new(records[0].held_out.clone(), results.overlong_prompts).outcomes, results.outcomes);
}

#[test]
fn counts_of_curate_stages() {
    let statistics: Statistics = one("curate/statistics.json");
    let total = statistics.total;
    assert_eq!(total.read, total.kept + total.dropped + total.failed);
}

#[test]
fn the_lock_and_the_proof_that_a_stage_is_done() {
    let lock: RunLock = one("run.lock.json");
    assert_eq!(lock.to_json().expect("writes"), file("run.lock.json").as_bytes());
    let done: StageDone = serde_json::from_str(&file("done.json")).expect("reads");
    assert_eq!(done.to_json().expect("writes"), file("done.json").as_bytes());
    let in_lock = &lock.stages.values().find(|stage| stage.key == done.key).expect("the lock has the stage");
    assert_eq!((&in_lock.device, in_lock.outputs.as_ref()), (&done.device, Some(&done.outputs)));
    assert!(lock.stages.values().any(|stage| stage.stage_inputs().any(|(_, key)| key == done.key)));
}

#[test]
fn the_metrics_of_a_run_are_those_of_its_stages() {
    let run = file("metrics.jsonl");
    let mut found = 0;
    for line in run.lines() {
        let about: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let (stage, kind) = (about["stage"].as_str().expect("a name"), about["kind"].as_str().expect("a kind"));
        for record in file(&format!("{kind}/metrics.jsonl")).lines() {
            let made = RunLine::new(stage, kind, record).expect("a record");
            found += usize::from(serde_json::to_string(&made).expect("writes") == line);
        }
    }
    assert_eq!(found, run.lines().count());
    assert!(run.lines().all(|line| serde_json::from_str::<AnyRecord>(line).expect("reads").numbers().count() > 1));
}
