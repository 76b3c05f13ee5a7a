//! Texts to train on: what a row has of text, source and year.

use crate::error::{DataError, quoted};
use crate::field_map::FieldMap;
use crate::record::missing;
use crate::row::Row;
use crate::rows::{Numbered, Rows, Wanted};
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
    /// Takes `text`, `source` and `year` from the columns that `map` names. The column of the text is required; a text
    /// that is null is empty. `source` and `year` may be absent or null. A year may be a date that begins with it.
    ///
    /// # Errors
    /// What is wrong with which column.
    pub fn from_row(row: &Row, map: &FieldMap) -> Result<TextRow, String> {
        let text = match map.text(row, "text")? {
            Some(text) => text,
            None if map.find(row, "text")?.is_some() => String::new(),
            None => return Err(missing(row, map, "text")),
        };
        if text.len() > LONGEST_TEXT {
            return Err(format!(
                "has a text of {} MiB; the most that is tokenised is {} MiB. Split it",
                text.len() >> 20,
                LONGEST_TEXT >> 20
            ));
        }
        let year = match map.text(row, "year")? {
            None => None,
            Some(written) => {
                let wrong = || format!("{} is {}, which is not a year", map.shown("year"), quoted(&written));
                Some(year_of(&written).ok_or_else(wrong)?)
            }
        };
        Ok(TextRow { text, source: map.text(row, "source")?.filter(|source| !source.is_empty()), year })
    }

    /// Bytes of text in it: what a reader counts to stay within its memory.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.source.as_ref().map_or(0, String::len)
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

/// One text, or what is wrong with it, and its number in the file from 1.
#[derive(Debug)]
pub struct NumberedText {
    /// The row's number: the line of a JSON Lines file, blank ones counted.
    pub number: u64,
    /// What it holds.
    pub row: Result<TextRow, DataError>,
}

/// Iterates over the texts of a file. After an error that is not of [one row](DataError::is_one_line) it ends.
#[derive(Debug)]
pub struct TextRows {
    rows: Rows,
    map: FieldMap,
}

impl TextRows {
    /// Opens `path` after its first `skip` rows, with the columns that `map` gives to [`TEXT_FIELDS`].
    ///
    /// # Errors
    /// Where the file cannot be read, or knows its columns and lacks one that is wanted.
    pub fn open(path: &Path, map: &FieldMap, skip: u64) -> Result<TextRows, DataError> {
        let mut rows = Rows::open(path, &Wanted::fields(map, &TEXT_FIELDS))?;
        if let Some(columns) = rows.columns() {
            for name in TEXT_FIELDS {
                let needed = name == "text" || map.maps(name);
                if needed && !columns.iter().any(|root| map.may_be_in(&[name], root)) {
                    let message = format!(
                        "has no column {:?}; its columns are: {}. Name the right one with a map, as in `{name}=COLUMN`",
                        map.column(name),
                        columns.join(", ")
                    );
                    return Err(DataError::Format { path: path.to_path_buf(), message });
                }
            }
        }
        rows.pass_over(skip)?;
        Ok(TextRows { rows, map: map.clone() })
    }

    /// Bytes of the file that the rows so far took, as they lie on disk; for Parquet an estimate by row count.
    pub fn bytes_read(&self) -> u64 {
        self.rows.bytes_read()
    }

    /// Whether the file's rows are lines.
    pub(crate) fn are_lines(&self) -> bool {
        self.rows.are_lines()
    }
}

impl Iterator for TextRows {
    type Item = NumberedText;

    fn next(&mut self) -> Option<NumberedText> {
        let Numbered { number, row } = self.rows.next()?;
        let row = row
            .and_then(|row| TextRow::from_row(&row, &self.map).map_err(|message| self.rows.bad_row(number, message)));
        Some(NumberedText { number, row })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: serde_json::Value, map: &str) -> Result<TextRow, String> {
        TextRow::from_row(&Row::from(value), &FieldMap::parse(map).unwrap())
    }

    #[test]
    fn columns_are_found_under_the_names_that_the_map_gives_them() {
        let value = json!({"q": "Why", "a": "So", "meta": {"crawl": "2021-04-05T10:00", "set": "web"}, "year": 7});
        let found = row(value, "text=q+a,source=meta.set,year=meta.crawl").unwrap();
        assert_eq!(found, TextRow { text: "Why So".into(), source: Some("web".into()), year: Some(2021) });
        let plain = row(json!({"text": "t", "source": "", "year": null}), "").unwrap();
        assert_eq!(plain, TextRow { text: "t".into(), source: None, year: None });
        let null = row(json!({"text": null, "source": "web"}), "").unwrap();
        assert_eq!(null, TextRow { text: String::new(), source: Some("web".into()), year: None });
    }

    #[test]
    fn a_row_without_what_is_needed_says_which_columns_there_are() {
        let error = row(json!({"body": "t", "url": "u"}), "").unwrap_err();
        assert!(error.contains("`text`") && error.contains("body, url"), "{error}");
        assert!(row(json!({"text": "t", "year": "soon"}), "").unwrap_err().contains("soon"));
        assert!(row(json!({"text": ["t"]}), "").is_err());
        assert!(row(json!({"text": "x".repeat(LONGEST_TEXT + 1)}), "").unwrap_err().contains("Split it"));
    }

    #[test]
    fn rows_after_those_that_are_skipped_keep_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "{\"text\": \"a\"}\n\nnot json\n{\"text\": \"b\"}\n{\"text\": \"c\"}").unwrap();
        let numbers = |skip| -> Vec<(u64, bool)> {
            let rows = TextRows::open(&path, &FieldMap::default(), skip).unwrap();
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
