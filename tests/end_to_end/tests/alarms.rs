//! A run whose verifier is broken says so, and ends where the recipe says that it shall.

use octo_tests::{Bench, root};

/// The tiny recipe with another verifier and, in its RL stages, some more keys.
fn broken(verifier: &str, keys: &str) -> String {
    let tiny = std::fs::read_to_string(root().join("tests/end_to_end/recipes/tiny.toml")).expect("the recipe is there");
    let recipe = tiny.replacen("verifier = \"verifier_math\"", &format!("verifier = {verifier}"), 1).replacen(
        "updates_per_step = 2",
        &format!("updates_per_step = 2\n{keys}"),
        1,
    );
    assert!(recipe.contains(verifier) && recipe.contains(keys), "{recipe}");
    recipe
}

/// Records of a stage's metrics that are steps.
fn steps(bench: &Bench, stage: &str) -> Vec<serde_json::Value> {
    let path = bench.path("runs/tiny/stages").join(stage).join("metrics.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a record"))
        .filter(|record| record.get("reward").is_some())
        .collect()
}

#[test]
fn a_verifier_that_accepts_everything_trips_the_alarm_and_the_run_goes_on() {
    let bench = Bench::new();
    let verifier = "{ plugin = \"hostile_plugin\", config = { mode = \"accept-all\" } }";
    bench.write("r.toml", broken(verifier, "alarms = { constant_reward_steps = 3 }"));
    let said = bench.run(&["run", "r.toml", "--jobs", "1"]).code(0);
    assert!(said.err.contains("alarm constant-reward"), "{}", said.err);
    assert!(said.out.contains("rl-short: alarm constant-reward from step 3, 4 steps"), "{}", said.out);
    for stage in ["rl-base", "rl-short"] {
        let steps = steps(&bench, stage);
        assert!(steps.iter().all(|step| step["accuracy"] == 1.0), "every answer was called correct");
        let up: Vec<bool> = steps
            .iter()
            .map(|step| step["alarms"].as_array().expect("a list").iter().any(|up| up["alarm"] == "constant-reward"))
            .collect();
        assert_eq!(up, [false, false, true, true, true, true], "{stage}");
        let path = bench.path("runs/tiny/stages").join(stage).join("results.json");
        let results: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).expect("results")).expect("JSON");
        let expected = serde_json::json!({ "first": 3, "last": 6, "steps": 4 });
        assert_eq!(results["alarms"]["constant-reward"], expected);
    }
    let report = std::fs::read_to_string(bench.path("runs/tiny/report.html")).expect("the report");
    assert!(report.contains("constant-reward"), "the report must show the alarm");
}

#[test]
fn a_verifier_that_crashes_ends_the_run_where_the_recipe_says_so_and_can_be_mended() {
    let bench = Bench::new();
    let verifier = "{ plugin = \"hostile_plugin\", config = { mode = \"panic\" } }";
    bench.write("r.toml", broken(verifier, "alarms = { stop = [\"failures\"] }"));
    let said = bench.run(&["run", "r.toml", "--jobs", "1"]).code(1);
    let said = said.says("stopped by an alarm at step 3").says("failures").says("behind a checkpoint");
    assert!(!said.out.contains("report:"), "a run that an alarm ended is not done");
    let path = bench.path("runs/.store");
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

    // Without the stop the same stage goes on from its checkpoint: alarms change nothing of what is computed.
    bench.write("r.toml", broken(verifier, "alarms = { off = [\"failures\"] }"));
    let said = bench.run(&["run", "r.toml", "--jobs", "1"]).code(0);
    assert!(said.err.contains("goes on from where it stopped"), "{}", said.err);
    assert_eq!(steps(&bench, "rl-base").len(), 6);
}
