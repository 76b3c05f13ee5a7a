//! Octo against `transformers` on SmolLM2-135M, and against the disk, in one run and as ratios.
//!
//!     cargo bench -p octo-model --bench against_transformers [-- load | save | train]
//!
//! load    a folder of fp32 weights that lies in the system's file cache, to the end of the call and until every weight
//!         has been read once
//! save    the bytes of a model of Llama-3.2-1B's shape in bf16, against the same bytes written and synced plainly
//! train   forward and backward passes on windows of 512 tokens: tokens per second and peak resident memory, also with
//!         blocks computed a second time
//!
//! Every measurement is a process of its own, so that peaks of memory do not mix; peers take turns.
//! Needs `.octo/smollm2` and `.octo/peers` (`bash setup/smollm2.sh`) for load and train.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use octo_model::checkpoint::write_tensors;
use octo_model::{Model, ModelConfig, NextTokenOptions, next_token_backward_with};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const ROWS: i64 = 1;
const CONTEXT: i64 = 512;
const THREADS: i32 = 2;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--bench")).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["worker", what, place] = words[..] {
        tch::set_num_threads(THREADS);
        println!("{}", work(what, Path::new(place))?);
        return Ok(());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (folder, python) = (root.join(".octo/smollm2"), root.join(".octo/peers/bin/python"));
    let peers = folder.join("model.safetensors").is_file() && root.join(".octo/peers/.done").is_file();
    let wanted = |name: &str| words.is_empty() || words.contains(&name);
    let bench = Bench { folder, python };
    for (name, needs_peers, run) in [
        ("load", true, Bench::load as fn(&Bench) -> Outcome<()>),
        ("save", false, Bench::save),
        ("train", true, Bench::train),
    ] {
        if wanted(name) && needs_peers && !peers {
            println!("SKIPPED: {name} needs .octo/smollm2 and .octo/peers; get them with `bash setup/smollm2.sh`");
        } else if wanted(name) {
            run(&bench)?;
        }
    }
    Ok(())
}

struct Bench {
    folder: PathBuf,
    python: PathBuf,
}

impl Bench {
    fn load(&self) -> Outcome<()> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            theirs.push(self.peer("load")?);
            ours.push(self.own("load", &self.folder)?);
        }
        for key in ["seconds", "seconds_read"] {
            let (ours, theirs) = (least(&ours, key), least(&theirs, key));
            println!("load, {key}: octo {ours:.3}, transformers {theirs:.3}, ratio {:.2}", ours / theirs);
        }
        Ok(())
    }

    fn save(&self) -> Outcome<()> {
        // Beside the build's output, which lies on a disk; the system's temporary folder may be memory.
        let place = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))?;
        let results: Vec<Value> = (0..3).map(|_| self.own("save", place.path())).collect::<Outcome<_>>()?;
        let (ours, plain) = (least(&results, "seconds"), least(&results, "plain_seconds"));
        let bytes = least(&results, "bytes") / 1e9;
        println!(
            "save, {bytes:.2} GB: octo {:.2} GB/s, plain write {:.2} GB/s, ratio {:.2}",
            bytes / ours,
            bytes / plain,
            plain / ours
        );
        Ok(())
    }

    fn train(&self) -> Outcome<()> {
        let (mut theirs, mut ours, mut recomputed) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..2 {
            theirs.push(self.peer("train")?);
            ours.push(self.own("train", &self.folder)?);
            recomputed.push(self.own("recompute", &self.folder)?);
        }
        let tokens = (ROWS * CONTEXT) as f64;
        let speed = |results: &[Value]| tokens / least(results, "seconds");
        let peak = |results: &[Value]| least(results, "peak_mib");
        println!("train, transformers: {:.1} tokens/s, peak {:.0} MiB", speed(&theirs), peak(&theirs));
        for (name, results) in [("octo", &ours), ("octo, recomputing", &recomputed)] {
            println!(
                "train, {name}: {:.1} tokens/s, ratio {:.2}; peak {:.0} MiB, ratio {:.2}; loss {:.5}, theirs {:.5}",
                speed(results),
                speed(results) / speed(&theirs),
                peak(results),
                peak(results) / peak(&theirs),
                least(results, "loss"),
                least(&theirs, "loss"),
            );
        }
        Ok(())
    }

    fn own(&self, what: &str, place: &Path) -> Outcome<Value> {
        outcome(Command::new(std::env::current_exe()?).args(["worker", what]).arg(place))
    }

    fn peer(&self, what: &str) -> Outcome<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/transformers_peer.py");
        let numbers = [ROWS, CONTEXT, i64::from(THREADS)].map(|number| number.to_string());
        outcome(Command::new(&self.python).arg(script).arg(what).arg(&self.folder).args(numbers))
    }
}

fn outcome(command: &mut Command) -> Outcome<Value> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(serde_json::from_str(text.lines().last().unwrap_or_default())?)
}

fn least(results: &[Value], key: &str) -> f64 {
    results.iter().filter_map(|result| result[key].as_f64()).fold(f64::INFINITY, f64::min)
}

/// One measurement.
fn work(what: &str, place: &Path) -> Outcome<Value> {
    let start = Instant::now();
    match what {
        "load" => {
            let model = Model::load(place, Device::Cpu)?;
            let seconds = start.elapsed().as_secs_f64();
            let sum: f64 = model.parameters().iter().map(|(_, tensor)| tensor.sum(Kind::Float).double_value(&[])).sum();
            Ok(json!({ "seconds": seconds, "seconds_read": start.elapsed().as_secs_f64(), "sum": sum }))
        }
        "save" => save(place),
        _ => train(place, what == "recompute"),
    }
}

fn save(place: &Path) -> Outcome<Value> {
    let config: ModelConfig = serde_json::from_value(json!({
        "vocab_size": 128_256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
        "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": true,
    }))?;
    let tensors: Vec<(String, Tensor)> = (1..)
        .zip(config.parameter_shapes())
        .map(|(number, (name, shape))| (name, Tensor::full(&shape, number, (Kind::BFloat16, Device::Cpu))))
        .collect();
    let path = place.join("model.safetensors");
    let start = Instant::now();
    write_tensors(&path, &tensors)?;
    let seconds = start.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(&path)?.len();
    std::fs::remove_file(&path)?;

    let block = vec![7_u8; 4 << 20];
    let start = Instant::now();
    let mut file = std::fs::File::create(&path)?;
    let mut left = bytes as usize;
    while left > 0 {
        let size = left.min(block.len());
        file.write_all(&block[..size])?;
        left -= size;
    }
    file.sync_all()?;
    let plain_seconds = start.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(json!({ "seconds": seconds, "plain_seconds": plain_seconds, "bytes": bytes }))
}

fn train(folder: &Path, recompute: bool) -> Outcome<Value> {
    let model = Model::load(folder, Device::Cpu)?;
    // The same tokens as the peer's.
    let tokens: Vec<i64> = (0..ROWS * (CONTEXT + 1)).map(|place| (place * place * 7 + place * 131) % 40_000).collect();
    let tokens = Tensor::from_slice(&tokens).view([ROWS, CONTEXT + 1]);
    let options = NextTokenOptions { recompute, segments: None };
    let mut best = f64::INFINITY;
    let mut loss = 0.0;
    for _ in 0..3 {
        let start = Instant::now();
        let losses = next_token_backward_with(&model, &tokens, 1.0 / (ROWS * CONTEXT) as f64, &options)?;
        best = best.min(start.elapsed().as_secs_f64());
        loss = losses.mean(Kind::Float).double_value(&[]);
        model.parameters().iter().for_each(|(_, tensor)| tensor.shallow_clone().zero_grad());
    }
    Ok(json!({ "seconds": best, "peak_mib": peak_mib()?, "loss": loss }))
}

fn peak_mib() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
