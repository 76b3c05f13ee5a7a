//! A whole run, small: it finishes, is never done twice, shares what recipes share, and survives kill -9 to the bit.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use octo_test_support::{Workdir, assert_shown, repository};
use octo_tests::{outputs, recipe_path, recipe_text, stage_folder};

fn tiny() -> String {
    recipe_path("tiny.toml")
}

/// A working folder in which the tiny recipe has run to its end.
fn finished() -> Workdir {
    let workdir = Workdir::new();
    workdir.run(&["run", &tiny()]).exits_with(0).stderr_has("8 stages, 0 done already");
    workdir
}

#[test]
fn a_run_leaves_lock_metrics_samples_model_and_report() {
    let workdir = finished();
    let read = |path: &str| workdir.read(&format!("runs/tiny/{path}"));
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

    let ended = workdir.run(&["run", &tiny()]).exits_with(0);
    assert!(ended.stderr.contains("8 stages, 8 done already"), "a second run must do nothing:\n{}", ended.stderr);
    assert!(!ended.stderr.contains("done in"), "a second run must do nothing:\n{}", ended.stderr);

    // An ablation re-runs only what it changes: the other reward touches the two RL stages and the evaluation.
    let ablation = ["run", &tiny(), "--set", "name=ablation", "--set", "plugins.reward.config.incorrect=-1.0"];
    let ended = workdir.run(&ablation).exits_with(0).stderr_has("8 stages, 5 done already");
    assert!(ended.stderr.contains("rl-short: done") && !ended.stderr.contains("short: resumes"), "{}", ended.stderr);
    assert_eq!(outputs(&workdir, "runs/tiny", "short"), outputs(&workdir, "runs/ablation", "short"));

    workdir.run(&["report", "runs/tiny", "--out", "page.html"]).exits_with(0);
    assert!(workdir.path("page.html").is_file());
    assert_shown!(workdir.run(&["report", "runs/none"]), @"
    exit 1
    --- stderr
    error: runs/none is not a run folder; `octo-host run RECIPE` makes one under runs/
    ");
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let workdir = Workdir::new();
    let ended = workdir.run(&["run", &tiny(), "--dry-run"]).exits_with(0);
    for words in ["rl-short", "to do", "plugin verifier = verifier_math"] {
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
    }
    assert!(!workdir.path("runs/tiny").exists());
}

#[test]
fn kill_9_in_mid_training_and_in_rl_changes_no_bit_of_the_result() {
    let whole = finished();
    let workdir = Workdir::new();
    let mut kills = 0;
    // Once a stage has a checkpoint it is killed, then the next call resumes; the last call finishes.
    for kind in ["midtrain", "midtrain", "rl", "rl"] {
        kills += usize::from(kill_at_checkpoint(&workdir, kind));
        // Stages that finished meanwhile are where the run's folder says, though the run did not end.
        let model = workdir.path("runs/tiny/stages/base/model/config.json");
        assert!(kind == "midtrain" || model.is_file(), "{} leads nowhere", model.display());
    }
    assert!(kills >= 3, "only {kills} runs could be killed at a checkpoint");
    workdir.run(&["run", &tiny(), "--jobs", "1"]).exits_with(0);
    for stage in ["base", "short", "rl-base", "rl-short"] {
        let file = "model/model.safetensors";
        let (one, two) = (outputs(&whole, "runs/tiny", stage), outputs(&workdir, "runs/tiny", stage));
        assert!(one[file].is_string(), "{stage} wrote no {file}");
        assert_eq!(one[file], two[file], "{stage}: the weights differ after kill -9");
    }
    let lines = |workdir: &Workdir| {
        let path = workdir.path("runs/tiny/stages/rl-short/metrics.jsonl");
        std::fs::read_to_string(path).expect("metrics").lines().count()
    };
    assert_eq!(lines(&whole), lines(&workdir), "metrics lines were lost or doubled");
}

#[test]
fn kill_9_between_the_rollouts_of_a_step_generates_none_twice_and_changes_no_bit() {
    let whole = finished();
    let workdir = Workdir::new();
    let mut kills = 0;
    for _ in 0..6 {
        kills += usize::from(kill_at_new(&workdir, &kept_rollouts));
    }
    assert!(kills >= 5, "only {kills} runs could be killed between rollouts");
    // What the last kill has left was finished: the run that resumes must use it and not write it again.
    let left: Vec<(PathBuf, std::time::SystemTime)> = kept_rollouts(&workdir.path("runs/.store"))
        .into_iter()
        .map(|path| (path.clone(), std::fs::metadata(&path).and_then(|data| data.modified()).expect("its time")))
        .collect();
    assert!(!left.is_empty(), "the kill must leave rollouts");
    kill_at_new(&workdir, &kept_rollouts);
    let still: Vec<&(PathBuf, std::time::SystemTime)> = left.iter().filter(|(path, _)| path.exists()).collect();
    for (path, time) in still {
        let now = std::fs::metadata(path).and_then(|data| data.modified()).expect("its time");
        assert_eq!(now, *time, "{} was generated again", path.display());
    }
    workdir.run(&["run", &tiny(), "--jobs", "1"]).exits_with(0);
    for stage in ["rl-base", "rl-short"] {
        let (one, two) = (outputs(&whole, "runs/tiny", stage), outputs(&workdir, "runs/tiny", stage));
        for file in ["model/model.safetensors", "samples.jsonl", "problem_history.jsonl"] {
            assert!(one[file].is_string(), "{stage} wrote no {file}");
            assert_eq!(one[file], two[file], "{stage}: {file} differs after kill -9");
        }
        let folder = stage_folder(&workdir, "runs/tiny", stage);
        assert!(!folder.join("rollouts").exists(), "{stage} is done and needs its step's rollouts no more");
        let lines = |workdir: &Workdir| {
            let path = stage_folder(workdir, "runs/tiny", stage).join("metrics.jsonl");
            std::fs::read_to_string(path).expect("metrics").lines().count()
        };
        assert_eq!(lines(&whole), lines(&workdir), "metrics lines were lost or doubled");
    }
}

/// Rollouts of steps that are not done.
fn kept_rollouts(store: &Path) -> Vec<PathBuf> {
    let mut found = inside(store, "rl", "rollouts");
    found.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    found
}

#[test]
fn a_signal_stops_a_run_at_a_checkpoint_and_its_exit_code_says_which() {
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let workdir = Workdir::new();
        let store = workdir.path("runs/.store");
        let mut child = workdir
            .command(&["run", &tiny(), "--set", "base.tokens=30000000"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("octo-host starts");
        let deadline = Instant::now() + Duration::from_secs(300);
        while !inside(&store, "midtrain", "").iter().any(|path| path.ends_with("metrics.jsonl")) {
            assert!(child.try_wait().expect("our own child").is_none(), "the run ended on its own");
            assert!(Instant::now() < deadline, "the stage does not begin");
            std::thread::sleep(Duration::from_millis(10));
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill is there");
        assert!(sent.success());
        assert_eq!(child.wait().expect("our own child ends").code(), Some(code), "{signal}");
        assert!(!checkpoints(&store, "midtrain").is_empty(), "what was done is kept");
    }
}

/// Starts the run and kills it as soon as a stage of `kind` has a checkpoint that it did not have before. False where
/// the run ended first.
fn kill_at_checkpoint(workdir: &Workdir, kind: &str) -> bool {
    kill_at_new(workdir, &|store| checkpoints(store, kind))
}

/// Starts the run and kills it as soon as `look` finds a file in the store that it did not find before.
fn kill_at_new(workdir: &Workdir, look: &dyn Fn(&Path) -> Vec<PathBuf>) -> bool {
    let before = look(&workdir.path("runs/.store"));
    let mut child = workdir
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
        let now = look(&workdir.path("runs/.store"));
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
    let workdir = finished();
    let model = workdir.path("runs/tiny/stages/short/model").canonicalize().expect("the model is there");
    let broken = workdir.path("broken");
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
    let recipe = recipe_text("tiny.toml");
    let stages = recipe.split("[stages.corpus]").nth(1).and_then(|rest| rest.split("[stages.web]").next());
    let recipe = format!(
        "[plugins]\nverifier = \"verifier_math\"\n[stages.corpus]{}\n[stages.e]\nkind = \"eval\"\nmodel = \"broken\"\nproblems = \"@corpus/problems-held-out.jsonl.zst\"\nverifier = \"verifier\"\nprompt = \"{{problem}}\"\nmax_response_tokens = 4\n",
        stages.expect("the corpus stage")
    );
    workdir.write("r.toml", recipe);
    assert_shown!(workdir.run(&["run", "r.toml"]), @r#"
    exit 1
    --- stderr
    r: 2 stages, 0 done already
    corpus: done in [time]
    e: failed
    error: stage "e" failed
      because: broken/model.safetensors: tensor `model.layers.2.input_layernorm.weight` of shape [32] is missing; config.json asks for it
    "#);
}

#[test]
fn named_held_out_sets_have_a_curve_and_a_row_each() {
    let workdir = Workdir::new();
    let one = "held_out = \"@corpus/problems-held-out.jsonl.zst\"";
    let path = "path = \"@corpus/problems-held-out.jsonl.zst\"";
    let sets = format!("held_out = {{ first = {{ {path}, rows = \"0..4\" }}, rest = {{ {path}, rows = \"4..12\" }} }}");
    let recipe = recipe_text("tiny.toml").replace(one, &sets);
    assert!(recipe.contains(&sets), "{recipe}");
    workdir.write("r.toml", recipe);
    let ended = workdir.run(&["run", "r.toml"]).exits_with(0);
    let report = workdir.read("runs/tiny/report.html");
    for set in ["first", "rest"] {
        assert!(ended.stdout.contains(&format!("rl-short {set}")), "{}", ended.stdout);
        for words in ["Held-out accuracy: ", "Mean response length on held-out problems (tokens): "] {
            assert!(report.contains(&format!("{words}{set}")), "the report lacks {words}{set}");
        }
    }
}

/// Every recipe of the repository, with what is in it that this machine may not have: a recipe whose inputs are missing
/// plans all the same, and says what it needs.
#[test]
fn the_demo_and_the_other_recipes_plan() {
    let folder = repository().join("recipes");
    let mut recipes: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the recipes")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    recipes.sort();
    assert!(recipes.len() >= 6, "{recipes:?}");
    for recipe in &recipes {
        let name = recipe.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let workdir = Workdir::new();
        let ended = workdir.run(&["run", &recipe.display().to_string(), "--dry-run"]);
        let missing = ended.stdout.contains("missing, so nothing can run yet");
        let ended = ended.exits_with(if missing { 1 } else { 0 });
        let text = std::fs::read_to_string(recipe).expect("the recipe");
        let stages: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("[stages.")?.strip_suffix(']')).collect();
        assert!(!stages.is_empty(), "{name} has no stages");
        // A stage with `each` plans under other names than it has in the recipe; a name with a dot is a table of a stage.
        for stage in stages.iter().filter(|stage| !stage.contains(['{', '.'])) {
            let planned = ended.stdout.lines().any(|line| line.starts_with(&format!("{stage} ")));
            assert!(planned, "{name} plans no stage {stage}:\n{}", ended.stdout);
        }
        assert!(!workdir.path("runs").exists(), "planning {name} must write nothing");
    }
    let demo = Workdir::new().run(&["run", &folder.join("demo.toml").display().to_string(), "--dry-run"]);
    for stage in
        ["base", "stable", "short", "long", "hybrid", "rl-base", "rl-stable", "rl-short", "rl-long", "rl-hybrid"]
    {
        assert!(demo.stdout.lines().any(|line| line.starts_with(&format!("{stage} "))), "{stage}:\n{}", demo.stdout);
    }
}
