use super::*;
use serde_json::{Value, json};

fn lines_of(bytes: impl Into<Vec<u8>>) -> JsonLines {
    JsonLines::from_reader("memory.jsonl", io::Cursor::new(bytes.into())).unwrap()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

/// The number of each line and its row, or what is wrong with it.
fn read(lines: JsonLines) -> Vec<Result<(u64, Value), String>> {
    lines
        .map(|line| {
            let line = line.map_err(|error| error.to_string())?;
            Ok((line.number, serde_json::from_str(&line.row.to_json_with(&[])).unwrap()))
        })
        .collect()
}

#[test]
fn line_ends_marks_and_blank_lines_do_not_matter() {
    let text = b"\xEF\xBB\xBF{\"a\":1}\r\n\r\n  \n{\"a\":2}\n{\"a\":3}";
    for bytes in [text.to_vec(), compressed(text)] {
        let found = read(lines_of(bytes));
        assert_eq!(found, [Ok((1, json!({"a": 1}))), Ok((4, json!({"a": 2}))), Ok((5, json!({"a": 3})))]);
    }
    assert_eq!(lines_of("").count(), 0);
    assert_eq!(lines_of("\n\n").count(), 0);
}

#[test]
fn a_bad_line_is_named_and_the_next_is_still_read() {
    let mut bytes = b"{\"a\":1}\n{\"a\":\n{\"\xFF\":1}\n".to_vec();
    bytes.extend("[".repeat(100_000).bytes());
    bytes.extend(b"\n{\"a\":1} {\"a\":2}\n7\n{\"a\":7}");
    let found = read(lines_of(bytes));
    let said = |line: u64, message: &str| Err(format!("memory.jsonl, line {line}: {message}"));
    assert_eq!(
        found,
        [
            Ok((1, json!({"a": 1}))),
            said(2, "is not JSON: ends where a value is expected (byte 6)"),
            said(3, "is not UTF-8 from byte 3 on"),
            said(4, "is not JSON: ends where a value is expected (byte 100001)"),
            said(5, "is not JSON: has more after its end (byte 9)"),
            said(6, "a record is a JSON object; this is a number"),
            Ok((7, json!({"a": 7}))),
        ]
    );
}

#[test]
fn a_line_of_absurd_length_is_skipped_without_losing_the_next() {
    for ending in ["\n", "\r\n"] {
        let line = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        let mut lines = lines_of(format!("{{}}\n{}{ending}{}\n{{}}", line(202), line(64)));
        lines.longest = 64;
        let found = read(lines);
        assert_eq!(found.len(), 4);
        assert_eq!(found[1], Err("memory.jsonl, line 2: is longer than 0 MiB, the most that is read".into()));
        assert_eq!(found[2], Ok((3, json!({"a": "x".repeat(56)}))));
        assert_eq!(found[3], Ok((4, json!({}))));
    }
    let mut last = lines_of(format!("{{}}\n{}", "x".repeat(200)));
    last.longest = 64;
    assert!(last.nth(1).unwrap().is_err());
    assert!(last.next().is_none());
}

#[test]
fn a_zstd_file_cut_anywhere_is_an_error_that_ends_the_reading() {
    let text: String = (0..20_000).map(|i| format!("{{\"i\":{}}}\n", i * 7919)).collect();
    let whole = compressed(text.as_bytes());
    assert_eq!(lines_of(whole.clone()).filter(|line| line.is_ok()).count(), 20_000);
    for keep in [whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        let cut = io::Cursor::new(whole[..keep].to_vec());
        let found: Vec<Result<Line, DataError>> = match JsonLines::from_reader("memory.jsonl", cut) {
            Ok(lines) => lines.collect(),
            Err(error) => vec![Err(error)],
        };
        let errors: Vec<String> =
            found.iter().filter_map(|line| line.as_ref().err().map(ToString::to_string)).collect();
        assert_eq!(errors.len(), 1, "kept {keep}: {errors:?}");
        assert!(errors[0].contains("cut short"), "{errors:?}");
        assert!(found.last().unwrap().is_err());
    }
    let error = JsonLines::from_reader("f", io::Cursor::new(whole[..5].to_vec())).unwrap_err().to_string();
    assert_eq!(error, "f: is cut short at its beginning: its compressed data has no end. Write or copy it again");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    for byte in &mut damaged[middle..middle + 64] {
        *byte ^= 0x5A;
    }
    let damaged = JsonLines::from_reader("memory.jsonl", io::Cursor::new(damaged));
    assert!(damaged.map_or(true, |mut lines| lines.any(|line| line.is_err())));
}

#[test]
fn frames_that_follow_each_other_are_one_file() {
    let mut bytes = compressed(b"{\"a\":1}\n{\"a\":2}\n");
    bytes.extend(compressed(b"{\"a\":3}\n"));
    let found = read(lines_of(bytes));
    assert_eq!(found, [1, 2, 3].map(|n| Ok((n, json!({"a": n})))));
}

#[test]
fn files_of_other_kinds_are_refused_by_name() {
    for (bytes, name) in [(&b"PAR1...."[..], "Parquet"), (b"\xFF\xFE{\0", "UTF-16")] {
        let error = JsonLines::from_reader("f", io::Cursor::new(bytes.to_vec())).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = JsonLines::open(Path::new("/nowhere/at/all.jsonl")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all.jsonl"));
    let folder = tempfile::tempdir().unwrap();
    assert!(JsonLines::open(folder.path()).unwrap_err().to_string().contains("is a folder"));
}

#[test]
fn what_is_written_is_read_again_and_progress_reaches_the_size() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "a.jsonl.zst"] {
        let path = folder.path().join(name);
        let mut writer = JsonlWriter::create(&path).unwrap();
        for index in 0..1000u32 {
            writer.write(&json!({"text": format!("line\n{index}"), "é": index})).unwrap();
        }
        assert_eq!(writer.lines(), 1000);
        assert!(!path.exists(), "the name may appear only when the file is whole");
        writer.finish().unwrap();
        let mut documents = read_documents(&path).unwrap();
        let found: Vec<Document> = documents.by_ref().map(|found| found.unwrap()).collect();
        assert_eq!(found.len(), 1000);
        assert_eq!(found[9].text, "line\n9");
        assert_eq!(found[9].id, format!("{name}:10"));
        assert_eq!(documents.bytes_read(), std::fs::metadata(&path).unwrap().len());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), if name == "a.jsonl" { 1 } else { 2 });
    }
    drop(JsonlWriter::create(&folder.path().join("b.jsonl.zst")).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn rows_are_the_ones_asked_for_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("problems.jsonl");
    let text = "{\"problem\":\"p0\",\"reference\":0}\n\n{\"problem\":\"p1\"}\n{\"problem\":\"p2\",\"reference\":2}";
    crate::atomic::write(&path, text.as_bytes()).unwrap();
    let map = FieldMap::default();
    let found = read_problems(&[&path], &map, Some(2..3)).unwrap();
    assert_eq!((found[0].problem.as_str(), found[0].id.as_str()), ("p2", "problems.jsonl:4"));
    let error = read_problems(&[&path], &map, None).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("reference"), "{error}");
    let error = read_problems(&[&path], &map, Some(2..9)).unwrap_err().to_string();
    assert!(error.contains("has 3 rows"), "{error}");
    let second = folder.path().join("more.jsonl");
    crate::atomic::write(&second, b"{\"problem\":\"p3\",\"reference\":3}").unwrap();
    let found = read_problems(&[&path, &second], &map, Some(2..4)).unwrap();
    assert_eq!(
        found.iter().map(|problem| problem.id.as_str()).collect::<Vec<_>>(),
        ["problems.jsonl:4", "more.jsonl:1"]
    );
    let error = read_problems(&[&path, &second], &map, Some(2..5)).unwrap_err().to_string();
    assert!(error.contains("more.jsonl: has 4 rows with the files in front of it"), "{error}");
    crate::atomic::write(&path, b"\n").unwrap();
    let error = read_problems(&[&path], &map, None).unwrap_err().to_string();
    assert!(error.ends_with("problems.jsonl: has no rows; an empty file is not an input"), "{error}");
}

#[test]
fn an_example_keeps_its_solution_and_a_map_names_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shots.jsonl");
    let text = r#"{"problem": "1+1", "reference": 2, "solution": "One and one.", "why": "Count."}"#;
    crate::atomic::write(&path, text.as_bytes()).unwrap();
    let solution = |map: &str| {
        read_examples(&[&path], &FieldMap::parse(map).unwrap(), None).unwrap()[0].fields["solution"].clone()
    };
    assert_eq!(solution(""), "One and one.");
    assert_eq!(solution("solution=why"), "Count.");
    assert!(read_problems(&[&path], &FieldMap::default(), None).unwrap()[0].fields.is_empty());
}

#[test]
fn the_real_problem_sets_are_read() {
    let Some(folder) = octo_test_support::shared("data/problems") else { return };
    for (file, map, rows) in [
        ("math500.jsonl", "reference=answer", 500),
        ("mawps.jsonl", "problem=input,reference=target", 2065),
        ("svamp.jsonl", "id=ID,problem=Body+Question,reference=Answer,type=Type", 1000),
        ("asdiv.jsonl", "problem=body+question,reference=answer", 2215),
        ("gsm8k_test.jsonl", "problem=question,reference=answer", 1319),
    ] {
        let found = read_problems(&[folder.join(file)], &FieldMap::parse(map).unwrap(), None);
        assert_eq!(found.unwrap_or_else(|error| panic!("{file}: {error}")).len(), rows, "{file}");
    }
}
