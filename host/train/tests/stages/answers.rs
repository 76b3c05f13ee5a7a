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
    let expected = format!(
        "{} holds 4 answers of another model, file or setting (temperature: 1.0 before, 2.0 now): remove it to begin \
         anew, or resume with what it was made with",
        part.display()
    );
    assert_eq!(message, expected);
    assert_eq!(std::fs::read(&part).expect("a part"), kept);

    answering.file(&rows, &map, &out, &Control::silent()).expect("resumes");
    let message = answering.file(&rows, &map, &out, &Control::silent()).expect_err("refused").to_string();
    assert!(message.contains("there already"), "{message}");
    let map = FieldMap::new([("problem", "question")]);
    let message = answering.file(&rows, &map, &world.path("x"), &Control::silent()).expect_err("refused").to_string();
    assert!(message.contains("rows.jsonl, line 1") && message.contains("`question`"), "{message}");
}

/// Rows of one text each, in a file.
fn rows(world: &World, name: &str, problems: &[&str]) -> std::path::PathBuf {
    let path = world.path(name);
    let text: String = problems.iter().map(|text| json!({ "problem": text }).to_string() + "\n").collect();
    std::fs::write(&path, text).expect("written");
    path
}

#[test]
fn a_response_is_of_its_problem_and_its_number_whatever_is_beside_it() {
    let world = World::new();
    let four = Answering { samples: 4, batch: 2, ..answering(&world) };
    let responses = |answering: &Answering, problems: &[&str], name: &str| {
        let (rows, out) = (rows(&world, &format!("{name}.rows"), problems), world.path(name));
        answering.file(&rows, &FieldMap::default(), &out, &Control::silent()).expect("answers");
        lines(&out).iter().map(|line| line["response"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    let all = responses(&four, &["0+1", "1+1", "2+1", "1+1"], "all");
    let of = |row: usize| &all[row * 4..row * 4 + 4];
    assert_ne!(of(0), of(1));
    assert_ne!(of(1), of(3), "a problem that is there twice is drawn for anew");
    let one = Answering { samples: 1, batch: 5, ..four.clone() };
    let first = [0, 4, 8, 12].map(|place| all[place].clone());
    assert_eq!(responses(&one, &["0+1", "1+1", "2+1", "1+1"], "one"), first);
    assert_eq!(responses(&four, &["2+1", "0+1"], "fewer"), [of(2), of(0)].concat());
    let other = Answering { seed: 6, ..four.clone() };
    assert_ne!(responses(&other, &["2+1", "0+1"], "other seed"), [of(2), of(0)].concat());
}

#[test]
fn what_does_not_fit_into_the_models_context_is_cut_and_marked() {
    let world = World::new();
    let answering = Answering { samples: 2, batch: 3, ..answering(&world) };
    let tokenizer = octo_data::tokenizer::Tokenizer::load(&answering.model).expect("a tokenizer");
    let long = |tokens: usize| {
        let (mut text, count) =
            (String::new(), |text: &str| tokenizer.encode(&format!("Q: {text}")).expect("encodes").len());
        while count(&text) < tokens {
            text.push('z');
        }
        assert_eq!(count(&text), tokens);
        text
    };
    let problems = [long(130), "1+1".to_owned(), long(125), long(128), long(127)];
    let rows = rows(&world, "rows", &problems.each_ref().map(String::as_str));
    let out = world.path("out.jsonl");
    let wanted = Answering { sampling: Sampling::new(500), ..answering.clone() };
    wanted.file(&rows, &FieldMap::default(), &out, &Control::silent()).expect("answers");
    let found = lines(&out);
    let mut cut = 0;
    for (line, (row, room)) in found.iter().zip([0, 500, 3, 0, 1].iter().enumerate().flat_map(|row| [row; 2])) {
        let (tokens, finish) = (line["tokens"].as_u64().expect("a count"), line["finish"].as_str());
        match room {
            0 => assert_eq!(
                (&line["response"], tokens, finish, &line["room"]),
                (&json!(""), 0, Some("length"), &json!(0))
            ),
            _ if finish == Some("stop") => assert!(line.get("room").is_none() && tokens < 128, "{line}"),
            500 => assert_eq!(line["room"], json!(tokens), "{line}"),
            _ => assert_eq!((&line["room"], tokens), (&json!(room), *room), "row {row}: {line}"),
        }
        cut += u64::from(line["room"].as_u64().is_some_and(|room| room > 0));
    }
    assert!(found.len() == 10 && cut > 0, "{cut} of {}", found.len());

    let mut typed = Vec::new();
    let kept = std::sync::Mutex::new(&mut typed);
    let asked = [long(128), "1+1".to_owned()].map(Ok);
    answering
        .one_by_one(asked.into_iter(), |answer| {
            kept.lock().expect("one thread").push((answer.tokens, answer.room));
            Ok(())
        })
        .expect("answers");
    assert_eq!(typed[..2], [(0, Some(0)); 2]);
    assert!(typed.len() == 4 && typed[2..].iter().all(|(tokens, room)| *tokens > 0 && room.is_none()), "{typed:?}");
}

#[test]
fn what_cannot_be_asked_is_refused_by_name_and_leaves_nothing_behind() {
    let world = World::new();
    let answering = Answering { prompt: PromptSettings::Inline("{problem}".to_owned()), ..answering(&world) };
    let (map, out) = (FieldMap::default(), world.path("out.jsonl"));
    let part = world.path("out.jsonl.part");
    let refused = |answering: &Answering, problems: &[&str]| {
        let rows = rows(&world, "rows.jsonl", problems);
        let error = answering.file(&rows, &map, &out, &Control::silent()).expect_err("refused").to_string();
        assert!(!out.exists() && !part.exists());
        error
    };
    assert_eq!(
        refused(&answering, &["1+1", ""]),
        format!(
            "{}:2: the prompt is empty, and a model continues at least one token",
            world.path("rows.jsonl").display()
        )
    );
    let many = Answering { samples: usize::MAX, ..answering.clone() };
    assert_eq!(
        refused(&many, &["1+1", "2+1"]),
        "config key `samples`: 18446744073709551615 responses to each of 2 problems are too many"
    );
    let greedy = Sampling { temperature: 0.0, ..answering.sampling.clone() };
    let equal = Answering { sampling: greedy, ..answering.clone() };
    assert_eq!(
        refused(&equal, &["1+1"]),
        "config key `samples`: 3 responses without chance are all the same; set `temperature` above 0"
    );
    // What a kill in the first batch leaves is of no use, and not in the way of other settings; another's file is.
    let good = rows(&world, "rows.jsonl", &["1+1"]);
    for left in ["", "{\"octo_gen", "{\"octo_generate\":{\"seed\":1}}\n", "{\"octo_generate\":{\"seed\":1}}\n{\"resp"] {
        std::fs::write(&part, left).expect("written");
        answering.file(&good, &map, &out, &Control::silent()).expect("answers");
        assert_eq!(lines(&out).len(), 3, "{left:?}");
        std::fs::remove_file(&out).expect("removed");
    }
    for left in ["notes", "{\"octo_generate\":{\"seed\":1}}\n{}\n"] {
        std::fs::write(&part, left).expect("written");
        let error = answering.file(&good, &map, &out, &Control::silent()).expect_err("refused").to_string();
        assert!(error.contains("answers of another model, file or setting"), "{error}");
        assert_eq!(std::fs::read_to_string(&part).expect("reads"), left);
    }
}

#[test]
fn two_calls_do_not_write_to_one_file() {
    let world = World::new();
    let answering = answering(&world);
    let rows = rows(&world, "rows.jsonl", &["0+1", "1+1", "2+1", "3+1", "0+2"]);
    let (map, out) = (FieldMap::default(), world.path("out.jsonl"));
    let part = world.path("out.jsonl.part");
    let other = std::fs::File::create(&part).expect("made");
    other.lock().expect("locked");
    let error = answering.file(&rows, &map, &out, &Control::silent()).expect_err("refused").to_string();
    assert_eq!(error, format!("{}: another octo-host is writing to it; wait for it, or end it", part.display()));
    drop(other);

    let ended: Vec<Result<Finished, String>> = std::thread::scope(|scope| {
        let call = || answering.file(&rows, &map, &out, &Control::silent()).map_err(|error| error.to_string());
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect()
    });
    assert_eq!(ended.iter().filter(|ended| **ended == Ok(Finished::Done)).count(), 1, "{ended:?}");
    for error in ended.iter().filter_map(|ended| ended.as_ref().err()) {
        assert!(error.contains("another octo-host is writing") || error.contains("is there already"), "{error}");
    }
    assert_eq!((lines(&out).len(), part.exists()), (15, false));
}

#[test]
fn a_model_folder_answers_requests_each_by_its_own_seed_and_names_those_that_are_no_prompts() {
    use octo_endpoint::{Answer, Finish, Halt, LanguageModel, Message, NoAnswer, Prompt, Request, Role, Sampling};
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    let world = World::new();
    let folder = answering(&world).model;
    let template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";
    std::fs::write(folder.join("chat_template.jinja"), template).expect("written");
    let settings = octo_train::local_model::LocalSettings {
        folder,
        name: "tiny".to_owned(),
        batch: 2,
        threads: 1,
        device: "cpu".to_owned(),
        compute: Precision::Float32,
    };
    let model = octo_train::local_model::LocalModel::new(settings);
    let sampling = Sampling { max_tokens: 5, temperature: 1.0, ..Sampling::default() };
    let chat = |text: &str, sampling: Sampling| {
        let message = Message { role: Role::User, content: text.to_owned() };
        Request { prompt: Prompt::Chat(vec![message]), sampling }
    };
    let requests = [
        chat("1+1", sampling.clone()),
        chat("1+1", Sampling { seed: Some(9), ..sampling.clone() }),
        chat(&"2+2 ".repeat(5000), sampling.clone()),
        Request { prompt: Prompt::Text("Q: 3".to_owned()), sampling: Sampling { max_tokens: 2, ..sampling.clone() } },
        chat("4+4", sampling),
    ];
    let ask = |requests: &[Request], stop: bool| -> (Result<(), Halt>, BTreeMap<usize, Result<Answer, NoAnswer>>) {
        let found = Mutex::new(BTreeMap::new());
        let ended = model.answer(requests, &AtomicBool::new(stop), &|index, answer| {
            assert!(found.lock().expect("a lock").insert(index, answer).is_none(), "{index} is answered once");
            Ok(())
        });
        (ended, found.into_inner().expect("a lock"))
    };
    let (ended, found) = ask(&requests, false);
    ended.expect("answers all");
    assert_eq!(found.len(), 5);
    let why = found[&2].as_ref().expect_err("no room").to_string();
    assert!(
        why.starts_with("the model gave no answer in 1 try: the prompt has ")
            && why.ends_with(" tokens, and the model reads 128"),
        "{why}"
    );
    for (index, most) in [(0, 5), (1, 5), (3, 2), (4, 5)] {
        let answer = found[&index].as_ref().expect("an answer");
        let usage = answer.usage.expect("counted");
        assert!(usage.answer_tokens <= most && usage.prompt_tokens > 0, "{answer:?}");
        assert_eq!(answer.finish == Finish::Length, usage.answer_tokens == most, "{answer:?}");
    }
    assert_ne!(found[&0], found[&1], "another seed draws otherwise");
    let (_, alone) = ask(&requests[3..4], false);
    assert_eq!(alone[&0], found[&3]);
    let (stopped, none) = ask(&requests[..1], true);
    assert!(matches!(stopped, Err(Halt::Stopped)) && none.is_empty());
}
