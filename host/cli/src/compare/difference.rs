//! The verdicts of two files side by side.

use std::collections::HashMap;

use octo_record::statistics::{Interval, mcnemar_exact, mean_interval, paired_difference_interval};
use serde::Serialize;

use super::verdict_file::{Attempts, VerdictFile};

/// How the second file differs from the first, on the problems of both.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Problems of both files.
    pub problems: u64,
    /// Attempts at them, in the first and in the second file.
    pub attempts: [u64; 2],
    /// Mean over these problems of the share of correct attempts, in the first and in the second file.
    pub accuracy: [f64; 2],
    /// Problems that are correct in both; absent where a problem has several attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub both: Option<u64>,
    /// Problems that are correct in neither; absent where a problem has several attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neither: Option<u64>,
    /// The second accuracy less the first.
    pub difference: f64,
    /// Its 95 % interval: Tango's where each problem has one attempt, or else that of a mean over problems.
    pub interval: Option<Interval>,
    /// The two-sided p-value of McNemar's exact test on the problems that differ.
    pub p: f64,
    /// Problems with more correct attempts, by share, in the second file.
    pub gained: Vec<String>,
    /// Problems with fewer.
    pub lost: Vec<String>,
    /// Problems of the first file that the second lacks.
    pub only_a: Vec<String>,
    /// Problems of the second file that the first lacks.
    pub only_b: Vec<String>,
}

impl Difference {
    /// Of two files whose problems have the same key.
    pub fn of(a: &VerdictFile, b: &VerdictFile) -> Difference {
        let of_b: HashMap<&str, Attempts> =
            b.problems.iter().map(|(key, attempts)| (key.as_str(), *attempts)).collect();
        let of_a: HashMap<&str, Attempts> =
            a.problems.iter().map(|(key, attempts)| (key.as_str(), *attempts)).collect();
        let names = |file: &VerdictFile, other: &HashMap<&str, Attempts>| -> Vec<String> {
            file.problems.iter().map(|(key, _)| key).filter(|key| !other.contains_key(key.as_str())).cloned().collect()
        };
        let mut difference = Difference {
            problems: 0,
            attempts: [0, 0],
            accuracy: [0.0, 0.0],
            both: None,
            neither: None,
            difference: 0.0,
            interval: None,
            p: 1.0,
            gained: Vec::new(),
            lost: Vec::new(),
            only_a: names(a, &of_b),
            only_b: names(b, &of_a),
        };
        let (mut both, mut neither, mut single) = (0, 0, true);
        let mut changes = Vec::new();
        for (key, one) in &a.problems {
            let Some(other) = of_b.get(key.as_str()) else { continue };
            difference.problems += 1;
            for (side, attempts) in [*one, *other].into_iter().enumerate() {
                difference.attempts[side] += attempts.all;
                difference.accuracy[side] += attempts.share();
                single &= attempts.all == 1;
            }
            changes.push(other.share() - one.share());
            // Shares are compared as the whole numbers that they are made of, so rounding cannot make a flip.
            let times = |one: u64, other: u64| u128::from(one) * u128::from(other);
            match times(other.correct, one.all).cmp(&times(one.correct, other.all)) {
                std::cmp::Ordering::Greater => difference.gained.push(key.clone()),
                std::cmp::Ordering::Less => difference.lost.push(key.clone()),
                std::cmp::Ordering::Equal if one.correct > 0 => both += 1,
                std::cmp::Ordering::Equal => neither += 1,
            }
        }
        let n = difference.problems.max(1) as f64;
        difference.accuracy = difference.accuracy.map(|sum| sum / n);
        let (gained, lost) = (difference.gained.len() as u64, difference.lost.len() as u64);
        difference.p = mcnemar_exact(gained, lost);
        if single {
            (difference.both, difference.neither) = (Some(both), Some(neither));
            difference.difference = (gained as f64 - lost as f64) / n;
            difference.interval = paired_difference_interval(gained, lost, difference.problems);
        } else {
            difference.difference = changes.iter().sum::<f64>() / n;
            difference.interval = mean_interval(&changes)
                .map(|interval| Interval { low: interval.low.max(-1.0), high: interval.high.min(1.0) });
        }
        difference
    }
}
