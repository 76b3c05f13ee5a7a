//! CSV and TSV files: the first row names the columns, and all values are texts.

use crate::error::{DataError, quoted};
use crate::json::Json;
use crate::jsonl::LONGEST_LINE;
use crate::row::{MOST_COLUMNS, Row};
use crate::rows::encoding::{Unpacked, broken};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Iterates over the rows after the first.
pub(crate) struct CsvRows {
    reader: Box<dyn BufRead + Send>,
    parser: Box<Reader>,
    path: PathBuf,
    names: Vec<Arc<str>>,
    number: u64,
    read: Arc<AtomicU64>,
    ended: bool,
    longest: usize,
}

/// A record's cells, or that it is longer than what is held.
enum Record {
    Cells(Vec<Vec<u8>>),
    TooLong,
    TooMany,
}

/// What separates the cells of a file of this name, where it is one of these formats: `a.csv`, `a.tsv.gz`.
pub(crate) fn delimiter(path: &Path) -> Option<u8> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = [".gz", ".xz", ".bz2", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
    if name.ends_with(".csv") {
        return Some(b',');
    }
    name.ends_with(".tsv").then_some(b'\t')
}

impl CsvRows {
    /// Reads the names of the columns.
    pub(crate) fn new(path: &Path, delimiter: u8, Unpacked { reader, read }: Unpacked) -> Result<CsvRows, DataError> {
        let mut rows = CsvRows {
            reader,
            parser: Box::new(ReaderBuilder::new().delimiter(delimiter).build()),
            path: path.to_path_buf(),
            names: Vec::new(),
            number: 0,
            read,
            ended: false,
            longest: LONGEST_LINE,
        };
        let wrong = |message: String| DataError::Format { path: path.to_path_buf(), message };
        let start = rows.reader.fill_buf().map_err(|error| broken(path, "at its beginning", error))?;
        let mark = if start.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        rows.reader.consume(mark);
        let names = match rows.record().map_err(|error| broken(path, "in its first row", error))? {
            None => return Ok(rows),
            Some(Record::Cells(names)) => names,
            Some(Record::TooLong) => return Err(wrong(rows.too_long("the row of the columns' names "))),
            Some(Record::TooMany) => return Err(wrong(too_many())),
        };
        let mut known = BTreeSet::new();
        for name in names {
            let name = String::from_utf8(name).map_err(|_| wrong("the names of its columns are not UTF-8".into()))?;
            if !known.insert(name.clone()) {
                return Err(wrong(format!(
                    "has two columns of the name {}; give each a name of its own",
                    quoted(&name)
                )));
            }
            rows.names.push(name.into());
        }
        Ok(rows)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    fn too_long(&self, what: &str) -> String {
        format!("{what}is longer than {} MiB, the most that is read", self.longest >> 20)
    }

    /// The next record; None at the end of the file.
    fn record(&mut self) -> io::Result<Option<Record>> {
        let (mut cells, mut ends) = (Vec::new(), Vec::new());
        let mut piece = vec![0; 1 << 14];
        let mut piece_ends = vec![0; 1 << 8];
        let (mut too_long, mut too_many) = (false, false);
        loop {
            let input = self.reader.fill_buf()?;
            let (result, read, written, found) = self.parser.read_record(input, &mut piece, &mut piece_ends);
            self.reader.consume(read);
            too_long |= cells.len() + written > self.longest;
            too_many |= ends.len() + found > MOST_COLUMNS;
            if too_long || too_many {
                (cells, ends) = (Vec::new(), Vec::new());
            } else {
                cells.extend_from_slice(&piece[..written]);
                // Ends are counted from the beginning of the record.
                ends.extend_from_slice(&piece_ends[..found]);
            }
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record if too_many => return Ok(Some(Record::TooMany)),
                ReadRecordResult::Record if too_long => return Ok(Some(Record::TooLong)),
                ReadRecordResult::Record => {
                    let mut start = 0;
                    let split = ends.into_iter().map(|end: usize| {
                        let cell = cells[start..end].to_vec();
                        start = end;
                        cell
                    });
                    return Ok(Some(Record::Cells(split.collect())));
                }
            }
        }
    }

    fn row(&self, cells: Vec<Vec<u8>>) -> Result<Row, String> {
        if cells.len() != self.names.len() {
            let (cells, names) = (cells.len(), self.names.len());
            return Err(format!("has {cells} cells, and the first row names {names} columns"));
        }
        // An empty cell is how a missing value is written.
        let value = |cell: Vec<u8>| match String::from_utf8(cell) {
            Ok(text) if text.is_empty() => Ok(Json::Null),
            Ok(text) => Ok(Json::Text(text)),
            Err(error) => Err(format!("is not UTF-8 from byte {} on", error.utf8_error().valid_up_to() + 1)),
        };
        Ok(Row::of_cells(self.names.iter().cloned().zip(cells.into_iter().map(|cell| Some(value(cell))))))
    }
}

fn too_many() -> String {
    format!("has more than {MOST_COLUMNS} columns, the most that is read")
}

impl Iterator for CsvRows {
    type Item = (u64, Result<Row, DataError>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = match self.record() {
            Ok(record) => record,
            Err(error) => {
                self.ended = true;
                let error = broken(&self.path, &format!("after row {}", self.number), error);
                return Some((self.number + 1, Err(error)));
            }
        };
        let Some(record) = record else {
            self.ended = true;
            return None;
        };
        self.number += 1;
        let row = match record {
            Record::Cells(cells) => self.row(cells),
            Record::TooLong => Err(self.too_long("")),
            Record::TooMany => Err(too_many()),
        };
        let bad = |message| DataError::Row { path: self.path.clone(), row: self.number, message };
        Some((self.number, row.map_err(bad)))
    }
}
