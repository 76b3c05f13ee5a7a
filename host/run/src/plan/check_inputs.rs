//! Inputs are what their digests say when a stage reads them, and not only when the run was planned.

use std::sync::PoisonError;

use anyhow::{Context, Result, bail};

use crate::PlannedRun;
use crate::recipe::source::Source;
use crate::recipe::stage::Stage;

/// When inputs are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    /// Before the stage reads them.
    Before,
    /// After it has.
    After,
}

impl PlannedRun {
    /// Compares all inputs of a stage with the digests that its key stands for, before the stage reads them and after.
    /// Files that have not changed since they were last read are not read again.
    ///
    /// # Errors
    /// An input from outside that has changed since the plan, or an output of another stage that is not what it wrote.
    pub(crate) fn check_inputs(&self, stage: &Stage, when: When) -> Result<()> {
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        for (slot, source) in &stage.inputs {
            match source {
                Source::File(path) => {
                    let planned = self.plan.files.get(&*path.to_string_lossy());
                    if planned != Some(&digests.of(path)?) {
                        let (path, when) = (
                            path.display(),
                            match when {
                                When::Before => "since the run was planned; run again",
                                When::After => {
                                    "while the stage read it, so that nothing of the stage is kept; run again"
                                }
                            },
                        );
                        bail!("{slot} = {path} has changed {when}");
                    }
                }
                Source::Stage { stage: name, path } => {
                    let mut stages =
                        self.plan.stages.iter().map(|planned| (planned, &self.recipe.stages[planned.index]));
                    let (planned, other) = stages
                        .find(|(_, other)| other.name == *name)
                        .with_context(|| format!("there is no stage {name:?}"))?;
                    let folder = self.store.folder(other.kind, &planned.key);
                    let below = |file: &str| {
                        path.is_empty()
                            || file == path
                            || file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
                    };
                    let outputs = self.store.done(other.kind, &planned.key)?.outputs;
                    for (file, digest) in outputs.iter().filter(|(file, _)| below(file)) {
                        if digests.of(&folder.join(file))? != *digest {
                            bail!(
                                "{slot}: {file} is not what stage {name:?} wrote; it was changed or damaged since. Remove {} and \
                                 run again: the stage makes it anew",
                                folder.display()
                            );
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
