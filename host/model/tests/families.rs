//! Every family gives the logits and the greedy text of `transformers`, in fp32 and in bf16, and goes there and back.
//!
//! `families/golden.py` made the models and recorded what `transformers` computes.

use std::path::{Path, PathBuf};
use std::process::Command;

use octo_model::{Engine, Family, Model, Precision, Sampling, SaveOptions};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

const MODELS: [(&str, Family); 6] = [
    ("llama2", Family::Llama),
    ("llama3.2", Family::Llama),
    ("llama-biases", Family::Llama),
    ("qwen2.5", Family::Qwen2),
    ("qwen3", Family::Qwen3),
    ("qwen3-tied-biases", Family::Qwen3),
];

/// Largest difference of a bf16 logit, as a share of the largest logit. Two right programs differ in where they round:
/// the golden bf16 logits themselves are this far from the fp32 ones.
const HALF_TOLERANCE: f64 = 0.03;

#[derive(Deserialize)]
struct Expected {
    tokens: Vec<Vec<i64>>,
    padding: Vec<i64>,
    places: Vec<i64>,
    logits: Vec<Vec<Vec<f32>>>,
    half_logits: Vec<Vec<Vec<f32>>>,
    greedy: Vec<Vec<u32>>,
}

impl Expected {
    /// The rows without their padding.
    fn rows(&self) -> Vec<&[i64]> {
        self.tokens.iter().zip(&self.padding).map(|(row, &padding)| &row[padding as usize..]).collect()
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/families").join(name)
}

fn expected(name: &str) -> Expected {
    serde_json::from_slice(&std::fs::read(folder(name).join("expected.json")).unwrap()).unwrap()
}

/// Logits `[t, vocabulary]` at the places, counted from the end, as fp32.
fn at(logits: &Tensor, places: &[i64]) -> Tensor {
    let length = logits.size()[0];
    let places: Vec<i64> = places.iter().map(|place| length - place).collect();
    logits.index_select(0, &Tensor::from_slice(&places)).to_kind(Kind::Float)
}

fn tensor(rows: &[Vec<f32>]) -> Tensor {
    Tensor::from_slice(&rows.concat()).view([rows.len() as i64, -1])
}

fn difference(one: &Tensor, other: &Tensor) -> f64 {
    let difference = (one - other).abs().max().double_value(&[]);
    assert!(!difference.is_nan());
    difference
}

#[test]
fn logits_are_those_of_transformers_alone_and_filled_up() {
    let _no_grad = tch::no_grad_guard();
    for (name, family) in MODELS {
        let model = Model::load(&folder(name), Device::Cpu).unwrap();
        assert_eq!(model.config().family, family);
        let golden = expected(name);
        let width = golden.tokens[0].len();
        // Filled up at the end, with a token that would be seen if anything were.
        let filled = golden.rows().into_iter().flat_map(|row| row.iter().copied().chain(vec![7; width - row.len()]));
        let tokens = Tensor::from_slice(&filled.collect::<Vec<i64>>()).view([-1, width as i64]);
        let together = model.forward(&tokens);
        for (number, (row, wanted)) in golden.rows().into_iter().zip(&golden.logits).enumerate() {
            let alone = model.forward(&Tensor::from_slice(row).unsqueeze(0)).select(0, 0);
            let together = together.select(0, number as i64).narrow(0, 0, row.len() as i64);
            for (how, found) in [("alone", alone), ("filled up", together)] {
                let difference = difference(&at(&found, &golden.places), &tensor(wanted));
                assert!(difference <= 1e-4, "{name}, row {number} {how}: {difference}");
            }
        }
    }
}

#[test]
fn bf16_computes_in_bf16_and_is_as_close_as_its_rounding_allows() {
    let _no_grad = tch::no_grad_guard();
    let mut largest = 0.0_f64;
    for (name, _) in MODELS {
        // Weights held in bf16, and weights held in fp32 and rounded on their way, are the same numbers here.
        let held = Model::load_in(&folder(name), Device::Cpu, Precision::BFloat16).unwrap();
        let rounded = Model::load(&folder(name), Device::Cpu).unwrap().compute_in(Precision::BFloat16);
        assert!(held.parameters().iter().all(|(_, tensor)| tensor.kind() == Kind::BFloat16));
        assert!(rounded.parameters().iter().all(|(_, tensor)| tensor.kind() == Kind::Float));
        let golden = expected(name);
        for (number, (row, wanted)) in golden.rows().into_iter().zip(&golden.half_logits).enumerate() {
            let row = Tensor::from_slice(row).unsqueeze(0);
            let found = held.forward(&row);
            assert_eq!(found.kind(), Kind::BFloat16);
            assert_eq!(found, rounded.forward(&row), "{name}");
            let wanted = tensor(wanted);
            let share =
                difference(&at(&found.select(0, 0), &golden.places), &wanted) / wanted.abs().max().double_value(&[]);
            assert!(share <= HALF_TOLERANCE, "{name}, row {number}: {share}");
            largest = largest.max(share);
        }
    }
    eprintln!("largest difference of bf16 logits, as a share of the largest logit: {largest:.4}");
}

#[test]
fn greedy_text_through_the_cache_is_that_of_transformers() {
    for (name, _) in MODELS {
        let model = Model::load(&folder(name), Device::Cpu).unwrap();
        let golden = expected(name);
        let prompts: Vec<Vec<u32>> =
            golden.rows().into_iter().map(|row| row.iter().map(|&token| token as u32).collect()).collect();
        let sampling =
            Sampling { temperature: 0.0, end_tokens: model.config().eos_token_id.clone(), ..Sampling::new(24) };
        let none = |_: &[u32]| String::new();
        let responses = Engine::new(&model, &none).generate(&prompts, &[0; 3], &sampling, &mut |_, _| ()).unwrap();
        for (response, greedy) in responses.iter().zip(&golden.greedy) {
            assert_eq!(&response.tokens, greedy, "{name}");
        }
    }
}

#[test]
fn every_precision_generates_and_its_record_is_what_training_scores() {
    for precision in [Precision::BFloat16, Precision::Float16] {
        let model = Model::load_in(&folder("qwen3"), Device::Cpu, precision).unwrap();
        let sampling = Sampling { temperature: 0.7, ..Sampling::new(20) };
        let prompts: [&[u32]; 2] = [&[5, 9, 30], &[61, 2, 3, 44, 8]];
        let owned: Vec<Vec<u32>> = prompts.iter().map(|prompt| prompt.to_vec()).collect();
        let none = |_: &[u32]| String::new();
        let responses = Engine::new(&model, &none).generate(&owned, &[1, 2], &sampling, &mut |_, _| ()).unwrap();
        let tokens: Vec<&[u32]> = responses.iter().map(|response| response.tokens.as_slice()).collect();
        let batch = octo_model::ResponseBatch::new(&prompts, &tokens, Device::Cpu).unwrap();
        let scored = octo_model::token_log_probabilities(&model, &batch, 0.7, false).log_probabilities;
        let recorded: Vec<f32> =
            responses.iter().flat_map(|response| response.log_probabilities.iter().copied()).collect();
        assert_eq!(scored.kind(), Kind::Float);
        let difference = difference(&scored, &Tensor::from_slice(&recorded));
        assert!(difference < 0.2, "{precision:?}: {difference}");
    }
}

#[test]
fn saved_folders_come_back_bit_for_bit_in_any_precision_whole_or_in_shards() {
    for (name, _) in MODELS {
        let model = Model::load_in(&folder(name), Device::Cpu, Precision::BFloat16).unwrap();
        for (precision, largest_shard) in
            [(None, u64::MAX), (Some(Precision::Float32), 30_000), (Some(Precision::BFloat16), 1)]
        {
            let saved = tempfile::tempdir().unwrap();
            model.save_as(saved.path(), &SaveOptions { precision, largest_shard }).unwrap();
            let config = std::fs::read_to_string(saved.path().join("config.json")).unwrap();
            let written = precision.unwrap_or(Precision::BFloat16);
            assert!(config.contains(&format!("\"dtype\": \"{}\"", written.name())), "{config}");
            let sharded = saved.path().join("model.safetensors.index.json").is_file();
            assert_eq!(sharded, largest_shard < u64::MAX, "{name}");
            let back = Model::load_in(saved.path(), Device::Cpu, Precision::BFloat16).unwrap();
            assert_eq!(back.config(), model.config());
            // bf16 to fp32 and back loses nothing.
            assert_eq!(back.parameters(), model.parameters(), "{name}");
        }
    }
}

#[test]
fn fresh_models_of_every_family_are_complete() {
    for (name, _) in MODELS {
        let golden = Model::load(&folder(name), Device::Cpu).unwrap();
        let fresh = Model::random(golden.config(), 5, Device::Cpu).unwrap();
        let shapes = |model: &Model| -> Vec<(String, Vec<i64>)> {
            model.parameters().iter().map(|(name, tensor)| (name.clone(), tensor.size())).collect()
        };
        assert_eq!(shapes(&fresh), shapes(&golden));
        let count: usize = golden.parameters().iter().map(|(_, tensor)| tensor.numel()).sum();
        assert_eq!(fresh.parameter_count(), count as u64, "{name}");
        for (parameter, tensor) in fresh.parameters() {
            if parameter.ends_with(".bias") {
                assert_eq!(tensor.abs().max().double_value(&[]), 0.0, "{parameter}");
            }
        }
    }
}

#[test]
fn saved_folders_load_in_transformers_with_the_same_logits_and_text() {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.octo/peers");
    if !peers.join(".done").is_file() {
        octo_test_support::skip("loading in transformers needs the peers; get them with `make peers`");
        return;
    }
    let mut command = Command::new(peers.join("bin/python"));
    command.arg(folder("loads_in_transformers.py"));
    let mut saved = Vec::new();
    for (name, _) in MODELS {
        let model = Model::load(&folder(name), Device::Cpu).unwrap();
        for options in
            [SaveOptions::default(), SaveOptions { precision: Some(Precision::BFloat16), largest_shard: 20_000 }]
        {
            let place = tempfile::tempdir().unwrap();
            model.save_as(place.path(), &options).unwrap();
            command.arg(place.path()).arg(folder(name).join("expected.json"));
            saved.push(place);
        }
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.lines().count(), saved.len());
}
