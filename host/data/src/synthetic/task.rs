//! The arithmetic of the demo: a start and two changes, and which of them are held out.

use super::words::{between, chance};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The smallest first operand: one thing would need its singular.
const SMALLEST_START: u32 = 2;
/// The largest second or third operand: changes have one digit.
const LARGEST_CHANGE: u32 = 9;

/// Adding or taking away a number of one digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Adds where true, takes away where false.
    pub adds: bool,
    /// How many.
    pub amount: u32,
}

impl Change {
    /// What `from` becomes, or nothing where it would fall below zero.
    pub fn apply(self, from: u32) -> Option<u32> {
        if self.adds { from.checked_add(self.amount) } else { from.checked_sub(self.amount) }
    }

    /// The change that undoes this one.
    pub fn undone(self) -> Change {
        Change { adds: !self.adds, ..self }
    }

    /// "+" or "-".
    pub fn sign(self) -> char {
        if self.adds { '+' } else { '-' }
    }
}

/// `start`, changed twice, never below zero on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    /// What there is at first.
    pub start: u32,
    /// What happens, in order.
    pub changes: [Change; 2],
    /// What there is after the first change.
    pub middle: u32,
    /// What there is in the end.
    pub answer: u32,
}

/// Which tasks to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Those that corpora and RL may show.
    Train,
    /// Those kept for evaluation.
    HeldOut,
}

impl Task {
    /// The task of three operands and two signs; nothing where it would fall below zero.
    pub fn new(start: u32, changes: [Change; 2]) -> Option<Task> {
        let middle = changes[0].apply(start)?;
        let answer = changes[1].apply(middle)?;
        Some(Task { start, changes, middle, answer })
    }

    /// Whether the triple of operands is kept for evaluation.
    ///
    /// Decided by a hash of the operands alone, so that it is the same for every seed and every size of corpus, and so
    /// that no sign pattern of a held-out triple is ever trained on.
    pub fn is_held_out(&self, share: f64) -> bool {
        let [first, second] = self.changes;
        let triple = format!("octo held out {} {} {}", self.start, first.amount, second.amount);
        let digest = Sha256::digest(triple.as_bytes());
        let mut head = [0; 8];
        head.copy_from_slice(&digest[..8]);
        (u64::from_be_bytes(head) as f64) < share * 2f64.powi(64)
    }

    /// Draws a task of `split`; `largest` bounds the first operand, `share` is the share of triples held out.
    ///
    /// Draws until one fits. [`super::SyntheticConfig::validate`] has made sure that both splits have tasks.
    pub fn draw(rng: &mut ChaCha8Rng, largest: u32, share: f64, split: Split) -> Task {
        loop {
            let start = between(rng, SMALLEST_START, largest);
            let mut change = || Change { adds: chance(rng, 0.5), amount: between(rng, 1, LARGEST_CHANGE) };
            let changes = [change(), change()];
            if let Some(task) = Task::new(start, changes)
                && task.is_held_out(share) == (split == Split::HeldOut)
            {
                return task;
            }
        }
    }

    /// Every task whose first operand is at most `largest`, in order.
    pub fn all(largest: u32) -> impl Iterator<Item = Task> {
        let change = || (1..=LARGEST_CHANGE).flat_map(|amount| [true, false].map(|adds| Change { adds, amount }));
        (SMALLEST_START..=largest).flat_map(move |start| {
            change().flat_map(move |first| change().filter_map(move |second| Task::new(start, [first, second])))
        })
    }
}

/// "3+5=8"; nothing below zero is ever asked for, and would read as 0.
pub fn equation(from: u32, change: Change) -> String {
    let result = change.apply(from).unwrap_or(0);
    format!("{from}{}{}={result}", change.sign(), change.amount)
}
