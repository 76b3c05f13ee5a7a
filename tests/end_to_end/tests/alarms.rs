//! A run whose verifier is broken says so, and ends where the recipe says that it shall.

use octo_test_support::{Workdir, assert_shown};
use octo_tests::{recipe_text, rl_steps};

/// The tiny recipe with another verifier and, in its RL stages, some more keys.
fn broken(verifier: &str, keys: &str) -> String {
    let recipe = recipe_text("tiny.toml")
        .replacen("verifier = \"verifier_math\"", &format!("verifier = {verifier}"), 1)
        .replacen("updates_per_step = 2", &format!("updates_per_step = 2\n{keys}"), 1);
    assert!(recipe.contains(verifier) && recipe.contains(keys), "{recipe}");
    recipe
}

#[test]
fn a_verifier_that_accepts_everything_trips_the_alarm_and_the_run_finishes() {
    let workdir = Workdir::new();
    let verifier = "{ plugin = \"hostile_plugin\", config = { mode = \"accept-all\" } }";
    workdir.write("r.toml", broken(verifier, "alarms = { constant_reward_steps = 3 }"));
    let ended = workdir.run(&["run", "r.toml", "--jobs", "1"]).exits_with(0);
    assert!(ended.stderr.contains("alarm constant-reward"), "{}", ended.stderr);
    assert!(ended.stdout.contains("rl-short: alarm constant-reward from step 3, 4 steps"), "{}", ended.stdout);
    for stage in ["rl-base", "rl-short"] {
        let steps = rl_steps(&workdir, "runs/tiny", stage);
        assert!(steps.iter().all(|step| step["accuracy"] == 1.0), "every answer was called correct");
        let up: Vec<bool> = steps
            .iter()
            .map(|step| step["alarms"].as_array().expect("a list").iter().any(|up| up["alarm"] == "constant-reward"))
            .collect();
        assert_eq!(up, [false, false, true, true, true, true], "{stage}");
        let path = workdir.path("runs/tiny/stages").join(stage).join("results.json");
        let results: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).expect("results")).expect("JSON");
        let expected = serde_json::json!({ "first": 3, "last": 6, "steps": 4 });
        assert_eq!(results["alarms"]["constant-reward"], expected);
    }
    let report = std::fs::read_to_string(workdir.path("runs/tiny/report.html")).expect("the report");
    assert!(report.contains("constant-reward"), "the report must show the alarm");
}

#[test]
fn a_verifier_that_crashes_ends_the_run_where_the_recipe_says_so_and_can_be_resumed() {
    let workdir = Workdir::new();
    let verifier = "{ plugin = \"hostile_plugin\", config = { mode = \"panic\" } }";
    workdir.write("r.toml", broken(verifier, "alarms = { stop = [\"failures\"] }"));
    let ended = workdir.run(&["run", "r.toml", "--jobs", "1"]);
    assert!(!ended.stdout.contains("report:"), "a run that an alarm ended is not done");
    assert_shown!(ended, @r#"
    exit 1
    --- stderr
    tiny: 8 stages, 0 done already
    corpus: done in [time]
    web: done in [time]
    tokenizer: done in [time]
    base: done in [time]
    short: done in [time]
    ERROR panicked at tests/hostile_behaviour/src/deeds.rs:[place]: asked to panic plugin=hostile_plugin
     WARN stage{name=rl-base}: step 3: alarm failures: share of failed verdicts and rewards is 1.0000, for 3 steps above 0.2000; they are masked; `failures` in metrics.jsonl says which kind, samples.jsonl shows some
     WARN stage{name=rl-base}: step 3: alarm truncated: share of truncated responses is 0.8750, for 3 steps above 0.7500; raise the schedule's length limit, or add a stop text
    ERROR stage{name=rl-base}: 72 more lines like "panicked at tests/hostile_behaviour/src/deeds.rs:[place]: asked to panic"; -v shows all plugin=hostile_plugin
    rl-base: failed
    rl-base: 60 failed items (60 trap); 20 are kept in runs/tiny/stages/rl-base/failures: `octo-host plugin replay FILE` runs one again
    error: stage "rl-base" failed
      because: stopped by an alarm at step 3, after a checkpoint: failures: share of failed verdicts and rewards is 1.0000, for 3 steps above 0.2000; they are masked; `failures` in metrics.jsonl says which kind, samples.jsonl shows some; running again resumes from there, without this end if `alarms.stop` no longer names it
    "#);
    let path = workdir.path("runs/.store");
    let partial = std::fs::read_dir(&path)
        .expect("the store")
        .flatten()
        .find(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("rl-") && name.ends_with(".partial")
        })
        .expect("the stage that was ended");
    assert!(partial.path().join("checkpoints/step-000003").is_dir());
    let metrics = std::fs::read_to_string(partial.path().join("metrics.jsonl")).expect("metrics");
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["failures"], serde_json::json!({ "trap": 16 }));
    assert_eq!(
        (&last["masked"], &last["updates"]),
        (&serde_json::json!(16), &serde_json::json!(0)),
        "what failed is masked, not scored 0"
    );
    assert!(last["alarms"].as_array().expect("a list").iter().any(|up| up["alarm"] == "failures"), "{last}");

    // Without the stop the same stage resumes from its checkpoint: alarms change nothing of what is computed.
    workdir.write("r.toml", broken(verifier, "alarms = { off = [\"failures\"] }"));
    let ended = workdir.run(&["run", "r.toml", "--jobs", "1"]).exits_with(0);
    assert!(ended.stderr.contains("resumes where it stopped"), "{}", ended.stderr);
    assert_eq!(rl_steps(&workdir, "runs/tiny", "rl-base").len(), 6);
}
