use super::*;
use crate::rows::Rows;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

/// `groups` row groups of `rows` rows: `n` (int), `body` (text, null in every seventh row), `raw` (bytes).
fn written(path: &Path, groups: usize, rows: usize, compression: Compression) {
    let text = Type::primitive_type_builder("body", Physical::BYTE_ARRAY)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(LogicalType::String))
        .build()
        .unwrap();
    let number =
        Type::primitive_type_builder("n", Physical::INT32).with_repetition(Repetition::REQUIRED).build().unwrap();
    let raw = Type::primitive_type_builder("raw", Physical::BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .build()
        .unwrap();
    let fields = [number, text, raw].map(Arc::new).to_vec();
    let schema = Type::group_type_builder("rows").with_fields(fields).build().unwrap();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer =
        SerializedFileWriter::new(File::create(path).unwrap(), Arc::new(schema), Arc::new(properties)).unwrap();
    for group in 0..groups {
        let own = group * rows..(group + 1) * rows;
        let mut columns = writer.next_row_group().unwrap();
        let mut column = columns.next_column().unwrap().unwrap();
        let numbers: Vec<i32> = own.clone().map(|n| 2000 + n as i32).collect();
        column.typed::<Int32Type>().write_batch(&numbers, None, None).unwrap();
        column.close().unwrap();
        let mut column = columns.next_column().unwrap().unwrap();
        let levels: Vec<i16> = own.clone().map(|n| i16::from(n % 7 != 0)).collect();
        let texts: Vec<ByteArray> =
            own.clone().filter(|n| n % 7 != 0).map(|n| ByteArray::from(format!("text {n}").as_str())).collect();
        column.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None).unwrap();
        column.close().unwrap();
        let mut column = columns.next_column().unwrap().unwrap();
        let raw: Vec<ByteArray> =
            own.map(|n| if n == 3 { vec![0xC3, 0x28].into() } else { ByteArray::from("né") }).collect();
        column.typed::<ByteArrayType>().write_batch(&raw, None, None).unwrap();
        column.close().unwrap();
        columns.close().unwrap();
    }
    writer.close().unwrap();
}

/// Text and year of a row, or what is wrong with it.
type Read = Result<(String, Option<u16>), String>;

fn read(path: &Path, map: &str, skip: u64) -> Vec<(u64, Read)> {
    let rows = Rows::open(path, &FieldMap::parse(map).unwrap(), skip).unwrap();
    rows.map(|found| (found.number, found.row.map(|row| (row.text, row.year)).map_err(|error| error.to_string())))
        .collect()
}

#[test]
fn rows_are_read_with_their_numbers_from_any_one_on() {
    let folder = tempfile::tempdir().unwrap();
    for (name, compression) in [
        ("a.parquet", Compression::UNCOMPRESSED),
        ("b.parquet", Compression::SNAPPY),
        ("c.parquet", Compression::ZSTD(ZstdLevel::default())),
    ] {
        let path = folder.path().join(name);
        written(&path, 3, 100, compression);
        let all = read(&path, "text=body,year=n", 0);
        assert_eq!(all.len(), 300);
        for (n, (number, row)) in all.iter().enumerate() {
            assert_eq!(*number, n as u64 + 1);
            match row {
                Ok(row) => assert_eq!(*row, (format!("text {n}"), Some(2000 + n as u16))),
                Err(error) => {
                    assert_eq!(n % 7, 0);
                    assert!(error.contains(&format!("{name}, row {number}")) && error.contains("body"), "{error}");
                }
            }
        }
        for skip in [1, 99, 100, 101, 250, 299, 300, 1000] {
            assert_eq!(read(&path, "text=body,year=n", skip), all[(skip as usize).min(300)..], "{skip}");
        }
    }
}

#[test]
fn bytes_are_text_where_they_are_utf8() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    written(&path, 1, 8, Compression::SNAPPY);
    let rows = read(&path, "text=raw", 0);
    assert_eq!(rows[0].1.as_ref().unwrap().0, "né");
    let error = rows[3].1.as_ref().unwrap_err();
    assert!(error.contains("row 4") && error.contains("not UTF-8"), "{error}");
    assert_eq!(rows.iter().filter(|(_, row)| row.is_ok()).count(), 7);
}

#[test]
fn a_column_that_is_not_there_is_named_beside_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    written(&path, 1, 8, Compression::SNAPPY);
    for map in ["", "text=nothing", "text=body,year=crawl"] {
        let error = Rows::open(&path, &FieldMap::parse(map).unwrap(), 0).unwrap_err().to_string();
        assert!(error.contains("n, body, raw"), "{error}");
    }
}

#[test]
fn damage_anywhere_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    written(&path, 2, 50, Compression::SNAPPY);
    let whole = std::fs::read(&path).unwrap();
    let map = FieldMap::parse("text=body,year=n").unwrap();
    // A panic of the reader is caught, but its message would fill the test's output.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5F;
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(rows) = Rows::open(&path, &map, 0) {
            assert!(rows.take(1000).count() <= 1000);
        }
    }
    for length in (0..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error =
            Rows::open(&path, &map, 0).and_then(|mut rows| rows.find_map(|found| found.row.err()).map_or(Ok(()), Err));
        assert!(length < 4 || error.is_err(), "{length}");
    }
    std::panic::set_hook(hook);
}
