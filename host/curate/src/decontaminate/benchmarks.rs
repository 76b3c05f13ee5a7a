//! Rows of benchmarks out of data files of any format that is read.

use std::ops::Range;
use std::path::{Path, PathBuf};

use octo_data::DataError;
use octo_data::field_map::FieldMap;
use octo_data::row::Row;
use octo_data::rows::{Numbered, Rows, Wanted};

use super::BenchmarkRow;

/// The most bytes of text that the rows of all benchmarks may have together.
pub const MOST_BYTES: usize = 1 << 30;
/// The columns that are asked for; those of problems stand in where a file of problems is no file of benchmarks.
const COLUMNS: [&str; 7] = ["id", "query", "label", "passage", "problem", "reference", "references"];

/// A benchmark: its name, and where its rows are.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// What the recipe calls it.
    pub name: String,
    /// Its files, in order.
    pub files: Vec<PathBuf>,
    /// Which columns hold `query`, `label`, `passage` and `id`.
    pub map: FieldMap,
    /// Rows to take, counted from 0 over all files; all where there is none.
    pub rows: Option<Range<usize>>,
}

impl Benchmark {
    /// Its name, the digests of its files and its rows.
    ///
    /// # Errors
    /// A file or row that cannot be read, a row without a question and an answer, or a benchmark without rows.
    pub fn read(&self) -> Result<(String, Vec<String>, Vec<BenchmarkRow>), DataError> {
        let digests = octo_data::digest::of_files(&self.files)?;
        let (mut rows, mut seen, mut bytes) = (Vec::new(), 0, 0usize);
        for path in &self.files {
            let mut found = open(path, &self.map)?;
            while let Some(Numbered { number, row }) = found.next() {
                seen += 1;
                match &self.rows {
                    Some(range) if seen > range.end => break,
                    Some(range) if seen <= range.start => match row {
                        Err(error) if !error.is_one_line() => return Err(error),
                        _ => continue,
                    },
                    _ => {}
                }
                let row =
                    of_row(&row?, &self.map, &name(path, number)).map_err(|message| found.bad_row(number, message))?;
                bytes = bytes.saturating_add(bytes_of(&row));
                if bytes > MOST_BYTES {
                    return Err(found.bad_row(number, too_much()));
                }
                rows.push(row);
            }
        }
        if rows.is_empty() {
            let path = self.files.first().cloned().unwrap_or_default();
            let message = match &self.rows {
                Some(range) => format!("has {seen} rows, and rows {}..{} were asked for", range.start, range.end),
                None => octo_data::jsonl::NO_ROWS.to_owned(),
            };
            return Err(DataError::Format { path, message });
        }
        Ok((self.name.clone(), digests, rows))
    }
}

/// Reads the first row of a file of a benchmark, to see that it can be read.
///
/// # Errors
/// What keeps it from being read.
pub fn first_row(path: &Path, map: &FieldMap) -> Result<(), DataError> {
    let mut rows = open(path, map)?;
    match rows.next() {
        None => Err(DataError::Format { path: path.to_path_buf(), message: octo_data::jsonl::NO_ROWS.to_owned() }),
        Some(Numbered { number, row }) => {
            of_row(&row?, map, "").map(|_| ()).map_err(|message| rows.bad_row(number, message))
        }
    }
}

fn open(path: &Path, map: &FieldMap) -> Result<Rows, DataError> {
    Rows::open(path, &Wanted::fields(map, &COLUMNS))
}

fn of_row(row: &Row, map: &FieldMap, name: &str) -> Result<BenchmarkRow, String> {
    let query = match map.text(row, "query")? {
        None if !map.maps("query") => map.text(row, "problem")?,
        found => found,
    };
    let labels = match map.texts(row, "label")? {
        None if !map.maps("label") => map.references(row)?,
        found => found,
    };
    let lacking = |name: &str| {
        format!("has no column {:?} for `{name}`; its columns are {}", map.column(name), row.shown_names())
    };
    if query.is_none() && (map.maps("query") || labels.is_none()) {
        return Err(format!(
            "{}. Name the column in `map`, as in {{ query = \"question\", label = \"answer\" }}",
            lacking("query")
        ));
    }
    if labels.is_none() && map.maps("label") {
        return Err(lacking("label"));
    }
    Ok(BenchmarkRow {
        name: map.text(row, "id")?.unwrap_or_else(|| name.to_owned()),
        query: query.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
        passage: map.text(row, "passage")?.unwrap_or_default(),
    })
}

fn name(path: &Path, number: u64) -> String {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{file}:{number}")
}

/// Bytes of text, the question once for each label, as the index looks at them.
fn bytes_of(row: &BenchmarkRow) -> usize {
    let labels: usize = row.labels.iter().map(String::len).sum();
    row.query.len().saturating_mul(row.labels.len().max(1)).saturating_add(labels + row.passage.len() + row.name.len())
}

fn too_much() -> String {
    format!(
        "the rows of benchmarks so far have more than {} MiB of text, the most that is indexed; split the benchmarks over several stages",
        MOST_BYTES >> 20
    )
}

/// Refuses benchmarks with more text than [`MOST_BYTES`] together.
pub(super) fn check_size(read: &[(String, Vec<String>, Vec<BenchmarkRow>)]) -> Result<(), DataError> {
    let bytes: usize = read.iter().flat_map(|(_, _, rows)| rows).map(bytes_of).sum();
    if bytes > MOST_BYTES { Err(DataError::Invalid(too_much())) } else { Ok(()) }
}
