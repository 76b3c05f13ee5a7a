//! Joins what units wrote. Frames of zstd one after the other are a file of zstd; a mark after each says how many lines
//! it has, so that whoever reads the file next can cut it there ([`octo_data::rows::parts`]).

use super::Unit;
use super::folder::Folder;
use octo_data::rows::parts::mark;
use octo_data::{DataError, atomic};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Joins the outputs at `index` of all units as the file `path`.
pub(super) fn join(folder: &Folder, units: &[Unit], index: usize, path: &Path) -> Result<(), DataError> {
    let failed = |error| DataError::file("write", path, error);
    let is_packed = path.extension().is_some_and(|extension| extension == "zst");
    let mut whole = atomic::AtomicFile::create(path)?;
    let mut empty = true;
    for unit in units {
        let kept = folder.kept(unit)?;
        let Some(output) = kept.get(index) else { continue };
        // A file without lines is a frame all the same, so that it can be decompressed.
        let is_last = unit.number + 1 == units.len();
        if output.lines == 0 && !(is_last && empty) {
            continue;
        }
        empty = false;
        let part = folder.unit_path(unit.number, &output.name);
        let mut shard = File::open(&part).map_err(|error| DataError::file("open", &part, error))?;
        let copied = io::copy(&mut shard, &mut whole).map_err(failed)?;
        if copied != output.bytes {
            return Err(DataError::Format {
                path: part,
                message: "changed while it was joined with others. Run again".into(),
            });
        }
        if is_packed {
            whole.write_all(&mark(output.lines, output.bytes)).map_err(failed)?;
        }
    }
    whole.flush().map_err(failed)?;
    whole.commit()
}
