//! Misbehaviour in answers: lists of the wrong length, text that is huge or dangerous to print, numbers that are none.

use crate::{Config, Export, Mode, misbehave};

/// A terminal's escape sequences (clear the screen, red), a carriage return and a line end that would forge a line of
/// the log, a zero byte, a bell, and an override of the writing direction.
pub(crate) const CONTROL_CHARACTERS: &str = "\u{1b}[2J\u{1b}[31mred\r\nforged: line\u{0}\u{7}\u{202e}txet";

/// The answers, or too few or too many of them. `small` makes the items of a huge list.
pub fn sized<T: Clone>(config: &Config, mut answers: Vec<T>, small: impl Fn() -> T) -> Vec<T> {
    match config.mode {
        Mode::TooFew => {
            answers.pop();
        }
        Mode::TooMany => answers.extend(answers.last().cloned()),
        Mode::NoAnswers => answers.clear(),
        Mode::HugeList => answers.resize_with(config.huge() / size_of::<T>().max(1), small),
        _ => {}
    }
    answers
}

/// The list of named things, or one with names that repeat or with too many.
pub fn entries<T: Clone>(config: &Config, entries: Vec<T>) -> Vec<T> {
    match config.mode {
        Mode::RepeatedNames => [entries.clone(), entries].concat(),
        Mode::ManyEntries => entries.into_iter().cycle().take(1000).collect(),
        _ => entries,
    }
}

/// A stateful plugin's memory, or a huge one.
pub fn memory(config: &Config, ordinary: &[u8]) -> Vec<u8> {
    // Saving cannot be refused, only misused.
    let _ = misbehave(config, Export::Save);
    match config.mode {
        Mode::HugeText if config.at == Export::Save => vec![1; config.huge()],
        _ => ordinary.to_vec(),
    }
}

/// The text, or a huge, dangerous or empty one. `index` is the item's within its batch.
pub fn text(config: &Config, index: usize, ordinary: &str) -> String {
    match config.mode {
        Mode::HugeText => "x".repeat(config.huge()),
        Mode::ControlCharacters => CONTROL_CHARACTERS.to_owned(),
        Mode::EmptyText => String::new(),
        Mode::EndlessTexts => format!("{ordinary} {index}"),
        _ => ordinary.to_owned(),
    }
}

/// The number, or none.
pub fn number(config: &Config, ordinary: f64) -> f64 {
    match config.mode {
        Mode::NotANumber => f64::NAN,
        Mode::Infinite => f64::INFINITY,
        Mode::Negative => -1.0,
        Mode::Zero => 0.0,
        Mode::Enormous => f64::MAX,
        _ => ordinary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_mode(mode: Mode) -> Config {
        Config { mode, at: Export::Call, bytes: Some(1_000) }
    }

    #[test]
    fn lists_have_the_wrong_length_only_where_asked_for() {
        let length = |mode| sized(&in_mode(mode), vec![1_u64, 2, 3], || 0).len();
        assert_eq!(length(Mode::Good), 3);
        assert_eq!(length(Mode::TooFew), 2);
        assert_eq!(length(Mode::TooMany), 4);
        assert_eq!(length(Mode::NoAnswers), 0);
        assert_eq!(length(Mode::HugeList), 125);
    }

    #[test]
    fn text_and_numbers_are_bad_only_where_asked_for() {
        assert_eq!(text(&in_mode(Mode::Good), 1, "fine"), "fine");
        assert_eq!(text(&in_mode(Mode::HugeText), 1, "fine").len(), 1_000);
        assert_eq!(text(&in_mode(Mode::EndlessTexts), 1, "fine"), "fine 1");
        assert!(text(&in_mode(Mode::ControlCharacters), 1, "fine").contains('\u{1b}'));
        assert_eq!(number(&in_mode(Mode::Good), 0.5), 0.5);
        assert!(number(&in_mode(Mode::NotANumber), 0.5).is_nan());
        assert_eq!(number(&in_mode(Mode::Enormous), 0.5), f64::MAX);
    }
}
