use super::*;
use serde_json::json;

fn lines_of(bytes: impl Into<Vec<u8>>) -> JsonLines {
    JsonLines::from_reader("memory.jsonl", io::Cursor::new(bytes.into())).unwrap()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

#[test]
fn line_ends_marks_and_blank_lines_do_not_matter() {
    let text = b"\xEF\xBB\xBF{\"a\":1}\r\n\r\n  \n{\"a\":2}\n{\"a\":3}";
    for bytes in [text.to_vec(), compressed(text)] {
        let found: Vec<(u64, Value)> =
            lines_of(bytes).map(|line| line.map(|line| (line.number, line.value)).unwrap()).collect();
        assert_eq!(found, [(1, json!({"a": 1})), (4, json!({"a": 2})), (5, json!({"a": 3}))]);
    }
    assert_eq!(lines_of("").count(), 0);
    assert_eq!(lines_of("\n\n").count(), 0);
}

#[test]
fn a_bad_line_is_named_and_the_next_is_still_read() {
    let mut bytes = b"{\"a\":1}\n{\"a\":\n\"\xFF\"\n".to_vec();
    bytes.extend("[".repeat(100_000).bytes());
    bytes.extend(b"\n{\"a\":1} {\"a\":2}\n\"\\ud800\"\n7\n");
    let found: Vec<Result<Line, DataError>> = lines_of(bytes).collect();
    assert_eq!(found.len(), 7);
    assert!(found[0].is_ok());
    for (index, part) in [
        (1, "line 2: is not JSON"),
        (2, "line 3: is not UTF-8 from byte 2 on"),
        (3, "line 4: is not JSON: recursion limit"),
        (4, "line 5: is not JSON: trailing characters (column 9)"),
        (5, "line 6: is not JSON"),
    ] {
        let error = found[index].as_ref().unwrap_err();
        assert!(error.is_one_line());
        let text = error.to_string();
        assert!(text.contains(part) && text.contains("memory.jsonl"), "{text}");
    }
    assert_eq!(found[6].as_ref().unwrap().value, json!(7));
}

#[test]
fn a_line_of_absurd_length_is_skipped_without_losing_the_next() {
    for ending in ["\n", "\r\n"] {
        let mut lines = lines_of(format!("1\n\"{}\"{ending}\"{}\"\n3", "x".repeat(200), "y".repeat(62)));
        lines.longest = 64;
        let found: Vec<Result<Line, DataError>> = lines.collect();
        assert_eq!(found.len(), 4);
        assert!(found[1].as_ref().unwrap_err().to_string().contains("line 2: is longer"));
        assert_eq!(found[2].as_ref().unwrap().number, 3);
        assert_eq!(found[3].as_ref().unwrap().value, json!(3));
    }
    let mut last = lines_of(format!("1\n{}", "x".repeat(200)));
    last.longest = 64;
    assert!(last.nth(1).unwrap().is_err());
    assert!(last.next().is_none());
}

#[test]
fn a_zstd_file_cut_anywhere_is_an_error_that_ends_the_reading() {
    let text: String = (0..20_000).map(|i| format!("{{\"i\":{}}}\n", i * 7919)).collect();
    let whole = compressed(text.as_bytes());
    assert_eq!(lines_of(whole.clone()).filter(|line| line.is_ok()).count(), 20_000);
    for keep in [5, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        let found: Vec<Result<Line, DataError>> = lines_of(&whole[..keep]).collect();
        let errors: Vec<String> =
            found.iter().filter_map(|line| line.as_ref().err().map(ToString::to_string)).collect();
        assert_eq!(errors.len(), 1, "kept {keep}: {errors:?}");
        assert!(errors[0].contains("cut short"), "{errors:?}");
        assert!(found.last().unwrap().is_err());
    }
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    for byte in &mut damaged[middle..middle + 64] {
        *byte ^= 0x5A;
    }
    assert!(lines_of(damaged).any(|line| line.is_err()));
}

#[test]
fn frames_that_follow_each_other_are_one_file() {
    let mut bytes = compressed(b"1\n2\n");
    bytes.extend(compressed(b"3\n"));
    let found: Vec<Value> = lines_of(bytes).map(|line| line.unwrap().value).collect();
    assert_eq!(found, [json!(1), json!(2), json!(3)]);
}

#[test]
fn files_of_other_kinds_are_refused_by_name() {
    for (bytes, name) in [(&b"\x1f\x8b\x08\x00"[..], "gzip"), (b"PAR1....", "Parquet"), (b"\xFF\xFE{\0", "UTF-16")] {
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
        assert_eq!(documents.size(), Some(documents.bytes_read()));
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
    let found = read_problems(&path, &map, Some(2..3)).unwrap();
    assert_eq!((found[0].problem.as_str(), found[0].id.as_str()), ("p2", "problems.jsonl:4"));
    let error = read_problems(&path, &map, None).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("reference"), "{error}");
    let error = read_problems(&path, &map, Some(2..9)).unwrap_err().to_string();
    assert!(error.contains("has 3 rows"), "{error}");
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
        let found = read_problems(&folder.join(file), &FieldMap::parse(map).unwrap(), None);
        assert_eq!(found.unwrap_or_else(|error| panic!("{file}: {error}")).len(), rows, "{file}");
    }
}
