//! Which checkpoints stay when a new one is written.

/// Which checkpoints stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How many of the newest stay; at least 1.
    pub last: usize,
    /// Those whose step is a multiple of this stay for good; 0 stands for none.
    pub every: u64,
    /// Whether the one with the lowest score stays.
    pub best: bool,
}

impl Default for Retention {
    /// The newest two.
    fn default() -> Self {
        Retention { last: 2, every: 0, best: false }
    }
}

impl Retention {
    /// Whether the checkpoint of `step` stays for good.
    pub fn is_for_good(&self, step: u64) -> bool {
        self.every > 0 && step.is_multiple_of(self.every)
    }

    /// Those of the checkpoints of `steps`, oldest first, that are to be removed, where `best` has the lowest score.
    pub(super) fn old(&self, steps: &[u64], best: Option<u64>) -> Vec<u64> {
        let old = &steps[..steps.len().saturating_sub(self.last.max(1))];
        old.iter().copied().filter(|step| !self.is_for_good(*step) && best != Some(*step)).collect()
    }
}
