//! What a whole checkpoint of mid-training takes, weights and optimiser with their digests and every sync, against the
//! same bytes written plainly and synced, in one run and as a ratio.
//!
//!     cargo bench -p octo-train --bench checkpoint
//!
//! The model has 0.36 billion parameters, so that its 4.3 GB in fp32 lie in memory beside what the system has of them on
//! their way to the disk. Both sides take turns, and the ratio is that of their fastest rounds.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use octo_model::{Model, ModelConfig};
use octo_train::checkpoint::Checkpoints;
use octo_train::optimizer::adamw::{AdamW, AdamWConfig};
use serde_json::json;
use tch::Device;

const ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --benches` only checks that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let config: ModelConfig = serde_json::from_value(json!({
        "vocab_size": 32_000, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 20,
        "num_attention_heads": 16, "num_key_value_heads": 8, "tie_word_embeddings": true,
    }))?;
    let model = Model::random(&config, 1, Device::Cpu)?;
    let settings = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, decay_embeddings: true };
    let optimiser = AdamW::new(model.parameters(), settings);
    // Beside the build's output, which lies on a disk; the system's temporary folder may be memory.
    let place = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))?;
    let checkpoints = Checkpoints::open(place.path(), json!({}))?;
    let (mut ours, mut plain, mut bytes) = (f64::INFINITY, f64::INFINITY, 0);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        checkpoints.write(1, &json!({}), |folder| {
            let mut digests = model.save_with_digests(folder)?;
            let name = "optimizer.safetensors";
            digests.insert(name.to_owned(), optimiser.save_with_digest(&folder.join(name))?);
            Ok(digests)
        })?;
        ours = ours.min(start.elapsed().as_secs_f64());
        let folder = place.path().join("checkpoints/step-000001");
        bytes = 0;
        for entry in std::fs::read_dir(&folder)? {
            bytes += entry?.metadata()?.len();
        }
        std::fs::remove_dir_all(&folder)?;

        let path = place.path().join("plain");
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
        plain = plain.min(start.elapsed().as_secs_f64());
        std::fs::remove_file(&path)?;
    }
    let speed = |seconds: f64| bytes as f64 / 1e9 / seconds;
    println!(
        "checkpoint, {:.2} GB: octo {:.2} GB/s, plain write {:.2} GB/s, ratio {:.2}",
        bytes as f64 / 1e9,
        speed(ours),
        speed(plain),
        plain / ours
    );
    Ok(())
}
