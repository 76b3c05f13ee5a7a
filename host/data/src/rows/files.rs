//! Which files an input names, and whether each is one that can be read.

use crate::error::DataError;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What may stand where a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, which can be read again, digested and measured.
    Regular,
    /// A pipe, a socket or a terminal as well: what comes is read once and passed on.
    Stream,
}

/// `/dev/null`, which is empty at once.
const NULL_DEVICE: u64 = (1 << 8) | 3;

/// Opens `path`. A folder and a device are refused, and so is a pipe where a regular file is wanted: it would be waited for,
/// and what came out of it would be gone.
///
/// # Errors
/// Where it cannot be opened or is not what is wanted.
pub fn open(path: &Path, wanted: Kind) -> Result<File, DataError> {
    let is_device = check(path, wanted)?;
    let file = File::open(path).map_err(|error| DataError::file("open", path, error))?;
    if is_device && !file.is_terminal() {
        return Err(refused(path, "is a device; name a file or a pipe"));
    }
    Ok(file)
}

/// Refuses what [`open`] refuses, without opening it: opening a pipe waits for whoever writes to it. Whether it is a
/// device that only a terminal may be.
///
/// # Errors
/// As [`open`].
pub fn check(path: &Path, wanted: Kind) -> Result<bool, DataError> {
    let details = std::fs::metadata(path).map_err(|error| DataError::file("open", path, error))?;
    let kind = details.file_type();
    if kind.is_dir() {
        return Err(refused(path, "is a folder; name the files in it"));
    }
    if kind.is_file() {
        return Ok(false);
    }
    if wanted == Kind::Regular {
        let message = "is not a regular file; write what comes out of it to a file first";
        return Err(refused(path, message));
    }
    if kind.is_block_device() {
        return Err(refused(path, "is a device; name a file or a pipe"));
    }
    Ok(kind.is_char_device() && details.rdev() != NULL_DEVICE)
}

fn refused(path: &Path, message: &str) -> DataError {
    DataError::Format { path: path.to_path_buf(), message: message.into() }
}

/// The text of a small file, of at most `longest` bytes: more is never held, whatever the file says of its length.
///
/// # Errors
/// Where it is longer, not UTF-8, not what is wanted, or cannot be read.
pub fn read_text(path: &Path, wanted: Kind, longest: u64) -> Result<String, DataError> {
    let mut bytes = Vec::new();
    let mut file = open(path, wanted)?.take(longest.saturating_add(1));
    file.read_to_end(&mut bytes).map_err(|error| DataError::file("read", path, error))?;
    if bytes.len() as u64 > longest {
        return Err(refused(path, &format!("has more than {longest} bytes, the most that is read of it")));
    }
    String::from_utf8(bytes)
        .map_err(|error| refused(path, &format!("is not UTF-8 from byte {} on", error.utf8_error().valid_up_to() + 1)))
}

/// Whether a name is a pattern of file names: it has `*`, `?` or `[`.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The files that `name` stands for: itself where there is a file of that name or it has no `*`, `?` or `[`, and otherwise
/// all regular files that it matches, by name; `**` reaches into folders.
///
/// # Errors
/// A pattern that matches nothing or is not one.
pub fn expand(name: &Path) -> Result<Vec<PathBuf>, DataError> {
    let Some(text) = name.to_str().filter(|text| is_pattern(text) && !name.exists()) else {
        return Ok(vec![name.to_path_buf()]);
    };
    let wrong = |message: String| DataError::Format { path: name.to_path_buf(), message };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let matches = glob::glob_with(text, options).map_err(|error| wrong(format!("is not a pattern: {error}")))?;
    let mut found = Vec::new();
    for path in matches {
        let path =
            path.map_err(|error| DataError::file("read", error.path(), std::io::Error::from(error.error().kind())))?;
        if !path.is_dir() {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(wrong("matches no file".into()));
    }
    found.sort();
    Ok(found)
}
