//! What a page with formulas has: words of prose, parts of formulas, numbers alone and noise.

use std::ops::Range;

use crate::config::Settings;
use crate::page::{Markers, Words, hash};

/// What a piece between blanks is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has two letters or more, or one that is a word by itself.
    Prose,
    /// Part of a formula, by its delimiters or by its signs.
    Formula,
    /// Digits without any sign beside them.
    Number,
    /// Neither: bars, arrows and bullets.
    Noise,
}

/// The pieces of a page, counted.
pub struct Content {
    /// Pieces as repetition sees them: a formula is one, and so is a character of a script without blanks. Of its counts,
    /// hash signs, ellipses and function words hold.
    pub words: Words,
    /// Words of prose; those of scripts without blanks by their characters.
    prose: f64,
    /// Characters of words of scripts with blanks, and how many words those are.
    spaced: (u64, u64),
    formula: f64,
    /// Numbers alone, and noise.
    other: f64,
    /// Words of scripts without blanks.
    dense: f64,
}

impl Content {
    /// Reads a page once; `formulas` are the ranges of its delimited ones.
    pub fn of(text: &str, formulas: &[Range<usize>]) -> Self {
        let mut content = Content {
            words: Words { list: Vec::new(), characters: 0, with_letter: 0, hashes: 0, ellipses: 0, function_words: 0 },
            prose: 0.0,
            spaced: (0, 0),
            formula: 0.0,
            other: 0.0,
            dense: 0.0,
        };
        let mut seen = 0_u8;
        let mut before = 0;
        for formula in formulas {
            content.read(text.get(before..formula.start).unwrap_or_default(), &mut seen);
            let inside = text.get(formula.clone()).unwrap_or_default();
            content.push(inside);
            // A long formula says more than a letter: its parts count, as many as would stand between blanks.
            content.formula += parts(inside);
            before = formula.end;
        }
        content.read(text.get(before..).unwrap_or_default(), &mut seen);
        content.words.function_words = seen.count_ones();
        content
    }

    fn push(&mut self, piece: &str) {
        let characters = piece.chars().count() as u32;
        self.words.characters += u64::from(characters);
        self.words.list.push((hash(piece), characters));
    }

    /// Reads text between formulas.
    fn read(&mut self, text: &str, seen: &mut u8) {
        // Numbers that wait for what stands after them, and whether a sign stood before them.
        let (mut numbers, mut sign) = (0_u32, false);
        for piece in text.split_whitespace() {
            // Headings of Markdown begin with hash signs, and so do answers of GSM8K.
            if !piece.bytes().all(|byte| byte == b'#') {
                self.words.hashes += piece.bytes().filter(|byte| *byte == b'#').count() as u64;
            }
            self.words.ellipses += (piece.matches("...").count() + piece.matches('…').count()) as u64;
            if self.is_dense(piece) {
                (numbers, sign) = (self.alone(numbers), false);
                continue;
            }
            self.push(piece);
            let kind = kind(piece);
            match kind {
                Kind::Number if sign => self.formula += 1.0,
                Kind::Number => numbers += 1,
                Kind::Formula => {
                    // The number before a sign belongs to it; those further back do not.
                    self.formula += 1.0 + f64::from(numbers.min(1));
                    numbers = self.alone(numbers.saturating_sub(1));
                }
                Kind::Prose => {
                    numbers = self.alone(numbers);
                    self.prose += 1.0;
                    self.spaced.0 += piece.chars().filter(|one| one.is_alphanumeric()).count() as u64;
                    self.spaced.1 += 1;
                    *seen |= function_word(piece);
                }
                Kind::Noise => {
                    numbers = self.alone(numbers);
                    self.other += 1.0;
                }
            }
            sign = kind == Kind::Formula;
        }
        self.alone(numbers);
    }

    fn alone(&mut self, numbers: u32) -> u32 {
        self.other += f64::from(numbers);
        0
    }

    /// Counts a piece of a script without blanks by its characters; false where it is of another script.
    fn is_dense(&mut self, piece: &str) -> bool {
        if piece.is_ascii() {
            return false;
        }
        let words: f64 = piece.chars().map(words_by_character).sum();
        if words == 0.0 {
            return false;
        }
        self.prose += words;
        self.dense += words;
        let mut start = 0;
        for (at, one) in piece.char_indices() {
            if words_by_character(one) > 0.0 {
                if start < at {
                    self.mixed(piece.get(start..at).unwrap_or_default());
                }
                let end = at + one.len_utf8();
                self.push(piece.get(at..end).unwrap_or_default());
                start = end;
            }
        }
        if start < piece.len() {
            self.mixed(piece.get(start..).unwrap_or_default());
        }
        true
    }

    /// What stands between characters of a script without blanks. Its punctuation is no word.
    fn mixed(&mut self, piece: &str) {
        if piece.chars().any(char::is_alphanumeric) || kind(piece) == Kind::Formula {
            self.push(piece);
            self.formula += 1.0;
        }
    }

    /// Words of prose, parts of formulas and all else.
    pub fn count(&self) -> f64 {
        self.prose + self.formula + self.other
    }

    /// Words of prose and parts of formulas, as a share of all.
    pub fn share(&self) -> f64 {
        let all = self.count();
        if all == 0.0 { 0.0 } else { (self.prose + self.formula) / all }
    }

    /// Whether most of the prose is in a script without blanks, where repetition sees characters.
    pub fn is_mostly_dense(&self) -> bool {
        self.dense > self.prose / 2.0
    }

    /// Mean letters and digits of words in scripts with blanks; nothing where there are fewer than 10.
    pub fn mean_word_length(&self) -> Option<f64> {
        (self.spaced.1 >= 10).then(|| self.spaced.0 as f64 / self.spaced.1 as f64)
    }
}

/// Commands, runs of letters and runs of digits of a formula.
fn parts(formula: &str) -> f64 {
    let mut count = 0;
    let mut last = ' ';
    for one in formula.chars() {
        let begins = one.is_alphanumeric() && (!last.is_alphanumeric() || one.is_alphabetic() != last.is_alphabetic());
        count += u32::from(begins);
        last = one;
    }
    f64::from(count.max(1))
}

/// How much of a word a character is, in scripts without blanks; 0 in others.
fn words_by_character(one: char) -> f64 {
    match u32::from(one) {
        0x3040..=0x30ff | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3134f => {
            0.5
        }
        0xe00..=0xe3a | 0xe40..=0xe4e | 0xe80..=0xecd | 0x1000..=0x103f | 0x1780..=0x17d3 => 0.25,
        _ => 0.0,
    }
}

/// What a piece of a script with blanks is.
fn kind(piece: &str) -> Kind {
    let (mut letters, mut digits, mut signs) = (0_u32, 0_u32, 0_u32);
    for one in piece.chars() {
        if one.is_alphabetic() {
            letters += 1;
        } else if one.is_numeric() {
            digits += 1;
        } else if is_sign(one) {
            signs += 1;
        }
    }
    // Hyphens and strokes stand within words too.
    let strong = piece.chars().any(|one| is_sign(one) && !matches!(one, '-' | '/' | '%' | '<' | '>' | '*' | '|' | '~'));
    match (letters, digits, signs) {
        (0, 0, 0) => Kind::Noise,
        // A dash or stroke alone parts words; a bar parts the cells of a table.
        (0, 0, _) => {
            if matches!(piece, "|" | "~" | "--" | "---" | "->" | ">>" | "<<" | "**" | "<" | ">")
                || piece.len() > 4 && !strong
            {
                Kind::Noise
            } else {
                Kind::Formula
            }
        }
        (0, _, 0) => Kind::Number,
        (0, _, _) => Kind::Formula,
        (1, 0, 0) if !piece.contains(['a', 'A', 'I']) => Kind::Formula,
        _ if strong && letters <= 2 * (digits + signs) => Kind::Formula,
        _ => Kind::Prose,
    }
}

/// Signs of formulas.
fn is_sign(one: char) -> bool {
    matches!(one, '+' | '-' | '*' | '/' | '=' | '<' | '>' | '^' | '%' | '|' | '~' | '\\' | '±' | '×' | '÷' | '·' | '°' | '√'
        | '∀'..='⋿' | '←'..='⇿' | '⟨' | '⟩' | '⟵'..='⟿' | '⨀'..='⫿')
}

fn function_word(piece: &str) -> u8 {
    let words = ["the", "be", "to", "of", "and", "that", "have", "with"];
    words.iter().position(|word| piece.eq_ignore_ascii_case(word)).map_or(0, |index| 1 << index)
}

/// Lines that are not blank.
#[derive(Default)]
pub struct Lines {
    count: u64,
    /// Lines that start with a bullet.
    pub bulleted: u64,
    /// Lines that end in an ellipsis.
    pub ending_in_ellipsis: u64,
    /// Lines that end a sentence, or that have a formula.
    pub ended: u64,
    /// Short lines with a marker.
    pub boilerplate: u64,
    /// Words of all lines, and of short ones without formula, end of a sentence or sign.
    words: (f64, f64),
}

impl Lines {
    /// Reads a page once.
    pub fn of(text: &str, formulas: &[Range<usize>], markers: &Markers, settings: &Settings) -> Self {
        let mut lines = Lines::default();
        let mut formulas = formulas.iter().peekable();
        let (mut start, mut code) = (0, false);
        for line in text.split('\n') {
            let end = start + line.len();
            while formulas.next_if(|formula| formula.end <= start).is_some() {}
            let mut formula = formulas.peek().is_some_and(|formula| formula.start < end);
            start = end + 1;
            let line = line.trim();
            if line.starts_with("```") {
                code = !code;
                continue;
            }
            if line.is_empty() || code {
                continue;
            }
            lines.count += 1;
            lines.bulleted += u64::from(line.starts_with(['•', '‣', '◦', '▪', '●', '*', '-', '–']) && !formula);
            let in_ellipsis = line.ends_with("...") || line.ends_with('…');
            lines.ending_in_ellipsis += u64::from(in_ellipsis && !formula);
            let within = line.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']', '」', '』', '）', '*', '_']);
            let sentence = !in_ellipsis
                && within.ends_with(['.', '!', '?', ':', '。', '！', '？', '：', '．', '।', '؟', '։', '။']);
            let pieces = line.split_whitespace().count();
            let dense: f64 = if line.is_ascii() { 0.0 } else { line.chars().map(words_by_character).sum() };
            formula |=
                line.split_whitespace().any(|piece| kind(piece) == Kind::Formula && piece.chars().any(is_relation));
            lines.ended += u64::from(sentence || formula);
            // Problems are told of cookies, too: a sentence with a number in it is none of the site's own.
            let told = formula || (sentence && line.bytes().any(|byte| byte.is_ascii_digit()));
            if !told && line.len() <= settings.boilerplate_line_bytes as usize {
                lines.boilerplate += u64::from(markers.are_in(line));
            }
            let words = pieces as f64 + dense;
            lines.words.0 += words;
            let table = line.starts_with('|') && line.ends_with('|');
            if !sentence && !formula && !table && line.chars().count() <= settings.short_line_characters as usize {
                lines.words.1 += words;
            }
        }
        lines
    }

    /// `part` by the count of lines; 0 where there is none.
    pub fn share(&self, part: u64) -> f64 {
        if self.count == 0 { 0.0 } else { part as f64 / self.count as f64 }
    }

    /// Words in short lines that are neither sentence nor formula, as a share of all: what lists of links have.
    pub fn bare_share(&self) -> f64 {
        if self.words.0 == 0.0 { 0.0 } else { self.words.1 / self.words.0 }
    }
}

/// Signs that relate or compute: they show that a line without delimiters has a formula.
fn is_relation(one: char) -> bool {
    matches!(one, '=' | '+' | '×' | '÷' | '^' | '±' | '√' | '−' | '∀'..='⋿')
}
