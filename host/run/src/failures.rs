//! Failed items of a stage, as cases: files in its folder `failures` that `octo-host plugin replay` runs alone.
//!
//! A case is named by its content, so a stage that resumes from a checkpoint and meets the same item again has the same
//! file. The cases are for people: what a stage made does not depend on them, and a seal does not count them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use octo_plugin::{CaseSetup, FailedItems, Failure, Origin, Record};
use octo_record::layout::FAILURES;
use sha2::{Digest, Sha256};

use crate::figures::human_count;

/// Cases that a stage keeps of one kind of failure in one kind of plugin: a plugin that fails everywhere would fill the
/// disk with the same news.
const MOST: u64 = 20;

/// The failed items of one stage.
pub struct Failures {
    folder: PathBuf,
    origin: Origin,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Cases in the folder by what their names begin with, `PLUGIN-FAILURE`; those of earlier calls too.
    kept: BTreeMap<String, u64>,
    /// Items of this call by kind of failure, kept or not.
    failed: BTreeMap<&'static str, u64>,
    /// Why the first that could not be written was not.
    unwritten: Option<String>,
}

impl Failures {
    /// Of the stage that works in `out` and is called `stage` where a person reads it.
    pub fn of_stage(out: &Path, stage: &str) -> Arc<Failures> {
        let folder = out.join(FAILURES);
        let mut state = State::default();
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if let Some(group) = group(&entry.file_name().to_string_lossy()) {
                *state.kept.entry(group.to_owned()).or_default() += 1;
            }
        }
        let origin = Origin { input: stage.to_owned(), line: None, id: None };
        Arc::new(Failures { folder, origin, state: Mutex::new(state) })
    }

    /// Who keeps the failed items of a plugin of the stage.
    pub fn keeper(self: &Arc<Self>, setup: CaseSetup) -> Arc<dyn FailedItems> {
        Arc::new(Keeper { failures: Arc::clone(self), setup })
    }

    /// A message on this call's failed items, whose cases lie in `folder`; none where there are no failed items.
    pub fn summary(&self, folder: &Path) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failed: u64 = state.failed.values().sum();
        let kept: u64 = state.kept.values().sum();
        if failed == 0 {
            return None;
        }
        let kinds: Vec<String> =
            state.failed.iter().map(|(kind, count)| format!("{} {kind}", human_count(*count))).collect();
        let items = if failed == 1 { "item" } else { "items" };
        let mut text = format!("{} failed {items} ({})", human_count(failed), kinds.join(", "));
        if kept > 0 {
            text += &format!(
                "; {} {} kept in {}: `octo-host plugin replay FILE` runs one again",
                human_count(kept),
                if kept == 1 { "is" } else { "are" },
                folder.display()
            );
        }
        if let Some(problem) = &state.unwritten {
            text += &format!("; some are not kept: {problem}");
        }
        Some(text)
    }
}

/// `PLUGIN-FAILURE` of the name of a case; none for another file.
fn group(name: &str) -> Option<&str> {
    name.strip_suffix(".json").and_then(|name| name.rsplit_once('-')).map(|(group, _digest)| group)
}

struct Keeper {
    failures: Arc<Failures>,
    setup: CaseSetup,
}

impl FailedItems for Keeper {
    fn failed(&self, failure: &Failure, record: &dyn Fn() -> Record) {
        let Failures { folder, origin, state } = &*self.failures;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        *state.failed.entry(failure.kind.as_str()).or_default() += 1;
        let group = format!("{}-{}", self.setup.kind(), failure.kind);
        if state.kept.get(&group).is_some_and(|kept| *kept >= MOST) {
            return;
        }
        // A case that is not kept costs a person one look; the stage is worth more.
        let written =
            self.setup.case(record(), failure, Some(origin.clone())).to_json().map_err(|error| error.to_string());
        let written = written.and_then(|json| {
            let digest = hex::encode(Sha256::digest(&json));
            let path = folder.join(format!("{group}-{}.json", &digest[..12]));
            let is_new = !path.exists();
            octo_data::atomic::write(&path, &json).map(|()| is_new).map_err(|error| error.to_string())
        });
        match written {
            Ok(is_new) => *state.kept.entry(group).or_default() += u64::from(is_new),
            Err(problem) => {
                state.unwritten.get_or_insert(problem);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_of_an_earlier_call_count_and_other_files_do_not() {
        for (name, expected) in [
            ("verifier-trap-0123456789ab.json", Some("verifier-trap")),
            ("filter-plugin-error-0123456789ab.json", Some("filter-plugin-error")),
            (".verifier-trap-0123456789ab.json.17-0.tmp", None),
            ("notes.txt", None),
        ] {
            assert_eq!(group(name), expected, "{name}");
        }
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir(folder.path().join(FAILURES)).expect("folder");
        for name in ["verifier-trap-0.json", "verifier-trap-1.json", "verifier-fuel-0.json", "notes.txt"] {
            std::fs::write(folder.path().join(FAILURES).join(name), "{}").expect("file");
        }
        let failures = Failures::of_stage(folder.path(), "stage rl of run demo");
        let kept = failures.state.lock().expect("whole").kept.clone();
        assert_eq!(kept, BTreeMap::from([("verifier-trap".to_owned(), 2), ("verifier-fuel".to_owned(), 1)]));
        assert_eq!(failures.summary(folder.path()), None, "this call has met none");
    }
}
