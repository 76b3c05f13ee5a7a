//! Rows of a data file in any format that is read: JSON Lines, plain or with zstd, or Parquet.
//!
//! The format is recognised by the file's first bytes, not by its name. Rows stream: no more of a file is held than a line, or
//! the Parquet pages that a few rows lie in.

mod parquet;

use crate::error::DataError;
use crate::field_map::FieldMap;
use crate::jsonl::JsonLines;
use parquet::ParquetRows;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest text that is tokenised, in bytes. A tokenizer holds about 150 bytes for each of them while it works: 2.4 GB
/// for the longest, per thread.
pub const LONGEST_TEXT: usize = 16 << 20;

/// The names that a [`FieldMap`] may give a column for.
pub const TEXT_FIELDS: [&str; 3] = ["text", "source", "year"];

/// What training wants of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRow {
    /// The text itself.
    pub text: String,
    /// The corpus that the row says it is of.
    pub source: Option<String>,
    /// Year of the crawl or of publication.
    pub year: Option<u16>,
}

impl TextRow {
    /// Takes `text`, `source` and `year` from the columns that `map` names. `text` is required; `source` and `year`
    /// may be absent or null. A year may be a date that begins with it.
    ///
    /// The error says what is wrong with which column.
    pub fn from_value(row: &Value, map: &FieldMap) -> Result<TextRow, String> {
        let Value::Object(columns) = row else {
            return Err("is not an object with columns".into());
        };
        let text = map.get(row, "text").ok_or_else(|| {
            let present: Vec<&str> = columns.keys().map(String::as_str).collect();
            format!(
                "has no text in {:?}; the columns are: {}. Name the right one with a map, as in `text=COLUMN`",
                map.column("text"),
                present.join(", ")
            )
        })?;
        if text.len() > LONGEST_TEXT {
            return Err(format!(
                "has a text of {} MiB; the most that is tokenised is {} MiB. Split it",
                text.len() >> 20,
                LONGEST_TEXT >> 20
            ));
        }
        let year = match map.get(row, "year") {
            None => None,
            Some(written) => Some(
                year_of(&written)
                    .ok_or_else(|| format!("has {:?} = {written:?}, which is not a year", map.column("year")))?,
            ),
        };
        Ok(TextRow { text, source: map.get(row, "source").filter(|source| !source.is_empty()), year })
    }
}

/// `2021`, or a date that begins with a year of four digits: `2021-04-05`.
fn year_of(written: &str) -> Option<u16> {
    let written = written.trim();
    let first = match written.split_once('-') {
        Some((first, _)) if first.len() == 4 => first,
        _ => written,
    };
    first.parse().ok()
}

/// One row, or what is wrong with it, and its number in the file from 1.
#[derive(Debug)]
pub struct Numbered {
    /// The row's number: the line of a JSON Lines file, blank ones counted.
    pub number: u64,
    /// What it holds.
    pub row: Result<TextRow, DataError>,
}

/// Iterates over the rows of a file. After an error that is not of [one row](DataError::is_one_line) it ends.
#[derive(Debug)]
pub struct Rows {
    reader: Reader,
    map: FieldMap,
}

#[derive(Debug)]
enum Reader {
    Lines(JsonLines),
    Parquet(ParquetRows),
}

impl Rows {
    /// Opens `path` after its first `skip` rows, with the columns that `map` gives to [`TEXT_FIELDS`].
    pub fn open(path: &Path, map: &FieldMap, skip: u64) -> Result<Rows, DataError> {
        let reader = if is_parquet(path)? {
            Reader::Parquet(ParquetRows::open(path, map, skip)?)
        } else {
            let mut lines = JsonLines::open(path)?;
            lines.skip_lines(skip)?;
            Reader::Lines(lines)
        };
        Ok(Rows { reader, map: map.clone() })
    }

    /// Bytes of the file that the rows so far took, as they lie on disk; for Parquet an estimate by row count.
    pub fn bytes_read(&self) -> u64 {
        match &self.reader {
            Reader::Lines(lines) => lines.bytes_read(),
            Reader::Parquet(rows) => rows.bytes_read(),
        }
    }

    /// The error of row `number`, in the words of the file's format.
    pub(crate) fn bad_row(path: &Path, parquet: bool, number: u64, message: String) -> DataError {
        if parquet {
            DataError::Row { path: path.to_path_buf(), row: number, message }
        } else {
            DataError::line(path, number, message)
        }
    }

    /// Whether the file is Parquet, whose rows are not lines.
    pub(crate) fn is_parquet(&self) -> bool {
        matches!(self.reader, Reader::Parquet(_))
    }

    fn path(&self) -> &Path {
        match &self.reader {
            Reader::Lines(lines) => lines.path(),
            Reader::Parquet(rows) => rows.path(),
        }
    }
}

impl Iterator for Rows {
    type Item = Numbered;

    fn next(&mut self) -> Option<Numbered> {
        let (number, value) = match &mut self.reader {
            Reader::Lines(lines) => match lines.next()? {
                Ok(line) => (line.number, Ok(line.value)),
                Err(error) => (lines.line_number(), Err(error)),
            },
            Reader::Parquet(rows) => rows.next()?,
        };
        let row = value.and_then(|value| {
            TextRow::from_value(&value, &self.map)
                .map_err(|message| Rows::bad_row(self.path(), self.is_parquet(), number, message))
        });
        Some(Numbered { number, row })
    }
}

fn is_parquet(path: &Path) -> Result<bool, DataError> {
    let file = File::open(path).map_err(|error| DataError::file("open", path, error))?;
    let details = file.metadata().map_err(|error| DataError::file("read", path, error))?;
    if !details.is_file() {
        let message = if details.is_dir() {
            "is a folder; name the files in it, or a folder that `octo-host tokenize` wrote where one is asked for"
        } else {
            "is not a regular file; rows are read from files, which can be read again from the middle"
        };
        return Err(DataError::Format { path: path.to_path_buf(), message: message.into() });
    }
    let mut start = Vec::with_capacity(4);
    file.take(4).read_to_end(&mut start).map_err(|error| DataError::file("read", path, error))?;
    Ok(start == b"PAR1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value, map: &str) -> Result<TextRow, String> {
        TextRow::from_value(&value, &FieldMap::parse(map).unwrap())
    }

    #[test]
    fn columns_are_found_under_the_names_that_the_map_gives_them() {
        let value = json!({"q": "Why", "a": "So", "meta": {"crawl": "2021-04-05T10:00", "set": "web"}, "year": 7});
        let found = row(value, "text=q+a,source=meta.set,year=meta.crawl").unwrap();
        assert_eq!(found, TextRow { text: "Why So".into(), source: Some("web".into()), year: Some(2021) });
        let plain = row(json!({"text": "t", "source": "", "year": null}), "").unwrap();
        assert_eq!(plain, TextRow { text: "t".into(), source: None, year: None });
    }

    #[test]
    fn a_row_without_what_is_needed_says_which_columns_there_are() {
        let error = row(json!({"body": "t", "url": "u"}), "").unwrap_err();
        assert!(error.contains("\"text\"") && error.contains("body, url"), "{error}");
        assert!(row(json!({"text": "t", "year": "soon"}), "").unwrap_err().contains("soon"));
        assert!(row(json!({"text": ["t"]}), "").is_err());
        assert!(row(json!("text"), "").is_err());
        assert!(row(json!({"text": "x".repeat(LONGEST_TEXT + 1)}), "").unwrap_err().contains("Split it"));
    }

    #[test]
    fn rows_after_those_that_are_skipped_keep_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "{\"text\": \"a\"}\n\nnot json\n{\"text\": \"b\"}\n{\"text\": \"c\"}").unwrap();
        let numbers = |skip| -> Vec<(u64, bool)> {
            let rows = Rows::open(&path, &FieldMap::default(), skip).unwrap();
            rows.map(|numbered| (numbered.number, numbered.row.is_ok())).collect()
        };
        let all = [(1, true), (3, false), (4, true), (5, true)];
        assert_eq!(numbers(0), all);
        assert_eq!(numbers(1), all[1..]);
        assert_eq!(numbers(3), all[2..]);
        assert_eq!(numbers(5), []);
        assert_eq!(numbers(50), []);
    }
}
