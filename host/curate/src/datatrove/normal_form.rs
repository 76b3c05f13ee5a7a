//! The form in which texts are compared: datatrove's `simplify_text` with its defaults.
//!
//! In this order: lower case; every number, with at most one separator and the digits after it, is a `0`; punctuation and
//! control characters are blanks; white space is one blank; canonical decomposition without nonspacing marks. The order
//! matters: what decomposition brings forth (`≠` is `=` and a mark) is not taken for punctuation any more.

use std::sync::OnceLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

/// What datatrove takes for punctuation, besides control characters other than tab and line feed.
const PUNCTUATION: &str = "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»";
/// What may stand between the digits of one number, besides full stop and comma.
const SEPARATORS: [char; 6] = ['.', ',', '،', '٫', '⎖', '⎗'];
/// The last of the separators.
const LAST_SEPARATOR: char = '⎘';

const BLANK: u8 = 1;
const DIGIT: u8 = 2;
const MARK: u8 = 4;

/// What a character is, by its number, as bits.
fn kinds() -> &'static [u8] {
    static KINDS: OnceLock<Vec<u8>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let mut kinds = vec![0; char::MAX as usize + 1];
        let all: String = (0..=u32::from(char::MAX)).filter_map(char::from_u32).collect();
        for (class, bit) in [(r"\p{Nd}+", DIGIT), (r"\p{Mn}+", MARK)] {
            let class = Regex::new(class).expect("the class is known");
            for run in class.find_iter(&all) {
                run.as_str().chars().for_each(|character| kinds[character as usize] |= bit);
            }
        }
        let control = (0..32).chain(127..160).filter_map(char::from_u32);
        let blanks =
            all.chars().filter(|character| character.is_whitespace()).chain(PUNCTUATION.chars()).chain(control);
        blanks.for_each(|character| kinds[character as usize] |= BLANK);
        kinds
    })
}

/// The normal form of `text`: words between blanks. A word that was nothing but marks leaves two blanks.
///
/// # Panics
/// Never: the table has every character.
#[must_use]
pub fn normal_form(text: &str) -> String {
    let kinds = kinds();
    let lower = text.to_lowercase();
    let mut plain = String::with_capacity(lower.len());
    let mut rest = lower.as_str();
    loop {
        let letters = rest.bytes().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(rest.len());
        plain.push_str(&rest[..letters]);
        rest = &rest[letters..];
        let Some(character) = rest.chars().next() else { break };
        let kind = kinds[character as usize];
        if kind & DIGIT != 0 {
            plain.push('0');
            rest = after_number(rest, kinds);
            continue;
        }
        if kind & BLANK != 0 {
            if !plain.is_empty() && !plain.ends_with(' ') {
                plain.push(' ');
            }
        } else {
            plain.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    plain.truncate(plain.trim_end_matches(' ').len());
    if plain.is_ascii() { plain } else { without_marks(&plain, kinds) }
}

/// What follows the number that `text` begins with.
fn after_number<'a>(text: &'a str, kinds: &[u8]) -> &'a str {
    let digits = |text: &'a str| text.trim_start_matches(|character| kinds[character as usize] & DIGIT != 0);
    let rest = digits(text);
    let fraction = rest.strip_prefix(|character| SEPARATORS.contains(&character) || character == LAST_SEPARATOR);
    match fraction {
        Some(fraction) if digits(fraction).len() < fraction.len() => digits(fraction),
        _ => rest,
    }
}

/// Decomposes what is not ASCII, a stretch at a time: ASCII neither decomposes nor takes part in the order of marks.
fn without_marks(text: &str, kinds: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest.find(|character: char| !character.is_ascii()).unwrap_or(rest.len());
        out.push_str(&rest[..ascii]);
        rest = &rest[ascii..];
        let other = rest.find(|character: char| character.is_ascii()).unwrap_or(rest.len());
        out.extend(rest[..other].nfd().filter(|character| kinds[*character as usize] & MARK == 0));
        rest = &rest[other..];
    }
    out.trim_matches(' ').to_owned()
}
