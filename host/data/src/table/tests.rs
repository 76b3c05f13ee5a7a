use super::*;
use crate::rows::{Rows, Wanted};
use std::path::PathBuf;

const LINES: [&str; 4] = [
    r#"{"id":1,"text":"a, \"b\"\nc","big":12345678901234567890123,"share":0.5,"verdict":{"outcome":"correct","attempt":0}}"#,
    r#"{"id":2,"text":null,"share":3,"flag":true,"list":[1,"x"],"verdict":{"outcome":"incorrect"}}"#,
    r#"{"id":3,"text":"","share":1e2,"verdict":null,"failure":{"kind":"fuel"}}"#,
    r#"{"id":4,"text":"né","exact":0.1234567890123456789,"mixed":9007199254740993}"#,
];

fn written(folder: &Path, name: &str) -> Result<PathBuf, DataError> {
    let path = folder.join(name);
    let lines = || Ok(LINES.iter().map(|line| Ok(line.as_bytes().to_vec())));
    write(AtomicFile::create(&path)?, Format::of(&path)?, Some("verdict"), lines)?;
    Ok(path)
}

/// Each row as JSON, as the reader of rows reads it.
fn read(path: &Path) -> Vec<String> {
    let rows = Rows::open(path, &Wanted::All).unwrap();
    rows.map(|numbered| numbered.row.unwrap().to_json_with(&[])).collect()
}

#[test]
fn json_lines_are_written_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "a.ndjson", "a.jsonl.zst"] {
        assert_eq!(read(&written(folder.path(), name).unwrap()), LINES, "{name}");
    }
}

#[test]
fn csv_has_the_columns_of_all_rows_in_the_order_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "a.CSV").unwrap();
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        "id,text,big,share,verdict.outcome,verdict.attempt,flag,list,failure,exact,mixed\n\
         1,\"a, \"\"b\"\"\nc\",12345678901234567890123,0.5,correct,0,,,,,\n\
         2,,,3,incorrect,,true,\"[1,\"\"x\"\"]\",,,\n\
         3,,,1e2,,,,,\"{\"\"kind\"\":\"\"fuel\"\"}\",,\n\
         4,né,,,,,,,,0.1234567890123456789,9007199254740993\n"
    );
}

#[test]
fn parquet_has_the_narrowest_type_that_loses_no_digit() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "a.parquet").unwrap();
    let rows: Vec<serde_json::Value> = read(&path).iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    let column = |name: &str| rows.iter().map(|row| row[name].to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(column("id"), "1 2 3 4");
    assert_eq!(column("text"), "\"a, \\\"b\\\"\\nc\" null \"\" \"né\"");
    assert_eq!(column("big"), "\"12345678901234567890123\" null null null");
    assert_eq!(column("share"), "0.5 3 100 null");
    assert_eq!(column("flag"), "null true null null");
    assert_eq!(column("list"), "null \"[1,\\\"x\\\"]\" null null");
    assert_eq!(column("verdict.outcome"), "\"correct\" \"incorrect\" null null");
    assert_eq!(column("exact"), "null null null \"0.1234567890123456789\"");
    assert_eq!(column("mixed"), "null null null 9007199254740993");
    let again = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(std::fs::read(written(folder.path(), "a.parquet").unwrap()).unwrap(), again);
}

#[test]
fn a_name_without_a_format_is_refused_with_those_that_have_one() {
    for name in ["a.txt", "a", ".csv", "a.zst"] {
        let error = Format::of(Path::new(name)).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{name} has no ending that names a format; give it one of .jsonl, .ndjson, .jsonl.zst, .ndjson.zst, .csv, \
                 .parquet"
            )
        );
    }
}

#[test]
fn more_columns_than_the_limit_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let lines = || Ok((0..=MOST_WRITTEN).map(|number| Ok(format!("{{\"c{number}\":1}}").into_bytes())));
    let error = write(AtomicFile::create(&path).unwrap(), Format::Csv, None, lines).unwrap_err();
    assert!(error.to_string().contains("write JSON Lines"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
