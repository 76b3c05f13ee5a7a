//! Parquet, by row groups.

use super::columns::{Columns, Type};
use super::{Cells, cell_text};
use crate::error::DataError;
use crate::json::Json;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type as Schema;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Rows after which a row group ends, and bytes of its cells.
const GROUP_ROWS: usize = 65_536;
const GROUP_BYTES: usize = 64 << 20;

/// Writes `rows` to `to`; `path` is for messages.
pub(super) fn write<W: Write + Send>(
    to: W,
    columns: &Columns,
    rows: impl Iterator<Item = Result<Cells, DataError>>,
    path: &Path,
) -> Result<(), DataError> {
    let failed = |error: ParquetError| DataError::file("write", path, std::io::Error::other(error));
    let fields = columns.typed().map(|(name, kind)| field(name, kind).map(Arc::new)).collect::<Result<_, _>>();
    let schema = Schema::group_type_builder("rows").with_fields(fields.map_err(failed)?).build().map_err(failed)?;
    let level = ZstdLevel::try_new(3).map_err(failed)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
    let types: Vec<Type> = columns.typed().map(|(_, kind)| kind).collect();
    let mut held: Vec<Vec<Option<Json>>> = vec![Vec::new(); types.len()];
    let (mut count, mut bytes) = (0, 0);
    let mut flush = |held: &mut Vec<Vec<Option<Json>>>| -> Result<(), ParquetError> {
        let mut group = writer.next_row_group()?;
        for (cells, kind) in held.iter_mut().zip(&types) {
            column(&mut group, *kind, cells)?;
            cells.clear();
        }
        group.close().map(drop)
    };
    for row in rows {
        for (cells, cell) in held.iter_mut().zip(columns.cells(row?)) {
            bytes += cell.as_ref().map_or(0, Json::bytes);
            cells.push(cell);
        }
        count += 1;
        if count == GROUP_ROWS || bytes >= GROUP_BYTES {
            flush(&mut held).map_err(failed)?;
            (count, bytes) = (0, 0);
        }
    }
    if count > 0 {
        flush(&mut held).map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    Ok(())
}

fn field(name: &str, kind: Type) -> Result<Schema, ParquetError> {
    let physical = match kind {
        Type::Bool => Physical::BOOLEAN,
        Type::Whole => Physical::INT64,
        Type::Float => Physical::DOUBLE,
        Type::Nothing | Type::Text => Physical::BYTE_ARRAY,
    };
    let text = (physical == Physical::BYTE_ARRAY).then_some(LogicalType::String);
    Schema::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL).with_logical_type(text).build()
}

/// Writes the cells of the next column of the group.
fn column<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    kind: Type,
    cells: &[Option<Json>],
) -> Result<(), ParquetError> {
    match kind {
        Type::Bool => typed::<BoolType, _>(group, cells, |value| matches!(value, Json::Bool(true))),
        Type::Whole => typed::<Int64Type, _>(group, cells, |value| cell_text(value).parse().unwrap_or_default()),
        Type::Float => typed::<DoubleType, _>(group, cells, |value| cell_text(value).parse().unwrap_or(f64::NAN)),
        Type::Nothing | Type::Text => {
            typed::<ByteArrayType, _>(group, cells, |value| ByteArray::from(cell_text(value).into_bytes()))
        }
    }
}

fn typed<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: &[Option<Json>],
    value: impl Fn(&Json) -> T::T,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column of the schema is missing".to_owned()));
    };
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.iter().flatten().map(value).collect();
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()
}
