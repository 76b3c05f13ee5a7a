use super::*;
use serde_json::json;

fn filled(checkpoints: &Checkpoints, step: u64) {
    checkpoints
        .write(step, &json!({"seen": step}), |folder| {
            std::fs::write(folder.join("weights"), format!("weights of {step}")).map_err(|e| TrainError::io(folder, e))
        })
        .expect("writes");
}

fn latest(checkpoints: &Checkpoints) -> Option<(u64, Value)> {
    checkpoints.latest().expect("reads").map(|found: Checkpoint<Value>| (found.step, found.state))
}

#[test]
fn the_newest_is_found_and_two_are_kept() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let checkpoints = Checkpoints::open(out.path(), json!({"seed": 7})).expect("opens");
    assert!(latest(&checkpoints).is_none());
    for step in [4, 8, 12] {
        filled(&checkpoints, step);
    }
    assert_eq!(latest(&checkpoints), Some((12, json!({"seen": 12}))));
    assert_eq!(checkpoints.list().expect("lists").len(), 2);
}

#[test]
fn a_half_written_folder_is_removed_and_a_damaged_one_passed_over() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let checkpoints = Checkpoints::open(out.path(), json!({})).expect("opens");
    filled(&checkpoints, 4);
    filled(&checkpoints, 8);
    let folder = out.path().join("checkpoints");
    std::fs::write(folder.join("step-000008/weights"), "weights of").expect("damaged");
    std::fs::create_dir(folder.join(".partial-step-000012")).expect("half written");
    std::fs::create_dir(folder.join("step-000016")).expect("a folder with nothing in it");
    let again = Checkpoints::open(out.path(), json!({})).expect("opens");
    assert_eq!(latest(&again), Some((4, json!({"seen": 4}))));
    assert!(!folder.join(".partial-step-000012").exists());
}

#[test]
fn one_changed_character_of_a_state_is_noticed_and_a_state_without_a_digest_is_not_believed() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let checkpoints = Checkpoints::open(out.path(), json!({"rate": 0.1})).expect("opens");
    filled(&checkpoints, 4);
    filled(&checkpoints, 8);
    let state = out.path().join("checkpoints/step-000008/state.json");
    let text = std::fs::read_to_string(&state).expect("reads");
    let at = |step| checkpoints.at::<Value>(step).err().map(|error| error.to_string());
    assert_eq!((latest(&checkpoints), at(8)), (Some((8, json!({"seen": 8}))), None));
    std::fs::write(&state, text.replace("\"seen\": 8", "\"seen\": 9")).expect("damaged");
    assert_eq!(latest(&checkpoints), Some((4, json!({"seen": 4}))));
    let folder = out.path().join("checkpoints/step-000008").display().to_string();
    assert_eq!(at(8), Some(format!("{folder}: state.json is not what was written: its digest is another")));
    // As a build wrote it that made no digest of it.
    let (_, rest) = text.split_once(",\n").expect("the digest is a line");
    std::fs::write(&state, format!("{{\n{rest}")).expect("older");
    assert_eq!(latest(&checkpoints), Some((4, json!({"seen": 4}))));
    let older = "state.json does not begin with its digest: it is damaged, or of a build of Octo that wrote none";
    assert_eq!(at(8), Some(format!("{folder}: {older}")));
}

#[test]
fn what_is_loaded_is_what_was_recorded_even_where_a_file_changes_after_the_check() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let checkpoints = Checkpoints::open(out.path(), json!({})).expect("opens");
    let shape = json!({"vocab_size": 8, "hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": true});
    let model = Model::random(&serde_json::from_value(shape).expect("a shape"), 3, Device::Cpu).expect("a model");
    let settings = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, decay_embeddings: true };
    let optimiser = AdamW::new(model.parameters(), settings);
    let write = |folder: &Path| {
        let mut digests = model.save_with_digests(folder)?;
        digests.insert(layout::OPTIMIZER.to_owned(), optimiser.save_with_digest(&folder.join(layout::OPTIMIZER))?);
        Ok(digests)
    };
    checkpoints.write(4, &json!({}), write).expect("writes");
    let found: Checkpoint<Value> = checkpoints.latest().expect("reads").expect("is there");
    let read = || {
        let model = found.files.model(Device::Cpu)?;
        found.files.optimiser(model.parameters(), settings).map(|_| ())
    };
    read().expect("is whole");
    for name in ["config.json", "model.safetensors", layout::OPTIMIZER] {
        let path = found.folder.join(name);
        let whole = std::fs::read(&path).expect("reads");
        let mut changed = whole.clone();
        // White space where the file still reads, or the last bit of a weight.
        *changed.last_mut().expect("has bytes") ^= if name == "config.json" { b'\n' ^ b' ' } else { 1 };
        std::fs::write(&path, changed).expect("written");
        let wanted = "is not what was written here: its digest is another than the one recorded";
        assert_eq!(read().expect_err("has changed").to_string(), format!("{}: {wanted}", path.display()));
        let also = Files::of(&found.folder).expect_err("has changed").to_string();
        assert_eq!(also, format!("{}: {name} is missing or not what was written", found.folder.display()));
        std::fs::write(&path, whole).expect("written");
    }
    // Shards that would be read in place of the file that was recorded.
    std::fs::rename(found.folder.join("model.safetensors"), found.folder.join("model-1.safetensors")).expect("renamed");
    let index = json!({"weight_map": {"model.norm.weight": "model-1.safetensors"}}).to_string();
    std::fs::write(found.folder.join("model.safetensors.index.json"), index).expect("written");
    let foreign = read().expect_err("was not recorded").to_string();
    assert!(foreign.ends_with("index.json: is not among the files that were written here"), "{foreign}");
}

#[test]
fn what_a_kill_has_left_is_removed_before_it_counts_as_an_output() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let left = [".optimizer.safetensors.123-4.tmp", ".metrics.jsonl.7-0.tmp", "checkpoints/.state.json.9-1.tmp"];
    std::fs::create_dir_all(out.path().join("checkpoints/.partial-step-000004")).expect("made");
    std::fs::create_dir_all(out.path().join(".partial-model")).expect("made");
    for name in left.iter().chain(&["metrics.jsonl", ".keep.tmp"]) {
        std::fs::write(out.path().join(name), "half").expect("written");
    }
    Checkpoints::open(out.path(), json!({})).expect("opens");
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("lists");
        let mut names: Vec<String> = entries.map(|entry| file_name(&entry.expect("an entry").path())).collect();
        names.sort();
        names
    };
    assert_eq!(names(out.path()), [".keep.tmp", "checkpoints", "metrics.jsonl"]);
    assert!(names(&out.path().join("checkpoints")).is_empty());
}

#[test]
fn a_fill_that_fails_leaves_no_checkpoint() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let checkpoints = Checkpoints::open(out.path(), json!({})).expect("opens");
    let full = |folder: &Path| -> Result<(), TrainError> { Err(TrainError::checkpoint(folder, "disk is full")) };
    let failed = checkpoints.write(4, &json!({}), full);
    assert!(failed.is_err() && latest(&checkpoints).is_none());
}

#[test]
fn other_settings_are_refused_by_key() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let settings = json!({"seed": 7, "config": {"learning_rate": 0.1, "context": 8}});
    filled(&Checkpoints::open(out.path(), settings).expect("opens"), 4);
    let other = json!({"seed": 7, "config": {"learning_rate": 0.2, "context": 8}});
    let found = Checkpoints::open(out.path(), other).expect("opens").latest::<Value>();
    let message = found.err().expect("another run's checkpoint").to_string();
    assert!(message.contains("learning_rate") && !message.contains("context"), "{message}");
}

#[test]
fn plugin_memory_survives_its_text() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(hex::decode(hex::encode(&bytes)), Ok(bytes));
    assert!(hex::decode("0g").is_err() && hex::decode("abc").is_err());
}

#[test]
fn the_best_and_every_so_many_th_stay_beside_the_newest() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let retention = Retention { last: 1, every: 10, best: true };
    let checkpoints = Checkpoints::open(out.path(), json!({})).expect("opens").keeping(retention);
    for (step, score) in [(5, 2.0), (10, 1.5), (15, 1.0), (20, 1.2), (25, 1.1), (30, 1.3), (35, 1.4)] {
        checkpoints.write_scored(step, Some(score), &json!({}), |_| Ok(())).expect("writes");
    }
    let steps: Vec<u64> = checkpoints.list().expect("lists").into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, [10, 15, 20, 30, 35]);
}

#[test]
fn a_full_disk_costs_an_error_and_not_the_last_checkpoint() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let checkpoints =
        Checkpoints::open(out.path(), json!({})).expect("opens").keeping(Retention { last: 1, ..Retention::default() });
    filled(&checkpoints, 4);
    let error = checkpoints
        .write(8, &json!({"seen": 8}), |folder| {
            std::fs::write(folder.join("weights"), vec![7; 1 << 16]).map_err(|error| TrainError::io(folder, error))?;
            // The kernel's own "no space left on device".
            std::fs::write("/dev/full", vec![7; 1 << 16]).map_err(|error| TrainError::io(folder, error))
        })
        .expect_err("nothing can be written to /dev/full");
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(latest(&checkpoints), Some((4, json!({"seen": 4}))));
    let left = std::fs::read_dir(out.path().join("checkpoints")).expect("lists").count();
    assert_eq!(left, 1, "what was half written must give its space back");
}
