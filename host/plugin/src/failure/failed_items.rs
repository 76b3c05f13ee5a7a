//! Items on which a plugin failed, reported to whoever keeps them while the plugin is at work.

use std::ops::Range;
use std::sync::Arc;

use super::Failure;
use crate::cases::Record;

/// Is notified of every item on which a plugin failed: once per item, and once per group of rollouts that fails whole.
/// Items of one call come in their order; what it does must not take long, since the caller waits.
pub trait FailedItems: Send + Sync {
    /// An item failed. `record` copies it with all that its call needs, so it is only called for one that is kept.
    fn failed(&self, failure: &Failure, record: &dyn Fn() -> Record);
}

/// Who is notified of failed items, if anyone.
#[derive(Clone, Default)]
pub(crate) struct FailureListener(Option<Arc<dyn FailedItems>>);

impl FailureListener {
    pub(crate) fn new(listener: Arc<dyn FailedItems>) -> FailureListener {
        FailureListener(Some(listener))
    }

    /// Reports the failures among answers, where an item stands for itself.
    pub(crate) fn report_items<T>(&self, answers: &[Result<T, Failure>], record: impl Fn(usize) -> Record) {
        let Some(listener) = &self.0 else { return };
        for (index, answer) in answers.iter().enumerate() {
            if let Err(failure) = answer {
                listener.failed(failure, &|| record(index));
            }
        }
    }

    /// The same for items in groups. A group that failed whole is reported once; `record` is given the group and the
    /// place of the item in it.
    pub(crate) fn report_groups<T>(
        &self,
        answers: &[Result<T, Failure>],
        groups: &[Range<usize>],
        record: impl Fn(Range<usize>, usize) -> Record,
    ) {
        let Some(listener) = &self.0 else { return };
        for group in groups {
            let failures = answers.get(group.clone()).unwrap_or_default().iter().map(|answer| answer.as_ref().err());
            let mut reported = None;
            for (place, failure) in failures.enumerate() {
                if let Some(failure) = failure
                    && reported != Some(failure)
                {
                    listener.failed(failure, &|| record(group.clone(), place));
                    reported = Some(failure);
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
    struct Reported(Mutex<Vec<FailureKind>>);

    impl FailedItems for Reported {
        fn failed(&self, failure: &Failure, _record: &dyn Fn() -> Record) {
            self.0.lock().expect("whole").push(failure.kind);
        }
    }

    #[test]
    fn a_group_that_fails_whole_is_reported_once_and_items_that_fail_for_themselves_each() {
        let failed = |kind| Err::<(), _>(Failure { kind, message: "said".to_owned() });
        let (fuel, trap) = (FailureKind::Fuel, FailureKind::Trap);
        let answers = [failed(fuel), failed(fuel), Ok(()), failed(fuel), failed(trap), failed(fuel)];
        let listening = || {
            let reported = Arc::new(Reported::default());
            (FailureListener::new(reported.clone()), reported)
        };
        let (listener, reported) = listening();
        listener.report_groups(&answers, &[0..2, 2..3, 3..6], |_, _| unreachable!("nobody reads it"));
        assert_eq!(*reported.0.lock().expect("whole"), [fuel, fuel, trap, fuel]);
        let (listener, reported) = listening();
        listener.report_items(&answers, |_| unreachable!("nobody reads it"));
        assert_eq!(reported.0.lock().expect("whole").len(), 5);
    }
}
