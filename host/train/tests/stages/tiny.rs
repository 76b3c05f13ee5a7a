//! A world small enough to train in seconds: two sources of toy texts, a tokenizer of single bytes, and a model of
//! one narrow layer, with the reference plugins as `make plugins` builds them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use octo_data::record::Problem;
use octo_data::tokenizer::Tokenizer;
use octo_model::ModelConfig;
use octo_plugin::{Host, Limits, LoadedPlugin};
use octo_train::Control;
use octo_train::midtrain::{Initial, MidtrainConfig, MidtrainInputs};
use octo_train::rl::{HeldOutSet, RlConfig, RlInputs};
use serde_json::{Value, json};

/// A temporary folder with corpora and a tokenizer.
pub struct World {
    folder: PathBuf,
    /// Removed with the world that made it.
    _owned: Option<tempfile::TempDir>,
}

impl World {
    pub fn new() -> World {
        let owned = tempfile::tempdir().expect("a temporary folder");
        let folder = owned.path().to_path_buf();
        let line = |text: String| json!({ "text": text }).to_string() + "\n";
        let sums = |n: usize| line(format!("Q: {}+{}\nA: \\boxed{{{}}}", n % 4, n / 4 % 4, (n * 7) % 4));
        let prose = |n: usize| line(format!("the {} cat sat on mat {n}", ["red", "old", "sad"][n % 3]));
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("written");
        write("sums.jsonl", (0..64).map(sums).collect());
        write("prose.jsonl", (0..64).map(prose).collect());
        let documents = ["the cat sat on the mat Q: 1+1\nA: \\boxed{2}"; 2];
        let tokenizer = Tokenizer::train(documents.iter(), 270, &[]).expect("trains");
        tokenizer.save(&folder.join("tokenizer")).expect("saves");
        World { folder, _owned: Some(owned) }
    }

    /// The world that another process made.
    pub fn in_folder(folder: PathBuf) -> World {
        World { folder, _owned: None }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn midtrain_inputs(&self) -> MidtrainInputs {
        self.midtrain_inputs_from(Initial::Random(shape()))
    }

    pub fn midtrain_inputs_from(&self, initial: Initial) -> MidtrainInputs {
        let sources = ["sums", "prose"].map(|name| (name.to_owned(), vec![self.path(&format!("{name}.jsonl"))]));
        let weights = json!({ "weights": { "sums": 3.0, "prose": 1.0 } });
        MidtrainInputs {
            initial,
            tokenizer: self.path("tokenizer"),
            sources: sources.into(),
            held_out: Vec::new(),
            ranks: Arc::new(octo_train::ranks::Ranks::alone()),
            mixture: plugin("mixture_static", weights, Limits::default()).into_mixture().expect("a mixture"),
        }
    }

    pub fn rl_inputs(&self, model: &Path, verifier_limits: Limits) -> RlInputs {
        let stairs = json!({ "stairs": [{ "step": 0, "tokens": 12 }, { "step": 3, "tokens": 14 }] });
        RlInputs {
            model: model.to_path_buf(),
            problems: problems(),
            held_out: vec![HeldOutSet { name: None, problems: problems().into_iter().take(6).collect() }],
            verifier: plugin("verifier_math", json!({}), verifier_limits).into_verifier().expect("a verifier"),
            reward: plugin("reward_outcome", json!({}), Limits::default()).into_reward().expect("a reward").into(),
            schedule: plugin("schedule_staircase", stairs, Limits::default()).into_schedule().expect("a schedule"),
        }
    }
}

/// Problems whose accepted answer is always 3, so that learning is easy to see.
pub fn problems() -> Vec<Problem> {
    (0..16)
        .map(|n| Problem {
            id: format!("sum-{n}"),
            problem: format!("{}+{}", n % 4, n / 4),
            references: vec!["3".to_owned()],
            ..Problem::default()
        })
        .collect()
}

pub fn shape() -> ModelConfig {
    serde_json::from_value(json!({
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 1, "tie_word_embeddings": true, "max_position_embeddings": 128
    }))
    .expect("a shape")
}

pub fn plugin(name: &str, config: Value, limits: Limits) -> LoadedPlugin {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/plugins/{name}.wasm"));
    assert!(path.is_file(), "{} is not built: run `make plugins` first", path.display());
    Host::new().expect("a host").load(&path, &config, &limits).expect("loads")
}

pub fn midtrain_config(steps: u64, extra: Value) -> MidtrainConfig {
    let mut config = json!({
        "tokens": steps * 4 * 24, "context": 24, "sequences_per_step": 4, "sequences_per_forward": 3,
        "learning_rate": 0.01, "schedule": "decay", "checkpoint_every": 4
    });
    merge(&mut config, extra);
    serde_json::from_value(config).expect("a config")
}

pub fn rl_config(extra: Value) -> RlConfig {
    let mut config = json!({
        "prompt": "Q: {problem}\nA:", "steps": 6, "prompts_per_step": 4, "rollouts_per_prompt": 4,
        "learning_rate": 0.003, "max_response_tokens": 16, "stop": ["}"], "evaluate_every": 2, "checkpoint_every": 2
    });
    merge(&mut config, extra);
    serde_json::from_value(config).expect("a config")
}

fn merge(config: &mut Value, extra: Value) {
    for (key, value) in extra.as_object().cloned().unwrap_or_default() {
        config[key] = value;
    }
}

/// A control that asks to stop as soon as a progress line begins with `prefix`.
pub fn stop_at(prefix: &'static str) -> Control {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let report = move |line: &str, _: f64| {
        if line.starts_with(prefix) {
            flag.store(true, Ordering::Relaxed);
        }
    };
    Control { stop, report: Arc::new(report) }
}

/// A control that copies `out` to `copy` as soon as a progress line begins with `prefix`: what a kill at that moment
/// would leave.
pub fn copy_at(prefix: &'static str, out: PathBuf, copy: PathBuf) -> Control {
    let report = move |line: &str, _: f64| {
        if line.starts_with(prefix) {
            // The thread that writes checkpoints works meanwhile: where it renames or removes what is being copied,
            // the copy would be of no single moment, so it is begun again.
            while let Err(error) = copy_folder(&out, &copy) {
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
                std::fs::remove_dir_all(&copy).expect("the copy so far");
            }
        }
    };
    Control { stop: Arc::new(AtomicBool::new(false)), report: Arc::new(report) }
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// The records of a JSONL file, less what differs from run to run: times.
pub fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("reads");
    let timeless = |line: &str| {
        let mut record: Value = serde_json::from_str(line).expect("a whole record");
        for key in [
            "tokens_per_second",
            "seconds",
            "generation_seconds",
            "verification_seconds",
            "waited_seconds",
            "peak_memory_bytes",
            "time",
        ] {
            record.as_object_mut().expect("an object").remove(key);
        }
        record
    };
    text.lines().map(timeless).collect()
}

/// Steps of the records, in order; evaluations are those with `held_out`.
pub fn steps(records: &[Value], held_out: bool) -> Vec<u64> {
    let own = records.iter().filter(|record| record.get("held_out").is_some() == held_out);
    own.map(|record| record["step"].as_u64().expect("a step")).collect()
}

pub fn weights(out: &Path) -> Vec<u8> {
    std::fs::read(out.join("model/model.safetensors")).expect("a finished model")
}
