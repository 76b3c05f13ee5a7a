//! Steps of which a file of one record per step has none.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

/// Places that are named; the others are counted.
const NAMED: usize = 6;

/// Steps that have no record, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingSteps(Vec<RangeInclusive<u64>>);

impl MissingSteps {
    /// Those of the steps from 1 to `last` that are not among `present`, which may be in any order.
    pub fn of(present: impl Iterator<Item = u64>, last: u64) -> MissingSteps {
        let present: BTreeSet<u64> = present.filter(|step| (1..=last).contains(step)).collect();
        let (mut ranges, mut next) = (Vec::new(), Some(1));
        for step in present {
            ranges.extend(next.filter(|next| *next < step).map(|next| next..=step - 1));
            next = step.checked_add(1);
        }
        ranges.extend(next.filter(|next| *next <= last).map(|next| next..=last));
        MissingSteps(ranges)
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|range| range.end() - range.start() + 1).sum()
    }
}

/// "1 step (7)", "6 steps (3, 5, 8 and 20 to 22)".
impl fmt::Display for MissingSteps {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count();
        write!(out, "{count} {}", if count == 1 { "step" } else { "steps" })?;
        if self.0.is_empty() {
            return Ok(());
        }
        let mut places: Vec<String> = Vec::new();
        for range in self.0.iter().take(NAMED) {
            let (first, last) = (range.start(), range.end());
            match last - first {
                0 => places.push(first.to_string()),
                // Two beside each other are no shorter as a range.
                1 => places.extend([first.to_string(), last.to_string()]),
                _ => places.push(format!("{first} to {last}")),
            }
        }
        let further = self.0.len().saturating_sub(NAMED);
        if further > 0 {
            places.push(format!("{further} more places"));
        }
        let last = places.pop().unwrap_or_default();
        if places.is_empty() { write!(out, " ({last})") } else { write!(out, " ({} and {last})", places.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(present: &[u64], last: u64) -> String {
        MissingSteps::of(present.iter().copied(), last).to_string()
    }

    #[test]
    fn missing_steps_are_counted_and_named() {
        assert_eq!(missing(&[1, 2, 3], 3), "0 steps");
        assert_eq!(missing(&[], 0), "0 steps");
        assert_eq!(missing(&[3, 1, 0, 7], 3), "1 step (2)");
        assert_eq!(missing(&[], 400), "400 steps (1 to 400)");
        assert_eq!(missing(&[1, 2, 4, 6, 7, 9, 10], 12), "5 steps (3, 5, 8, 11 and 12)");
        let odd: Vec<u64> = (0..10).map(|step| 2 * step + 1).collect();
        assert_eq!(missing(&odd, 20), "10 steps (2, 4, 6, 8, 10, 12 and 4 more places)");
        assert_eq!(missing(&[1], u64::MAX), format!("{} steps (2 to {})", u64::MAX - 1, u64::MAX));
    }
}
