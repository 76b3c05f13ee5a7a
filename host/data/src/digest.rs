//! SHA-256 as Octo writes it: `sha256:` and hexadecimal digits in lower case.

use crate::error::DataError;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

/// A digest being made.
#[derive(Clone, Debug, Default)]
pub struct Sum(Sha256);

impl Sum {
    /// Takes in `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> String {
        format!("sha256:{}", hex::encode(self.0.finalize()))
    }
}

/// The digest of `bytes`.
pub fn of_bytes(bytes: &[u8]) -> String {
    let mut sum = Sum::default();
    sum.update(bytes);
    sum.finish()
}

/// The digests of files, in order; several are read at once.
pub fn of_files(paths: &[PathBuf]) -> Result<Vec<String>, DataError> {
    paths.par_iter().map(|path| of_file(path)).collect()
}

/// The digest of a file's bytes, which are not held.
pub fn of_file(path: &Path) -> Result<String, DataError> {
    let failed = |error| DataError::file("read", path, error);
    of_rest(&mut File::open(path).map_err(failed)?).map_err(failed)
}

/// The digest of all bytes of a file that is open, which is at its start afterwards: whoever then reads from it reads
/// what the digest is of, whatever has the file's name by then.
pub fn of_open(file: &mut File) -> std::io::Result<String> {
    file.rewind()?;
    let digest = of_rest(file)?;
    file.rewind()?;
    Ok(digest)
}

fn of_rest(file: &mut File) -> std::io::Result<String> {
    let mut sum = Sum::default();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sum.finish()),
            read => sum.update(&buffer[..read]),
        }
    }
}
