//! Bad rows in few words: the first of each kind are named, the others counted.
//!
//! A file with the same fault in every row would otherwise print as many lines as it has, and what a row says is the
//! file's: messages are cut, and there are not more kinds than a few.

use crate::error::shortened;

/// Messages of a kind that are said whole.
const NAMED: u64 = 3;
/// Kinds that are told apart; the messages of further ones are counted together.
const KINDS: usize = 20;
/// Bytes of a message that are shown.
const SHOWN: usize = 500;

/// What was said of bad rows so far.
#[derive(Debug, Default)]
pub struct Faults {
    kinds: Vec<Fault>,
    /// Messages of kinds that came after the last that is told apart.
    other: u64,
    total: u64,
}

#[derive(Debug)]
struct Fault {
    key: String,
    /// The first place and what was said of it.
    first: (String, String),
    count: u64,
}

impl Faults {
    /// Counts a bad row at `place` ("a.jsonl, line 7"). The line to print, unless there were enough of its kind: two messages
    /// are of one kind where they differ in numbers and in quoted texts alone.
    pub fn add(&mut self, place: &str, message: &str) -> Option<String> {
        self.total += 1;
        let message = shortened(message, SHOWN);
        let key = kind_of(&message);
        let known = self.kinds.iter().position(|fault| fault.key == key);
        if known.is_none() && self.kinds.len() == KINDS {
            self.other += 1;
            return None;
        }
        let at = known.unwrap_or_else(|| {
            self.kinds.push(Fault { key, first: (place.to_owned(), message.clone()), count: 0 });
            self.kinds.len() - 1
        });
        let fault = self.kinds.get_mut(at)?;
        fault.count += 1;
        (fault.count <= NAMED).then(|| format!("{place}: {message}"))
    }

    /// Bad rows in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The lines to print at the end: how many more there were of each kind of which not all were named.
    pub fn rest(&self) -> Vec<String> {
        let more = self.kinds.iter().filter(|fault| fault.count > NAMED).map(|fault| {
            let (place, message) = &fault.first;
            format!("{} more rows like {place}: {message}", fault.count - NAMED)
        });
        let other = (self.other > 0).then(|| format!("{} more rows with other faults", self.other));
        more.chain(other).collect()
    }
}

/// The message without numbers and quoted texts.
fn kind_of(message: &str) -> String {
    let mut kind = String::new();
    let mut quoted = false;
    for character in message.chars() {
        match character {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '0'..='9' => {
                if !kind.ends_with('#') {
                    kind.push('#');
                }
            }
            other => kind.push(other),
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_a_kind_are_named_and_the_rest_is_counted() {
        let mut faults = Faults::default();
        let said: Vec<String> = (1..=200_000)
            .filter_map(|line| faults.add(&format!("a, line {line}"), &format!("is not JSON (byte {})", line % 90)))
            .collect();
        assert_eq!(
            said,
            ["a, line 1: is not JSON (byte 1)", "a, line 2: is not JSON (byte 2)", "a, line 3: is not JSON (byte 3)"]
        );
        assert_eq!(faults.add("a, line 9", "`year` is \"soon\""), Some("a, line 9: `year` is \"soon\"".into()));
        assert_eq!(faults.rest(), ["199997 more rows like a, line 1: is not JSON (byte 1)"]);
        assert_eq!(faults.total(), 200_001);
    }

    #[test]
    fn a_file_cannot_make_more_kinds_or_longer_lines_than_a_few() {
        let mut faults = Faults::default();
        let said: usize = (0..10_000)
            .filter_map(|line| faults.add("a", &format!("{}{}", "x".repeat(line), "é\u{1b}".repeat(10_000))))
            .map(|line| {
                assert!(!line.contains('\u{1b}'));
                line.len()
            })
            .sum();
        assert!(said < 60_000, "{said}");
        assert!(faults.rest().len() <= KINDS + 1);
    }
}
