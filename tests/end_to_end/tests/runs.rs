//! A whole run, small: it finishes, is never done twice, shares what recipes share, and survives kill -9 to the bit.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use octo_tests::{Bench, root};

fn tiny() -> String {
    root().join("tests/end_to_end/recipes/tiny.toml").canonicalize().expect("the recipe is there").display().to_string()
}

/// A bench on which the tiny recipe has run to its end.
fn finished() -> Bench {
    let bench = Bench::new();
    bench.run(&["run", &tiny()]).code(0).says("8 stages, 0 done already");
    bench
}

#[test]
fn a_run_leaves_lock_metrics_samples_model_and_report() {
    let bench = finished();
    let read = |path: &str| {
        let path = bench.path("runs/tiny").join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let lock: serde_json::Value = serde_json::from_str(&read("run.lock.json")).expect("the lock is JSON");
    for role in ["page-filter", "verifier", "reward", "schedule", "mix-short"] {
        let digest = lock["plugins"][role]["digest"].as_str().unwrap_or_default();
        assert!(digest.starts_with("sha256:") && digest.len() == 71, "{role}: {digest:?}");
    }
    assert_eq!(lock["stages"]["short"]["done"], true);
    assert_eq!(lock["stages"]["short"]["device"], serde_json::json!({ "kind": "cpu", "name": null, "count": 1 }));
    assert_eq!((&lock["device"], &lock["stages"]["web"]["device"]), (&"cpu".into(), &serde_json::Value::Null));
    assert_eq!(lock["stages"]["short"]["config"]["loop"]["allow_tf32"], false);
    let stages: std::collections::BTreeSet<String> = read("metrics.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a metrics line is JSON"))
        .map(|line| line["stage"].as_str().unwrap_or_default().to_owned())
        .collect();
    for stage in ["base", "short", "rl-base", "rl-short"] {
        assert!(stages.contains(stage), "metrics.jsonl lacks {stage}: {stages:?}");
    }
    assert!(read("stages/rl-short/samples.jsonl").lines().count() > 0);
    assert!(read("stages/rl-short/model/config.json").contains("LlamaForCausalLM"));
    assert!(read("stages/rl-short/model/tokenizer.json").contains("end_of_text"));
    let kept = read("stages/web/statistics.json");
    assert!(kept.contains("dropped"), "{kept}");
    let report = read("report.html");
    for words in ["Held-out accuracy", "Mixture weights of short", "Loss (nats a token)", "rl-short", "run.lock.json"] {
        assert!(report.contains(words), "the report lacks {words:?}");
    }
    assert!(!report.contains("http://") && !report.contains("src=\"http"), "the report must be self-contained");

    let said = bench.run(&["run", &tiny()]).code(0);
    assert!(said.err.contains("8 stages, 8 done already"), "a second run must do nothing:\n{}", said.err);
    assert!(!said.err.contains("done in"), "a second run must do nothing:\n{}", said.err);

    // An ablation re-runs only what it changes: the other reward touches the two RL stages and the evaluation.
    let ablation = ["run", &tiny(), "--set", "name=ablation", "--set", "plugins.reward.config.incorrect=-1.0"];
    let said = bench.run(&ablation).code(0).says("8 stages, 5 done already");
    assert!(said.err.contains("rl-short: done") && !said.err.contains("short: goes on"), "{}", said.err);
    assert_eq!(bench.outputs("runs/tiny", "short"), bench.outputs("runs/ablation", "short"));

    bench.run(&["report", "runs/tiny", "--out", "page.html"]).code(0);
    assert!(bench.path("page.html").is_file());
    bench.run(&["report", "runs/none"]).code(1).says("is not a run folder");
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let bench = Bench::new();
    let said = bench.run(&["run", &tiny(), "--dry-run"]).code(0);
    for words in ["rl-short", "to do", "plugin verifier = verifier_math"] {
        assert!(said.out.contains(words), "{}", said.out);
    }
    assert!(!bench.path("runs/tiny").exists());
}

#[test]
fn kill_9_in_mid_training_and_in_rl_changes_no_bit_of_the_result() {
    let whole = finished();
    let bench = Bench::new();
    let mut kills = 0;
    // Once a stage has a checkpoint it is killed, then the next call goes on; the last call finishes.
    for kind in ["midtrain", "midtrain", "rl", "rl"] {
        kills += usize::from(kill_at_checkpoint(&bench, kind));
        // Stages that finished meanwhile are where the run's folder says, though the run did not end.
        let model = bench.path("runs/tiny/stages/base/model/config.json");
        assert!(kind == "midtrain" || model.is_file(), "{} leads nowhere", model.display());
    }
    assert!(kills >= 3, "only {kills} runs could be killed at a checkpoint");
    bench.run(&["run", &tiny(), "--jobs", "1"]).code(0);
    for stage in ["base", "short", "rl-base", "rl-short"] {
        let file = "model/model.safetensors";
        let (one, two) = (whole.outputs("runs/tiny", stage), bench.outputs("runs/tiny", stage));
        assert!(one[file].is_string(), "{stage} wrote no {file}");
        assert_eq!(one[file], two[file], "{stage}: the weights differ after kill -9");
    }
    let lines = |bench: &Bench| {
        let path = bench.path("runs/tiny/stages/rl-short/metrics.jsonl");
        std::fs::read_to_string(path).expect("metrics").lines().count()
    };
    assert_eq!(lines(&whole), lines(&bench), "metrics lines were lost or doubled");
}

#[test]
fn kill_9_between_the_rollouts_of_a_step_generates_none_twice_and_changes_no_bit() {
    let whole = finished();
    let bench = Bench::new();
    let mut kills = 0;
    for _ in 0..6 {
        kills += usize::from(kill_at_new(&bench, &kept_rollouts));
    }
    assert!(kills >= 5, "only {kills} runs could be killed between rollouts");
    // What the last kill has left was finished: the run that goes on must take it up and not write it again.
    let left: Vec<(PathBuf, std::time::SystemTime)> = kept_rollouts(&bench.path("runs/.store"))
        .into_iter()
        .map(|path| (path.clone(), std::fs::metadata(&path).and_then(|data| data.modified()).expect("its time")))
        .collect();
    assert!(!left.is_empty(), "the kill must leave rollouts");
    kill_at_new(&bench, &kept_rollouts);
    let still: Vec<&(PathBuf, std::time::SystemTime)> = left.iter().filter(|(path, _)| path.exists()).collect();
    for (path, time) in still {
        let now = std::fs::metadata(path).and_then(|data| data.modified()).expect("its time");
        assert_eq!(now, *time, "{} was generated again", path.display());
    }
    bench.run(&["run", &tiny(), "--jobs", "1"]).code(0);
    for stage in ["rl-base", "rl-short"] {
        let (one, two) = (whole.outputs("runs/tiny", stage), bench.outputs("runs/tiny", stage));
        for file in ["model/model.safetensors", "samples.jsonl", "problem_history.jsonl"] {
            assert!(one[file].is_string(), "{stage} wrote no {file}");
            assert_eq!(one[file], two[file], "{stage}: {file} differs after kill -9");
        }
        let folder = bench.path("runs/tiny/stages").join(stage);
        assert!(!folder.join("rollouts").exists(), "{stage} is done and needs its step's rollouts no more");
        let lines = |bench: &Bench| {
            let path = bench.path("runs/tiny/stages").join(stage).join("metrics.jsonl");
            std::fs::read_to_string(path).expect("metrics").lines().count()
        };
        assert_eq!(lines(&whole), lines(&bench), "metrics lines were lost or doubled");
    }
}

/// Rollouts of steps that are not done.
fn kept_rollouts(store: &Path) -> Vec<PathBuf> {
    let mut found = inside(store, "rl", "rollouts");
    found.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    found
}

/// Starts the run and kills it as soon as a stage of `kind` has a checkpoint that it did not have before. False where
/// the run ended first.
fn kill_at_checkpoint(bench: &Bench, kind: &str) -> bool {
    kill_at_new(bench, &|store| checkpoints(store, kind))
}

/// Starts the run and kills it as soon as `look` finds a file in the store that it did not find before.
fn kill_at_new(bench: &Bench, look: &dyn Fn(&Path) -> Vec<PathBuf>) -> bool {
    let before = look(&bench.path("runs/.store"));
    let mut child = bench
        .command(&["run", &tiny(), "--jobs", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("octo-host starts");
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            assert!(status.success(), "the run failed on its own");
            return false;
        }
        let now = look(&bench.path("runs/.store"));
        if now.iter().any(|path| !before.contains(path)) {
            // SIGKILL: nothing is flushed and nobody says goodbye.
            child.kill().expect("our own child can be killed");
            child.wait().expect("our own child ends");
            return true;
        }
        assert!(Instant::now() < deadline, "nothing new in 300 s");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Checkpoints of stages at work.
fn checkpoints(store: &Path, kind: &str) -> Vec<PathBuf> {
    let mut found = inside(store, kind, "checkpoints");
    found.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("step-")));
    found
}

/// What `folder` holds in each stage of `kind` that is at work.
fn inside(store: &Path, kind: &str, folder: &str) -> Vec<PathBuf> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    folders(store)
        .into_iter()
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with(&format!("{kind}-")) && name.ends_with(".partial")
        })
        .flat_map(|path| folders(&path.join(folder)))
        .collect()
}

#[test]
fn a_model_folder_that_lacks_a_tensor_is_refused_by_name() {
    let bench = finished();
    let model = bench.path("runs/tiny/stages/short/model").canonicalize().expect("the model is there");
    let broken = bench.path("broken");
    std::fs::create_dir(&broken).expect("a folder");
    for entry in std::fs::read_dir(&model).expect("the model's files").flatten() {
        std::fs::copy(entry.path(), broken.join(entry.file_name())).expect("a copy");
    }
    // A config of one layer more than the weights have: the layer's tensors are lacking.
    let path = broken.join("config.json");
    let config = std::fs::read_to_string(&path)
        .expect("the config")
        .replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    assert!(config.contains("\"num_hidden_layers\": 3"), "{config}");
    std::fs::write(&path, config).expect("the config can be written");
    let recipe = std::fs::read_to_string(tiny()).expect("the recipe");
    let stages = recipe.split("[stages.corpus]").nth(1).and_then(|rest| rest.split("[stages.web]").next());
    let recipe = format!(
        "[plugins]\nverifier = \"verifier_math\"\n[stages.corpus]{}\n[stages.e]\nkind = \"eval\"\nmodel = \"broken\"\nproblems = \"@corpus/problems-held-out.jsonl.zst\"\nverifier = \"verifier\"\nprompt = \"{{problem}}\"\nmax_response_tokens = 4\n",
        stages.expect("the corpus stage")
    );
    bench.write("r.toml", recipe);
    bench.run(&["run", "r.toml"]).code(1).says("stage \"e\" failed").says("model.safetensors").says("model.layers.2.");
}

#[test]
fn named_held_out_sets_have_a_curve_and_a_row_each() {
    let bench = Bench::new();
    let one = "held_out = \"@corpus/problems-held-out.jsonl.zst\"";
    let path = "path = \"@corpus/problems-held-out.jsonl.zst\"";
    let sets = format!("held_out = {{ first = {{ {path}, rows = \"0..4\" }}, rest = {{ {path}, rows = \"4..12\" }} }}");
    let recipe = std::fs::read_to_string(tiny()).expect("the recipe").replace(one, &sets);
    assert!(recipe.contains(&sets), "{recipe}");
    bench.write("r.toml", recipe);
    let said = bench.run(&["run", "r.toml"]).code(0);
    let report = std::fs::read_to_string(bench.path("runs/tiny/report.html")).expect("the report");
    for set in ["first", "rest"] {
        assert!(said.out.contains(&format!("rl-short {set}")), "{}", said.out);
        for words in ["Held-out accuracy: ", "Mean response length on held-out problems (tokens): "] {
            assert!(report.contains(&format!("{words}{set}")), "the report lacks {words}{set}");
        }
    }
}

#[test]
fn the_demo_and_the_other_recipes_plan() {
    let bench = Bench::new();
    let demo = root().join("recipes/demo.toml").canonicalize().expect("the demo is there").display().to_string();
    let said = bench.run(&["run", &demo, "--dry-run"]).code(0);
    for stage in
        ["base", "stable", "short", "long", "hybrid", "rl-base", "rl-stable", "rl-short", "rl-long", "rl-hybrid"]
    {
        assert!(said.out.lines().any(|line| line.starts_with(&format!("{stage} "))), "no stage {stage}:\n{}", said.out);
    }
}
