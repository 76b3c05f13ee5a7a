//! Mid-training on token shards: the same as on their documents, and never on others by mistake.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::tiny::{World, midtrain_config, records, stop_at, weights};
use octo_data::shards::Settings;
use octo_data::shards::tokenize::{Watch, tokenize};
use octo_data::tokenizer::Tokenizer;
use octo_train::midtrain::{MidtrainInputs, midtrain};
use octo_train::{Control, Finished};
use serde_json::json;

fn shards(world: &World, name: &str) -> PathBuf {
    let out = world.path(&format!("{name}-shards"));
    let tokenizer = Tokenizer::load(&world.path("tokenizer")).expect("loads");
    let settings = Settings { map: BTreeMap::new(), source: name.into(), shard_tokens: 300, skip_bad_rows: false };
    let watch = Watch { stop: &AtomicBool::new(false), progress: &|_| {}, skipped: &|_| {} };
    tokenize(&[world.path(&format!("{name}.jsonl"))], &tokenizer, &settings, &out, 2, &watch).expect("tokenises");
    out
}

fn on_shards(world: &World) -> MidtrainInputs {
    let sources = ["sums", "prose"].map(|name| (name.to_owned(), vec![world.path(&format!("{name}-shards"))]));
    MidtrainInputs { sources: sources.into(), ..world.midtrain_inputs() }
}

#[test]
fn shards_train_to_the_same_bits_as_their_documents() {
    let world = World::new();
    let (files, on_disk) = (world.path("files"), world.path("on-disk"));
    for name in ["sums", "prose"] {
        assert!(shards(&world, name).join("00001.ds").is_file(), "more than one shard");
    }
    let config = midtrain_config(6, json!({}));
    midtrain(&config, world.midtrain_inputs(), &files, 7, &Control::silent()).expect("trains");
    midtrain(&config, on_shards(&world), &on_disk, 7, &Control::silent()).expect("trains");
    assert!(weights(&files) == weights(&on_disk));
    let last = records(&on_disk.join("metrics.jsonl")).pop().expect("a record");
    assert_eq!(last["realised_share"], json!({ "sums": 0.75, "prose": 0.25 }));
}

#[test]
fn a_run_whose_data_changed_does_not_resume_and_its_error_names_what_changed() {
    let world = World::new();
    let out = world.path("out");
    let config = midtrain_config(12, json!({}));
    let stopped = midtrain(&config, world.midtrain_inputs(), &out, 7, &stop_at("step 6/12")).expect("stops");
    assert_eq!(stopped, Finished::Stopped);
    append(&world.path("prose.jsonl"), "{\"text\": \"one more\"}\n");
    let message = midtrain(&config, world.midtrain_inputs(), &out, 7, &Control::silent()).expect_err("changed");
    let message = message.to_string();
    assert!(message.contains("prose.jsonl (sha256:") && message.contains("is prose.jsonl (sha256:"), "{message}");
    assert!(!message.contains("sums.jsonl"), "{message}");
}

#[test]
fn capped_sources_give_no_more_and_a_stage_that_runs_out_is_an_error() {
    let world = World::new();
    let out = world.path("out");
    // 12 steps of 4 sequences; half an epoch of the sums is far less than three quarters of them.
    let config = midtrain_config(60, json!({ "max_epochs": { "sums": 0.5 } }));
    midtrain(&config, world.midtrain_inputs(), &out, 7, &Control::silent()).expect("trains on the other");
    let last = records(&out.join("metrics.jsonl")).pop().expect("a record");
    assert_eq!(last["capped_sources"], json!(["sums"]));
    assert!(last["realised_share"]["prose"].as_f64().expect("a share") > 0.5, "{last}");
    let all = midtrain_config(60, json!({ "max_epochs": { "sums": 0.5, "prose": 0.5 } }));
    let message = midtrain(&all, world.midtrain_inputs(), &world.path("all"), 7, &Control::silent());
    let message = message.expect_err("nothing left").to_string();
    assert!(message.contains("max_epochs") && message.contains("\"prose\""), "{message}");
    let unknown = midtrain_config(6, json!({ "max_epochs": { "poems": 1.0 } }));
    let message = midtrain(&unknown, world.midtrain_inputs(), &world.path("unknown"), 7, &Control::silent());
    assert!(message.expect_err("no such source").to_string().contains("\"poems\""));
}

fn append(path: &Path, line: &str) {
    let mut text = std::fs::read_to_string(path).expect("reads");
    text.push_str(line);
    std::fs::write(path, text).expect("written");
}
