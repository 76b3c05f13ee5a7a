//! Answers to a file of problems, stopped and resumed.

use std::path::Path;

use crate::tiny::{World, midtrain_config, stop_at};
use octo_data::field_map::FieldMap;
use octo_data::prompt::PromptSettings;
use octo_model::{Precision, Sampling};
use octo_train::answering::Answering;
use octo_train::midtrain::midtrain;
use octo_train::{Control, Finished};
use serde_json::{Value, json};

fn answering(world: &World) -> Answering {
    let trained = world.path("trained");
    midtrain(&midtrain_config(4, json!({})), world.midtrain_inputs(), &trained, 7, &Control::silent()).expect("trains");
    Answering {
        model: trained.join("model"),
        prompt: PromptSettings::Inline("Q: {problem}".to_owned()),
        samples: 3,
        sampling: Sampling::new(6),
        seed: 5,
        batch: 1,
        threads: 1,
        device: "cpu".to_owned(),
        compute: Precision::Float32,
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("reads");
    text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect()
}

#[test]
fn answers_of_a_stopped_and_of_a_killed_call_are_those_of_a_whole_one() {
    let world = World::new();
    let answering = answering(&world);
    let rows = world.path("rows.jsonl");
    let row = |n: usize| json!({"sum": {"asked": format!("{n}+1")}, "reference": n + 1}).to_string() + "\n";
    std::fs::write(&rows, (0..5).map(row).collect::<String>()).expect("written");
    let map = FieldMap::new([("problem", "sum.asked")]);
    let (whole, again) = (world.path("whole.jsonl"), world.path("again.jsonl"));

    assert_eq!(answering.file(&rows, &map, &whole, &Control::silent()).expect("answers"), Finished::Done);
    let all = lines(&whole);
    assert_eq!(all.len(), 15);
    assert_eq!(all[4]["sum"]["asked"], "1+1", "rows are in order, and kept");
    assert_eq!((&all[4]["sample"], &all[4]["reference"]), (&json!(1), &json!(2)));
    assert!(all.iter().all(|line| line["response"].is_string() && line["tokens"].as_u64().is_some_and(|n| n <= 6)));
    assert!(all[0]["response"] != all[1]["response"] || all[1]["response"] != all[2]["response"], "samples differ");

    let stopped = answering.file(&rows, &map, &again, &stop_at("8/15")).expect("stops");
    assert_eq!((stopped, again.exists()), (Finished::Stopped, false));
    // A kill in the middle of writing leaves half a batch, and half a line.
    let part = world.path("again.jsonl.part");
    let kept = std::fs::read(&part).expect("a part");
    std::fs::write(&part, [&kept[..], b"{\"sample\": 0}\n{\"samp"].concat()).expect("written");
    assert_eq!(answering.file(&rows, &map, &again, &Control::silent()).expect("resumes"), Finished::Done);
    assert_eq!(std::fs::read(&again).expect("reads"), std::fs::read(&whole).expect("reads"));
    assert!(!part.exists());
}

#[test]
fn other_settings_and_finished_files_are_refused_and_nothing_is_lost() {
    let world = World::new();
    let answering = answering(&world);
    let rows = world.path("rows.jsonl");
    std::fs::write(&rows, (0..5).map(|n| json!({"problem": n}).to_string() + "\n").collect::<String>())
        .expect("written");
    let (map, out) = (FieldMap::default(), world.path("out.jsonl"));
    answering.file(&rows, &map, &out, &stop_at("4/15")).expect("stops");
    let part = world.path("out.jsonl.part");
    let kept = std::fs::read(&part).expect("a part");
    let sampling = Sampling { temperature: 2.0, ..answering.sampling.clone() };
    let hotter = Answering { sampling, ..answering.clone() };
    let message = hotter.file(&rows, &map, &out, &Control::silent()).expect_err("refused").to_string();
    assert!(message.contains("out.jsonl.part") && message.contains("another model, file or setting"), "{message}");
    assert_eq!(std::fs::read(&part).expect("a part"), kept);

    answering.file(&rows, &map, &out, &Control::silent()).expect("resumes");
    let message = answering.file(&rows, &map, &out, &Control::silent()).expect_err("refused").to_string();
    assert!(message.contains("there already"), "{message}");
    let map = FieldMap::new([("problem", "question")]);
    let message = answering.file(&rows, &map, &world.path("x"), &Control::silent()).expect_err("refused").to_string();
    assert!(message.contains("rows.jsonl, line 1") && message.contains("`question`"), "{message}");
}
