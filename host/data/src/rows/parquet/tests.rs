use super::*;
use crate::field_map::FieldMap;
use crate::rows::TextRows;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, LogicalType, Repetition, Type as Physical, ZstdLevel};
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
    let rows = TextRows::open(path, &FieldMap::parse(map).unwrap(), skip).unwrap();
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
        ("d.parquet", Compression::GZIP(GzipLevel::default())),
        ("e.parquet", Compression::BROTLI(BrotliLevel::default())),
        ("f.parquet", Compression::LZ4),
        ("g.parquet", Compression::LZ4_RAW),
    ] {
        let path = folder.path().join(name);
        written(&path, 3, 100, compression);
        let all = read(&path, "text=body,year=n", 0);
        assert_eq!(all.len(), 300);
        for (n, (number, row)) in all.iter().enumerate() {
            assert_eq!(*number, n as u64 + 1);
            // Every seventh text is null, which is a row without text and no fault.
            let text = if n % 7 == 0 { String::new() } else { format!("text {n}") };
            assert_eq!(*row, Ok((text, Some(2000 + n as u16))), "{name}");
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
        let error = TextRows::open(&path, &FieldMap::parse(map).unwrap(), 0).unwrap_err().to_string();
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
        if let Ok(rows) = TextRows::open(&path, &map, 0) {
            assert!(rows.take(1000).count() <= 1000);
        }
    }
    for length in (0..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = TextRows::open(&path, &map, 0)
            .and_then(|mut rows| rows.find_map(|found| found.row.err()).map_or(Ok(()), Err));
        assert!(length < 4 || error.is_err(), "{length}");
    }
    std::panic::set_hook(hook);
}

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parquet").join(name)
}

fn opened(path: &Path) -> Result<ParquetRows, DataError> {
    ParquetRows::open(path, File::open(path).unwrap(), &Wanted::All)
}

/// The rows as JSON, or the first error.
fn lines(rows: ParquetRows) -> Result<Vec<String>, String> {
    rows.map(|(_, row)| row.map(|row| row.to_json_with(&[])).map_err(|error| error.to_string())).collect()
}

#[test]
fn what_another_writer_makes_is_read_in_every_compression_with_its_lists() {
    let expected: Vec<String> =
        (0..50).map(|n| format!("{{\"text\":\"text {n}\",\"generations\":[\"a{n}\",null,\"c{n}\"]}}")).collect();
    for name in ["checksums", "gzip", "brotli", "lz4", "snappy", "zstd"] {
        let found = lines(opened(&golden(&format!("{name}.parquet"))).unwrap());
        assert_eq!(found.unwrap(), expected, "{name}");
    }
}

#[test]
fn a_bit_that_a_page_checksum_knows_of_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let mut bytes = std::fs::read(golden("checksums.parquet")).unwrap();
    let at = bytes.windows(7).position(|text| text == b"text 17").unwrap();
    bytes[at + 6] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = lines(opened(&path).unwrap()).unwrap_err();
    assert!(error.contains("checksum mismatch") && error.ends_with("Write or copy it again"), "{error}");
}

#[test]
fn two_columns_of_one_name_are_an_error_where_they_are_wanted() {
    let error = opened(&golden("twice.parquet")).err().unwrap().to_string();
    let said = "twice.parquet: has two columns of the name \"text\", and which of them is meant nobody knows; give each a name \
                of its own";
    assert!(error.ends_with(said), "{error}");
    let file = File::open(golden("twice.parquet")).unwrap();
    let other = Wanted::fields(&FieldMap::default(), &["other"]);
    assert_eq!(ParquetRows::open(Path::new("f"), file, &other).unwrap().count(), 1);
}

#[test]
fn a_page_over_the_limit_is_refused_before_it_is_unpacked() {
    for name in ["checksums", "gzip", "brotli", "lz4", "snappy", "zstd"] {
        let mut rows = opened(&golden(&format!("{name}.parquet"))).unwrap();
        rows.largest_page = 100;
        let error = lines(rows).unwrap_err();
        assert!(
            error.ends_with(
                "row 1: a page holds more than 0 MiB, the most that is read; write the file with smaller pages"
            ),
            "{name}: {error}"
        );
    }
}

#[test]
fn columns_that_nobody_wants_are_named_and_not_read() {
    let wanted = Wanted::fields(&FieldMap::parse("text=nothing").unwrap(), &["text"]);
    let path = golden("gzip.parquet");
    let mut rows = ParquetRows::open(&path, File::open(&path).unwrap(), &wanted).unwrap();
    rows.pass_over(48).unwrap();
    let (number, row) = rows.next().unwrap();
    let row = row.unwrap();
    assert_eq!((number, row.names().collect::<Vec<_>>()), (49, vec!["text", "generations"]));
    assert_eq!(row.get("nothing"), Ok(None));
    assert_eq!(rows.count(), 1);
}
