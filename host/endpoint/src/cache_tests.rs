use std::io::Write;

use super::*;
use crate::answer::Finish;

fn key(number: u8) -> Key {
    Key([number; 32])
}

fn answer(text: &str) -> Answer {
    Answer::of_engine(text, Finish::Stop, Usage { prompt_tokens: 10, answer_tokens: 2 })
}

fn keep(cache: &Cache, number: u8, text: &str) {
    let answer = answer(text);
    cache.keep(&key(number), "model", &answer, answer.usage.unwrap()).unwrap();
}

fn text(cache: &Cache, number: u8) -> Option<String> {
    cache.get(&key(number)).unwrap().map(|answer| answer.text)
}

#[test]
fn what_was_kept_is_there_for_the_next_process_with_what_it_cost() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a").unwrap();
    assert!(cache.is_empty());
    assert_eq!(text(&cache, 1), None);
    keep(&cache, 1, "one\n\u{2028}\"");
    keep(&cache, 2, "two");
    assert_eq!(cache.get(&key(1)).unwrap(), Some(answer("one\n\u{2028}\"")));
    // The process is killed: nothing is closed.
    std::mem::forget(cache);
    let again = Cache::open(folder.path(), "a").unwrap();
    assert_eq!((text(&again, 1).as_deref(), text(&again, 2).as_deref()), (Some("one\n\u{2028}\""), Some("two")));
    assert_eq!(again.spent(), Spending { calls: 2, prompt_tokens: 20, answer_tokens: 4 });
    let other = Cache::open(folder.path(), "b").unwrap();
    assert_eq!((other.len(), other.spent()), (2, Spending::default()), "another payer has paid nothing");
    let lines = fs::read_to_string(folder.path().join("answers-00000.jsonl")).unwrap();
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "JSON Lines");
}

#[test]
fn a_last_line_that_was_cut_is_dropped_and_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers-00000.jsonl");
    let whole = {
        let cache = Cache::open(folder.path(), "a").unwrap();
        keep(&cache, 1, "one");
        keep(&cache, 2, "two");
        fs::read(&path).unwrap()
    };
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in first..whole.len() - 1 {
        fs::write(&path, &whole[..cut]).unwrap();
        let cache = Cache::open(folder.path(), "a").unwrap();
        assert_eq!((text(&cache, 1).as_deref(), text(&cache, 2)), (Some("one"), None), "cut at {cut}");
        keep(&cache, 2, "two");
        assert_eq!(fs::read(&path).unwrap(), whole, "cut at {cut}");
    }
}

#[test]
fn a_damaged_line_is_left_out_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers-00000.jsonl");
    let whole = {
        let cache = Cache::open(folder.path(), "a").unwrap();
        keep(&cache, 1, "one");
        keep(&cache, 2, "two");
        keep(&cache, 3, "three");
        fs::read(&path).unwrap()
    };
    let line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for at in line..2 * line - 1 {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let cache = Cache::open(folder.path(), "a").unwrap();
        let texts = [1, 2, 3].map(|number| text(&cache, number));
        assert_eq!(texts, [Some("one".into()), None, Some("three".into())], "byte {at}");
    }
    fs::write(&path, [&whole[..line], b"\n{}\nnonsense\n\xff\n", &whole[line..]].concat()).unwrap();
    let cache = Cache::open(folder.path(), "a").unwrap();
    assert_eq!((cache.len(), text(&cache, 3).as_deref()), (3, Some("three")));
}

#[test]
fn two_processes_write_into_one_folder_and_read_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = [(); 2].map(|()| Cache::with_files_of(600, folder.path(), "a").unwrap());
    keep(&a, 1, "one");
    assert_eq!(text(&b, 1), None, "not read yet");
    keep(&b, 2, "two");
    assert_eq!(text(&b, 1).as_deref(), Some("one"));
    a.refresh().unwrap();
    assert_eq!(text(&a, 2).as_deref(), Some("two"));
    std::thread::scope(|scope| {
        for (cache, numbers) in [(&a, 10..40), (&b, 40..70)] {
            scope.spawn(move || numbers.for_each(|number| keep(cache, number, "many")));
        }
    });
    let all = Cache::open(folder.path(), "a").unwrap();
    assert_eq!((all.len(), all.spent().calls), (62, 62));
    assert!((10..70).all(|number| text(&all, number).as_deref() == Some("many")));
    assert!(folder.path().join("answers-00009.jsonl").exists(), "files are not larger than they may be");
}

#[test]
fn the_last_answer_to_a_request_holds() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a").unwrap();
    keep(&cache, 1, "one");
    keep(&cache, 1, "other");
    assert_eq!(text(&cache, 1).as_deref(), Some("other"));
    drop(cache);
    assert_eq!(text(&Cache::open(folder.path(), "a").unwrap(), 1).as_deref(), Some("other"));
}

#[test]
fn keys_that_begin_alike_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "a").unwrap();
    keep(&cache, 1, "one");
    let mut alike = key(1);
    alike.0[31] = 9;
    assert_eq!(cache.get(&alike).unwrap(), None);
}

#[test]
fn a_file_that_is_not_ours_is_damage_and_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers-00000.jsonl");
    let mut file = File::create(&path).unwrap();
    file.write_all(&b"x".repeat(3 << 20)).unwrap();
    let cache = Cache::open(folder.path(), "a").unwrap();
    keep(&cache, 1, "one");
    assert_eq!(text(&cache, 1).as_deref(), Some("one"));
    let taken = folder.path().join("file");
    fs::write(&taken, "").unwrap();
    let error = Cache::open(&taken, "a").err().unwrap().to_string();
    assert_eq!(error, format!("could not make {}", taken.display()));
}
