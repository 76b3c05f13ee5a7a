//! A run as a folder that travels: files where the run has links, each compared with its digest while it is copied.
//!
//! The folder has what the run's has, so that `octo-host report` and whatever reads a run reads it too, and beside that
//! `README.md`, which says what it is, and `SHA256SUMS`, by which `sha256sum -c` checks every file wherever it has gone.
//! It is made under another name beside its place and is there only when it is whole.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use octo_data::atomic::is_temporary;
use octo_record::layout::{self, CHECKPOINTS, DONE, FAILURES, LOCK};
use octo_record::{RunLock, StageDone, StageLock};
use sha2::{Digest, Sha256};

use crate::figures::{human_bytes, human_duration};
use crate::plan::path_digest::list;

/// In an exported folder: the digest of every other file, in the format of `sha256sum`.
pub const SUMS: &str = "SHA256SUMS";
/// In an exported folder: what it is, for people.
pub const README: &str = "README.md";

/// What was exported.
#[derive(Debug, PartialEq, Eq)]
pub struct Exported {
    /// Files, `README.md` and `SHA256SUMS` among them.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Stages that are not done, and are left out.
    pub left_out: Vec<String>,
}

/// Copies the run in the folder `run` to the folder `to`, which is made; with the checkpoints of its stages if
/// `checkpoints` says so.
///
/// # Errors
/// A folder that is no run's, a `to` that is there already, a file that is not what its stage wrote, or what cannot be
/// read or written. Nothing is left then.
pub fn export(run: &Path, to: &Path, checkpoints: bool) -> Result<Exported> {
    let path = run.join(LOCK);
    let text = std::fs::read(&path).with_context(|| {
        format!(
            "{} is not the folder of a run that has ended, which has {LOCK}; `octo-host runs` lists runs",
            run.display()
        )
    })?;
    let lock: RunLock = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
    if to.symlink_metadata().is_ok() {
        bail!("{} is there already; name a folder that is not, or remove it", to.display());
    }
    let name = to.file_name().with_context(|| format!("{} is not the name of a folder", to.display()))?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("could not make {}", parent.display()))?;
    let partial = parent.join(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let _ = std::fs::remove_dir_all(&partial);
    let mut copy = Exporting { to: partial.clone(), sums: BTreeMap::new(), bytes: 0 };
    let made = copy.run(run, &lock, checkpoints).and_then(|left_out| {
        std::fs::rename(&partial, to)
            .with_context(|| format!("could not rename {} to {}", partial.display(), to.display()))?;
        std::fs::File::open(parent)?.sync_all()?;
        Ok(Exported { files: copy.sums.len() + 1, bytes: copy.bytes, left_out })
    });
    if made.is_err() {
        let _ = std::fs::remove_dir_all(&partial);
    }
    made
}

struct Exporting {
    to: PathBuf,
    /// Digest of every file by its path in the folder, for `SHA256SUMS`.
    sums: BTreeMap<PathBuf, String>,
    bytes: u64,
}

impl Exporting {
    /// Copies everything; returns the stages that are left out.
    fn run(&mut self, run: &Path, lock: &RunLock, checkpoints: bool) -> Result<Vec<String>> {
        let mut own = Vec::new();
        list(run, run, &mut own)?;
        own.sort();
        for file in own {
            let top = file.iter().next().unwrap_or_default();
            let hidden = top.to_string_lossy().starts_with('.') || file.file_name().is_some_and(is_temporary);
            // A run that was itself exported has these; they are made anew.
            if top == layout::STAGES || hidden || [README, SUMS].contains(&&*file.to_string_lossy()) {
                continue;
            }
            self.file(&run.join(&file), &file, None)?;
        }
        let mut left_out = Vec::new();
        for (name, stage) in &lock.stages {
            let folder = layout::stage_of_run(run, name);
            match std::fs::read(folder.join(DONE)).ok() {
                Some(seal) if stage.done => self.stage(name, stage, &folder, &seal, checkpoints)?,
                _ => left_out.push(name.clone()),
            }
        }
        self.text(README, readme(lock, &left_out, checkpoints).as_bytes())?;
        let sums: String = self.sums.iter().map(|(path, digest)| format!("{digest}  {}\n", path.display())).collect();
        self.text(SUMS, sums.as_bytes())?;
        self.sums.remove(Path::new(SUMS));
        Ok(left_out)
    }

    fn stage(&mut self, name: &str, lock: &StageLock, folder: &Path, seal: &[u8], checkpoints: bool) -> Result<()> {
        let done: StageDone =
            serde_json::from_slice(seal).with_context(|| format!("{} is damaged", folder.join(DONE).display()))?;
        if done.key != lock.key {
            bail!("{} is not of the stage that {LOCK} names; run the recipe again", folder.display());
        }
        let folder = std::fs::canonicalize(folder).with_context(|| format!("could not read {}", folder.display()))?;
        let place = Path::new(layout::STAGES).join(name);
        for (file, digest) in &done.outputs {
            self.file(&folder.join(file), &place.join(file), Some(digest))
                .with_context(|| format!("stage {name:?} is not exported"))?;
        }
        // No digest is kept of these.
        let mut others = Vec::new();
        list(&folder, &folder, &mut others)?;
        for file in others {
            let top = file.iter().next().unwrap_or_default().to_string_lossy().into_owned();
            if top == DONE || top == FAILURES || checkpoints && top == CHECKPOINTS {
                self.file(&folder.join(&file), &place.join(&file), None)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, place: &Path, expected: Option<&String>) -> Result<()> {
        let path = self.to.join(place);
        let parent = path.parent().unwrap_or(&self.to);
        std::fs::create_dir_all(parent).with_context(|| format!("could not make {}", parent.display()))?;
        let mut source = std::fs::File::open(from).with_context(|| format!("could not read {}", from.display()))?;
        let failed = || format!("could not write {}", path.display());
        let mut target = std::fs::File::create(&path).with_context(failed)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = source.read(&mut buffer).with_context(|| format!("could not read {}", from.display()))?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            target.write_all(&buffer[..read]).with_context(failed)?;
            self.bytes += read as u64;
        }
        target.sync_all().with_context(failed)?;
        let digest = hex::encode(hasher.finalize());
        if expected.is_some_and(|expected| *expected != format!("sha256:{digest}")) {
            bail!("{} is not what the stage wrote; it was changed or damaged since", from.display());
        }
        self.sums.insert(place.to_owned(), digest);
        Ok(())
    }

    fn text(&mut self, name: &str, text: &[u8]) -> Result<()> {
        octo_data::atomic::write(&self.to.join(name), text)?;
        self.bytes += text.len() as u64;
        self.sums.insert(PathBuf::from(name), hex::encode(Sha256::digest(text)));
        Ok(())
    }
}

fn readme(lock: &RunLock, left_out: &[String], checkpoints: bool) -> String {
    let mut text = format!(
        "# Run {}\n\nAn export of a run of Octo {}, which ran on {}. `recipe.toml` is the recipe as it was run, \
         `run.lock.json` has every digest, seed and version, `metrics.jsonl` the measurements of all stages, and `stages/` \
         what each stage made.\n\n`sha256sum --check --quiet {SUMS}`, called in this folder, checks every file.\n\n\
         | stage | kind | done in | key |\n|---|---|---|---|\n",
        lock.name, lock.octo, lock.device
    );
    for (name, stage) in &lock.stages {
        let time = match stage.seconds {
            Some(seconds) => human_duration(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()),
            None => "not done".to_owned(),
        };
        text += &format!("| {name} | {} | {time} | {} |\n", stage.kind, stage.key);
    }
    text += "\n";
    if !left_out.is_empty() {
        text += &format!("Not done when this was made, and left out: {}.\n\n", left_out.join(", "));
    }
    if !checkpoints {
        text += "Checkpoints are left out.\n\n";
    }
    if !lock.plugins.is_empty() {
        text += "Plugins are not part of this folder. By role:\n\n| role | plugin | digest |\n|---|---|---|\n";
        for (role, plugin) in &lock.plugins {
            text += &format!("| {role} | {} {} | {} |\n", plugin.name, plugin.version, plugin.digest);
        }
        text += "\n";
    }
    if !lock.inputs.is_empty() {
        text += "Files that the run took from outside are not part of this folder:\n\n| file | digest |\n|---|---|\n";
        for (file, digest) in &lock.inputs {
            text += &format!("| {} | {digest} |\n", file.replace('|', "\\|"));
        }
        text += "\n";
    }
    text
}

/// `13 files, 2.1 MiB`.
impl std::fmt::Display for Exported {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} files, {}", self.files, human_bytes(self.bytes as f64))
    }
}
