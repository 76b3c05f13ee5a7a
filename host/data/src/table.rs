//! Rows that were written as JSON Lines, as a file of the format that its name asks for: JSON Lines, CSV or Parquet.
//!
//! CSV and Parquet have their columns once for all rows, so the lines are read twice: first for the columns and what is in
//! them, then for the values. A column stands where its first row has it. The same lines give the same bytes.
//!
//! | file | what it has |
//! |---|---|
//! | `columns.rs` | the columns of all rows, and the narrowest type that holds each |
//! | `parquet.rs` | Parquet, by row groups |

mod columns;
mod parquet;

use crate::atomic::AtomicFile;
use crate::error::DataError;
use crate::json::Json;
use crate::row::Row;
use columns::Columns;
use std::io::{self, Write};
use std::path::Path;

/// The most columns that a file of CSV or Parquet is written with.
pub const MOST_WRITTEN: usize = 4096;

/// A format that rows are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    JsonLines,
    /// The same, compressed with zstd.
    JsonLinesZstd,
    /// RFC 4180, with a line of names; null and a column that a row lacks are empty.
    Csv,
    /// Parquet, compressed with zstd; every column may be null.
    Parquet,
}

impl Format {
    /// The endings of names, and the format of each.
    pub const ENDINGS: [(&str, Format); 6] = [
        (".jsonl", Format::JsonLines),
        (".ndjson", Format::JsonLines),
        (".jsonl.zst", Format::JsonLinesZstd),
        (".ndjson.zst", Format::JsonLinesZstd),
        (".csv", Format::Csv),
        (".parquet", Format::Parquet),
    ];

    /// The format that the name of `path` asks for.
    ///
    /// # Errors
    /// A name with another ending.
    pub fn of(path: &Path) -> Result<Format, DataError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let found = Format::ENDINGS.iter().find(|(ending, _)| name.len() > ending.len() && name.ends_with(ending));
        found.map(|(_, format)| *format).ok_or_else(|| {
            let endings: Vec<&str> = Format::ENDINGS.iter().map(|(ending, _)| *ending).collect();
            let path = path.display();
            DataError::Invalid(format!(
                "{path} has no ending that names a format; give it one of {}",
                endings.join(", ")
            ))
        })
    }
}

/// Writes `lines`, each a JSON object without its newline, to `file` in `format`, and gives the file its name. `lines` is
/// called once for JSON Lines and twice for the others, and has to give the same lines again. An object in the column
/// `apart` becomes columns of its own in CSV and Parquet, named `apart.KEY`; other objects and lists are their JSON.
///
/// # Errors
/// Lines that are not objects, more than [`MOST_WRITTEN`] columns, and whatever keeps the file from being written.
pub fn write<L: Iterator<Item = Result<Vec<u8>, DataError>>>(
    mut file: AtomicFile,
    format: Format,
    apart: Option<&str>,
    lines: impl Fn() -> Result<L, DataError>,
) -> Result<(), DataError> {
    let path = file.path().to_path_buf();
    let failed = |error: io::Error| DataError::file("write", &path, error);
    match format {
        Format::JsonLines => {
            for line in lines()? {
                file.write_all(&line?).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
            }
        }
        Format::JsonLinesZstd => {
            let mut encoder = zstd::stream::write::Encoder::new(&mut file, 3).map_err(failed)?;
            encoder.include_checksum(true).map_err(failed)?;
            for line in lines()? {
                encoder.write_all(&line?).and_then(|()| encoder.write_all(b"\n")).map_err(failed)?;
            }
            encoder.finish().map_err(failed)?;
        }
        Format::Csv => {
            let columns = Columns::of(rows(lines()?, apart))?;
            csv_line(&mut file, columns.names()).map_err(failed)?;
            for row in rows(lines()?, apart) {
                let cells = columns.cells(row?);
                csv_line(&mut file, cells.iter().map(csv_cell)).map_err(failed)?;
            }
        }
        Format::Parquet => {
            let columns = Columns::of(rows(lines()?, apart))?;
            parquet::write(&mut file, &columns, rows(lines()?, apart), &path)?;
        }
    }
    file.commit()
}

/// A row as its cells by name.
type Cells = Vec<(String, Json)>;

/// The rows that the lines are, with the object in column `apart` taken apart.
fn rows(
    lines: impl Iterator<Item = Result<Vec<u8>, DataError>>,
    apart: Option<&str>,
) -> impl Iterator<Item = Result<Cells, DataError>> {
    lines.map(move |line| {
        let row = Row::parse(line?).map_err(DataError::Invalid)?;
        let mut cells = Cells::new();
        for (name, value) in row.all() {
            match (name, value.map_err(DataError::Invalid)?) {
                (name, Json::Object(entries)) if Some(name) == apart => {
                    cells.extend(entries.iter().map(|(key, value)| (format!("{name}.{key}"), value.clone())));
                }
                // Where it is null its columns are.
                (name, Json::Null) if Some(name) == apart => {}
                (name, value) => cells.push((name.to_owned(), value.clone())),
            }
        }
        Ok(cells)
    })
}

/// A value as the text of a cell.
fn cell_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::Text(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        other => other.to_string(),
    }
}

fn csv_cell(value: &Option<Json>) -> String {
    value.as_ref().map(cell_text).unwrap_or_default()
}

/// One line of CSV; a line of one empty cell is not a blank line.
fn csv_line(to: &mut impl Write, cells: impl Iterator<Item = impl AsRef<str>>) -> io::Result<()> {
    let mut line = String::new();
    for (index, cell) in cells.enumerate() {
        let cell = cell.as_ref();
        if index > 0 {
            line.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    if line.is_empty() {
        line.push_str("\"\"");
    }
    line.push('\n');
    to.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests;
