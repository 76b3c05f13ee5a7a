//! Items on which a plugin failed, told to whoever keeps them while the plugin is at work.

use std::ops::Range;
use std::sync::Arc;

use super::Record;
use crate::{Failure, LoadedPlugin};

/// Hears of every item on which a plugin failed: once an item, and once a group of rollouts that fails whole. Items of
/// one call come in their order; what it does must not take long, since the caller waits.
pub trait FailedItems: Send + Sync {
    /// An item failed. `record` copies it with all that its call needs, so it is only called for one that is kept.
    fn failed(&self, failure: &Failure, record: &dyn Fn() -> Record);
}

impl LoadedPlugin {
    /// The same plugin, which tells `listener` of the items that it fails on from now on.
    pub fn telling(mut self, listener: Arc<dyn FailedItems>) -> LoadedPlugin {
        let told = Told(Some(listener));
        match &mut self {
            LoadedPlugin::Verifier(plugin) => plugin.plugin.told = told,
            LoadedPlugin::Reward(plugin) => plugin.plugin.told = told,
            LoadedPlugin::Filter(plugin) => plugin.plugin.told = told,
            LoadedPlugin::Mixture(plugin) => plugin.policy.plugin.told = told,
            LoadedPlugin::Schedule(plugin) => plugin.policy.plugin.told = told,
        }
        self
    }
}

/// Who is told, if anyone.
#[derive(Clone, Default)]
pub(crate) struct Told(Option<Arc<dyn FailedItems>>);

impl Told {
    /// Tells of the failures among answers, where an item stands for itself.
    pub(crate) fn of_items<T>(&self, answers: &[Result<T, Failure>], record: impl Fn(usize) -> Record) {
        let Some(listener) = &self.0 else { return };
        for (index, answer) in answers.iter().enumerate() {
            if let Err(failure) = answer {
                listener.failed(failure, &|| record(index));
            }
        }
    }

    /// The same for items in groups. A group that failed whole has one failure; `record` is given the group and the
    /// place of the item in it.
    pub(crate) fn of_groups<T>(
        &self,
        answers: &[Result<T, Failure>],
        groups: &[Range<usize>],
        record: impl Fn(Range<usize>, usize) -> Record,
    ) {
        let Some(listener) = &self.0 else { return };
        for group in groups {
            let failures = answers.get(group.clone()).unwrap_or_default().iter().map(|answer| answer.as_ref().err());
            let mut before = None;
            for (place, failure) in failures.enumerate() {
                if let Some(failure) = failure
                    && before != Some(failure)
                {
                    listener.failed(failure, &|| record(group.clone(), place));
                    before = Some(failure);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::FailureKind;

    #[derive(Default)]
    struct Heard(Mutex<Vec<FailureKind>>);

    impl FailedItems for Heard {
        fn failed(&self, failure: &Failure, _record: &dyn Fn() -> Record) {
            self.0.lock().expect("whole").push(failure.kind);
        }
    }

    #[test]
    fn a_group_that_fails_whole_is_told_once_and_items_that_fail_for_themselves_each() {
        let failed = |kind| Err::<(), _>(Failure { kind, message: "said".to_owned() });
        let (fuel, trap) = (FailureKind::Fuel, FailureKind::Trap);
        let answers = [failed(fuel), failed(fuel), Ok(()), failed(fuel), failed(trap), failed(fuel)];
        let told = || {
            let heard = Arc::new(Heard::default());
            (Told(Some(heard.clone())), heard)
        };
        let (listener, heard) = told();
        listener.of_groups(&answers, &[0..2, 2..3, 3..6], |_, _| unreachable!("nobody reads it"));
        assert_eq!(*heard.0.lock().expect("whole"), [fuel, fuel, trap, fuel]);
        let (listener, heard) = told();
        listener.of_items(&answers, |_| unreachable!("nobody reads it"));
        assert_eq!(heard.0.lock().expect("whole").len(), 5);
    }
}
