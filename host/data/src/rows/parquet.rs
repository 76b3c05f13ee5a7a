//! Rows of a Parquet file, a few at a time, only the columns that are wanted.
//!
//! The `parquet` crate is used without arrow. Its readers return errors for most damage and panic on some; a panic is
//! caught and reported as what it is, a damaged file. Page checksums are compared where the file has them. What a page may
//! unpack to has a limit (`parquet/pages.rs`).

mod pages;

use crate::error::{DataError, quoted};
use crate::json::Json;
use crate::jsonl::LONGEST_LINE;
use crate::row::{MOST_COLUMNS, Row};
use crate::rows::Wanted;
use pages::BoundedGroup;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::record::Field;
use parquet::record::reader::{ReaderIter, TreeBuilder};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type};
use std::collections::BTreeSet;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows whose columns are decoded at once: what is held beside the pages themselves.
const ROWS_AT_ONCE: usize = 16;

/// Iterates over the rows of a Parquet file.
pub struct ParquetRows {
    reader: SerializedFileReader<File>,
    pages: Arc<File>,
    /// The columns that are read, as a schema.
    wanted: SchemaDescPtr,
    /// All columns of the file.
    names: Vec<Arc<str>>,
    path: PathBuf,
    /// The row group that comes next, and the rows of the one in hand.
    group: usize,
    rows: Option<ReaderIter>,
    /// Rows before the group in hand.
    before: u64,
    number: u64,
    total: u64,
    size: u64,
    largest_page: usize,
    /// The last row that is read.
    last: u64,
    ended: bool,
}

impl ParquetRows {
    /// Reads the description of `file`, which errors call `path`.
    pub fn open(path: &Path, file: File, wanted: &Wanted) -> Result<ParquetRows, DataError> {
        let failed = |error| DataError::file("read", path, error);
        let size = file.metadata().map_err(failed)?.len();
        let pages = Arc::new(file.try_clone().map_err(failed)?);
        guarded(path, "its description", || {
            let broken = |error: ParquetError| damaged(path, &format!("cannot be read: {error}"));
            let wrong = |message: String| DataError::Format { path: path.to_path_buf(), message };
            let reader = SerializedFileReader::new(file).map_err(broken)?;
            let described = reader.metadata().file_metadata();
            let roots = described.schema().get_fields();
            if roots.len() > MOST_COLUMNS {
                return Err(wrong(format!("has more than {MOST_COLUMNS} columns, the most that is read")));
            }
            let names: Vec<Arc<str>> = roots.iter().map(|root| root.name().into()).collect();
            let kept: Vec<Arc<Type>> = roots.iter().filter(|root| wanted.has(root.name())).cloned().collect();
            let wanted = Type::group_type_builder(described.schema().name()).with_fields(kept).build();
            let wanted = Arc::new(SchemaDescriptor::new(Arc::new(wanted.map_err(broken)?)));
            let mut known = BTreeSet::new();
            if let Some(twice) =
                wanted.columns().iter().map(|leaf| leaf.path()).find(|path| !known.insert(path.string()))
            {
                return Err(wrong(format!(
                    "has two columns of the name {}, and which of them is meant nobody knows; give each a name of its own",
                    quoted(&twice.string())
                )));
            }
            let total = described.num_rows().max(0) as u64;
            Ok(ParquetRows {
                reader,
                pages,
                wanted,
                names,
                path: path.to_path_buf(),
                group: 0,
                rows: None,
                before: 0,
                number: 0,
                total,
                size,
                largest_page: pages::LARGEST_PAGE,
                last: u64::MAX,
                ended: false,
            })
        })
    }

    /// The file, as errors name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the file's columns.
    pub fn columns(&self) -> Vec<&str> {
        self.names.iter().map(|name| &**name).collect()
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Rows and bytes of each row group.
    pub fn groups(&self) -> Vec<(u64, u64)> {
        let groups = self.reader.metadata().row_groups();
        let bytes = |group: &parquet::file::metadata::RowGroupMetaData| group.compressed_size().max(0) as u64;
        groups.iter().map(|group| (group.num_rows().max(0) as u64, bytes(group).min(self.size))).collect()
    }

    /// Has the rows end with row `last`, counted from 1.
    pub fn end_at(&mut self, last: u64) {
        self.last = last;
    }

    /// The share of the file that the rows so far are, in bytes.
    pub fn bytes_read(&self) -> u64 {
        let share = self.number as f64 / self.total.max(1) as f64;
        (self.size as f64 * share.min(1.0)) as u64
    }

    /// Passes over the next `count` rows; whole row groups of them are not read.
    pub fn pass_over(&mut self, count: u64) -> Result<(), DataError> {
        let last = self.number.saturating_add(count).min(self.total);
        while self.rows.is_none() && self.group < self.reader.num_row_groups() {
            let rows = self.rows_of(self.group);
            if self.number + rows > last {
                break;
            }
            self.number += rows;
            self.before = self.number;
            self.group += 1;
        }
        while self.number < last {
            match self.next() {
                None => break,
                Some((_, Err(error))) if !error.is_one_line() => return Err(error),
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn rows_of(&self, group: usize) -> u64 {
        self.reader.metadata().row_group(group).num_rows().max(0) as u64
    }

    /// The fields of the next row; None at the end.
    fn advance(&mut self) -> Result<Option<Vec<(String, Field)>>, ParquetError> {
        loop {
            if let Some(rows) = &mut self.rows {
                if let Some(row) = rows.next() {
                    return Ok(Some(row?.into_columns()));
                }
                self.rows = None;
            }
            if self.group >= self.reader.num_row_groups() {
                return Ok(None);
            }
            let described = self.reader.metadata().row_group(self.group).clone();
            self.before = self.number;
            self.group += 1;
            let group = BoundedGroup::new(described, Arc::clone(&self.pages), self.size, self.largest_page);
            let builder = TreeBuilder::new().with_batch_size(ROWS_AT_ONCE);
            self.rows = Some(builder.as_iter(Arc::clone(&self.wanted), &group)?);
        }
    }

    /// The row with `read` of its columns, the others unread.
    fn row(&self, read: Vec<(String, Field)>) -> Row {
        let mut read = read.into_iter().peekable();
        Row::of_cells(self.names.iter().map(|name| {
            let cell = read.next_if(|(column, _)| **column == **name);
            (Arc::clone(name), cell.map(|(_, field)| json(&field)))
        }))
    }
}

impl Iterator for ParquetRows {
    type Item = (u64, Result<Row, DataError>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.number >= self.last {
            return None;
        }
        // A file of which no column is wanted has rows all the same.
        if self.wanted.num_columns() == 0 {
            self.ended = self.number == self.total;
            self.number += u64::from(!self.ended);
            return (!self.ended).then(|| (self.number, Ok(self.row(Vec::new()))));
        }
        let path = self.path.clone();
        let where_ = format!("row {}", self.number + 1);
        let next = guarded(&path, &where_, || {
            self.advance().map_err(|error| match pages::over_limit(&error) {
                Some(message) => DataError::Format { path: path.clone(), message: format!("{where_}: {message}") },
                None => damaged(&path, &format!("is damaged at {where_}: {error}")),
            })
        });
        match next {
            Ok(None) => {
                self.ended = true;
                // A row group may promise more than its columns hold; silence would lose them.
                (self.number < self.total).then(|| {
                    let message = format!("ends after row {} of the {} it promises", self.number, self.total);
                    (self.number, Err(damaged(&self.path, &message)))
                })
            }
            Ok(Some(row)) => {
                self.number += 1;
                Some((self.number, Ok(self.row(row))))
            }
            Err(error) => {
                self.ended = true;
                Some((self.number + 1, Err(error)))
            }
        }
    }
}

fn damaged(path: &Path, message: &str) -> DataError {
    DataError::Format { path: path.to_path_buf(), message: format!("{message}. Write or copy it again") }
}

/// Runs code of the `parquet` crate; its panic is an error about the file.
fn guarded<T>(path: &Path, at: &str, work: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(damaged(
            path,
            &format!("is damaged at {at}: its pages contradict themselves (the Parquet reader panicked)"),
        ))
    })
}

/// A field as JSON. Dates and decimals become the text that people write them as.
fn json(field: &Field) -> Result<Json, String> {
    let number = |text: String| Json::Number(text.into());
    let float = |text: String| match text.as_str() {
        "NaN" => Json::Null,
        "inf" => number("Infinity".into()),
        "-inf" => number("-Infinity".into()),
        _ => number(text),
    };
    let text = |text: &str| {
        if text.len() > LONGEST_LINE {
            return Err(format!("is longer than {} MiB, the most that is read", LONGEST_LINE >> 20));
        }
        Ok(Json::Text(text.to_owned()))
    };
    Ok(match field {
        Field::Null => Json::Null,
        Field::Bool(flag) => Json::Bool(*flag),
        Field::Byte(value) => number(value.to_string()),
        Field::Short(value) => number(value.to_string()),
        Field::Int(value) => number(value.to_string()),
        Field::Long(value) => number(value.to_string()),
        Field::UByte(value) => number(value.to_string()),
        Field::UShort(value) => number(value.to_string()),
        Field::UInt(value) => number(value.to_string()),
        Field::ULong(value) => number(value.to_string()),
        Field::Float(value) => float(value.to_string()),
        Field::Double(value) => float(value.to_string()),
        Field::Str(value) => text(value)?,
        // Many writers leave out the note that a column of bytes is text.
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(value) => text(value)?,
            Err(error) => return Err(format!("is not UTF-8 from byte {} on", error.valid_up_to() + 1)),
        },
        Field::Group(row) => {
            let entries = row.get_column_iter().map(|(name, field)| Ok((name.clone(), json(field)?)));
            Json::Object(entries.collect::<Result<_, String>>()?)
        }
        Field::ListInternal(list) => Json::List(list.elements().iter().map(json).collect::<Result<_, _>>()?),
        Field::MapInternal(map) => {
            let entries = map.entries().iter().map(|(key, item)| {
                let key = json(key)?;
                Ok((key.text().unwrap_or_else(|| key.to_string()), json(item)?))
            });
            Json::Object(entries.collect::<Result<_, String>>()?)
        }
        other => Json::Text(other.to_string().trim_matches('"').to_owned()),
    })
}

#[cfg(test)]
mod tests;
