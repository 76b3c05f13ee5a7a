//! JSON Lines, plain or compressed: read one line at a time, a bad line distinguished from the end; written whole or not
//! at all. Whole files of documents and problems, in any format of rows.

use crate::atomic::AtomicFile;
use crate::error::DataError;
use crate::field_map::FieldMap;
use crate::record::{Document, Problem};
use crate::row::Row;
use crate::rows::encoding::{Unpacked, broken, unpack};
use crate::rows::parts::Place;
use crate::rows::{Numbered, Rows, Wanted, files};
use serde::Serialize;
use std::io::{self, BufRead, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest line that is read, in bytes. A longer one is an error of its own, and is skipped without being held.
pub const LONGEST_LINE: usize = 64 << 20;

/// One line of a file, and the row that it is.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number in the file, from 1; blank lines count.
    pub number: u64,
    /// What it holds.
    pub row: Row,
}

/// Iterates over the rows of a file of JSON Lines.
///
/// Plain text, gzip, xz, bzip2 and zstd are recognised by the file's first bytes, not by the name. Blank lines, CRLF, a
/// byte order mark and a missing last newline are fine. A line that is not a JSON object or too long is a
/// [`DataError::Line`], and the iterator resumes after it; damage that hides where lines begin (a compressed file cut
/// short) is an error that ends it.
pub struct JsonLines {
    reader: Box<dyn BufRead + Send>,
    path: PathBuf,
    number: u64,
    /// Lines before those that are read.
    before: u64,
    buffer: Vec<u8>,
    longest: usize,
    ended: bool,
    /// The number that the last line must have, where that is known.
    last: Option<u64>,
    read: Arc<AtomicU64>,
}

impl JsonLines {
    /// Opens the file `path`.
    pub fn open(path: &Path) -> Result<JsonLines, DataError> {
        let file = files::open(path, files::Kind::Regular)?;
        JsonLines::from_reader(path, file)
    }

    /// Reads from `reader`; errors call it `name`.
    pub fn from_reader(name: impl AsRef<Path>, reader: impl Read + Send + 'static) -> Result<JsonLines, DataError> {
        Ok(JsonLines::unpacked(name.as_ref(), unpack(name.as_ref(), reader)?))
    }

    pub(crate) fn unpacked(path: &Path, Unpacked { reader, read }: Unpacked) -> JsonLines {
        JsonLines {
            reader,
            path: path.to_path_buf(),
            number: 0,
            before: 0,
            buffer: Vec::new(),
            longest: LONGEST_LINE,
            ended: false,
            last: None,
            read,
        }
    }

    /// Counts on from `before` lines that others read; the last line must have the number `last`, where that is known.
    pub(crate) fn numbered(self, before: u64, last: Option<u64>) -> JsonLines {
        JsonLines { number: before, last, before, ..self }
    }

    /// What is wrong where the lines end before or after the number that is known.
    fn wrong_end(&self) -> Option<DataError> {
        let last = self.last.filter(|last| *last != self.number)?;
        let (found, said) = (self.number - self.before, last.saturating_sub(self.before));
        let message = format!("is damaged: it has {found} lines where its marks say {said}. Write or copy it again");
        Some(DataError::Format { path: self.path.clone(), message })
    }

    /// The file, as errors name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file taken in so far, as they lie on disk (compressed where it is compressed).
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
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

    fn bad_line(&self, message: String) -> DataError {
        DataError::line(&self.path, self.number, message)
    }

    fn broken(&self, error: io::Error) -> DataError {
        broken(&self.path, &format!("after line {}", self.number), error)
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
                    // The row keeps what was read; the next line gets a buffer of its own.
                    let line = std::mem::take(&mut self.buffer);
                    return Some(
                        Row::parse(line).map(|row| Line { number, row }).map_err(|message| self.bad_line(message)),
                    );
                }
                Ok(false) => {
                    self.ended = true;
                    if let Some(error) = self.wrong_end() {
                        return Some(Err(error));
                    }
                }
                Err(error) => {
                    self.ended = !error.is_one_line();
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// Iterates over the documents of a file; see [`read_documents`].
#[derive(Debug)]
pub struct Documents {
    rows: Rows,
    name: String,
    map: FieldMap,
}

impl Documents {
    /// Bytes of the file taken in so far, as they lie on disk.
    pub fn bytes_read(&self) -> u64 {
        self.rows.bytes_read()
    }
}

impl Iterator for Documents {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Numbered { number, row } = self.rows.next()?;
        let default_id = format!("{}:{number}", self.name);
        Some(row.and_then(|row| {
            Document::from_row(&row, &self.map, &default_id).map_err(|message| self.rows.bad_row(number, message))
        }))
    }
}

/// The documents of `path`, in order, in any format that [`Rows`] reads. A bad row is a [`DataError::Line`] or a
/// [`DataError::Row`] and does not end the iterator. A document without an id is called "FILE:ROW", FILE being the file's
/// name without its folder.
pub fn read_documents(path: &Path) -> Result<Documents, DataError> {
    Ok(Documents { name: file_name(path), rows: Rows::open(path, &Wanted::All)?, map: FieldMap::default() })
}

/// The documents of a part of `path`, as those of [`read_documents`]: a document without an id has the same one.
pub fn read_documents_in(path: &Path, place: &Place) -> Result<Documents, DataError> {
    let rows = Rows::open_part(path, &Wanted::All, place)?;
    Ok(Documents { name: file_name(path), rows, map: FieldMap::default() })
}

/// The problems of `paths`, in order, in any format that [`Rows`] reads, their columns named by `map`. `rows` takes a part,
/// counted from 0 over the rows that there are in all files; asking for more rows than there are is an error, and so are
/// the first bad row that is asked for and files without any.
pub fn read_problems(
    paths: &[impl AsRef<Path>],
    map: &FieldMap,
    rows: Option<Range<usize>>,
) -> Result<Vec<Problem>, DataError> {
    read_with(paths, map, rows, Problem::from_row)
}

/// As [`read_problems`], with the column `solution` of each row where it has one: worked examples.
pub fn read_examples(
    paths: &[impl AsRef<Path>],
    map: &FieldMap,
    rows: Option<Range<usize>>,
) -> Result<Vec<Problem>, DataError> {
    read_with(paths, map, rows, Problem::example_from_row)
}

fn read_with(
    paths: &[impl AsRef<Path>],
    map: &FieldMap,
    rows: Option<Range<usize>>,
    read: fn(&Row, &FieldMap, &str) -> Result<Problem, String>,
) -> Result<Vec<Problem>, DataError> {
    let mut problems = Vec::new();
    let (mut seen, mut held) = (0, 0);
    let is_wanted = |place: usize| rows.as_ref().is_none_or(|rows| rows.contains(&place));
    let are_enough = |seen: usize| rows.as_ref().is_some_and(|rows| seen >= rows.end);
    for path in paths.iter().map(AsRef::as_ref) {
        if are_enough(seen) {
            break;
        }
        let name = file_name(path);
        let mut found = Rows::open(path, &Wanted::problem(map))?;
        while !are_enough(seen) {
            let Some(Numbered { number, row }) = found.next() else { break };
            seen += 1;
            if !is_wanted(seen - 1) {
                match row {
                    Err(error) if !error.is_one_line() => return Err(error),
                    _ => continue,
                }
            }
            let default_id = format!("{name}:{number}");
            let row = row?;
            held = row.bytes().saturating_add(held);
            if held > MOST_HELD {
                return Err(found.bad_row(number, too_much_held()));
            }
            problems.push(read(&row, map, &default_id).map_err(|message| found.bad_row(number, message))?);
        }
    }
    let wrong = |message: String| {
        let path = paths.last().map_or_else(PathBuf::new, |path| path.as_ref().to_path_buf());
        DataError::Format { path, message }
    };
    match &rows {
        Some(rows) if seen < rows.end => {
            let all = if paths.len() > 1 { " with the files in front of it" } else { "" };
            Err(wrong(format!("has {seen} rows{all}, and rows {}..{} were asked for", rows.start, rows.end)))
        }
        None if seen == 0 => Err(wrong(NO_ROWS.into())),
        _ => Ok(problems),
    }
}

/// What is said of a file without a row, or of several of which none has one.
pub const NO_ROWS: &str = "has no rows; an empty file is not an input";

/// The most bytes of rows that are held at once, where all of a file is wanted before work begins.
pub const MOST_HELD: usize = 4 << 30;

/// What is said of the row with which a file holds more than [`MOST_HELD`].
pub fn too_much_held() -> String {
    format!("the rows so far hold more than {} GiB, the most that is held at once; split the file", MOST_HELD >> 30)
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
