//! SmolLM2-135M-Instruct gives the logits and the greedy text that `transformers` gives.
//!
//! Needs .octo/smollm2, half a gigabyte that `setup/smollm2.sh` puts there; says so and passes where it is absent.

use std::path::Path;

use octo_data::tokenizer::Tokenizer;
use octo_model::{Finish, Model, Sampling, generate};
use serde::Deserialize;
use tch::{Device, Tensor};

#[derive(Deserialize)]
struct Case {
    prompt: String,
    tokens: Vec<u32>,
    largest: Largest,
    sample: Sample,
    greedy: Greedy,
}

#[derive(Deserialize)]
struct Largest {
    tokens: Vec<i64>,
    logits: Vec<f32>,
}

#[derive(Deserialize)]
struct Sample {
    stride: i64,
    logits: Vec<f32>,
}

#[derive(Deserialize)]
struct Greedy {
    tokens: Vec<u32>,
    text: String,
}

#[test]
fn smollm2_gives_the_logits_and_greedy_text_of_transformers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join(".octo/smollm2");
    if !folder.join("model.safetensors").is_file() {
        octo_test_support::skip("parity on SmolLM2 needs .octo/smollm2; get it with `make smollm2`");
        return;
    }
    let golden = std::fs::read(root.join("tests/smollm2/golden/smollm2.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&golden).unwrap();
    assert_eq!(cases.len(), 10);
    let model = Model::load(&folder, Device::Cpu).unwrap();
    let tokenizer = Tokenizer::load(&folder).unwrap();

    let no_grad = tch::no_grad_guard();
    let mut largest_difference = 0.0_f64;
    for case in &cases {
        assert_eq!(tokenizer.encode(&case.prompt).unwrap(), case.tokens, "{}", case.prompt);
        let tokens: Vec<i64> = case.tokens.iter().map(|&token| i64::from(token)).collect();
        let hidden = model.hidden(&Tensor::from_slice(&tokens).unsqueeze(0));
        let logits = model.logits(&hidden.select(1, tokens.len() as i64 - 1)).squeeze_dim(0);
        let places = Tensor::from_slice(&case.largest.tokens);
        let strided = logits.slice(0, None, None, case.sample.stride);
        for (found, wanted) in [(logits.index_select(0, &places), &case.largest.logits), (strided, &case.sample.logits)]
        {
            let difference = (found - Tensor::from_slice(wanted)).abs().max().double_value(&[]);
            assert!(difference <= 1e-3, "{}: {difference}", case.prompt);
            largest_difference = largest_difference.max(difference);
        }
    }
    drop(no_grad);
    eprintln!("largest difference of logits: {largest_difference:.1e}");

    // All ten at once, so the cache and the leaving of finished responses are under test too.
    let sampling = Sampling { temperature: 0.0, end_tokens: model.config().eos_token_id.clone(), ..Sampling::new(64) };
    let prompts: Vec<Vec<u32>> = cases.iter().map(|case| case.tokens.clone()).collect();
    let responses = generate(&model, &tokenizer, &prompts, &[0; 10], &sampling).unwrap();
    for (case, response) in cases.iter().zip(&responses) {
        assert_eq!(tokenizer.decode(&response.tokens, true), case.greedy.text, "{}", case.prompt);
        assert_eq!(response.tokens, case.greedy.tokens, "{}", case.prompt);
        let ended = response.tokens.last().is_some_and(|last| sampling.end_tokens.contains(last));
        assert_eq!(response.finish == Finish::Stop, ended, "{}", case.prompt);
    }
}
