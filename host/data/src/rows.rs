//! Rows of a data file in any format that is read: JSON Lines, one JSON array, CSV, TSV or Parquet, the text formats plain or
//! compressed with gzip, xz, bzip2 or zstd.
//!
//! | file | idea |
//! |---|---|
//! | `files.rs` | which files an input names, and what may stand where a file is asked for |
//! | `encoding.rs` | what the first bytes say a file is, and its bytes without compression |
//! | `array.rs`, `csv.rs`, `parquet.rs` | one format each; JSON Lines are in [`jsonl`](crate::jsonl) |
//! | `parts.rs` | where a file is cut so that its parts are read apart |
//! | `text.rs` | what training wants of a row |
//! | `faults.rs` | the first few bad rows of each kind are named, the others counted |
//!
//! Format and compression are recognised by the file's first bytes, not by its name; CSV and TSV, which have none of their
//! own, by the name (`.csv`, `.tsv`, also before `.gz`). Rows stream, and what is held of a file has a limit whatever it
//! unpacks to:
//!
//! | what | limit |
//! |---|---|
//! | a line, an item of an array, a row of CSV or Parquet | 64 MiB ([`LONGEST_LINE`](crate::jsonl::LONGEST_LINE)) |
//! | columns of a row | 65,536 ([`MOST_COLUMNS`](crate::row::MOST_COLUMNS)) |
//! | values in one column that is read, and their nesting | 4,194,304 ([`MOST_VALUES`](crate::json::MOST_VALUES)), 128 levels |
//! | a page or dictionary of Parquet, unpacked | 512 MiB |
//! | the window of zstd, the memory of xz | 2 GiB each |
//!
//! A row over a limit is a bad row, and the rows after it are read; a page or a window over its limit ends the file.

mod array;
mod csv;
pub(crate) mod encoding;
pub mod faults;
pub mod files;
mod parquet;
pub mod parts;
mod text;

use crate::error::DataError;
use crate::field_map::FieldMap;
use crate::jsonl::JsonLines;
use crate::row::Row;
use array::ArrayRows;
use csv::CsvRows;
use encoding::{broken, plain, unpack};
use parquet::ParquetRows;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

pub use text::{LONGEST_TEXT, NumberedText, TEXT_FIELDS, TextRow, TextRows};

/// Which columns a reader wants of a file that holds its columns apart; the others are named and not read.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// All of them.
    All,
    /// Those in which each map finds its names.
    Fields(Vec<(FieldMap, Vec<String>)>),
}

impl Wanted {
    /// The columns in which `map` finds `names`.
    pub fn fields(map: &FieldMap, names: &[impl AsRef<str>]) -> Wanted {
        Wanted::Fields(vec![(map.clone(), names.iter().map(|name| name.as_ref().to_owned()).collect())])
    }

    /// These columns and those that are called `names`, whatever the map says of them.
    pub fn and(self, names: &[impl AsRef<str>]) -> Wanted {
        match (self, Wanted::fields(&FieldMap::default(), names)) {
            (Wanted::Fields(mut fields), Wanted::Fields(more)) => {
                fields.extend(more);
                Wanted::Fields(fields)
            }
            _ => Wanted::All,
        }
    }

    /// What a problem is read from: its own columns and all that `map` names.
    pub fn problem(map: &FieldMap) -> Wanted {
        let own = ["id", "problem", "reference", "references", "solution"];
        let names: Vec<&str> = own.into_iter().chain(map.columns().map(|(name, _)| name)).collect();
        Wanted::fields(map, &names).and(&["fields"])
    }

    pub(crate) fn has(&self, root: &str) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Fields(fields) => fields.iter().any(|(map, names)| {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                map.may_be_in(&names, root)
            }),
        }
    }
}

/// One row, or what is wrong with it, and its number in the file from 1.
#[derive(Debug)]
pub struct Numbered {
    /// The row's number: the line of a JSON Lines file, blank ones counted.
    pub number: u64,
    /// What it holds.
    pub row: Result<Row, DataError>,
}

/// Iterates over the rows of a file. After an error that is not of [one row](DataError::is_one_line) it ends.
pub struct Rows {
    reader: Reader,
}

enum Reader {
    Lines(JsonLines),
    Array(ArrayRows),
    Csv(CsvRows),
    Parquet(Box<ParquetRows>),
}

impl Rows {
    /// Opens the regular file `path`.
    ///
    /// # Errors
    /// Where it is not one, or cannot be read.
    pub fn open(path: &Path, wanted: &Wanted) -> Result<Rows, DataError> {
        Rows::of_file(path, files::open(path, files::Kind::Regular)?, wanted)
    }

    /// Opens `path`, which may be a pipe: its rows come as they are written, and only once.
    ///
    /// # Errors
    /// Where it is a folder or a device, or cannot be read.
    pub fn stream(path: &Path, wanted: &Wanted) -> Result<Rows, DataError> {
        Rows::of_file(path, files::open(path, files::Kind::Stream)?, wanted)
    }

    fn of_file(path: &Path, mut file: File, wanted: &Wanted) -> Result<Rows, DataError> {
        let failed = |error| DataError::file("read", path, error);
        if file.metadata().map_err(failed)?.is_file() {
            let mut start = Vec::with_capacity(4);
            (&mut file).take(4).read_to_end(&mut start).map_err(failed)?;
            if start == b"PAR1" {
                return Ok(Rows { reader: Reader::Parquet(Box::new(ParquetRows::open(path, file, wanted)?)) });
            }
            file.rewind().map_err(failed)?;
        }
        Rows::from_reader(path, file)
    }

    /// Reads text formats from `reader`; errors call it `name`, whose ending tells CSV.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn from_reader(name: impl AsRef<Path>, reader: impl Read + Send + 'static) -> Result<Rows, DataError> {
        let path = name.as_ref();
        let mut unpacked = unpack(path, reader)?;
        let reader = match csv::delimiter(path) {
            Some(delimiter) => Reader::Csv(CsvRows::new(path, delimiter, unpacked)?),
            None => {
                let start = unpacked.reader.fill_buf().map_err(|error| broken(path, "at its beginning", error))?;
                if array::is_array(start) {
                    Reader::Array(ArrayRows::new(path, unpacked))
                } else {
                    Reader::Lines(JsonLines::unpacked(path, unpacked))
                }
            }
        };
        Ok(Rows { reader })
    }

    /// The lines of a part of a file: plain after so many lines, or, where it is known how many lines there are up to its
    /// end, compressed.
    fn lines_from(
        path: &Path,
        reader: impl Read + Send + 'static,
        before: u64,
        last: Option<u64>,
    ) -> Result<Rows, DataError> {
        let unpacked = if last.is_some() { unpack(path, reader)? } else { plain(reader) };
        Ok(Rows { reader: Reader::Lines(JsonLines::unpacked(path, unpacked).numbered(before, last)) })
    }

    /// The rows of a Parquet file from `from`, which are before it, to `to`.
    fn rows_from(path: &Path, wanted: &Wanted, from: u64, to: u64) -> Result<Rows, DataError> {
        let mut rows = Rows::open(path, wanted)?;
        rows.pass_over(from)?;
        if let Reader::Parquet(rows) = &mut rows.reader {
            rows.end_at(to);
        }
        Ok(rows)
    }

    /// Passes over the next `count` rows, or lines where rows are lines, whatever they hold.
    ///
    /// # Errors
    /// Where the file cannot be read that far.
    pub fn pass_over(&mut self, count: u64) -> Result<(), DataError> {
        match &mut self.reader {
            Reader::Lines(lines) => return lines.skip_lines(count),
            Reader::Parquet(rows) => return rows.pass_over(count),
            Reader::Array(_) | Reader::Csv(_) => {}
        }
        for _ in 0..count {
            match self.next() {
                None => break,
                Some(Numbered { row: Err(error), .. }) if !error.is_one_line() => return Err(error),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The names of the columns, where the file has them once for all rows.
    pub fn columns(&self) -> Option<Vec<&str>> {
        match &self.reader {
            Reader::Parquet(rows) => Some(rows.columns()),
            Reader::Lines(_) | Reader::Array(_) | Reader::Csv(_) => None,
        }
    }

    /// Bytes of the file that the rows so far took, as they lie on disk; for Parquet an estimate by row count.
    pub fn bytes_read(&self) -> u64 {
        match &self.reader {
            Reader::Lines(lines) => lines.bytes_read(),
            Reader::Array(rows) => rows.bytes_read(),
            Reader::Csv(rows) => rows.bytes_read(),
            Reader::Parquet(rows) => rows.bytes_read(),
        }
    }

    /// Whether rows are lines, and their numbers those of the lines.
    pub fn are_lines(&self) -> bool {
        matches!(self.reader, Reader::Lines(_))
    }

    /// The file, as errors name it.
    pub fn path(&self) -> &Path {
        match &self.reader {
            Reader::Lines(lines) => lines.path(),
            Reader::Array(rows) => rows.path(),
            Reader::Csv(rows) => rows.path(),
            Reader::Parquet(rows) => rows.path(),
        }
    }

    /// The error of row `number`, in the words of the file's format.
    pub fn bad_row(&self, number: u64, message: String) -> DataError {
        DataError::of_row(self.path(), self.are_lines(), number, message)
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Rows").field("path", &self.path()).finish_non_exhaustive()
    }
}

impl Iterator for Rows {
    type Item = Numbered;

    fn next(&mut self) -> Option<Numbered> {
        let (number, row) = match &mut self.reader {
            Reader::Lines(lines) => match lines.next()? {
                Ok(line) => (line.number, Ok(line.row)),
                Err(error) => (lines.line_number(), Err(error)),
            },
            Reader::Array(rows) => rows.next()?,
            Reader::Csv(rows) => rows.next()?,
            Reader::Parquet(rows) => rows.next()?,
        };
        Some(Numbered { number, row })
    }
}

#[cfg(test)]
mod tests;
