//! Problems in words, and how they are solved: short, or long with a check.

use super::task::{Change, Task, equation};
use super::words::{GAINS, LOSSES, NAMES, THINGS, between, pick};
use rand_chacha::ChaCha8Rng;

/// How a story puts its task into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wording {
    /// A person has things, gets some, loses some.
    Person,
    /// Things are put in and taken out of a box.
    Box,
    /// The bare sum.
    Sum,
}

/// A task in words.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its arithmetic.
    pub task: Task,
    wording: Wording,
    name: &'static str,
    thing: &'static str,
    /// What happens, one verb per change.
    verbs: [&'static str; 2],
}

impl Story {
    /// `task` as a bare sum.
    pub fn bare(task: Task) -> Story {
        Story {
            task,
            wording: Wording::Sum,
            name: "",
            thing: "",
            verbs: task.changes.map(|change| if change.adds { "add" } else { "take away" }),
        }
    }

    /// Draws a way to put `task` into words.
    pub fn draw(rng: &mut ChaCha8Rng, task: Task) -> Story {
        // Half of the stories are about a person, a quarter about a box, a quarter are bare.
        let wording = match between(rng, 0, 3) {
            0 | 1 => Wording::Person,
            2 => Wording::Box,
            _ => return Story::bare(task),
        };
        let verbs = task.changes.map(|change| match (wording, change.adds) {
            (Wording::Person, true) => pick(rng, &GAINS),
            (Wording::Person, false) => pick(rng, &LOSSES),
            (_, true) => "puts in",
            (_, false) => "takes out",
        });
        Story { task, wording, name: pick(rng, &NAMES), thing: pick(rng, &THINGS), verbs }
    }

    /// The problem as it is asked.
    pub fn problem(&self) -> String {
        let Story { name, thing, verbs, .. } = self;
        let start = self.task.start;
        let [first, second] = self.task.changes;
        let happens = format!("{} {} and then {} {}.", verbs[0], first.amount, verbs[1], second.amount);
        match self.wording {
            Wording::Person => {
                format!("{name} has {start} {thing}. {name} {happens} How many {thing} does {name} have?")
            }
            Wording::Box => format!("A box holds {start} {thing}. {name} {happens} How many {thing} are in the box?"),
            Wording::Sum => {
                format!("What is {start}{}{}{}{}?", first.sign(), first.amount, second.sign(), second.amount)
            }
        }
    }

    /// The two equations and no more.
    pub fn short_solution(&self) -> String {
        let Task { start, changes: [first, second], middle, .. } = self.task;
        format!("{}, {}.", equation(start, first), equation(middle, second))
    }

    /// A chain of thought: every step said before it is worked, a step over ten worked digit by digit, and the way
    /// back as a check.
    pub fn long_solution(&self) -> String {
        let Task { start, changes: [first, second], middle, answer } = self.task;
        let steps = [(start, first, self.verbs[0]), (middle, second, self.verbs[1])].map(|(from, change, verb)| {
            let bridge = bridge(from, change).unwrap_or_default();
            format!("{verb} {}: {bridge}{}.", change.amount, equation(from, change))
        });
        format!(
            "Start with {start}. First, {} Next, {} Check backwards: {}, {}, which is right.",
            steps[0],
            steps[1],
            equation(answer, second.undone()),
            equation(middle, first.undone()),
        )
    }
}

/// "8+2=10, 10+3=13, so " before 8+5=13: over ten and back in two steps that children know by heart. Nothing where the
/// change stays within the same ten.
fn bridge(from: u32, change: Change) -> Option<String> {
    let to = change.apply(from)?;
    let ten = from.max(to) / 10 * 10;
    if from.min(to) >= ten || from == ten || to == ten {
        return None;
    }
    let part = |amount| Change { amount, ..change };
    let (near, far) = (from.abs_diff(ten), to.abs_diff(ten));
    Some(format!("{}, {}, so ", equation(from, part(near)), equation(ten, part(far))))
}

/// How a text says its result: inside the box that RL's verifier looks for, or plainly.
pub fn answer_sentence(result: u32, boxed: bool) -> String {
    if boxed { format!("The answer is \\boxed{{{result}}}.") } else { format!("The answer is {result}.") }
}
