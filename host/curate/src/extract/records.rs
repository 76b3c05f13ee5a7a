//! Pages out of files: WARC and WET archives (plain, gzip members, zstd frames), files of HTML, and tables with a column
//! of HTML.

use super::payload;
use super::sources::{Columns, Form, Source};
use fastwarc::warc::iter::{ArchiveIterator, ArchiveIteratorOptions};
use fastwarc::warc::record::{AutoDecode, WarcRecord, WarcRecordType};
use octo_data::DataError;
use octo_data::field_map::FieldMap;
use octo_data::row::Row;
use octo_data::rows::parts::Place;
use octo_data::rows::{Numbered, Rows, Wanted};
use octo_record::NoDocument;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a page may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// The longest page, in bytes, with and without its encodings.
    pub bytes: usize,
}

impl Default for PageLimits {
    /// 16 MiB: the longest of the 356 pages of 32 sources that this was tried on has 3.5 MB.
    fn default() -> PageLimits {
        PageLimits { bytes: 16 << 20 }
    }
}

/// A page as it was crawled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it was found, without control characters.
    pub url: Option<String>,
    /// When, as the archive writes it: `2021-04-05T10:00:00Z`.
    pub date: Option<String>,
    /// The archive's name for the record.
    pub record: Option<String>,
    /// The charset that the server named.
    pub charset: Option<String>,
    /// What it holds.
    pub body: Body,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// HTML, in some charset.
    Html(Vec<u8>),
    /// Text that somebody else extracted (WET).
    Text(String),
}

impl Page {
    /// The year of the crawl.
    pub fn year(&self) -> Option<u16> {
        self.date.as_ref()?.get(..4)?.parse().ok()
    }
}

/// A record of a file: a page, or why there is none. Its place is its number in the file, from 1.
#[derive(Debug)]
pub struct Record {
    /// The number of the record in its file, from 1; records that hold no response count.
    pub number: u64,
    /// Where the page was found, where that is known.
    pub url: Option<String>,
    /// The page.
    pub page: Result<Page, NoDocument>,
}

/// The pages of a file, in order. After [`NoDocument::BrokenFile`] it ends: what comes after cannot be found.
pub struct Records {
    path: PathBuf,
    limits: PageLimits,
    number: u64,
    from: From,
}

enum From {
    Archive(Box<ArchiveIterator>),
    Html,
    Table(Box<Table>),
    Ended,
}

/// Rows with a column of HTML. The one that was looked at first comes first.
struct Table {
    first: Option<Numbered>,
    rows: Rows,
    columns: Columns,
}

impl Records {
    /// Opens an archive, or a file of HTML if its name ends in `.html`, `.htm` or `.xhtml`.
    ///
    /// # Errors
    /// The file cannot be read, or is not a regular one.
    pub fn open(path: &Path, limits: PageLimits) -> Result<Records, DataError> {
        let sources = super::sources(std::slice::from_ref(&path.to_path_buf()))?;
        let Some(source) = sources.first() else { return Records::nothing(path, limits) };
        Records::open_part(source, &Place::Whole, limits, None)
    }

    fn nothing(path: &Path, limits: PageLimits) -> Result<Records, DataError> {
        Ok(Records { path: path.to_path_buf(), limits, number: 0, from: From::Ended })
    }

    /// Opens a part of a source. Of tables, `columns` says what is read.
    ///
    /// # Errors
    /// The file cannot be read, is not a regular one, or is a table and lacks the column of pages.
    pub fn open_part(
        source: &Source,
        place: &Place,
        limits: PageLimits,
        columns: Option<&Columns>,
    ) -> Result<Records, DataError> {
        let path = &source.path;
        octo_data::rows::files::check(path, octo_data::rows::files::Kind::Regular)?;
        let from = match source.form {
            Form::Html => From::Html,
            Form::Table => From::Table(Box::new(Table::open(path, place, columns)?)),
            Form::Archive => {
                let options = ArchiveIteratorOptions {
                    decode_http_payload: AutoDecode::None,
                    ..ArchiveIteratorOptions::default()
                };
                let archive = ArchiveIterator::from_path_with_options(path, options)
                    .map_err(|error| DataError::file("open", path, error))?;
                From::Archive(Box::new(archive))
            }
        };
        Ok(Records { path: path.to_path_buf(), limits, number: 0, from })
    }

    fn html(&mut self) -> Record {
        self.number += 1;
        self.from = From::Ended;
        let limit = self.limits.bytes;
        let read = || -> std::io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(&self.path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let page = match read() {
            Ok(bytes) if bytes.len() > limit => Err(NoDocument::TooLarge),
            Ok(bytes) if bytes.is_empty() => Err(NoDocument::EmptyBody),
            Ok(bytes) => Ok(Page { url: None, date: None, record: None, charset: None, body: Body::Html(bytes) }),
            Err(_) => Err(NoDocument::BrokenFile),
        };
        Record { number: self.number, url: None, page }
    }
}

impl Table {
    fn open(path: &Path, place: &Place, columns: Option<&Columns>) -> Result<Table, DataError> {
        let wrong = |message: String| DataError::Format { path: path.to_path_buf(), message };
        let Some(columns) = columns.cloned() else {
            return Err(wrong("is a table; say with `html_column` which of its columns has the pages".into()));
        };
        let wanted = Wanted::fields(&FieldMap::default(), &[&columns.html, &columns.url, &columns.date]);
        let mut rows = Rows::open_part(path, &wanted, place)?;
        // Where the first row lacks the column, it is the name that is wrong, and not every page.
        let first = rows.next();
        if let Some(Numbered { number: 1, row: Ok(row) }) = &first
            && matches!(FieldMap::default().find(row, &columns.html), Ok(None))
        {
            return Err(wrong(format!("has no column {:?}; its columns are {}", columns.html, row.shown_names())));
        }
        Ok(Table { first, rows, columns })
    }

    fn next(&mut self, limits: PageLimits) -> Option<Record> {
        let Numbered { number, row } = match self.first.take() {
            Some(first) => first,
            None => self.rows.next()?,
        };
        let text = |row: &Row, column: &str| FieldMap::default().text(row, column);
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let reason = if error.is_one_line() { NoDocument::BadRow } else { NoDocument::BrokenFile };
                return Some(Record { number, url: None, page: Err(reason) });
            }
        };
        let named = |column: &str| text(&row, column).ok().flatten().map(|value| clean(&value));
        let url = named(&self.columns.url);
        let page = match text(&row, &self.columns.html) {
            Err(_) => Err(NoDocument::BadRow),
            Ok(Some(html)) if html.len() > limits.bytes => Err(NoDocument::TooLarge),
            Ok(Some(html)) if !html.trim_ascii().is_empty() => Ok(Page {
                url: url.clone(),
                date: named(&self.columns.date),
                record: None,
                charset: Some("utf-8".to_owned()),
                body: Body::Html(html.into_bytes()),
            }),
            Ok(_) => Err(NoDocument::EmptyBody),
        };
        Some(Record { number, url, page })
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let archive = match &mut self.from {
                From::Ended => return None,
                From::Html => return Some(self.html()),
                From::Table(table) => {
                    let record = table.next(self.limits)?;
                    if matches!(record.page, Err(NoDocument::BrokenFile)) {
                        self.from = From::Ended;
                    }
                    return Some(record);
                }
                From::Archive(archive) => archive,
            };
            let record = match archive.next() {
                None => {
                    self.from = From::Ended;
                    return None;
                }
                Some(Ok(record)) => record,
                Some(Err(_)) => {
                    // The reader has lost its place, and would say so for ever.
                    self.from = From::Ended;
                    return Some(Record { number: self.number + 1, url: None, page: Err(NoDocument::BrokenFile) });
                }
            };
            self.number += 1;
            let mut record = record.borrow_mut();
            let wanted = matches!(record.record_type(), WarcRecordType::Response | WarcRecordType::Conversion);
            if !wanted {
                continue;
            }
            let header = |name: &str| record.headers().get(name).map(|value| clean(&value));
            let (url, date, id) = (header("WARC-Target-URI"), header("WARC-Date"), header("WARC-Record-ID"));
            let page = page_of(&mut record, self.limits).map(|(body, charset)| Page {
                url: url.clone(),
                date,
                record: id,
                charset,
                body,
            });
            if page == Err(NoDocument::BrokenFile) {
                drop(record);
                self.from = From::Ended;
            }
            return Some(Record { number: self.number, url, page });
        }
    }
}

/// What a record holds, and the charset that the server named.
fn page_of(record: &mut WarcRecord, limits: PageLimits) -> Result<(Body, Option<String>), NoDocument> {
    let conversion = record.record_type() == WarcRecordType::Conversion;
    if !conversion {
        let status = record.http_headers().and_then(|headers| headers.status_code());
        if status.is_some_and(|status| status != 200) {
            return Err(NoDocument::Status);
        }
        let kind = record.http_content_type().unwrap_or_default().to_ascii_lowercase();
        if !kind.is_empty() && !kind.contains("html") {
            return Err(NoDocument::NotHtml);
        }
    }
    if record.content_length() > limits.bytes as u64 {
        return Err(NoDocument::TooLarge);
    }
    let header = |record: &WarcRecord, name: &str| {
        record.http_headers().and_then(|headers| headers.get(name).map(|value| value.into_owned()))
    };
    let (transfer, content) = (header(record, "Transfer-Encoding"), header(record, "Content-Encoding"));
    let charset = record.http_charset().map(|charset| clean(&charset));
    let announced = record.content_length();
    record.freeze().map_err(|_| NoDocument::BrokenFile)?;
    let raw = record.frozen_payload_bytes().ok_or(NoDocument::BrokenFile)?;
    // The file ends before the record does.
    if (raw.len() as u64) < announced {
        return Err(NoDocument::BrokenFile);
    }
    if conversion {
        let text = String::from_utf8_lossy(raw).trim().to_owned();
        return if text.is_empty() { Err(NoDocument::NoText) } else { Ok((Body::Text(text), None)) };
    }
    let body = payload::decoded(raw, transfer.as_deref(), content.as_deref(), limits.bytes)?.into_owned();
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(NoDocument::EmptyBody);
    }
    Ok((Body::Html(body), charset))
}

/// A header's value without what would break a line.
fn clean(value: &str) -> String {
    value.trim().chars().filter(|c| !c.is_control()).take(4_000).collect()
}
