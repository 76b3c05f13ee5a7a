//! Generates for prompts of token numbers, and says how long it took: the engine without anything around it, for
//! `tests/bench/generation.py`.
//!
//!     cargo run --release -p octo-model --example generate_tokens -- JOB.json
//!
//! JOB has `model` (a folder, or with `shape` the keys of a `config.json` for random weights), `prompts`, `max_tokens`,
//! `temperature`, `slots`, `threads`, `rounds`, and optionally `end_tokens`, `device`, `precision`, `cache_bytes`. One
//! JSON object is printed: the `seconds` of each round and the `tokens` of the last one's responses.

use std::path::{Path, PathBuf};
use std::time::Instant;

use octo_model::{Engine, Model, ModelConfig, Precision, Sampling};
use serde::Deserialize;
use tch::Device;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    #[serde(default)]
    model: Option<PathBuf>,
    #[serde(default)]
    shape: Option<ModelConfig>,
    prompts: Vec<Vec<u32>>,
    max_tokens: usize,
    temperature: f64,
    #[serde(default)]
    end_tokens: Vec<u32>,
    slots: usize,
    threads: i32,
    rounds: usize,
    #[serde(default)]
    device: Option<usize>,
    #[serde(default)]
    precision: Precision,
    #[serde(default)]
    cache_bytes: Option<usize>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name the file of the job")?;
    let job: Job = serde_json::from_slice(&std::fs::read(Path::new(&path))?)?;
    tch::set_num_threads(job.threads);
    let device = job.device.map_or(Device::Cpu, Device::Cuda);
    let model = match (&job.model, &job.shape) {
        (Some(folder), None) => Model::load_in(folder, device, job.precision)?,
        (None, Some(shape)) => Model::random(shape, 1, device)?.compute_in(job.precision),
        _ => return Err("a job has either `model` or `shape`".into()),
    };
    let sampling =
        Sampling { temperature: job.temperature, end_tokens: job.end_tokens.clone(), ..Sampling::new(job.max_tokens) };
    let nothing = |_: &[u32]| String::new();
    let mut engine = Engine::new(&model, &nothing).slots(job.slots);
    if let Some(bytes) = job.cache_bytes {
        engine = engine.cache_bytes(bytes);
    }
    let (mut seconds, mut responses) = (Vec::new(), Vec::new());
    for round in 0..job.rounds {
        let seeds: Vec<u64> = (0..job.prompts.len()).map(|index| (round * job.prompts.len() + index) as u64).collect();
        let started = Instant::now();
        responses = engine.generate(&job.prompts, &seeds, &sampling, &mut |_, _| ())?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    let tokens: Vec<&[u32]> = responses.iter().map(|response| response.tokens.as_slice()).collect();
    println!("{}", serde_json::json!({ "seconds": seconds, "tokens": tokens }));
    Ok(())
}
