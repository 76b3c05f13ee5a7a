//! A file that is one JSON array of objects, an item at a time.

use crate::error::DataError;
use crate::jsonl::LONGEST_LINE;
use crate::row::Row;
use crate::rows::encoding::{Unpacked, broken};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Iterates over the items of the array.
pub(crate) struct ArrayRows {
    reader: Box<dyn BufRead + Send>,
    path: PathBuf,
    number: u64,
    read: Arc<AtomicU64>,
    standing: Standing,
    longest: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Before,
    Inside,
    Ended,
}

/// Whether a file that begins with `start` is one array and not lines: lines that begin with a list are no records.
pub(crate) fn is_array(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    let Some(inside) = start.strip_prefix(b"[") else {
        return false;
    };
    match inside.trim_ascii_start() {
        [] | [b'{', ..] => true,
        [b']', after @ ..] => after.trim_ascii_start().is_empty(),
        _ => false,
    }
}

impl ArrayRows {
    pub(crate) fn new(path: &Path, Unpacked { reader, read }: Unpacked) -> ArrayRows {
        let (path, standing) = (path.to_path_buf(), Standing::Before);
        ArrayRows { reader, path, number: 0, read, standing, longest: LONGEST_LINE }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The next byte that is no blank, which stays where it is.
    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let blanks = bytes.len() - bytes.trim_ascii_start().len();
            if blanks < bytes.len() {
                let found = bytes[blanks];
                self.reader.consume(blanks);
                return Ok(Some(found));
            }
            self.reader.consume(blanks);
        }
    }

    fn advance(&mut self) -> Result<Option<Result<Row, DataError>>, DataError> {
        let wrong = |path: &Path, message: String| DataError::Format { path: path.to_path_buf(), message };
        let io = |rows: &ArrayRows, error| broken(&rows.path, &format!("after row {}", rows.number), error);
        if self.standing == Standing::Before {
            self.standing = Standing::Inside;
            let start = self.reader.fill_buf().map_err(|error| broken(&self.path, "at its beginning", error))?;
            let mark = if start.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
            self.reader.consume(mark);
            self.next_byte().map_err(|error| io(self, error))?;
            self.reader.consume(1);
            if self.next_byte().map_err(|error| io(self, error))? == Some(b']') {
                self.reader.consume(1);
                return self.end().map(|()| None);
            }
        }
        let Some((item, last)) = self.item().map_err(|error| io(self, error))? else {
            return Err(wrong(
                &self.path,
                format!("is cut short after row {}: its list has no end. Write or copy it again", self.number),
            ));
        };
        self.number += 1;
        if last {
            self.end()?;
        }
        let row = match item {
            None => Err(format!("is longer than {} MiB, the most that is read", self.longest >> 20)),
            Some(item) => Row::parse(item),
        };
        Ok(Some(row.map_err(|message| DataError::Row { path: self.path.clone(), row: self.number, message })))
    }

    /// Nothing but blanks may follow the array.
    fn end(&mut self) -> Result<(), DataError> {
        self.standing = Standing::Ended;
        match self.next_byte() {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(DataError::Format {
                path: self.path.clone(),
                message: format!("has more after its list, which ends with row {}", self.number),
            }),
            Err(error) => Err(broken(&self.path, &format!("after row {}", self.number), error)),
        }
    }

    /// The bytes of one item, None for one that is too long, and whether it was the last; None where the file ends in it.
    fn item(&mut self) -> io::Result<Option<(Option<Vec<u8>>, bool)>> {
        let mut item = Vec::new();
        let (mut depth, mut quoted, mut escaped, mut too_long) = (0u64, false, false, false);
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let mut end = None;
            for (at, &byte) in bytes.iter().enumerate() {
                if quoted {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => quoted = false,
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => depth += 1,
                    b',' | b']' if depth == 0 => {
                        end = Some((at, byte == b']'));
                        break;
                    }
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            let taken = end.map_or(bytes.len(), |(at, _)| at);
            too_long |= item.len() + taken > self.longest;
            if too_long {
                item = Vec::new();
            } else {
                item.extend_from_slice(&bytes[..taken]);
            }
            self.reader.consume(taken + usize::from(end.is_some()));
            if let Some((_, last)) = end {
                return Ok(Some(((!too_long).then_some(item), last)));
            }
        }
    }
}

impl Iterator for ArrayRows {
    type Item = (u64, Result<Row, DataError>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.standing == Standing::Ended {
            return None;
        }
        match self.advance() {
            Ok(None) => None,
            Ok(Some(row)) => Some((self.number, row)),
            Err(error) => {
                self.standing = Standing::Ended;
                Some((self.number + 1, Err(error)))
            }
        }
    }
}
