//! Pages of a Parquet file within a limit.
//!
//! A page's header says what it unpacks to, and the `parquet` crate reserves that much, or, for gzip and brotli, unpacks
//! whatever there is. Here the header is looked at before the page is unpacked, and what those two hold is counted first.

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::bloom_filter::Sbbf;
use parquet::column::page::PageReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, Length, RowGroupReader};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most bytes of a page or dictionary, packed or unpacked.
pub(super) const LARGEST_PAGE: usize = 512 << 20;
/// The most values of a page of a column with lists: what one row may hold at worst.
const MOST_LISTED: i64 = 1 << 24;
/// Bytes that are read of a page's header at a time.
const HEADER: usize = 512;

/// A page over the limit.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct OverLimit(String);

fn over(message: String) -> ParquetError {
    ParquetError::External(Box::new(OverLimit(message)))
}

fn too_large(largest: usize) -> String {
    format!("a page holds more than {} MiB, the most that is read; write the file with smaller pages", largest >> 20)
}

/// What was over the limit, where that is why a page could not be read.
pub(super) fn over_limit(error: &ParquetError) -> Option<String> {
    match error {
        ParquetError::External(source) => {
            let mut cause: &(dyn std::error::Error + 'static) = source.as_ref();
            loop {
                if let Some(OverLimit(message)) = cause.downcast_ref() {
                    return Some(message.clone());
                }
                // An error that went through `Read` lies inside of an `io::Error`, which hides it from `source`.
                cause = match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                    Some(inner) => inner,
                    None => cause.source()?,
                };
            }
        }
        _ => None,
    }
}

/// A row group whose pages are looked at before they are unpacked.
pub(super) struct BoundedGroup {
    described: RowGroupMetaData,
    file: Arc<File>,
    size: u64,
    largest: usize,
}

impl BoundedGroup {
    /// The row group of `file`, which has `size` bytes, with pages of at most `largest` bytes.
    pub(super) fn new(described: RowGroupMetaData, file: Arc<File>, size: u64, largest: usize) -> BoundedGroup {
        BoundedGroup { described, file, size, largest }
    }
}

impl RowGroupReader for BoundedGroup {
    fn metadata(&self) -> &RowGroupMetaData {
        &self.described
    }

    fn num_columns(&self) -> usize {
        self.described.num_columns()
    }

    fn get_column_page_reader(&self, index: usize) -> Result<Box<dyn PageReader>> {
        let column = self.described.column(index);
        let pages = Pages {
            file: Arc::clone(&self.file),
            size: self.size,
            largest: self.largest,
            packed: column.compression(),
            has_lists: column.column_descr().max_rep_level() > 0,
            levels: Arc::default(),
        };
        let rows = usize::try_from(self.described.num_rows())?;
        Ok(Box::new(SerializedPageReader::new(Arc::new(pages), column, rows, None)?))
    }

    fn get_column_bloom_filter(&self, _: usize) -> Option<&Sbbf> {
        None
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// The file as the pages of one column read it.
struct Pages {
    file: Arc<File>,
    size: u64,
    largest: usize,
    packed: Compression,
    has_lists: bool,
    /// Bytes in front of the compressed part of the page whose header was read last.
    levels: Arc<AtomicUsize>,
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Pages {
    type T = Header;

    fn get_read(&self, start: u64) -> Result<Header> {
        let mut start_of_page = [0; HEADER];
        let read = read_at(&self.file, &mut start_of_page, start)?;
        // Asked for once more after the header was read, the place is not that of a header; then nothing is read of it,
        // and what was found there does not count.
        let (verdict, levels) = match PageHeader::parse(&start_of_page[..read]) {
            Some(header) => (header.check(self.largest, self.has_lists).err(), header.levels),
            None => (Some("a page has no header that can be read".to_owned()), 0),
        };
        Ok(Header {
            file: Arc::clone(&self.file),
            start: start_of_page[..read].to_vec(),
            at: start,
            used: 0,
            verdict,
            levels,
            of_page: Arc::clone(&self.levels),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if length > self.largest {
            return Err(over(too_large(self.largest)));
        }
        if start.checked_add(length as u64).is_none_or(|end| end > self.size) {
            return Err(ParquetError::EOF("a page is cut short".into()));
        }
        let mut bytes = vec![0; length];
        if read_at(&self.file, &mut bytes, start)? < length {
            return Err(ParquetError::EOF("a page is cut short".into()));
        }
        let levels = self.levels.load(Ordering::Relaxed);
        let packed = bytes.get(levels..).unwrap_or_default();
        let mut unpacked: Box<dyn Read + '_> = match self.packed {
            Compression::GZIP(_) => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
            Compression::BROTLI(_) => Box::new(brotli_decompressor::Decompressor::new(packed, 1 << 14)),
            _ => return Ok(bytes.into()),
        };
        let (mut total, mut piece) = (0, [0; 1 << 14]);
        // Damage is for the reader to find; it stops at the same place.
        while let Ok(read @ 1..) = unpacked.read(&mut piece) {
            total += read;
            if total > self.largest {
                return Err(over(too_large(self.largest)));
            }
        }
        drop(unpacked);
        Ok(bytes.into())
    }
}

fn read_at(file: &File, into: &mut [u8], start: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match file.read_at(&mut into[read..], start + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Reads a header, if it is one within the limits.
pub(super) struct Header {
    file: Arc<File>,
    /// The first bytes, from `at` of the file on, and how many of all were handed out.
    start: Vec<u8>,
    at: u64,
    used: u64,
    verdict: Option<String>,
    levels: usize,
    of_page: Arc<AtomicUsize>,
}

impl Read for Header {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(message) = &self.verdict {
            return Err(io::Error::other(OverLimit(message.clone())));
        }
        self.of_page.store(self.levels, Ordering::Relaxed);
        let held = usize::try_from(self.used).ok().and_then(|used| self.start.get(used..)).unwrap_or_default();
        let read = if held.is_empty() {
            read_at(&self.file, into, self.at + self.used)?
        } else {
            let read = held.len().min(into.len());
            into[..read].copy_from_slice(&held[..read]);
            read
        };
        self.used += read as u64;
        Ok(read)
    }
}

/// What is wanted of a page's header, which is a struct of Thrift's compact protocol: fields with ascending numbers, each a
/// byte of the number's increase and the type, and then the value.
#[derive(Debug, Default, PartialEq)]
struct PageHeader {
    unpacked: i64,
    packed: i64,
    values: i64,
    /// Bytes of levels in front of the compressed part.
    levels: usize,
}

impl PageHeader {
    fn parse(bytes: &[u8]) -> Option<PageHeader> {
        const I32: u8 = 5;
        const STRUCT: u8 = 12;
        let mut rest = bytes;
        let mut header = PageHeader::default();
        let mut field = 0;
        loop {
            match next_field(&mut rest, &mut field)? {
                (2, I32) => header.unpacked = number(&mut rest)?,
                (3, I32) => header.packed = number(&mut rest)?,
                (1 | 4, I32) => {
                    number(&mut rest)?;
                }
                // The headers of data pages (5: the first version, 8: the second) begin with their count of values.
                (of @ (5 | 7 | 8), STRUCT) => {
                    let mut inner = 0;
                    if next_field(&mut rest, &mut inner)? != (1, I32) {
                        return None;
                    }
                    header.values = number(&mut rest)?;
                    if of == 8 {
                        while let (_, I32) = next_field(&mut rest, &mut inner)? {
                            let value = number(&mut rest)?;
                            if inner == 5 || inner == 6 {
                                header.levels = header.levels.checked_add(usize::try_from(value).ok()?)?;
                            }
                            if inner == 6 {
                                break;
                            }
                        }
                    }
                    return Some(header);
                }
                // An index page has nothing in it, and is passed over by its size.
                (6, STRUCT) => return Some(header),
                _ => return None,
            }
        }
    }

    fn check(&self, largest: usize, has_lists: bool) -> std::result::Result<(), String> {
        if self.unpacked.max(self.packed) > largest as i64 {
            return Err(too_large(largest));
        }
        if has_lists && self.values > MOST_LISTED {
            return Err(format!("a page holds lists of more than {MOST_LISTED} values, the most that is read"));
        }
        Ok(())
    }
}

/// The number and type of the next field; `field` is the number of the one before.
fn next_field(bytes: &mut &[u8], field: &mut i64) -> Option<(i64, u8)> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    match first >> 4 {
        0 => *field = number(bytes)?,
        more => *field += i64::from(more),
    }
    Some((*field, first & 0x0F))
}

/// A number in zigzag and groups of seven bits.
fn number(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_a_header_are_found() {
        // type 0, unpacked 1000, packed 600, crc 5, data page header {values 70, …}
        let first = [0x15, 0, 0x15, 0xD0, 0x0F, 0x15, 0xB0, 0x09, 0x15, 10, 0x1C, 0x15, 0x8C, 1, 0x15, 0];
        let found = PageHeader::parse(&first).unwrap();
        assert_eq!(found, PageHeader { unpacked: 1000, packed: 600, values: 70, levels: 0 });
        // The second version: type 3, no checksum; values 2, nulls 0, rows 2, encoding 0, levels of 4 and 6 bytes.
        let second = [0x15, 6, 0x15, 20, 0x15, 20, 0x5C, 0x15, 4, 0x15, 0, 0x15, 4, 0x15, 0, 0x15, 8, 0x15, 12, 0];
        let found = PageHeader::parse(&second).unwrap();
        assert_eq!(found, PageHeader { unpacked: 10, packed: 10, values: 2, levels: 10 });
        for cut in 0..second.len() - 2 {
            assert_eq!(PageHeader::parse(&second[..cut]), None, "{cut}");
        }
        assert_eq!(PageHeader::parse(b"not a header"), None);
    }
}
