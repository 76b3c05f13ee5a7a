//! What can go wrong with data, said so that a person can fix it.

use std::io;
use std::path::{Path, PathBuf};

/// An error about data: a file, a line of it, a tokenizer, a source or a saved position.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be opened, read, written or renamed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was being done, as a verb ("read", "create", ...).
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is damaged, cut short, or of a kind that is not read.
    #[error("{}: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// One line of a file is wrong; the lines after it can still be read.
    #[error("{}, line {line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong and what to do.
        message: String,
    },
    /// One row of a file that has no lines is wrong; the rows after it can still be read.
    #[error("{}, row {row}: {message}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row's number, from 1.
        row: u64,
        /// What is wrong and what to do.
        message: String,
    },
    /// A tokenizer could not be trained, loaded or used.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// A source of tokens cannot be used.
    #[error("source {name:?}: {message}")]
    Source {
        /// The source's name in the recipe.
        name: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A saved sampler position does not belong to these sources.
    #[error("cannot resume the saved data order: {0}")]
    State(String),
    /// A value from a recipe or a plugin is out of its range.
    #[error("{0}")]
    Invalid(String),
}

impl DataError {
    /// A [`DataError::File`] for `path`; `action` is a verb ("read", "create", ...).
    pub fn file(action: &'static str, path: &Path, source: io::Error) -> DataError {
        DataError::File { action, path: path.to_path_buf(), source }
    }

    /// A [`DataError::Line`] for line `line` (from 1) of `path`.
    pub fn line(path: &Path, line: u64, message: impl Into<String>) -> DataError {
        DataError::Line { path: path.to_path_buf(), line, message: message.into() }
    }

    /// The error of row `number` of `path`: a [`DataError::Line`] where rows are `lines`, and else a [`DataError::Row`].
    pub fn of_row(path: &Path, lines: bool, number: u64, message: String) -> DataError {
        let path = path.to_path_buf();
        if lines {
            DataError::Line { path, line: number, message }
        } else {
            DataError::Row { path, row: number, message }
        }
    }

    /// Where it is ("a.jsonl, line 7") and what is wrong there, of an error about one row; else no place and all of it.
    pub fn place_and_message(&self) -> (String, String) {
        match self {
            DataError::Line { path, line, message } => (format!("{}, line {line}", path.display()), message.clone()),
            DataError::Row { path, row, message } => (format!("{}, row {row}", path.display()), message.clone()),
            other => (String::new(), other.to_string()),
        }
    }

    /// Whether the reader that gave this error can read on at the next line or row.
    pub fn is_one_line(&self) -> bool {
        matches!(self, DataError::Line { .. } | DataError::Row { .. })
    }
}

/// The most bytes of a text from a file that a message quotes.
const QUOTED: usize = 60;

/// A text from a file as a message quotes it: with its escapes, and cut where it is long.
pub fn quoted(text: &str) -> String {
    format!("{:?}", cut(text, QUOTED))
}

/// A text from a file as a message names it: without quotes, its control characters escaped, cut after `bytes`.
pub fn shortened(text: &str, bytes: usize) -> String {
    cut(text, bytes)
        .chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

fn cut(text: &str, bytes: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= bytes {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)]).into()
}
