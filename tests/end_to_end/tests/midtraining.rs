//! Mid-training as a user runs it: killed at any moment, on a full disk, by two processes, branched, planned.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use octo_test_support::{Ended, Workdir, assert_shown, environment, octo_host_path, repository};
use octo_tests::{outputs, recipe_path, records};
use serde_json::Value;

fn resume() -> String {
    recipe_path("resume.toml")
}

/// A stage's metrics, less what differs from run to run.
fn metrics(workdir: &Workdir, stage: &str) -> Vec<Value> {
    let mut records = records(workdir, "runs/resume", stage);
    for record in &mut records {
        for key in ["tokens_per_second", "peak_memory_bytes", "time"] {
            record.as_object_mut().expect("an object").remove(key);
        }
    }
    records
}

/// Numbers that look drawn at random and are the same in every run of the test (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[test]
fn kills_at_random_moments_change_no_bit_of_weights_metrics_or_optimiser() {
    let whole = Workdir::new();
    whole.run(&["run", &resume(), "--jobs", "1"]).exits_with(0);
    let workdir = Workdir::new();
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let (mut kills, mut steps_at_kills) = (0, std::collections::BTreeSet::new());
    let started = Instant::now();
    let log = workdir.path("runs/resume/stages/stable/metrics.jsonl");
    // Bounded by kills and by time; a slow machine gets fewer.
    while kills < 25 && started.elapsed() < Duration::from_secs(120) {
        let mut child = workdir
            .command(&["run", &resume(), "--jobs", "1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("octo-host starts");
        // A kill some milliseconds after the first new line hits forward passes, updates, and checkpoints being
        // written, as the dice have it.
        let before = std::fs::metadata(&log).map_or(0, |about| about.len());
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut ended = None;
        while std::fs::metadata(&log).map_or(0, |about| about.len()) == before && Instant::now() < deadline {
            ended = child.try_wait().expect("our own child");
            if ended.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(dice.below(400)));
        if ended.is_some() || child.try_wait().expect("our own child").is_some() {
            break;
        }
        child.kill().expect("our own child can be killed");
        child.wait().expect("our own child ends");
        kills += 1;
        let lines = std::fs::read_to_string(&log).map_or(0, |text| text.lines().count());
        steps_at_kills.insert(lines);
    }
    assert!(kills >= 3, "only {kills} kills");
    assert!(
        steps_at_kills.last().is_some_and(|lines| *lines > 5),
        "no kill came after a checkpoint: {steps_at_kills:?}"
    );
    eprintln!("{kills} kills in {:.0} s, after {steps_at_kills:?} lines", started.elapsed().as_secs_f64());
    workdir.run(&["run", &resume(), "--jobs", "1"]).exits_with(0);
    for stage in ["stable", "branch"] {
        let (one, two) = (outputs(&whole, "runs/resume", stage), outputs(&workdir, "runs/resume", stage));
        for file in ["model/model.safetensors", "optimizer.safetensors", "results.json"] {
            assert!(one[file].is_string(), "{stage} wrote no {file}");
            assert_eq!(one[file], two[file], "{stage}: {file} differs after {kills} kills");
        }
        assert_eq!(metrics(&whole, stage), metrics(&workdir, stage), "{stage}: lines were lost, doubled or changed");
    }
}

#[test]
fn a_full_disk_ends_the_run_with_a_reason_and_spares_the_last_checkpoint() {
    let workdir = Workdir::new();
    let stop_at_checkpoint = |workdir: &Workdir| {
        let mut child =
            workdir.command(&["run", &resume(), "--jobs", "1"]).stderr(Stdio::null()).spawn().expect("starts");
        let deadline = Instant::now() + Duration::from_secs(120);
        while checkpoints(workdir).is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().expect("our own child");
        child.wait().expect("our own child ends");
    };
    stop_at_checkpoint(&workdir);
    let before = checkpoints(&workdir);
    assert!(!before.is_empty());
    // The model has 150 kB, so no checkpoint can be written any more.
    assert_shown!(limited(&workdir, &[]), @r#"
    exit 1
    --- stderr
    resume: 4 stages, 2 done already
    stable: resumes where it stopped
    stable: failed
    error: stage "stable" failed
      because: the checkpoint of step [some] could not be written: cannot write [folder]/runs/.store/midtrain-[key].partial/checkpoints/.partial-step-[some]/model.safetensors: File too large (os error 27); those before it are whole, and the same command resumes from the newest
    "#);
    let after = checkpoints(&workdir);
    assert!(before.iter().all(|step| after.contains(step)), "{before:?}, then {after:?}");
    workdir.run(&["run", &resume(), "--jobs", "1"]).exits_with(0);
    let whole = Workdir::new();
    whole.run(&["run", &resume(), "--jobs", "1"]).exits_with(0);
    assert_eq!(
        outputs(&whole, "runs/resume", "stable")["model/model.safetensors"],
        outputs(&workdir, "runs/resume", "stable")["model/model.safetensors"]
    );
}

/// A run in which no file may grow beyond 64 KiB, and the signal that says so is ignored: writes fail as on a full disk.
fn limited(workdir: &Workdir, settings: &[&str]) -> Ended {
    let mut limited = Command::new("bash");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" run \"$@\" --jobs 1"])
        .arg(octo_host_path())
        .arg(resume())
        .args(settings)
        .current_dir(workdir.folder());
    environment::clear(&mut limited);
    Ended::from(limited.output().expect("bash starts")).without_stdout()
}

#[test]
fn where_the_run_folder_cannot_be_written_either_the_stages_own_error_is_the_runs() {
    let workdir = Workdir::new();
    // Without checkpoints the metrics are the first file that grows so long; the run's own copy of them is longer.
    let settings = ["stable.checkpoint_every=0", "stable.keep_every=0", "branch.initial=@stable/model"];
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
    assert_shown!(limited(&workdir, &settings), @r#"
    exit 1
    --- stderr
    resume: 4 stages, 0 done already
    corpus: done in [time]
    tokenizer: done in [time]
    stable: failed
    ERROR runs/resume is not up to date either: cannot write runs/resume/metrics.jsonl: File too large (os error 27)
    error: stage "stable" failed
      because: [folder]/runs/.store/midtrain-[key].partial/metrics.jsonl: File too large (os error 27)
    "#);
}

/// Names of the checkpoints of the stage at work.
fn checkpoints(workdir: &Workdir) -> Vec<String> {
    let names = |path: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let mut found: Vec<String> = names(&workdir.path("runs/resume/stages/stable/checkpoints"));
    found.retain(|name| name.starts_with("step-"));
    found.sort();
    found
}

#[test]
fn sigterm_writes_a_checkpoint_that_the_next_call_resumes_from() {
    let workdir = Workdir::new();
    let mut child = workdir.command(&["run", &resume(), "--jobs", "1"]).stderr(Stdio::null()).spawn().expect("starts");
    let log = workdir.path("runs/resume/stages/stable/metrics.jsonl");
    let lines = || std::fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    let deadline = Instant::now() + Duration::from_secs(120);
    while lines() < 3 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    let status = child.wait().expect("our own child ends");
    assert_eq!(status.code(), Some(143));
    let last = metrics(&workdir, "stable").last().and_then(|line| line["step"].as_u64()).expect("a step");
    assert!(last < 320, "the run was over before the signal came");
    assert!(checkpoints(&workdir).contains(&format!("step-{last:06}")), "{last}: {:?}", checkpoints(&workdir));
}

#[test]
fn two_processes_run_a_recipe_to_the_losses_of_one() {
    let alone = Workdir::new();
    alone.run(&["run", &resume(), "--jobs", "1"]).exits_with(0);
    let workdir = Workdir::new();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    let start = |rank: &str| {
        workdir
            .command(&["run", &resume()])
            .env("RANK", rank)
            .env("WORLD_SIZE", "2")
            .env("MASTER_ADDR", "127.0.0.1")
            .env("MASTER_PORT", port.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("octo-host starts")
    };
    let children = [start("0"), start("1")];
    for child in children {
        Ended::from(child.wait_with_output().expect("ends")).exits_with(0);
    }
    for stage in ["stable", "branch"] {
        let (one, two) = (metrics(&alone, stage), metrics(&workdir, stage));
        assert_eq!(one.len(), two.len());
        for (left, right) in one.iter().zip(&two).take(20) {
            let loss = |record: &Value| record["loss"].as_f64().unwrap_or(0.0);
            assert!((loss(left) - loss(right)).abs() < 1e-4, "{left}\n{right}");
        }
    }
}

#[test]
fn a_branch_from_a_checkpoint_that_will_not_be_kept_is_refused_before_anything_runs() {
    let workdir = Workdir::new();
    let refused =
        |initial: &str| workdir.run(&["run", &resume(), "--dry-run", "--set", &format!("branch.initial={initial}")]);
    assert_shown!(refused("@stable:100"), @r#"
    exit 1
    --- stderr
    error: stage "branch": initial is stage "stable"'s checkpoint of step 100, but it keeps none of step 100 for good: set `keep_every` there to 100, or a divisor of it
    "#);
    assert_shown!(refused("@stable:320"), @r#"
    exit 1
    --- stderr
    error: stage "branch": initial is stage "stable"'s checkpoint of step 320, but that is its last step: write @stable/model
    "#);
    assert_shown!(refused("@stable:480"), @r#"
    exit 1
    --- stderr
    error: stage "branch": initial is stage "stable"'s checkpoint of step 480, but it has 320 steps
    "#);
    assert_shown!(refused("@stable:soon"), @r#"
    exit 1
    --- stderr
    error: --set branch.initial: stages.branch.initial: "@stable:soon" is not a checkpoint; write @STAGE:STEPS, such as @stable:25000
    "#);
}

#[test]
fn octothinkers_recipes_plan_without_models_or_corpora() {
    let workdir = Workdir::new();
    for (size, rates) in [
        ("1b", ["5e-5", "5e-5 -> 5.000e-6 cosine"]),
        ("3b", ["2e-5", "2e-5 -> 2.000e-6 cosine"]),
        ("8b", ["1e-5", "1e-5 -> 1.000e-6 cosine"]),
    ] {
        let recipe = repository().join(format!("recipes/octothinker-{size}.toml"));
        let ended = workdir.run(&["run", &recipe.display().to_string(), "--dry-run"]).exits_with(1);
        for (stage, steps, rate) in
            [("stable", "50000", rates[0]), ("long", "5000", rates[1]), ("hybrid", "5000", rates[1])]
        {
            let lines = ended.stdout.lines().filter(|line| line.starts_with(&format!("{stage} ")));
            assert!(
                lines.clone().any(|line| line.contains(steps) && line.contains(rate)),
                "{size} {stage}:\n{}",
                ended.stdout
            );
        }
        for words in ["megamath-web-pro-max", "stable: initial", "needs "] {
            assert!(ended.stdout.contains(words), "{size} lacks {words:?}:\n{}", ended.stdout);
        }
    }
    let recipe = repository().join("recipes/octothinker-1b.toml");
    assert_shown!(workdir.run(&["run", &recipe.display().to_string()]), @r#"
    exit 1
    --- stderr
    error: no such file or folder:
      stage "stable" needs initial = [recipes]/../models/Llama-3.2-1B
      stage "stable" needs sources.web-pro-max.0 = [recipes]/../corpora/megamath-web-pro-max-tokens
      stage "stable" needs sources.dclm.0 = [recipes]/../corpora/dclm-baseline-tokens
      stage "stable" needs sources.text-code-block.0 = [recipes]/../corpora/megamath-text-code-block-tokens
      stage "stable" needs sources.megamath-qa.0 = [recipes]/../corpora/megamath-qa-tokens
      stage "stable" needs sources.megamath-code.0 = [recipes]/../corpora/megamath-code-tokens
      stage "stable" needs sources.translated-code.0 = [recipes]/../corpora/megamath-translated-code-tokens
      stage "long" needs sources.web-pro.0 = [recipes]/../corpora/megamath-web-pro-tokens
      stage "long" needs sources.dclm.0 = [recipes]/../corpora/dclm-baseline-tokens
      stage "long" needs sources.instructions.0 = [recipes]/../corpora/instructions-tokens
      stage "long" needs sources.openr1.0 = [recipes]/../corpora/openr1-math-220k-tokens
      stage "long" needs sources.am-distilled.0 = [recipes]/../corpora/am-deepseek-distilled-40m-tokens
      stage "long" needs sources.megamath-qa.0 = [recipes]/../corpora/megamath-qa-tokens
      stage "long" needs sources.openmathinstruct.0 = [recipes]/../corpora/openmathinstruct-2-tokens
      stage "long" needs sources.numinamath.0 = [recipes]/../corpora/numinamath-1.5-tokens
      stage "short" needs sources.web-pro.0 = [recipes]/../corpora/megamath-web-pro-tokens
      stage "short" needs sources.dclm.0 = [recipes]/../corpora/dclm-baseline-tokens
      stage "short" needs sources.instructions.0 = [recipes]/../corpora/instructions-tokens
      stage "short" needs sources.openr1.0 = [recipes]/../corpora/openr1-math-220k-tokens
      stage "short" needs sources.am-distilled.0 = [recipes]/../corpora/am-deepseek-distilled-40m-tokens
      stage "short" needs sources.megamath-qa.0 = [recipes]/../corpora/megamath-qa-tokens
      stage "short" needs sources.openmathinstruct.0 = [recipes]/../corpora/openmathinstruct-2-tokens
      stage "short" needs sources.numinamath.0 = [recipes]/../corpora/numinamath-1.5-tokens
      stage "hybrid" needs sources.web-pro.0 = [recipes]/../corpora/megamath-web-pro-tokens
      stage "hybrid" needs sources.dclm.0 = [recipes]/../corpora/dclm-baseline-tokens
      stage "hybrid" needs sources.instructions.0 = [recipes]/../corpora/instructions-tokens
      stage "hybrid" needs sources.openr1.0 = [recipes]/../corpora/openr1-math-220k-tokens
      stage "hybrid" needs sources.am-distilled.0 = [recipes]/../corpora/am-deepseek-distilled-40m-tokens
      stage "hybrid" needs sources.megamath-qa.0 = [recipes]/../corpora/megamath-qa-tokens
      stage "hybrid" needs sources.openmathinstruct.0 = [recipes]/../corpora/openmathinstruct-2-tokens
      stage "hybrid" needs sources.numinamath.0 = [recipes]/../corpora/numinamath-1.5-tokens
    "#);
    // With the base model's config alone, size, memory and time are shown.
    let config = r#"{"model_type": "llama", "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192,
        "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64,
        "tie_word_embeddings": true}"#;
    workdir.write("models/Llama-3.2-1B/config.json", config);
    let planned = workdir.call(&["run", &recipe.display().to_string(), "--dry-run"]).env("OCTO_MODELS", "models");
    let ended = planned.run().exits_with(1);
    for words in ["1.24B", "GiB", "TFLOP/s", "one after the other: "] {
        assert!(ended.stdout.contains(words), "no {words:?}:\n{}", ended.stdout);
    }
}

#[test]
fn a_dry_run_after_a_run_estimates_time_from_what_was_measured() {
    let workdir = Workdir::new();
    workdir.run(&["run", &resume()]).exits_with(0);
    let ended = workdir.run(&["run", &resume(), "--dry-run"]).exits_with(0);
    assert!(ended.stdout.contains("tokens/s, measured"), "{}", ended.stdout);
    let events = workdir.path("runs/resume/tensorboard/stable");
    assert_eq!(std::fs::read_dir(events).expect("TensorBoard's events").count(), 1);
}
