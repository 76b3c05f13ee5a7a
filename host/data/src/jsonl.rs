//! JSON Lines, plain or zstd: read one line at a time, a bad line distinguished from the end; written whole or not at
//! all.

use crate::atomic::AtomicFile;
use crate::error::DataError;
use crate::field_map::FieldMap;
use crate::record::{Document, Problem};
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest line that is read, in bytes. A longer one is an error of its own, and is skipped without being held.
pub const LONGEST_LINE: usize = 64 << 20;

/// One line of a file that holds JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number in the file, from 1; blank lines count.
    pub number: u64,
    /// What it holds.
    pub value: Value,
}

/// Iterates over the JSON values of a file, one per line.
///
/// Plain text and zstd are recognised by the file's first bytes, not by the name. Blank lines, CRLF, a byte order mark
/// and a missing last newline are fine. A line that is not JSON, not UTF-8 or too long is a [`DataError::Line`], and the
/// iterator resumes after it; damage that hides where lines begin (a zstd file cut short) is an error that ends it.
pub struct JsonLines {
    reader: Box<dyn BufRead + Send>,
    path: PathBuf,
    number: u64,
    buffer: Vec<u8>,
    longest: usize,
    ended: bool,
    read: Arc<AtomicU64>,
    size: Option<u64>,
}

impl JsonLines {
    /// Opens the file `path`.
    pub fn open(path: &Path) -> Result<JsonLines, DataError> {
        let file = File::open(path).map_err(|error| DataError::file("open", path, error))?;
        let details = file.metadata().map_err(|error| DataError::file("read", path, error))?;
        if details.is_dir() {
            return Err(DataError::Format {
                path: path.to_path_buf(),
                message: "is a folder; name the .jsonl or .jsonl.zst files in it".into(),
            });
        }
        let mut lines = JsonLines::from_reader(path, file)?;
        // Pipes have no size to measure progress by.
        lines.size = details.is_file().then_some(details.len());
        Ok(lines)
    }

    /// Reads from `reader`; errors call it `name`.
    pub fn from_reader(name: impl AsRef<Path>, reader: impl Read + Send + 'static) -> Result<JsonLines, DataError> {
        let path = name.as_ref().to_path_buf();
        let read = Arc::new(AtomicU64::new(0));
        let mut reader = Counted { inner: reader, read: Arc::clone(&read) };
        let mut start = Vec::with_capacity(4);
        (&mut reader).take(4).read_to_end(&mut start).map_err(|error| DataError::file("read", &path, error))?;
        let encoding = Encoding::of(&start);
        let whole = BufReader::with_capacity(1 << 16, io::Cursor::new(start).chain(reader));
        let reader: Box<dyn BufRead + Send> = match encoding {
            Encoding::Plain => Box::new(whole),
            Encoding::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(whole)
                    .map_err(|error| DataError::file("decompress", &path, error))?;
                Box::new(BufReader::with_capacity(1 << 16, decoder))
            }
            Encoding::Other(what) => {
                return Err(DataError::Format {
                    path,
                    message: format!("is {what}, which is not read; convert it to JSON Lines, plain or with zstd"),
                });
            }
        };
        Ok(JsonLines {
            reader,
            path,
            number: 0,
            buffer: Vec::new(),
            longest: LONGEST_LINE,
            ended: false,
            read,
            size: None,
        })
    }

    /// The file, as errors name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file taken in so far, as they lie on disk (compressed where it is compressed).
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The file's size on disk in bytes, where it has one.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The number of the line read last, from 1; 0 before the first.
    pub fn line_number(&self) -> u64 {
        self.number
    }

    /// Passes over the next `count` lines, whatever they hold. A file that has fewer is at its end then.
    pub fn skip_lines(&mut self, count: u64) -> Result<(), DataError> {
        let last = self.number.saturating_add(count);
        while self.number < last && !self.ended {
            match self.fill() {
                Ok(more) => self.ended = !more,
                Err(error) if error.is_one_line() => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Reads a line without its end into the buffer; false at the end of the file.
    fn fill(&mut self) -> Result<bool, DataError> {
        self.buffer.clear();
        let limit = self.longest as u64 + 1;
        let read =
            (&mut self.reader).take(limit).read_until(b'\n', &mut self.buffer).map_err(|error| self.broken(error))?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        } else if self.buffer.len() > self.longest {
            self.buffer = Vec::new();
            self.reader.skip_until(b'\n').map_err(|error| self.broken(error))?;
            return Err(self.bad_line(format!("is longer than {} MiB, the most that is read", self.longest >> 20)));
        }
        if self.number == 1 && self.buffer.starts_with(b"\xEF\xBB\xBF") {
            self.buffer.drain(..3);
        }
        Ok(true)
    }

    fn parse(&self) -> Result<Value, DataError> {
        let text = std::str::from_utf8(&self.buffer)
            .map_err(|error| self.bad_line(format!("is not UTF-8 from byte {} on", error.valid_up_to() + 1)))?;
        serde_json::from_str(text).map_err(|error| {
            // Its own message ends in "at line 1 column 17", and that line is not the file's.
            let message = error.to_string();
            let what = message.split(" at line ").next().unwrap_or(&message);
            self.bad_line(format!("is not JSON: {what} (column {})", error.column()))
        })
    }

    fn bad_line(&self, message: String) -> DataError {
        DataError::line(&self.path, self.number, message)
    }

    fn broken(&self, error: io::Error) -> DataError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => DataError::Format {
                path: self.path.clone(),
                message: format!(
                    "is cut short after line {}: its compressed data has no end. Write or copy it again",
                    self.number
                ),
            },
            // What zstd reports as damage.
            io::ErrorKind::Other | io::ErrorKind::InvalidData => DataError::Format {
                path: self.path.clone(),
                message: format!("is damaged after line {}: {error}", self.number),
            },
            _ => DataError::file("read", &self.path, error),
        }
    }
}

impl std::fmt::Debug for JsonLines {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("JsonLines")
            .field("path", &self.path)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Iterator for JsonLines {
    type Item = Result<Line, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.fill() {
                Ok(true) if self.buffer.iter().all(u8::is_ascii_whitespace) => {}
                Ok(true) => {
                    let number = self.number;
                    return Some(self.parse().map(|value| Line { number, value }));
                }
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = !error.is_one_line();
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// What a file's first bytes say it is.
enum Encoding {
    Plain,
    Zstd,
    Other(&'static str),
}

impl Encoding {
    fn of(start: &[u8]) -> Encoding {
        match start {
            // A frame, or a skippable frame before one.
            [0x28, 0xB5, 0x2F, 0xFD] | [0x50..=0x5F, 0x2A, 0x4D, 0x18] => Encoding::Zstd,
            [0x1F, 0x8B, ..] => Encoding::Other("gzip"),
            [0xFD, b'7', b'z', b'X'] => Encoding::Other("xz"),
            [b'B', b'Z', b'h', b'1'..=b'9'] => Encoding::Other("bzip2"),
            b"PAR1" => Encoding::Other("Parquet (only `tokenize` and mid-training read that)"),
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Encoding::Other("UTF-16"),
            _ => Encoding::Plain,
        }
    }
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Iterates over the documents of a file; see [`read_documents`].
#[derive(Debug)]
pub struct Documents {
    lines: JsonLines,
    name: String,
}

impl Documents {
    /// Bytes of the file taken in so far, as they lie on disk.
    pub fn bytes_read(&self) -> u64 {
        self.lines.bytes_read()
    }

    /// The file's size on disk in bytes, where it has one.
    pub fn size(&self) -> Option<u64> {
        self.lines.size()
    }
}

impl Iterator for Documents {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        let default_id = format!("{}:{}", self.name, line.number);
        Some(
            Document::from_value(line.value, &default_id)
                .map_err(|message| DataError::line(self.lines.path(), line.number, message)),
        )
    }
}

/// The documents of `path`, in order. A bad line is a [`DataError::Line`] and does not end the iterator. A document
/// without an id is called "FILE:LINE", FILE being the file's name without its folder.
pub fn read_documents(path: &Path) -> Result<Documents, DataError> {
    Ok(Documents { name: file_name(path), lines: JsonLines::open(path)? })
}

/// The problems of `path`, in order, their columns named by `map`. `rows` takes a part, counted from 0 over the lines
/// that are not blank; asking for more rows than there are is an error, and so is the first bad line that is asked for.
pub fn read_problems(path: &Path, map: &FieldMap, rows: Option<Range<usize>>) -> Result<Vec<Problem>, DataError> {
    let name = file_name(path);
    let mut problems = Vec::new();
    let mut seen = 0;
    for (row, line) in JsonLines::open(path)?.enumerate() {
        if rows.as_ref().is_some_and(|rows| row >= rows.end) {
            break;
        }
        seen = row + 1;
        if rows.as_ref().is_some_and(|rows| row < rows.start) {
            continue;
        }
        let line = line?;
        let default_id = format!("{name}:{}", line.number);
        let problem = Problem::from_value(&line.value, map, &default_id)
            .map_err(|message| DataError::line(path, line.number, message))?;
        problems.push(problem);
    }
    if let Some(rows) = rows.filter(|rows| seen < rows.end) {
        return Err(DataError::Format {
            path: path.to_path_buf(),
            message: format!("has {seen} rows, and rows {}..{} were asked for", rows.start, rows.end),
        });
    }
    Ok(problems)
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Writes one JSON value per line. The file has its name only once [`JsonlWriter::finish`] returns.
#[derive(Debug)]
pub struct JsonlWriter {
    output: Output,
    path: PathBuf,
    lines: u64,
}

enum Output {
    Plain(AtomicFile),
    Zstd(zstd::stream::write::Encoder<'static, AtomicFile>),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Output::Plain(_) => "Plain",
            Output::Zstd(_) => "Zstd",
        })
    }
}

impl JsonlWriter {
    /// Starts the file `path`, compressed with zstd (level 3, with a checksum) where its name ends in ".zst".
    pub fn create(path: &Path) -> Result<JsonlWriter, DataError> {
        let file = AtomicFile::create(path)?;
        let output = if path.extension().is_some_and(|extension| extension == "zst") {
            let failed = |error| DataError::file("compress", path, error);
            let mut encoder = zstd::stream::write::Encoder::new(file, 3).map_err(failed)?;
            encoder.include_checksum(true).map_err(failed)?;
            Output::Zstd(encoder)
        } else {
            Output::Plain(file)
        };
        Ok(JsonlWriter { output, path: path.to_path_buf(), lines: 0 })
    }

    /// Writes one line.
    pub fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DataError> {
        let failed = |error| DataError::file("write", &self.path, error);
        let mut line = serde_json::to_vec(value).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        match &mut self.output {
            Output::Plain(file) => file.write_all(&line),
            Output::Zstd(encoder) => encoder.write_all(&line),
        }
        .map_err(failed)?;
        self.lines += 1;
        Ok(())
    }

    /// Lines written so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Ends the file, syncs it and gives it its name.
    pub fn finish(self) -> Result<(), DataError> {
        match self.output {
            Output::Plain(file) => file.commit(),
            Output::Zstd(encoder) => {
                encoder.finish().map_err(|error| DataError::file("compress", &self.path, error))?.commit()
            }
        }
    }
}

#[cfg(test)]
mod tests;
