//! Every run with its stages, and what they take.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use octo_record::layout;
use serde::Serialize;

use super::{StageId, referred, run_folders, size};
use crate::store::{Standing, Store};

/// What a folder of runs has. Fields stand in the order of the JSON object.
#[derive(Debug, Serialize)]
pub struct Runs {
    /// By name.
    pub runs: Vec<ListedRun>,
    /// Bytes of the store: of all stages, used or not.
    pub store_bytes: u64,
    /// Of which no run refers to.
    pub unused_bytes: u64,
}

/// One run.
#[derive(Debug, Serialize)]
pub struct ListedRun {
    /// Its name.
    pub name: String,
    /// Stages that are done.
    pub done: usize,
    /// Bytes of its own folder and of all its stages; runs that share a stage each count it.
    pub bytes: u64,
    /// By name.
    pub stages: Vec<ListedStage>,
}

/// One stage of a run.
#[derive(Debug, Serialize)]
pub struct ListedStage {
    /// Its name in the run.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its content key.
    pub key: String,
    /// `done`, `at work` (a process works on it now), `begun` or `to do`.
    pub state: &'static str,
    /// Seconds of the call that finished it.
    pub seconds: Option<f64>,
    /// Bytes of its folder.
    pub bytes: u64,
    /// Other runs that it is a stage of.
    pub shared_with: Vec<String>,
}

/// Lists the runs of the folder `runs`.
///
/// # Errors
/// A folder or lock that cannot be read.
pub fn list(runs: &Path) -> Result<Runs> {
    let store = Store::open(runs)?;
    let mut of_runs = Vec::new();
    let mut users: BTreeMap<StageId, BTreeSet<String>> = BTreeMap::new();
    for folder in run_folders(runs)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Of a stage that was planned otherwise before, the link shows what the run has now.
        let stages: Vec<(String, StageId)> = referred(&folder)?
            .into_iter()
            .filter_map(|(stage, ids)| {
                let now = linked(&folder, &stage).filter(|id| ids.contains(id));
                Some((stage, now.or_else(|| ids.into_iter().next())?))
            })
            .collect();
        for (_, id) in &stages {
            users.entry(id.clone()).or_default().insert(name.clone());
        }
        of_runs.push((name, size(&folder), stages));
    }
    let mut listed = Vec::new();
    for (name, own, stages) in of_runs {
        let mut run = ListedRun { name: name.clone(), done: 0, bytes: own, stages: Vec::new() };
        let mut counted = BTreeSet::new();
        for (stage, id) in stages {
            let (kind, key) = &id;
            let standing = store.standing(kind, key);
            let folder = match standing {
                Standing::Done => store.folder(kind, key),
                Standing::Begun | Standing::ToDo => store.working_folder(kind, key),
            };
            let bytes = size(&folder);
            // Two stages of a run may be one.
            run.bytes += if counted.insert(id.clone()) { bytes } else { 0 };
            run.done += usize::from(standing == Standing::Done);
            let others = users.get(&id).into_iter().flatten().filter(|user| **user != name);
            run.stages.push(ListedStage {
                name: stage,
                state: match standing {
                    Standing::Done => "done",
                    _ if store.is_at_work(kind, key)? => "at work",
                    Standing::Begun => "begun",
                    Standing::ToDo => "to do",
                },
                seconds: store.done(kind, key).ok().filter(|_| standing == Standing::Done).map(|done| done.seconds),
                bytes,
                shared_with: others.cloned().collect(),
                kind: id.0,
                key: id.1,
            });
        }
        listed.push(run);
    }
    let unused_bytes = super::unused(runs)?.iter().map(|unused| unused.bytes).sum();
    Ok(Runs { runs: listed, store_bytes: size(store.root()), unused_bytes })
}

fn linked(folder: &Path, stage: &str) -> Option<StageId> {
    let target = std::fs::read_link(layout::stage_of_run(folder, stage)).ok()?;
    let (kind, key) = layout::stored_stage(target.file_name()?.to_str()?)?;
    Some((kind.to_owned(), key.to_owned()))
}
