//! Files of a model folder, which come from anywhere: read from regular files only, and never more than a file of that
//! name can need.
//!
//! | files | read up to |
//! |---|---|
//! | `tokenizer.json`, `tokenizer.model`, `vocab.json`, `vocab.txt`, `merges.txt` | 128 MiB |
//! | `model.safetensors.index.json` | 64 MiB |
//! | `config.json` and every other one | 16 MiB |
//!
//! Tensors are read with positions that are checked against the file's length, so they need no limit here.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::DataError;

/// Bytes of the files of a tokenizer's vocabulary; the largest that models bring have about 35 MB.
pub const LARGEST_VOCABULARY_FILE: u64 = 128 << 20;
/// Bytes of a list of shards; those of the largest models have a few MB.
pub const LARGEST_INDEX: u64 = 64 << 20;
/// Bytes of any other file; `config.json` has a few kilobytes, and a `tokenizer_config.json` with thousands of added
/// tokens about 1 MB.
pub const LARGEST_CONFIG: u64 = 16 << 20;

/// The most bytes that are read of a file of this name.
fn most(path: &Path) -> u64 {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("tokenizer.json" | "tokenizer.model" | "vocab.json" | "vocab.txt" | "merges.txt") => {
            LARGEST_VOCABULARY_FILE
        }
        Some("model.safetensors.index.json") => LARGEST_INDEX,
        _ => LARGEST_CONFIG,
    }
}

/// Opens a file for reading. A folder, a pipe, a socket or a device is refused, and never waited for.
///
/// # Errors
/// [`DataError::File`] where it cannot be opened, [`DataError::Format`] where it is not a regular file.
pub fn open(path: &Path) -> Result<File, DataError> {
    let failed = |error| DataError::file("read", path, error);
    // Opening a pipe that nobody writes to would wait for ever.
    let without_waiting = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(without_waiting).open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        let message = "is not a regular file (a folder, a pipe or a device); a model folder holds files".to_owned();
        return Err(DataError::Format { path: path.to_path_buf(), message });
    }
    Ok(file)
}

/// The bytes of a file of a model folder.
///
/// # Errors
/// Those of [`open`], and [`DataError::Format`] where it is larger than a file of its name can be.
pub fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let failed = |error| DataError::file("read", path, error);
    let most = most(path);
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        let message = format!("has more than {most} bytes, the most that is read of such a file");
        return Err(DataError::Format { path: path.to_path_buf(), message });
    }
    Ok(bytes)
}

/// [`read`], and none where there is no such file.
///
/// # Errors
/// Those of [`read`].
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, DataError> {
    match read(path) {
        Err(DataError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_of_a_bounded_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("config.json"), "{}").unwrap();
        symlink(path("config.json"), path("linked.json")).unwrap();
        assert_eq!(
            (read(&path("config.json")).unwrap(), read(&path("linked.json")).unwrap()),
            (vec![123, 125], vec![123, 125])
        );
        assert!(read_if_there(&path("none.json")).unwrap().is_none());

        symlink("/dev/zero", path("tokenizer.json")).unwrap();
        std::fs::create_dir(path("vocab.json")).unwrap();
        let pipe = path("generation_config.json");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        for name in ["tokenizer.json", "vocab.json", "generation_config.json"] {
            let error = read_if_there(&path(name)).unwrap_err().to_string();
            let expected = "is not a regular file (a folder, a pipe or a device); a model folder holds files";
            assert_eq!(error, format!("{}: {expected}", path(name).display()));
        }
        // A file of holes takes no room on the disk.
        for (name, most) in [("merges.txt", 134_217_728), ("tokenizer_config.json", 16_777_216)] {
            File::create(path(name)).unwrap().set_len(1 << 40).unwrap();
            let error = read(&path(name)).unwrap_err().to_string();
            let expected = format!("has more than {most} bytes, the most that is read of such a file");
            assert_eq!(error, format!("{}: {expected}", path(name).display()));
        }
    }
}
