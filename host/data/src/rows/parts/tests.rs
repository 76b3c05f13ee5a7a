use super::*;
use crate::jsonl::{JsonlWriter, read_documents, read_documents_in};
use serde_json::json;
use std::io::Write;

/// Number and `n` of each row of all parts, in order, or what is wrong with it.
fn read(path: &Path, parts: &[Part]) -> Vec<Result<(u64, String), String>> {
    let rows = parts.iter().flat_map(|part| Rows::open_part(path, &Wanted::All, &part.place).unwrap());
    rows.map(|row| {
        let found = row.row.map_err(|error| error.place_and_message().0.rsplit('/').next().unwrap().to_owned())?;
        Ok((row.number, found.get("n").unwrap().unwrap().to_string()))
    })
    .collect()
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::stream::encode_all(text.as_bytes(), 3).unwrap()
}

#[test]
fn lines_are_cut_where_they_end_and_keep_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let mut text = "\u{feff}".to_owned();
    for n in 0..100 {
        text += &match n {
            13 => "no json\n".to_owned(),
            20..25 => "\r\n".to_owned(),
            _ => format!("{{\"n\":{n},\"x\":\"{}\"}}\n", "x".repeat(n * 7 % 40)),
        };
    }
    text += "{\"n\":100}";
    std::fs::write(&path, &text).unwrap();
    let whole = [Part { place: Place::Whole, bytes: 0, weight: 0 }];
    let expected = read(&path, &whole);
    assert_eq!(expected.len(), 96);
    assert_eq!(expected[13], Err("a.jsonl, line 14".to_owned()));
    for wanted in [1, 7, 50, 333, 1000, text.len() as u64 - 1] {
        let parts = cut(&path, wanted).unwrap();
        assert_eq!(parts.iter().map(|part| part.bytes).sum::<u64>(), text.len() as u64);
        assert_eq!(read(&path, &parts), expected, "{wanted}");
        let (last, before) = parts.split_last().unwrap();
        assert!(before.iter().all(|part| part.bytes >= wanted) && last.bytes > 0, "{wanted}");
    }
    assert_eq!(cut(&path, 50).unwrap()[1].place, Place::Lines { from: 69, to: 148, before: 3 });
    assert_eq!(
        cut(&path, text.len() as u64).unwrap(),
        [Part { place: Place::Whole, bytes: text.len() as u64, weight: text.len() as u64 }]
    );
}

#[test]
fn frames_with_marks_are_cut_between_them_and_any_reader_passes_over_the_marks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl.zst");
    let mut bytes = Vec::new();
    for frame in 0..6u64 {
        let text: String = (0..=frame).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        let packed = zstd(&text);
        bytes.extend_from_slice(&packed);
        bytes.extend(mark(frame + 1, packed.len() as u64));
    }
    std::fs::write(&path, &bytes).unwrap();
    let expected = read(&path, &[Part { place: Place::Whole, bytes: 0, weight: 0 }]);
    assert_eq!(expected.len(), 21);
    let parts = cut(&path, 1).unwrap();
    assert_eq!(parts.len(), 6);
    assert_eq!(parts.iter().map(|part| part.bytes).sum::<u64>(), bytes.len() as u64);
    assert!(matches!(parts[3].place, Place::Frames { before: 6, lines: 4, .. }), "{parts:?}");
    assert_eq!(read(&path, &parts), expected);
    let parts = cut(&path, bytes.len() as u64).unwrap();
    assert!(parts.len() > 1 && parts.len() < 6, "{parts:?}");
    assert_eq!(read(&path, &parts), expected);

    // Frames of others, and ours with something after them, are one part.
    for other in [[zstd("{\"n\":1}\n{\"n\""), zstd(":2}\n")].concat(), [&bytes[..], &zstd("{\"n\":3}\n")].concat()] {
        std::fs::write(&path, &other).unwrap();
        assert_eq!(cut(&path, 1).unwrap().len(), 1);
        assert!(read(&path, &cut(&path, 1).unwrap()).iter().all(Result::is_ok));
    }

    // Marks that lie.
    let lying: Vec<u8> = [2, 1]
        .into_iter()
        .flat_map(|lines| [zstd("{\"n\":1}\n"), mark(lines, zstd("{\"n\":1}\n").len() as u64)].concat())
        .collect();
    std::fs::write(&path, &lying).unwrap();
    let parts = cut(&path, 1).unwrap();
    let found: Vec<_> = Rows::open_part(&path, &Wanted::All, &parts[0].place).unwrap().collect();
    let error = found.last().unwrap().row.as_ref().unwrap_err().to_string();
    assert!(
        error.ends_with("a.jsonl.zst: is damaged: it has 1 lines where its marks say 2. Write or copy it again"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_cut_is_one_part() {
    let folder = tempfile::tempdir().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"{\"n\":1}\n{\"n\":2}\n").unwrap();
    let files: [(&str, Vec<u8>); 5] = [
        ("a.jsonl.gz", packed.finish().unwrap()),
        ("a.csv", b"n,x\n1,\"a\nb\"\n2,c\n".to_vec()),
        ("a.json", b" [{\"n\":1},\n{\"n\":2}\n]".to_vec()),
        ("one.jsonl", b"{\"n\":1}\n".to_vec()),
        ("empty.jsonl", Vec::new()),
    ];
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let parts = cut(&path, 1).unwrap();
        assert_eq!(parts.len(), 1, "{name}");
        assert_eq!((&parts[0].place, parts[0].bytes), (&Place::Whole, bytes.len() as u64), "{name}");
    }
    assert!(cut(folder.path(), 1).unwrap_err().to_string().contains("is a folder"));
}

#[test]
fn documents_of_parts_are_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let mut writer = JsonlWriter::create(&path).unwrap();
    (0..50).for_each(|n| writer.write(&json!({ "text": format!("text {n}") })).unwrap());
    writer.finish().unwrap();
    let whole: Vec<_> = read_documents(&path).unwrap().map(Result::unwrap).collect();
    let parts = cut(&path, 100).unwrap();
    assert!(parts.len() > 5);
    let joined: Vec<_> =
        parts.iter().flat_map(|part| read_documents_in(&path, &part.place).unwrap()).map(Result::unwrap).collect();
    assert_eq!(joined, whole);
    assert_eq!(joined[49].id, "a.jsonl:50");
}
