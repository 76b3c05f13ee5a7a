//! Rows of a Parquet file as JSON values, a few at a time, only the columns that are wanted.
//!
//! The `parquet` crate is used without arrow. Its readers return errors for most damage and panic on some; a panic is
//! caught and reported as what it is, a damaged file.

use crate::error::DataError;
use crate::field_map::FieldMap;
use crate::rows::TEXT_FIELDS;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use serde_json::{Map, Number, Value};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows whose columns are decoded at once: what is held beside the pages themselves.
const ROWS_AT_ONCE: usize = 64;

/// Iterates over the rows of a Parquet file.
pub struct ParquetRows {
    rows: Option<RowIter<'static>>,
    path: PathBuf,
    number: u64,
    total: u64,
    size: u64,
}

impl ParquetRows {
    /// Opens `path` after its first `skip` rows; whole row groups of them are not read.
    pub fn open(path: &Path, map: &FieldMap, skip: u64) -> Result<ParquetRows, DataError> {
        let file = File::open(path).map_err(|error| DataError::file("open", path, error))?;
        let size = file.metadata().map_err(|error| DataError::file("read", path, error))?.len();
        guarded(path, "its description", || {
            let broken = |error: parquet::errors::ParquetError| damaged(path, &format!("cannot be read: {error}"));
            // Row groups are passed over while all of their rows are to be skipped.
            let mut left = skip;
            let not_skipped = Box::new(move |group: &RowGroupMetaData, _: usize| {
                let rows = group.num_rows().max(0) as u64;
                let whole = left >= rows;
                left = if whole { left - rows } else { 0 };
                !whole
            });
            let total = SerializedFileReader::new(file.try_clone().map_err(|e| DataError::file("open", path, e))?)
                .map_err(broken)?
                .metadata()
                .file_metadata()
                .num_rows()
                .max(0) as u64;
            let options = ReadOptionsBuilder::new().with_predicate(not_skipped).build();
            let reader = SerializedFileReader::new_with_options(file, options).map_err(broken)?;
            let kept: u64 = reader.metadata().row_groups().iter().map(|group| group.num_rows().max(0) as u64).sum();
            let projection = project(reader.metadata().file_metadata().schema(), map)
                .map_err(|message| DataError::Format { path: path.to_path_buf(), message })?;
            let rows = RowIter::from_file_into(Box::new(reader)).project(Some(projection)).map_err(broken)?;
            let mut found = ParquetRows {
                rows: Some(rows.with_batch_size(ROWS_AT_ONCE)),
                path: path.to_path_buf(),
                number: total.saturating_sub(kept),
                total,
                size,
            };
            while found.number < skip.min(total) {
                match found.next() {
                    None => break,
                    Some((_, Err(error))) if !error.is_one_line() => return Err(error),
                    Some(_) => {}
                }
            }
            Ok(found)
        })
    }

    /// The file, as errors name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The share of the file that the rows so far are, in bytes.
    pub fn bytes_read(&self) -> u64 {
        let share = self.number as f64 / self.total.max(1) as f64;
        (self.size as f64 * share.min(1.0)) as u64
    }
}

impl std::fmt::Debug for ParquetRows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ParquetRows")
            .field("path", &self.path)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Iterator for ParquetRows {
    type Item = (u64, Result<Value, DataError>);

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.as_mut()?;
        let where_ = format!("row {}", self.number + 1);
        let next = guarded(&self.path, &where_, || {
            rows.next().transpose().map_err(|error| damaged(&self.path, &format!("is damaged at {where_}: {error}")))
        });
        match next {
            Ok(None) => {
                self.rows = None;
                // A row group may promise more than its columns hold; silence would lose them.
                (self.number < self.total).then(|| {
                    let message = format!("ends after row {} of the {} it promises", self.number, self.total);
                    (self.number, Err(damaged(&self.path, &message)))
                })
            }
            Ok(Some(row)) => {
                self.number += 1;
                let value = object(&row).map_err(|message| DataError::Row {
                    path: self.path.clone(),
                    row: self.number,
                    message,
                });
                Some((self.number, value))
            }
            Err(error) => {
                self.rows = None;
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

/// The columns at the root of `schema` that the map's columns begin with.
fn project(schema: &Type, map: &FieldMap) -> Result<Type, String> {
    let begins = |column: &str, root: &str| {
        column
            .split('+')
            .map(str::trim)
            .chain([column])
            .any(|part| part == root || part.strip_prefix(root).is_some_and(|rest| rest.starts_with('.')))
    };
    let wanted = |name: &str, root: &str| begins(map.column(name), root);
    let roots = schema.get_fields();
    for name in TEXT_FIELDS {
        let needed = name == "text" || map.maps(name);
        if needed && !roots.iter().any(|root| wanted(name, root.name())) {
            let present: Vec<&str> = roots.iter().map(|root| root.name()).collect();
            return Err(format!(
                "has no column {:?}; its columns are: {}. Name the right one with a map, as in `{name}=COLUMN`",
                map.column(name),
                present.join(", ")
            ));
        }
    }
    let kept: Vec<Arc<Type>> =
        roots.iter().filter(|root| TEXT_FIELDS.iter().any(|name| wanted(name, root.name()))).cloned().collect();
    Type::group_type_builder(schema.name()).with_fields(kept).build().map_err(|error| error.to_string())
}

fn object(row: &Row) -> Result<Value, String> {
    let mut columns = Map::new();
    for (name, field) in row.get_column_iter() {
        columns.insert(name.clone(), value(field).map_err(|message| format!("column {name:?} {message}"))?);
    }
    Ok(Value::Object(columns))
}

/// A field as JSON. Dates and decimals become the text that people write them as.
fn value(field: &Field) -> Result<Value, String> {
    let float = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => Value::Bool(*flag),
        Field::Byte(number) => (*number).into(),
        Field::Short(number) => (*number).into(),
        Field::Int(number) => (*number).into(),
        Field::Long(number) => (*number).into(),
        Field::UByte(number) => (*number).into(),
        Field::UShort(number) => (*number).into(),
        Field::UInt(number) => (*number).into(),
        Field::ULong(number) => (*number).into(),
        Field::Float(number) => float(f64::from(*number)),
        Field::Double(number) => float(*number),
        Field::Str(text) => Value::String(text.clone()),
        // Many writers leave out the note that a column of bytes is text.
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Value::String(text.to_owned()),
            Err(error) => return Err(format!("is not UTF-8 from byte {} on", error.valid_up_to() + 1)),
        },
        Field::Group(row) => object(row)?,
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect::<Result<_, _>>()?),
        Field::MapInternal(map) => {
            let mut entries = Map::new();
            for (key, item) in map.entries() {
                let key = match value(key)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                entries.insert(key, value(item)?);
            }
            Value::Object(entries)
        }
        other => Value::String(other.to_string().trim_matches('"').to_owned()),
    })
}

#[cfg(test)]
mod tests;
