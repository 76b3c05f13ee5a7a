//! Digests of files and folders.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// `sha256:..` of a file, or of a folder's files with their names, in order.
///
/// # Errors
/// What cannot be read, or a folder without files.
pub fn digest_path(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let metadata = std::fs::metadata(path).with_context(|| format!("could not read {}", path.display()))?;
    if metadata.is_dir() {
        let mut files = Vec::new();
        list(path, path, &mut files)?;
        if files.is_empty() {
            bail!("the folder {} is empty", path.display());
        }
        files.sort();
        for relative in files {
            hasher.update(relative.as_os_str().as_bytes());
            hasher.update([0]);
            digest_file(&path.join(&relative), &mut hasher)?;
        }
    } else {
        digest_file(path, &mut hasher)?;
    }
    Ok(format!("sha256:{}", hex::encode(hasher.finalize())))
}

/// Every file below `folder`, relative to `root`. Links are followed to files only, so a cycle of links ends.
///
/// # Errors
/// A folder that cannot be listed.
pub fn list(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            list(root, &path, files)?;
        } else if path.is_file() {
            files.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
        }
    }
    Ok(())
}

fn digest_file(path: &Path, hasher: &mut Sha256) -> Result<()> {
    use std::io::Read;
    let mut file = std::fs::File::open(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).with_context(|| format!("could not read {}", path.display()))?;
        if read == 0 {
            return Ok(());
        }
        hasher.update(&buffer[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn a_name_that_is_not_text_is_digested_like_any_other() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(OsStr::from_bytes(b"caf\xe9")), "x").expect("written");
        let one = digest_path(folder.path()).expect("reads");
        std::fs::rename(folder.path().join(OsStr::from_bytes(b"caf\xe9")), folder.path().join("cafe"))
            .expect("renamed");
        assert_ne!(digest_path(folder.path()).expect("reads"), one, "names count");
    }
}
