use super::*;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// The number of each row and its columns, or what is wrong with it.
type Read = Vec<Result<(u64, Value), String>>;

fn columns(rows: Rows) -> Read {
    rows.map(|numbered| {
        let row = numbered.row.map_err(|error| error.to_string().replace(&*folder_of(&error), ""))?;
        Ok((numbered.number, serde_json::from_str(&row.to_json_with(&[])).unwrap()))
    })
    .collect()
}

fn folder_of(error: &DataError) -> String {
    match error {
        DataError::Line { path, .. } | DataError::Row { path, .. } | DataError::Format { path, .. } => {
            path.parent().map_or_else(String::new, |folder| format!("{}/", folder.display()))
        }
        _ => "/nowhere/".into(),
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, name: &str, bytes: impl AsRef<[u8]>) -> Read {
        match Rows::open(&self.write(name, bytes), &Wanted::All) {
            Ok(rows) => columns(rows),
            Err(error) => vec![Err(error.to_string().replace(&folder_of(&error), ""))],
        }
    }

    fn refused(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let error = Rows::open(&self.write(name, bytes), &Wanted::All).unwrap_err();
        error.to_string().replace(&folder_of(&error), "")
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    liblzma::encode_all(bytes, 6).unwrap()
}

/// As `zstd --long=31`: a window of 2 GiB, which the frame's header asks for.
fn long_zstd(bytes: &[u8]) -> Vec<u8> {
    let mut packed = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    packed.window_log(31).unwrap();
    packed.long_distance_matching(true).unwrap();
    packed.include_checksum(true).unwrap();
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn every_compression_is_read_in_one_part_or_several_and_known_by_its_bytes() {
    let folder = Folder::new();
    let lines: Vec<String> = (0..5000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let expected: Read = (0..5000u64).map(|n| Ok((n + 1, json!({"n": n})))).collect();
    let plain = |bytes: &[u8]| bytes.to_vec();
    for (name, pack) in [
        ("plain", &plain as &dyn Fn(&[u8]) -> Vec<u8>),
        ("gzip", &gzip),
        ("bzip2", &bzip2),
        ("xz", &xz),
        ("zstd", &long_zstd),
    ] {
        let whole = pack(lines.concat().as_bytes());
        assert_eq!(folder.read("a.jsonl", &whole), expected, "{name}");
        let parts = [pack(lines[..2000].concat().as_bytes()), pack(lines[2000..].concat().as_bytes())].concat();
        assert_eq!(folder.read("a.jsonl", &parts), expected, "{name} in two parts");
        if name == "plain" {
            continue;
        }
        let found = folder.read("a.jsonl", &whole[..whole.len() - 9]);
        let error = found.last().unwrap().as_ref().unwrap_err();
        assert!(
            error.starts_with("a.jsonl: is cut short after line ") || error.contains("is cut short at"),
            "{name}: {error}"
        );
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 8].iter_mut().for_each(|byte| *byte ^= 0x5A);
        let path = folder.write("a.jsonl", &damaged);
        let failed = match Rows::open(&path, &Wanted::All) {
            Err(_) => true,
            Ok(rows) => rows.into_iter().any(|numbered| numbered.row.is_err()),
        };
        assert!(failed, "{name} with damage reads as if it had none");
    }
}

#[test]
fn a_json_array_is_read_an_item_at_a_time() {
    let folder = Folder::new();
    let text = "\u{feff}\n [\n {\"a\": \"[,]\\\"}\", \"b\": [1, {\"c\": 2}]},\n\n{\"a\": 2} , 7, {\"a\":}, {}\n]\n";
    let expected = [
        Ok((1, json!({"a": "[,]\"}", "b": [1, {"c": 2}]}))),
        Ok((2, json!({"a": 2}))),
        Err("a.json, row 3: a record is a JSON object; this is a number".into()),
        Err("a.json, row 4: is not JSON: a value is expected (byte 7)".into()),
        Ok((5, json!({}))),
    ];
    assert_eq!(folder.read("a.json", text), expected);
    assert_eq!(folder.read("a.json", gzip(text.as_bytes())), expected);
    assert_eq!(folder.read("a.json", "[]"), []);
    assert_eq!(folder.read("a.json", " [ ] "), []);
    let cut = folder.read("a.json", "[{\"a\": 1}, {\"a\":");
    assert_eq!(cut[0], Ok((1, json!({"a": 1}))));
    assert_eq!(cut[1], Err("a.json: is cut short after row 1: its list has no end. Write or copy it again".into()));
    let more = folder.read("a.json", "[{\"a\": 1}] {\"a\": 2}");
    assert_eq!(more, [Err("a.json: has more after its list, which ends with row 1".into())]);
    // Lines that are lists are lines.
    let lines = folder.read("a.jsonl", "[1]\n{\"a\": 1}\n");
    assert_eq!(lines[0], Err("a.jsonl, line 1: a record is a JSON object; this is a list".into()));
    assert_eq!(lines[1], Ok((2, json!({"a": 1}))));
}

#[test]
fn csv_and_tsv_are_read_by_their_names() {
    let folder = Folder::new();
    let text = "\u{feff}id,answer\r\n1,\"a, \"\"b\"\"\nc\"\r\n2,\r\n3\r\n007,12345678901234567890\r\n";
    let expected = [
        Ok((1, json!({"id": "1", "answer": "a, \"b\"\nc"}))),
        Ok((2, json!({"id": "2", "answer": null}))),
        Err("a.csv, row 3: has 1 cells, and the first row names 2 columns".into()),
        Ok((4, json!({"id": "007", "answer": "12345678901234567890"}))),
    ];
    assert_eq!(folder.read("a.csv", text), expected);
    let packed = folder.read("A.CSV.gz", gzip(text.as_bytes()));
    assert_eq!(packed[0], expected[0]);
    assert_eq!(packed.len(), 4);
    assert_eq!(folder.read("a.tsv", "a\tb\n1\t2"), [Ok((1, json!({"a": "1", "b": "2"})))]);
    assert_eq!(folder.read("a.csv", ""), []);
    assert_eq!(
        folder.refused("a.csv", "a,b,a\n1,2,3\n"),
        "a.csv: has two columns of the name \"a\"; give each a name of its own"
    );
}

#[test]
fn a_row_over_the_limit_is_named_without_being_held_and_the_next_is_read() {
    let folder = Folder::new();
    let long = "x".repeat(crate::jsonl::LONGEST_LINE + 1);
    let is_long = |place: &str| Err(format!("{place}: is longer than 64 MiB, the most that is read"));
    let lines = folder.read("a.jsonl", gzip(format!("{{\"a\":\"{long}\"}}\n{{\"a\":2}}\n").as_bytes()));
    assert_eq!(lines, [is_long("a.jsonl, line 1"), Ok((2, json!({"a": 2})))]);
    let array = folder.read("a.json", gzip(format!("[{{\"a\":\"{long}\"}},{{\"a\":2}}]").as_bytes()));
    assert_eq!(array, [is_long("a.json, row 1"), Ok((2, json!({"a": 2})))]);
    let csv = folder.read("a.csv", format!("a,b\n{long},1\n2,3\n"));
    assert_eq!(csv, [is_long("a.csv, row 1"), Ok((2, json!({"a": "2", "b": "3"})))]);
    let wide = (0..=crate::row::MOST_COLUMNS).map(|n| format!("\"{n}\":1")).collect::<Vec<_>>().join(",");
    let lines = folder.read("a.jsonl", format!("{{{wide}}}\n{{}}"));
    assert_eq!(lines[0], Err("a.jsonl, line 1: has more than 65536 columns, the most that is read".into()));
    assert_eq!(lines[1], Ok((2, json!({}))));
}

#[test]
fn what_is_not_a_file_is_refused_and_a_pipe_is_read_where_it_may_be() {
    let folder = Folder::new();
    let refused = |path: &str| Rows::open(Path::new(path), &Wanted::All).unwrap_err().to_string();
    assert_eq!(refused("/dev/zero"), "/dev/zero: is not a regular file; write what comes out of it to a file first");
    let refused = |path: &str| Rows::stream(Path::new(path), &Wanted::All).unwrap_err().to_string();
    assert_eq!(refused("/dev/zero"), "/dev/zero: is a device; name a file or a pipe");
    assert_eq!(refused("/"), "/: is a folder; name the files in it");
    assert_eq!(columns(Rows::stream(Path::new("/dev/null"), &Wanted::All).unwrap()), []);
    let pipe = folder.0.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(Rows::open(&pipe, &Wanted::All).is_err(), "and does not wait for a writer");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, "{\"a\":1}\n").unwrap()
    });
    assert_eq!(columns(Rows::stream(&pipe, &Wanted::All).unwrap()), [Ok((1, json!({"a": 1})))]);
    writer.join().unwrap();
}

#[test]
fn a_small_text_is_read_to_its_limit() {
    let folder = Folder::new();
    let path = folder.write("a", "héllo");
    let read = |longest| files::read_text(&path, files::Kind::Regular, longest).map_err(|error| error.to_string());
    assert_eq!(read(6), Ok("héllo".into()));
    assert!(read(5).unwrap_err().ends_with("a: has more than 5 bytes, the most that is read of it"));
    std::fs::write(&path, b"h\xFF").unwrap();
    assert!(read(5).unwrap_err().ends_with("a: is not UTF-8 from byte 2 on"));
    assert!(files::read_text(Path::new("/dev/zero"), files::Kind::Stream, 5).is_err());
}

#[test]
fn a_pattern_stands_for_the_files_it_matches_in_order() {
    let folder = Folder::new();
    for name in ["b-10.jsonl", "b-2.jsonl", ".b-0.jsonl", "c.txt", "we[ird].jsonl"] {
        folder.write(name, "");
    }
    std::fs::create_dir(folder.0.path().join("b-dir.jsonl")).unwrap();
    let names = |pattern: &str| -> Result<Vec<String>, String> {
        let found = files::expand(&folder.0.path().join(pattern)).map_err(|error| error.to_string())?;
        Ok(found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect())
    };
    assert_eq!(names("b-*.jsonl").unwrap(), ["b-10.jsonl", "b-2.jsonl"]);
    assert_eq!(names("we[ird].jsonl").unwrap(), ["we[ird].jsonl"], "a file of that name is that file");
    assert_eq!(names("absent.jsonl").unwrap(), ["absent.jsonl"], "for whoever opens it to say so");
    assert!(names("d-*").unwrap_err().ends_with("d-*: matches no file"));
}
