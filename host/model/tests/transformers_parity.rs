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
fn logits_are_those_of_transformers_filled_up_or_not() {
    let _no_grad = tch::no_grad_guard();
    for name in MODELS {
        let folder = tests_folder().join("golden").join(name);
        let model = Model::load(&folder, Device::Cpu).unwrap();
        let golden = expected(&folder);
        let width = golden.tokens[0].len();
        // The rows as `transformers` was given them, but filled up at the end instead of the front.
        let rows: Vec<&[i64]> =
            golden.tokens.iter().zip(&golden.padding).map(|(row, &padding)| &row[padding as usize..]).collect();
        let filled = rows.iter().flat_map(|row| row.iter().copied().chain(vec![0; width - row.len()]));
        let together = Tensor::from_slice(&filled.collect::<Vec<i64>>()).view([-1, width as i64]);
        let together = model.forward(&together);
        for (number, (row, wanted)) in rows.iter().zip(&golden.last_logits).enumerate() {
            let (length, last) = (row.len() as i64, wanted.len() as i64);
            let alone = model.forward(&Tensor::from_slice(row).unsqueeze(0)).select(0, 0);
            for (how, found) in [("alone", alone), ("filled up", together.select(0, number as i64))] {
                let difference = largest_difference(&found.narrow(0, length - last, last), wanted);
                assert!(difference <= 1e-4, "{name}, row {number} {how}: {difference}");
            }
        }
    }
}

#[test]
fn a_saved_folder_loads_in_transformers_with_the_same_logits() {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.octo/peers");
    let python = peers.join("bin/python");
    if !peers.join(".done").is_file() {
        octo_test_support::skip("loading in transformers needs the peers; get them with `make peers`");
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
