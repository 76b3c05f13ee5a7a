//! `--by COLUMN`: accuracy by what a row has in a column, or in several together.

use std::cmp::Ordering;
use std::collections::HashMap;

use octo_record::statistics::{Interval, wilson_interval};
use serde::Serialize;

/// Values of a breakdown that are told apart. Further ones are counted together.
const MOST_VALUES: usize = 10_000;

/// The columns of one `--by`.
pub fn columns(by: &str) -> Vec<String> {
    by.split(',').map(|column| column.trim().to_owned()).collect()
}

/// Accuracy by the values of some columns.
pub struct Breakdown {
    columns: Vec<String>,
    groups: HashMap<Values, (u64, u64)>,
    other: (u64, u64),
}

/// What a row has in the columns; None where it has nothing there.
pub type Values = Vec<Option<String>>;

/// The attempts that share their values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// What their rows have in the columns, in order; `null` where they have nothing there.
    pub values: Values,
    /// Attempts, failed ones included.
    pub attempts: u64,
    /// Attempts that are correct.
    pub correct: u64,
    /// `correct` ÷ `attempts`.
    pub accuracy: f64,
    /// Wilson's 95 % interval of the accuracy.
    pub interval: Option<Interval>,
}

impl Group {
    fn new(values: Values, (correct, attempts): (u64, u64)) -> Group {
        let accuracy = correct as f64 / attempts.max(1) as f64;
        Group { values, attempts, correct, accuracy, interval: wilson_interval(correct, attempts) }
    }
}

impl Breakdown {
    /// By these columns.
    pub fn new(columns: Vec<String>) -> Breakdown {
        Breakdown { columns, groups: HashMap::new(), other: (0, 0) }
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Takes in attempts of a row.
    pub fn add(&mut self, values: &Values, correct: u64, attempts: u64) {
        let known = self.groups.contains_key(values);
        let counts = match self.groups.len() {
            MOST_VALUES if !known => &mut self.other,
            _ => self.groups.entry(values.clone()).or_default(),
        };
        counts.0 += correct;
        counts.1 += attempts;
    }

    /// The groups, numbers by their size before texts by their letters, and nothing last.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<(&Values, (u64, u64))> =
            self.groups.iter().map(|(values, counts)| (values, *counts)).collect();
        groups.sort_by(|(one, _), (other, _)| compare(one, other));
        groups.into_iter().map(|(values, counts)| Group::new(values.clone(), counts)).collect()
    }

    /// The attempts of values that came when there were too many to tell apart.
    pub fn other(&self) -> Option<Group> {
        (self.other.1 > 0).then(|| Group::new(Vec::new(), self.other))
    }
}

fn compare(one: &Values, other: &Values) -> Ordering {
    let each = one.iter().zip(other).map(|(one, other)| match (one, other) {
        (Some(one), Some(other)) => {
            let number = |text: &str| text.trim().parse::<f64>().ok();
            let by_size = match (number(one), number(other)) {
                (Some(one), Some(other)) => one.total_cmp(&other),
                (one, other) => other.is_some().cmp(&one.is_some()),
            };
            by_size.then_with(|| one.cmp(other))
        }
        (one, other) => other.is_some().cmp(&one.is_some()),
    });
    each.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_by_size_then_by_letters_and_nothing_is_last() {
        let mut breakdown = Breakdown::new(columns("level, type"));
        assert_eq!(breakdown.columns(), ["level", "type"]);
        for level in ["10", "9", "b", "a", "", "10"] {
            breakdown.add(&vec![(!level.is_empty()).then(|| level.to_owned()), None], 1, 2);
        }
        let shown: Vec<(Option<String>, u64, f64)> = breakdown
            .groups()
            .into_iter()
            .map(|group| (group.values[0].clone(), group.attempts, group.accuracy))
            .collect();
        let row = |level: &str, attempts| (Some(level.to_owned()), attempts, 0.5);
        assert_eq!(shown, [row("9", 2), row("10", 4), row("a", 2), row("b", 2), (None, 2, 0.5)]);
    }

    #[test]
    fn a_column_of_ids_does_not_fill_memory() {
        let mut breakdown = Breakdown::new(columns("id"));
        for id in 0..20_000 {
            breakdown.add(&vec![Some(id.to_string())], id % 2, 1);
        }
        assert_eq!(breakdown.groups().len(), MOST_VALUES);
        assert_eq!(breakdown.other().map(|other| (other.attempts, other.correct)), Some((10_000, 5_000)));
    }
}
