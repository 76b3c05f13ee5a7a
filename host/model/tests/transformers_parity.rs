//! Logits agree with `transformers`, on two tiny models whose numbers `tests/smollm2/golden.py` recorded.

use std::path::{Path, PathBuf};
use std::process::Command;

use octo_model::Model;
use serde::Deserialize;
use tch::{Device, Tensor};

const MODELS: [&str; 2] = ["tiny-grouped-tied", "tiny-llama3-rotary"];

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/smollm2")
}

#[derive(Deserialize)]
struct Expected {
    tokens: Vec<Vec<i64>>,
    padding: Vec<i64>,
    last_logits: Vec<Vec<Vec<f32>>>,
}

fn expected(folder: &Path) -> Expected {
    serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap()
}

fn largest_difference(found: &Tensor, wanted: &[Vec<f32>]) -> f64 {
    let wanted_tensor = Tensor::from_slice(&wanted.concat()).view([wanted.len() as i64, -1]);
    let difference = (found - wanted_tensor).abs().max().double_value(&[]);
    assert!(!difference.is_nan());
    difference
}

#[test]
fn logits_are_those_of_transformers_padded_or_not() {
    let _no_grad = tch::no_grad_guard();
    for name in MODELS {
        let folder = tests_folder().join("golden").join(name);
        let model = Model::load(&folder, Device::Cpu).unwrap();
        let golden = expected(&folder);
        let (rows, width) = (golden.tokens.len() as i64, golden.tokens[0].len() as i64);
        let tokens = Tensor::from_slice(&golden.tokens.concat()).view([rows, width]);
        let padding = Tensor::from_slice(&golden.padding);
        let together = model.forward(&tokens, Some(&padding));
        for (row, wanted) in golden.last_logits.iter().enumerate() {
            let last = wanted.len() as i64;
            let padded = together.select(0, row as i64).narrow(0, width - last, last);
            let difference = largest_difference(&padded, wanted);
            assert!(difference <= 1e-4, "{name}, padded row {row}: {difference}");

            let missing = golden.padding[row];
            let alone = tokens.narrow(0, row as i64, 1).narrow(1, missing, width - missing);
            let alone = model.forward(&alone, None).select(0, 0).narrow(0, width - missing - last, last);
            let difference = largest_difference(&alone, wanted);
            assert!(difference <= 1e-4, "{name}, row {row} alone: {difference}");
        }
    }
}

#[test]
fn a_saved_folder_loads_in_transformers_with_the_same_logits() {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.octo/peers");
    let python = peers.join("bin/python");
    if !peers.join(".done").is_file() {
        eprintln!("SKIPPED: loading in transformers needs the peers; get them with `make peers`");
        return;
    }
    for name in MODELS {
        let folder = tests_folder().join("golden").join(name);
        let saved = tempfile::tempdir().unwrap();
        Model::load(&folder, Device::Cpu).unwrap().save(saved.path()).unwrap();
        let output = Command::new(&python)
            .arg(tests_folder().join("loads_in_transformers.py"))
            .arg(saved.path())
            .arg(folder.join("expected.json"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{name}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
