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
