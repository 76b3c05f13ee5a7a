//! Measures generation and training speed on one thread, on a model of the demo's size or on a folder's.
//!
//!     cargo run --release -p octo-model --example generation_speed [FOLDER [ROLLOUTS [TOKENS]]]

use std::path::Path;
use std::time::Instant;

use octo_model::{Model, ModelConfig, ResponseBatch, Sampling, generate_with, next_token_backward, response_backward};
use tch::{Device, Kind, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tch::set_num_threads(1);
    let mut arguments = std::env::args().skip(1);
    let model = match arguments.next() {
        Some(folder) => Model::load(Path::new(&folder), Device::Cpu)?,
        None => {
            let config: ModelConfig = serde_json::from_str(
                r#"{"vocab_size": 384, "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 4,
                    "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": true}"#,
            )?;
            Model::random(&config, 1, Device::Cpu)?
        }
    };
    let rollouts: usize = arguments.next().map_or(Ok(128), |text| text.parse())?;
    let tokens: usize = arguments.next().map_or(Ok(48), |text| text.parse())?;
    println!("{} parameters, {rollouts} rollouts of {tokens} tokens", model.config().parameter_count());

    // Prompts of 24 to 32 tokens, eight rollouts each, as in a step of reinforcement learning.
    let prompts: Vec<Vec<u32>> = (0..rollouts)
        .map(|index| (0..24 + (index / 8 % 9)).map(|place| ((index / 8 * 31 + place * 7) % 300) as u32).collect())
        .collect();
    let seeds: Vec<u64> = (0..rollouts as u64).collect();
    let sampling =
        Sampling { max_response_tokens: tokens, temperature: 1.0, top_p: 1.0, stop: vec![], end_tokens: vec![] };
    let mut responses = Vec::new();
    report("generate, tokens/s", rollouts * tokens, || {
        responses = generate_with(&model, &|_| String::new(), &prompts, &seeds, &sampling, &mut |_, _| ())?;
        Ok(())
    })?;

    let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
    let responses: Vec<&[u32]> = responses.iter().map(|response| response.tokens.as_slice()).collect();
    let batch = ResponseBatch::new(&prompts, &responses, Device::Cpu)?;
    report("train on responses, tokens/s", batch.tokens.numel(), || {
        let _ = response_backward(&model, &batch, 1.0, true, &mut |_, part| part.log_probabilities.mean(Kind::Float));
        Ok(())
    })?;

    let (windows, context) = (rollouts.div_ceil(8) as i64, 128_i64);
    let values: Vec<i64> = (0..windows * (context + 1)).map(|index| index * 17 % 300).collect();
    let window = Tensor::from_slice(&values).view([windows, context + 1]);
    let count = (windows * context) as usize;
    let seconds = report("train on windows, tokens/s", count, || {
        let losses = next_token_backward(&model, &window, 1.0 / count as f64);
        assert_eq!(losses.numel(), count);
        Ok(())
    })?;
    let operations = model.training_flops_per_token(context as usize) * count as u64;
    println!("train on windows, GFLOP/s: {:.1}", operations as f64 / seconds / 1e9);
    Ok(())
}

/// Prints how many of `count` things are done per second, best of three, and gives the seconds.
fn report(
    what: &str,
    count: usize,
    mut work: impl FnMut() -> Result<(), Box<dyn std::error::Error>>,
) -> Result<f64, Box<dyn std::error::Error>> {
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{what}: {:.0} ({best:.3} s)", count as f64 / best);
    Ok(best)
}
