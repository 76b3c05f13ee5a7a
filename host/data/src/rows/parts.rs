//! Parts of a file that are read without what comes before them, so that many threads and machines can share one file.
//!
//! | file | is cut |
//! |---|---|
//! | plain JSON Lines | by bytes, where lines end |
//! | JSON Lines in frames of zstd, each followed by a [`mark`] | between frames |
//! | Parquet | between row groups |
//! | any other | nowhere: it is one part |
//!
//! Where a file is cut depends on its bytes and the wanted size alone. Rows keep the numbers that they have in the whole
//! file: the lines before a part are counted while the file is cut, or stand in its marks, so no part reads the others.
//!
//! Frames need marks because a frame may end in the middle of a line, and because nobody knows how many lines it has
//! before it is decompressed. A mark is a skippable frame, which every decompressor passes over.

use super::Rows;
use super::encoding::{Packed, packed};
use super::parquet::ParquetRows;
use super::{Wanted, array, csv, files};
use crate::error::DataError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it lies.
    pub place: Place,
    /// Bytes of the file that it takes, as they lie on disk; those of all parts are the file's.
    pub bytes: u64,
    /// Bytes by which it is compared with the wanted size: four times as many where the lines are compressed.
    pub weight: u64,
}

/// Where a part of a file lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// It is the whole file.
    Whole,
    /// Lines, by their bytes.
    Lines {
        /// The first byte.
        from: u64,
        /// The byte after the last.
        to: u64,
        /// Lines of the file before it.
        before: u64,
    },
    /// Frames of zstd with their marks, by their bytes.
    Frames {
        /// The first byte.
        from: u64,
        /// The byte after the last.
        to: u64,
        /// Lines of the file before it.
        before: u64,
        /// Lines that it has.
        lines: u64,
    },
    /// Rows of whole row groups.
    Rows {
        /// Rows before it.
        from: u64,
        /// Its last row, counted from 1.
        to: u64,
    },
}

/// How much less text a compressed byte is taken for than it holds.
const PACKED: u64 = 4;

/// What a mark begins with: the magic number of a skippable frame, and the bytes that follow these eight.
const MARK: [u8; 8] = [0x5B, 0x2A, 0x4D, 0x18, 20, 0, 0, 0];
/// What tells a mark from the skippable frames of others.
const OURS: [u8; 4] = *b"octo";
const MARK_BYTES: u64 = 28;

/// The mark that follows frames of zstd which hold `lines` whole lines and take `bytes`.
pub fn mark(lines: u64, bytes: u64) -> Vec<u8> {
    [&MARK[..], &OURS, &lines.to_le_bytes(), &bytes.to_le_bytes()].concat()
}

/// Cuts the file `path` into parts of about `wanted` bytes.
///
/// # Errors
/// Where it is not a regular file or cannot be read.
pub fn cut(path: &Path, wanted: u64) -> Result<Vec<Part>, DataError> {
    let failed = |error| DataError::file("read", path, error);
    let mut file = files::open(path, files::Kind::Regular)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut start = Vec::new();
    (&mut file).take(1 << 16).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let packed = packed(&start);
    let weight = if packed == Packed::No { size } else { size.saturating_mul(PACKED) };
    let whole = Part { place: Place::Whole, bytes: size, weight };
    if weight <= wanted {
        return Ok(vec![whole]);
    }
    let parts = match packed {
        _ if start.starts_with(b"PAR1") => {
            row_groups(&ParquetRows::open(path, file, &Wanted::Fields(Vec::new()))?, wanted)
        }
        // UTF-16 is refused where it is read.
        _ if csv::delimiter(path).is_some() || matches!(*start, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) => Vec::new(),
        Packed::Zstd => frames(&mut file, size, wanted).map_err(failed)?,
        Packed::Otherwise => Vec::new(),
        Packed::No if array::is_array(&start) => Vec::new(),
        Packed::No => lines(&mut file, wanted).map_err(failed)?,
    };
    Ok(if parts.len() > 1 { parts } else { vec![whole] })
}

fn lines(file: &mut impl Read, wanted: u64) -> io::Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut part = |from: u64, to: u64, before: u64| {
        parts.push(Part { place: Place::Lines { from, to, before }, bytes: to - from, weight: to - from });
    };
    let (mut from, mut before) = (0u64, 0u64);
    let (mut position, mut lines) = (0u64, 0u64);
    let mut buffer = vec![0; 1 << 18];
    loop {
        let mut rest = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        while !rest.is_empty() {
            // The part ends with the first line end that makes it as long as is wanted.
            let short = (from + wanted).saturating_sub(position + 1).min(rest.len() as u64) as usize;
            let (within, after) = rest.split_at(short);
            lines += memchr::memchr_iter(b'\n', within).count() as u64;
            position += short as u64;
            match memchr::memchr(b'\n', after) {
                Some(end) => {
                    lines += 1;
                    position += end as u64 + 1;
                    part(from, position, before);
                    (from, before) = (position, lines);
                    rest = &after[end + 1..];
                }
                None => {
                    position += after.len() as u64;
                    rest = &[];
                }
            }
        }
    }
    if position > from {
        part(from, position, before);
    }
    Ok(parts)
}

/// The marks lead from the end of the file to its beginning. A file in which they do not was not written by Octo.
fn frames(file: &mut (impl Read + Seek), size: u64, wanted: u64) -> io::Result<Vec<Part>> {
    let mut found = Vec::new();
    let mut end = size;
    while end > 0 {
        let Some(at) = end.checked_sub(MARK_BYTES) else { return Ok(Vec::new()) };
        let mut bytes = [0; MARK_BYTES as usize];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        let Some((lines, before)) = read_mark(&bytes) else { return Ok(Vec::new()) };
        let Some(start) = at.checked_sub(before).filter(|_| before > 0) else { return Ok(Vec::new()) };
        found.push((end - start, lines));
        end = start;
    }
    let mut parts = Vec::new();
    let (mut from, mut before) = (0u64, 0u64);
    let (mut to, mut lines) = (0u64, 0u64);
    for (bytes, more) in found.into_iter().rev() {
        to += bytes;
        lines = lines.saturating_add(more);
        if (to - from).saturating_mul(PACKED) >= wanted || to == size {
            let place = Place::Frames { from, to, before, lines };
            parts.push(Part { place, bytes: to - from, weight: (to - from).saturating_mul(PACKED) });
            (from, before, lines) = (to, before.saturating_add(lines), 0);
        }
    }
    Ok(parts)
}

fn read_mark(bytes: &[u8; MARK_BYTES as usize]) -> Option<(u64, u64)> {
    let rest = bytes.strip_prefix(&MARK)?.strip_prefix(&OURS)?;
    let (lines, before) = rest.split_first_chunk::<8>()?;
    // A file that says it has more lines than bytes a thousandfold is not to be believed, and its sums could overflow.
    let lines = Some(u64::from_le_bytes(*lines)).filter(|lines| *lines <= 1 << 40)?;
    Some((lines, u64::from_le_bytes(before.try_into().ok()?)))
}

fn row_groups(rows: &ParquetRows, wanted: u64) -> Vec<Part> {
    let groups = rows.groups();
    let mut parts = Vec::new();
    let (mut from, mut to, mut bytes) = (0u64, 0u64, 0u64);
    for (index, (rows, size)) in groups.iter().enumerate() {
        to += *rows;
        bytes = bytes.saturating_add(*size);
        if (bytes.saturating_mul(PACKED) >= wanted && to > from) || index + 1 == groups.len() {
            parts.push(Part { place: Place::Rows { from, to }, bytes, weight: bytes.saturating_mul(PACKED) });
            (from, bytes) = (to, 0);
        }
    }
    // What is between and after the groups counts with the last one.
    let size = rows.size();
    let counted: u64 = parts.iter().map(|part| part.bytes).sum();
    if let Some(last) = parts.last_mut() {
        last.bytes += size.saturating_sub(counted);
    }
    parts
}

impl Rows {
    /// Opens a part of the file `path`, as [`cut`] gave it.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn open_part(path: &Path, wanted: &Wanted, place: &Place) -> Result<Rows, DataError> {
        let bytes = |from: u64, to: u64| -> Result<_, DataError> {
            let mut file: File = files::open(path, files::Kind::Regular)?;
            file.seek(SeekFrom::Start(from)).map_err(|error| DataError::file("read", path, error))?;
            Ok(file.take(to.saturating_sub(from)))
        };
        match *place {
            Place::Whole => Rows::open(path, wanted),
            Place::Lines { from, to, before } => Rows::lines_from(path, bytes(from, to)?, before, None),
            Place::Frames { from, to, before, lines } => {
                Rows::lines_from(path, bytes(from, to)?, before, Some(before + lines))
            }
            Place::Rows { from, to } => Rows::rows_from(path, wanted, from, to),
        }
    }
}

#[cfg(test)]
mod tests;
