//! Files that are either whole or absent: written under a temporary name in the same folder, synced, renamed.

use crate::digest::Sum;
use crate::error::DataError;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::Builder;

/// Pieces by which the digest of [`write_pieces`] may trail the file.
const TRAILING: usize = 4;
/// Bytes of a large file after which what was written is sent to the disk while the rest is still being written. Left
/// alone, the system holds gigabytes back for the sync at the end: 1.8 GB take 3.4 s so, and 4.6 s with one sync.
const SENT: usize = 64 << 20;

/// Distinguishes the temporary files of one process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file being written. Nobody sees it under its own name before [`AtomicFile::commit`]; dropped without it, the
/// temporary file is removed.
#[derive(Debug)]
pub struct AtomicFile {
    writer: Option<BufWriter<File>>,
    temporary: PathBuf,
    path: PathBuf,
}

impl AtomicFile {
    /// Starts a file that is to be named `path`, creating the folders above it.
    pub fn create(path: &Path) -> Result<AtomicFile, DataError> {
        let folder = folder_of(path);
        fs::create_dir_all(folder).map_err(|error| DataError::file("create the folder of", path, error))?;
        let name = path
            .file_name()
            .ok_or_else(|| DataError::Invalid(format!("{} is not the name of a file to write", path.display())))?;
        let temporary = folder.join(format!(
            ".{}.{}-{}.tmp",
            name.to_string_lossy(),
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        AtomicFile::create_as(path, temporary)
    }

    /// The same under the temporary name `temporary`, in the same folder, which is there. For whoever sees to it that no other
    /// process uses that name: what a kill leaves is then replaced by the next try.
    pub fn create_as(path: &Path, temporary: PathBuf) -> Result<AtomicFile, DataError> {
        let file = File::create(&temporary).map_err(|error| DataError::file("create", &temporary, error))?;
        Ok(AtomicFile { writer: Some(BufWriter::with_capacity(1 << 16, file)), temporary, path: path.to_path_buf() })
    }

    /// Another handle of what has been written so far.
    fn handle(&self) -> io::Result<File> {
        match &self.writer {
            Some(writer) => writer.get_ref().try_clone(),
            None => Err(io::Error::other("the file was committed already")),
        }
    }

    /// The name the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs what was written and gives it its name, replacing a file that had it.
    pub fn commit(mut self) -> Result<(), DataError> {
        let path = self.path.clone();
        let failed = |error| DataError::file("write", &path, error);
        if let Some(writer) = self.writer.take() {
            let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
            file.sync_all().map_err(failed)?;
            fs::rename(&self.temporary, &self.path).map_err(failed)?;
            // The rename itself survives a power cut only once the folder is synced.
            if let Ok(folder) = File::open(folder_of(&self.path)) {
                folder.sync_all().map_err(failed)?;
            }
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Some(writer) => writer.write(bytes),
            None => Err(io::Error::other("the file was committed already")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Some(writer) => writer.flush(),
            None => Ok(()),
        }
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a commit the temporary name is gone and this finds nothing.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Writes `bytes` as the file `path`, whole or not at all, creating the folders above it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(|error| DataError::file("write", path, error))?;
    file.commit()
}

/// Writes `pieces`, one after the other, as the file `path`, whole or not at all. Where a digest is wanted it is made
/// of the pieces while they are written, by a thread of its own, so that a large file is neither read again for it nor
/// waits for it; returns it as [`digest`](crate::digest) writes it.
///
/// A large file is sent to the disk while it is being written, so that it is done sooner than one that a plain loop of
/// writes and a sync at the end make. The first error of `pieces` ends it, and leaves what `path` was before.
pub fn write_pieces<'a, E: From<DataError>>(
    path: &Path,
    pieces: impl Iterator<Item = Result<Cow<'a, [u8]>, E>>,
    digest: bool,
) -> Result<Option<String>, E> {
    let mut file = AtomicFile::create(path)?;
    let digest = std::thread::scope(|scope| -> Result<Option<String>, E> {
        let refused = |error| DataError::file("start a thread to write", path, error);
        let start_digest = || {
            let (send, receive) = sync_channel::<Arc<Cow<'a, [u8]>>>(TRAILING);
            let thread = Builder::new().name("digest".to_owned()).spawn_scoped(scope, move || {
                let mut sum = Sum::default();
                receive.into_iter().for_each(|piece| sum.update(&piece));
                sum.finish()
            });
            Ok::<_, DataError>((send, thread.map_err(refused)?))
        };
        let digest = digest.then(start_digest).transpose()?;
        let syncing = file.handle().map_err(|error| DataError::file("write", path, error))?;
        let (more, written) = sync_channel::<()>(1);
        // An error of a sync is reported once only, to whoever syncs next: so it counts here too.
        let sync = move || written.into_iter().try_for_each(|()| syncing.sync_data());
        let syncing = Builder::new().name("sync".to_owned()).spawn_scoped(scope, sync).map_err(refused)?;
        let mut held = 0;
        for piece in pieces {
            let piece = Arc::new(piece?);
            if let Some((send, _)) = &digest {
                // It listens until this end is dropped; should it have panicked, joining it says so.
                let _ = send.send(Arc::clone(&piece));
            }
            file.write_all(&piece).map_err(|error| DataError::file("write", path, error))?;
            held += piece.len();
            if held >= SENT {
                held = 0;
                // Where the one before is still on its way, there is no hurry.
                let _ = more.try_send(());
            }
        }
        drop(more);
        let synced = syncing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        synced.map_err(|error| DataError::file("write", path, error))?;
        Ok(digest.map(|(send, thread)| {
            drop(send);
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }))
    })?;
    file.commit()?;
    Ok(digest)
}

/// Whether a file's name is that of a file that is still being written, or was when its process was killed:
/// `.NAME.PROCESS-NUMBER.tmp`, as [`AtomicFile::create`] makes them.
pub fn is_temporary(name: impl AsRef<OsStr>) -> bool {
    let marks = || {
        let name = name.as_ref().to_str()?.strip_prefix('.')?.strip_suffix(".tmp")?;
        let (process, number) = name.rsplit_once('.')?.1.split_once('-')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_number(process) && is_number(number)).then_some(())
    };
    marks().is_some()
}

/// Removes what a process that was killed had not finished writing in `folder` and below. Whoever calls this knows that
/// nobody writes there. Links are not followed.
///
/// # Errors
/// A folder that cannot be listed, or a file that cannot be removed.
pub fn remove_temporaries(folder: &Path) -> Result<(), DataError> {
    let failed = |error| DataError::file("list", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            remove_temporaries(&entry.path())?;
        } else if is_temporary(entry.file_name()) {
            fs::remove_file(entry.path()).map_err(|error| DataError::file("remove", &entry.path(), error))?;
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_dropped_before_its_commit_leaves_the_old_one_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half of the n").unwrap();
        let both = names(folder.path());
        assert_eq!(both.iter().map(is_temporary).collect::<Vec<_>>(), [true, false], "{both:?}");
        for other in [".tmp", "a.1-2.tmp", ".a.tmp", ".a.1-.tmp", ".a.1-2", ".a.x-2.tmp", ".a.12.tmp"] {
            assert!(!is_temporary(other), "{other}");
        }
        drop(file);
        assert_eq!(names(folder.path()), ["a.json"]);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn pieces_become_one_file_with_the_digest_that_reading_it_gives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let bytes: Vec<u8> = (0..100_000u32).map(|at| (at * 7 % 251) as u8).collect();
        // More pieces than the digest may trail, some of them owned.
        let pieces = || {
            bytes.chunks(999).enumerate().map(|(index, piece)| match index % 2 {
                0 => Ok::<_, DataError>(Cow::Borrowed(piece)),
                _ => Ok(Cow::Owned(piece.to_vec())),
            })
        };
        let digest = write_pieces(&path, pieces(), true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(digest, Some(crate::digest::of_file(&path).unwrap()));
        assert_eq!(write_pieces(&path, pieces(), false).unwrap(), None);

        let broken = pieces().take(20).chain([Err(DataError::Invalid("no more".into()))]);
        assert!(write_pieces(&path, broken, true).unwrap_err().to_string().contains("no more"));
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (bytes.clone(), vec!["a".to_owned()]));
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(&folder.path().join("below/kept.jsonl.zst")).unwrap();
        file.write_all(b"half").unwrap();
        // As after kill -9: nothing tidies up.
        std::mem::forget(file);
        for name in [".hidden", ".a.tmp", "a.1-2.tmp", ".a.1-x.tmp", ".a.1-.tmp", "a.json"] {
            fs::write(folder.path().join(name), b"").unwrap();
            assert!(!is_temporary(OsStr::new(name)), "{name}");
        }
        assert_eq!(names(&folder.path().join("below")).len(), 1);
        remove_temporaries(folder.path()).unwrap();
        assert_eq!(names(&folder.path().join("below")), [""; 0]);
        assert_eq!(
            names(folder.path()),
            [".a.1-.tmp", ".a.1-x.tmp", ".a.tmp", ".hidden", "a.1-2.tmp", "a.json", "below"]
        );
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"").unwrap();
        let error = write(&file.join("below"), b"x").unwrap_err().to_string();
        assert!(error.contains("below"), "{error}");
    }
}
