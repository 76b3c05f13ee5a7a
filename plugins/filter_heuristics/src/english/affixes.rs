//! What is split off the ends of a word, and where a word is split inside (spaCy's `lang/punctuation.py` and
//! `lang/en/punctuation.py`).

use super::characters::{ALPHA, CURRENCY, DIGIT, DOT, ICON, LOWER, PREFIX, QUOTE, SUFFIX, UPPER, kinds};
use super::specials::Specials;
use super::{addresses, cut};

/// Units that are split off a number.
const UNITS: &str = "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h \
    kmh mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с \
    км/ч кПа Па мбар Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ тбكم كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب اكواب";

/// The pieces of a chunk, in order. Without `specials`, special words are split as any other.
pub fn split<'t>(chunk: &'t str, specials: Option<&Specials>, pieces: &mut Vec<&'t str>) {
    let special = |word: &str| specials.and_then(|specials| specials.get(word)).is_some();
    let mut rest = chunk;
    let mut after = Vec::new();
    let mut size = 0;
    while !rest.is_empty() && rest.len() != size && !special(rest) {
        size = rest.len();
        let before = prefix(rest);
        let (first, without_first) = rest.split_at(before);
        if before > 0 && !without_first.is_empty() && special(without_first) {
            pieces.push(first);
            rest = without_first;
            break;
        }
        let ending = suffix(without_first);
        let (without_last, last) = rest.split_at(size - ending);
        if ending > 0 && !without_last.is_empty() && special(without_last) {
            after.push(last);
            rest = without_last;
            break;
        }
        if before > 0 {
            pieces.push(first);
        }
        if ending > 0 {
            after.push(last);
        }
        // The suffix was looked for after the prefix, so the two never overlap.
        rest = rest.get(before..size - ending).unwrap_or_default();
    }
    match specials.and_then(|specials| specials.get(rest)) {
        Some(cuts) => cut(rest, cuts, |piece| pieces.push(piece)),
        None => inside(rest, pieces),
    }
    pieces.extend(after.into_iter().rev());
}

/// Whether a word has something to split off or to split at.
pub fn any(word: &str) -> bool {
    prefix(word) > 0 || suffix(word) > 0 || Infixes::of(word).next().is_some()
}

/// Splits at infixes, but for one at the very beginning; an address stays whole.
fn inside<'t>(word: &'t str, pieces: &mut Vec<&'t str>) {
    let mut start = 0;
    let mut infixes = Infixes::of(word).filter(|(begin, _)| *begin > 0).peekable();
    if infixes.peek().is_some() && !addresses::is_address(word) {
        for (begin, end) in infixes {
            if begin > start {
                pieces.push(word.get(start..begin).unwrap_or_default());
            }
            pieces.push(word.get(begin..end).unwrap_or_default());
            start = end;
        }
    }
    if start < word.len() {
        pieces.push(word.get(start..).unwrap_or_default());
    }
}

/// Bytes of what is split off the beginning; 0 for nothing.
fn prefix(word: &str) -> usize {
    let mut characters = word.chars();
    let Some(first) = characters.next() else { return 0 };
    let second = characters.next();
    match first {
        '.' => Some(word.bytes().take_while(|byte| *byte == b'.').count()).filter(|dots| *dots > 1).unwrap_or(0),
        '+' => usize::from(!second.is_some_and(|second| second.is_ascii_digit())),
        'U' if word.starts_with("US$") => 3,
        'C' | 'A' if second == Some('$') => 2,
        _ if kinds(first) & PREFIX != 0 => first.len_utf8(),
        _ => 0,
    }
}

/// Bytes of what is split off the end: the longest that any rule allows, 0 for nothing.
fn suffix(word: &str) -> usize {
    let mut characters = word.chars().rev();
    let Some(last) = characters.next() else { return 0 };
    let before = characters.next();
    let kind = kinds(last);
    let size = last.len_utf8();
    if last == '.' {
        let dots = word.bytes().rev().take_while(|byte| *byte == b'.').count();
        if dots > 1 {
            return dots;
        }
        let Some(before) = before else { return 0 };
        let kind = kinds(before);
        let capitals = kind & UPPER != 0 && characters.next().is_some_and(|one| kinds(one) & UPPER != 0);
        return usize::from(kind & DOT != 0 || capitals || degree(word));
    }
    if last == '…' && before == Some('…') {
        return 2 * size;
    }
    if matches!(last, 's' | 'S')
        && let Some(apostrophe @ ('\'' | '’')) = before
    {
        return size + apostrophe.len_utf8();
    }
    let mut longest = if kind & SUFFIX != 0 { size } else { 0 };
    let Some(before) = before else { return longest };
    if last == '+' || kind & CURRENCY != 0 {
        let dollars =
            ["US$", "C$", "A$"].into_iter().find(|sign| after_digit(word, sign.len()) && word.ends_with(sign));
        longest = longest.max(dollars.map_or(0, str::len));
        if before.is_ascii_digit() {
            longest = longest.max(size);
        }
    }
    // No unit is longer than nine bytes, so a digit must stand in the last ten.
    let numbered = || word.bytes().rev().skip(1).take(9).any(|byte| byte.is_ascii_digit());
    if may_end_a_unit(last) && numbered() {
        for unit in UNITS.split_ascii_whitespace() {
            if unit.len() > longest && after_digit(word, unit.len()) && word.ends_with(unit) {
                longest = unit.len();
            }
        }
    }
    longest
}

/// Whether the character before the last `bytes` is a digit.
fn after_digit(word: &str, bytes: usize) -> bool {
    word.len().checked_sub(bytes + 1).and_then(|at| word.as_bytes().get(at)).is_some_and(u8::is_ascii_digit)
}

/// Whether a word ends like "°C.".
fn degree(word: &str) -> bool {
    ["°F.", "°f.", "°C.", "°c.", "°K.", "°k."].into_iter().any(|end| word.ends_with(end))
}

fn may_end_a_unit(last: char) -> bool {
    match last {
        'm' | 'a' | 'd' | 'n' | 't' | 'g' | 'b' | 'z' | 's' | 'h' | 'r' | 'B' | 'T' | 'G' | 'M' | 'K' | '%' | '²'
        | '³' => true,
        _ => matches!(last, 'а'..='я' | 'А'..='Я' | 'ء'..='ي'),
    }
}

/// Where a word is split inside: first and last byte of each infix, from left to right.
struct Infixes<'t> {
    word: &'t str,
    at: usize,
    before: u16,
}

impl<'t> Infixes<'t> {
    fn of(word: &'t str) -> Self {
        Infixes { word, at: 0, before: 0 }
    }
}

impl Iterator for Infixes<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        loop {
            let begin = self.at;
            let rest = self.word.get(begin..)?;
            let character = rest.chars().next()?;
            let (size, kind) = (character.len_utf8(), kinds(character));
            let found =
                if kind & (ALPHA | DIGIT) != 0 && kind & ICON == 0 { 0 } else { self.infix(character, kind, rest) };
            self.at += found.max(size);
            // Of an infix, the last character stands before the next.
            self.before = if found > size {
                kinds(rest.get(..found).and_then(|text| text.chars().next_back()).unwrap_or('.'))
            } else {
                kind
            };
            if found > 0 {
                return Some((begin, begin + found));
            }
        }
    }
}

impl Infixes<'_> {
    /// Bytes of the infix at the beginning of `rest`, whose first character is given; 0 for none.
    fn infix(&self, character: char, kind: u16, rest: &str) -> usize {
        let after = |bytes: usize| rest.get(bytes..).and_then(|rest| rest.chars().next()).map_or(0, kinds);
        let size = character.len_utf8();
        if kind & ICON != 0 || character == '…' {
            return size;
        }
        let word_before = self.before & (ALPHA | DIGIT) != 0;
        match character {
            '.' => {
                let dots = rest.bytes().take_while(|byte| *byte == b'.').count();
                if dots > 1 {
                    return dots;
                }
                usize::from(self.before & (LOWER | QUOTE) != 0 && after(1) & (UPPER | QUOTE) != 0)
            }
            ',' => usize::from(self.before & ALPHA != 0 && after(1) & ALPHA != 0),
            '+' | '*' | '^' | '-'
                if self.before & DIGIT != 0 && (after(1) & DIGIT != 0 || rest.as_bytes().get(1) == Some(&b'-')) =>
            {
                1
            }
            '-' if word_before => {
                let dashes = rest.bytes().take_while(|byte| *byte == b'-').count();
                if dashes <= 3 && after(dashes) & ALPHA != 0 { dashes } else { 0 }
            }
            '–' | '~' if word_before && after(size) & ALPHA != 0 => size,
            '—' if word_before => {
                if after(size) & ALPHA != 0 {
                    size
                } else if rest.starts_with("——") && after(2 * size) & ALPHA != 0 {
                    2 * size
                } else {
                    0
                }
            }
            ':' | '<' | '>' | '=' | '/' if word_before => usize::from(after(1) & ALPHA != 0),
            _ => 0,
        }
    }
}
