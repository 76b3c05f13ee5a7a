//! `--save-failures DIR`: every failed item as a case, a file that `octo-host plugin replay` runs alone.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use octo_plugin::{CaseError, CaseSetup, Failure, Origin, Record};
use serde_json::Value;

use crate::terminal::Terminal;
use octo_run::figures::human_count;

/// Files that one pass writes: a plugin that fails everywhere would fill the disk with the same news.
const MOST: u64 = 100;

/// Saves failed items, where that was asked for.
pub struct Failures {
    folder: Option<PathBuf>,
    setup: CaseSetup,
    /// How the input is called.
    input: String,
    terminal: Terminal,
    /// Files of this call, of all plugins: two rewards may fail alike on one line.
    written: Rc<RefCell<BTreeSet<PathBuf>>>,
    saved: u64,
    left_out: u64,
}

impl Failures {
    /// Saves to `folder`, if there is one.
    pub fn new(folder: Option<&Path>, setup: CaseSetup, input: &str, terminal: &Terminal) -> Failures {
        Failures {
            folder: folder.map(Path::to_owned),
            setup,
            input: input.to_owned(),
            terminal: terminal.clone(),
            written: Rc::default(),
            saved: 0,
            left_out: 0,
        }
    }

    /// The same, for the items of another plugin.
    pub fn of(&self, setup: CaseSetup) -> Failures {
        let written = Rc::clone(&self.written);
        Failures { written, ..Failures::new(self.folder.as_deref(), setup, &self.input, &self.terminal) }
    }

    /// Whether items are saved at all, for who would have to keep them.
    pub fn are_saved(&self) -> bool {
        self.folder.is_some()
    }

    /// Saves the item of a line. `record` is only called for where there is a place to save it.
    pub fn save(
        &mut self,
        line: u64,
        id: Option<&Value>,
        failure: &Failure,
        record: impl FnOnce() -> Record,
    ) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if self.saved == MOST {
            if self.left_out == 0 {
                self.terminal
                    .say(format_args!("{MOST} failed items are saved in {}; the rest is not", folder.display()));
            }
            self.left_out += 1;
            return Ok(());
        }
        let origin = Origin { input: self.input.clone(), line: Some(line), id: id.cloned() };
        let case = self.setup.case(record(), failure, Some(origin));
        let name = format!("{line:06}-{}-{}", case.record.kind(), failure.kind);
        let mut path = folder.join(format!("{name}.json"));
        let mut number = 1;
        while !self.written.borrow_mut().insert(path.clone()) {
            number += 1;
            path = folder.join(format!("{name}-{number}.json"));
        }
        match case.to_json() {
            Ok(json) => {
                octo_data::atomic::write(&path, &json)?;
                self.saved += 1;
            }
            // The rest of the pass is worth more than this item.
            Err(error @ (CaseError::TooLarge { .. } | CaseError::Write(_))) => {
                self.terminal.say(format_args!("line {line} is not saved: {error}"));
                self.left_out += 1;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Says on stderr what was saved, and what to do with it.
    pub fn report(&self) {
        if let Some(folder) = self.folder.as_deref().filter(|_| self.saved > 0) {
            let left_out = if self.left_out > 0 {
                format!(" ({} more are not)", human_count(self.left_out))
            } else {
                String::new()
            };
            self.terminal.say(format_args!(
                "{} failed items are in {}{left_out}; run one again with `octo-host plugin replay FILE`",
                human_count(self.saved),
                folder.display()
            ));
        }
    }
}
