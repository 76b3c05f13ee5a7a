//! Two processes that train one model: the test's own binary, started as ranks on the loopback.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::tiny::{World, midtrain_config, records, steps, weights};
use octo_train::midtrain::midtrain;
use octo_train::ranks::Ranks;
use octo_train::{Control, Finished};
use serde_json::{Value, json};

const FOLDER: &str = "OCTO_TEST_RANK_FOLDER";

fn config() -> octo_train::midtrain::MidtrainConfig {
    midtrain_config(
        6,
        json!({ "sequences_per_step": 6, "tokens": 6 * 6 * 24, "evaluate_every": 3, "learning_rate": 1e-3 }),
    )
}

/// Not a test of its own: one rank of `two_ranks_train_as_one_process_does`.
#[test]
#[ignore = "started by another test as its child"]
fn one_rank() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let world = World::in_folder(folder.into());
    let mut inputs = world.midtrain_inputs();
    inputs.held_out = vec![world.path("prose.jsonl")];
    inputs.ranks = Arc::new(Ranks::from_environment().expect("connects"));
    let done = midtrain(&config(), inputs, &world.path("two"), 7, &Control::silent()).expect("trains");
    assert_eq!(done, Finished::Done);
}

#[test]
fn two_ranks_train_as_one_process_does() {
    let world = World::new();
    let mut inputs = world.midtrain_inputs();
    inputs.held_out = vec![world.path("prose.jsonl")];
    midtrain(&config(), inputs, &world.path("one"), 7, &Control::silent()).expect("trains");

    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    let start = |rank: usize| {
        Command::new(std::env::current_exe().expect("a test has a path"))
            .args(["--exact", "parallel::one_rank", "--ignored", "--nocapture"])
            .env(FOLDER, world.path(""))
            .env("RANK", rank.to_string())
            .env("WORLD_SIZE", "2")
            .env("MASTER_ADDR", "127.0.0.1")
            .env("MASTER_PORT", port.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the test's own binary starts")
    };
    for child in [start(0), start(1)] {
        let output = child.wait_with_output().expect("ends");
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
    let (one, two) = (records(&world.path("one/metrics.jsonl")), records(&world.path("two/metrics.jsonl")));
    assert_eq!(steps(&one, false), steps(&two, false));
    let near = |left: &Value, right: &Value, key: &str| {
        let (left, right) = (left[key].as_f64(), right[key].as_f64());
        match (left, right) {
            (Some(left), Some(right)) => assert!((left - right).abs() < 1e-5, "{key}: {left} and {right}"),
            _ => assert_eq!(left, right, "{key}"),
        }
    };
    for (left, right) in one.iter().zip(&two) {
        for key in ["loss", "gradient_norm", "held_out_loss", "learning_rate", "tokens"] {
            near(left, right, key);
        }
        assert_eq!(left["mixture"], right["mixture"]);
    }
    assert_eq!(weights(&world.path("one")).len(), weights(&world.path("two")).len());
}
