//! Two processes that train one model: the test's own binary, started as ranks on the loopback.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::tiny::{World, midtrain_config, plugin, records, steps, stop_at, weights};
use octo_data::packing::Packing;
use octo_data::sampler::Rank;
use octo_data::shards::Settings;
use octo_data::shards::tokenize::{Watch, tokenize};
use octo_data::tokenizer::Tokenizer;
use octo_plugin::Limits;
use octo_train::midtrain::{MidtrainInputs, midtrain};
use octo_train::ranks::{Patience, Ranks, Rendezvous};
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
    inputs.ranks = Arc::new(Ranks::from_environment(&Default::default()).expect("connects"));
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
        let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
    let (one, two) = (records(&world.path("one/metrics.jsonl")), records(&world.path("two/metrics.jsonl")));
    assert_eq!(steps(&one, false), steps(&two, false));
    for (left, right) in one.iter().zip(&two) {
        for key in ["loss", "gradient_norm", "held_out_loss", "learning_rate", "tokens"] {
            near(left, right, key);
        }
        for key in ["mixture", "realised_share"] {
            assert_eq!(left[key], right[key]);
        }
        for source in ["sums", "prose"] {
            near(&left["source_loss"], &right["source_loss"], source);
        }
    }
    assert_eq!(sampler_at(&world.path("one"), 4), sampler_at(&world.path("two"), 4));
    assert_eq!(weights(&world.path("one")).len(), weights(&world.path("two")).len());
}

fn near(left: &Value, right: &Value, key: &str) {
    match (left[key].as_f64(), right[key].as_f64()) {
        (Some(left), Some(right)) => assert!((left - right).abs() < 1e-5, "{key}: {left} and {right}"),
        (left, right) => assert_eq!(left, right, "{key}"),
    }
}

/// The sampler's state in the checkpoint of `step`.
fn sampler_at(out: &Path, step: u64) -> Value {
    let text = std::fs::read(out.join(format!("checkpoints/step-{step:06}/state.json"))).expect("a checkpoint");
    serde_json::from_slice::<Value>(&text).expect("reads")["state"]["sampler"].take()
}

/// Runs `work` as each of `world` ranks, on threads.
fn together<T: Send>(world: usize, work: impl Fn(Arc<Ranks>) -> T + Sync) -> Vec<T> {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    std::thread::scope(|scope| {
        let start = |rank| {
            let work = &work;
            let at = Rendezvous { rank, world, address: "127.0.0.1".to_owned(), port };
            let ranks = move || Ranks::connect(&at, Patience::default(), &Default::default()).expect("connects");
            scope.spawn(move || work(Arc::new(ranks())))
        };
        let threads: Vec<_> = (0..world).map(start).collect();
        threads.into_iter().map(|thread| thread.join().expect("ends")).collect()
    })
}

#[test]
fn a_checkpoint_of_two_ranks_resumes_in_a_world_of_any_size() {
    let world = World::new();
    let config = midtrain_config(
        6,
        json!({
            "sequences_per_step": 6, "tokens": 6 * 6 * 24, "learning_rate": 1e-3, "checkpoint_every": 4,
            "separate_documents": true
        }),
    );
    let run = |ranks: Arc<Ranks>, name: &str, control: &Control| {
        let inputs = MidtrainInputs { ranks, ..world.midtrain_inputs() };
        midtrain(&config, inputs, &world.path(name), 7, control).expect("trains")
    };
    run(Arc::new(Ranks::alone()), "alone", &Control::silent());
    let alone = records(&world.path("alone/metrics.jsonl"));
    for (name, later) in [("one", 1), ("three", 3)] {
        let stopped = together(2, |ranks| run(ranks, name, &stop_at("step 3/6")));
        assert_eq!(stopped, [Finished::Stopped; 2]);
        let done = together(later, |ranks| run(ranks, name, &Control::silent()));
        assert_eq!(done, vec![Finished::Done; later]);
        assert_eq!(sampler_at(&world.path(name), 4), sampler_at(&world.path("alone"), 4));
        let resumed = records(&world.path(&format!("{name}/metrics.jsonl")));
        assert_eq!(resumed.len(), alone.len());
        for (left, right) in alone.iter().zip(&resumed) {
            for key in ["loss", "gradient_norm", "step", "tokens"] {
                near(left, right, key);
            }
        }
    }
}

#[test]
fn a_rank_reads_no_token_of_another_ranks_sequences() {
    let world = World::new();
    let tokenizer = Tokenizer::load(&world.path("tokenizer")).expect("loads");
    let settings =
        Settings { map: BTreeMap::new(), source: "prose".into(), shard_tokens: 1 << 20, skip_bad_rows: false };
    let watch = Watch { stop: &AtomicBool::new(false), progress: &|_| {}, skipped: &|_| {} };
    let folders = ["rank-0", "rank-1"].map(|name| world.path(name));
    let (steps, sequences, context) = (3, 6, 24);
    for (rank, folder) in folders.iter().enumerate() {
        let manifest = tokenize(&[world.path("prose.jsonl")], &tokenizer, &settings, folder, 1, &watch);
        let manifest = match manifest.expect("tokenises") {
            octo_data::shards::tokenize::Outcome::Done(manifest) => manifest,
            _ => panic!("was not asked to stop"),
        };
        let packing = Packing { tokens: manifest.total.tokens, context: context as u64 };
        let mut own = vec![false; packing.tokens as usize];
        for step in 0..steps {
            for index in (Rank { rank, world_size: 2 }).part_of(sequences) {
                let start = packing.start_of((step * sequences + index) as u64, 7, "prose") as usize;
                (start..=start + context).for_each(|at| own[at % packing.tokens as usize] = true);
            }
        }
        // What is another rank's is not a token at all here.
        let path = folder.join("00000.ds");
        let mut bytes = std::fs::read(&path).expect("reads");
        let others = bytes.chunks_mut(2).zip(&own).filter(|(_, own)| !**own);
        assert!(others.map(|(token, _)| token.fill(0xFF)).count() > packing.tokens as usize / 4);
        std::fs::write(&path, bytes).expect("written");
    }
    let config = midtrain_config(1, json!({ "sequences_per_step": sequences, "tokens": steps * sequences * context }));
    let run = |ranks: Arc<Ranks>, out: &str| {
        let mixture = plugin("mixture_static", json!({ "weights": { "prose": 1.0 } }), Limits::default());
        let inputs = MidtrainInputs {
            sources: vec![("prose".to_owned(), vec![folders[ranks.rank()].clone()])],
            mixture: mixture.into_mixture().expect("a mixture"),
            ranks,
            ..world.midtrain_inputs()
        };
        midtrain(&config, inputs, &world.path(out), 7, &Control::silent())
    };
    let damaged = run(Arc::new(Ranks::alone()), "alone").expect_err("half of the tokens are none").to_string();
    assert!(damaged.contains("damaged"), "{damaged}");
    for finished in together(2, |ranks| run(ranks, "two")) {
        assert_eq!(finished.expect("each has its own"), Finished::Done);
    }
}
