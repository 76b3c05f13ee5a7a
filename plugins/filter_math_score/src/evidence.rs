//! What a page shows, counted in one pass. Fenced code is left out: its signs are not mathematics.

use std::ops::Range;

use crate::formulas::formulas;
use crate::terms::{self, Kind};

/// Counts of a page.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Words, where two characters of Chinese or Japanese are one.
    pub words: f64,
    /// Formulas in delimiters with more in them than one letter.
    pub formulas: u32,
    /// Relations between numbers or letters that stand without delimiters: `x + 3 = 7`.
    pub equations: u32,
    /// Those of the equations and formulas that compute with numbers: `16 - 3 = 13`.
    pub sums: u32,
    /// Equations, and formulas that state a relation.
    pub relations: u32,
    /// Terms of mathematics.
    pub terms: u32,
    /// Different ones of them.
    pub distinct_terms: u32,
    /// Different terms that schools teach.
    pub distinct_school: u32,
    /// Different terms of research.
    pub distinct_research: u32,
    /// Different words that pose problems or reason.
    pub distinct_reasoning: u32,
    /// Words that lead from one step to the next.
    pub leading: u32,
    /// Lines with an equation and three words or more around it.
    pub explained: u32,
}

impl Evidence {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let mut found = Evidence::default();
        let mut seen = vec![false; terms::COUNT];
        let code = code(text);
        let formulas: Vec<Range<usize>> = formulas(text)
            .into_iter()
            .filter(|formula| !code.iter().any(|code| code.contains(&formula.start)))
            .collect();
        let mut skipped: Vec<(Range<usize>, bool)> = code.into_iter().map(|range| (range, false)).collect();
        skipped.extend(formulas.into_iter().map(|range| (range, true)));
        skipped.sort_by_key(|(range, _)| range.start);
        let mut at = 0;
        for (range, is_formula) in skipped {
            if range.start < at {
                continue;
            }
            found.prose(text.get(at..range.start).unwrap_or_default(), &mut seen);
            if is_formula {
                found.formula(text.get(range.clone()).unwrap_or_default());
            }
            at = range.end;
        }
        found.prose(text.get(at..).unwrap_or_default(), &mut seen);
        for kind in terms::kinds_of(&seen) {
            match kind {
                Kind::Term => found.distinct_terms += 1,
                Kind::School => {
                    found.distinct_terms += 1;
                    found.distinct_school += 1;
                }
                Kind::Research => {
                    found.distinct_terms += 1;
                    found.distinct_research += 1;
                }
                Kind::Reasoning | Kind::Leading => found.distinct_reasoning += 1,
            }
        }
        found
    }

    fn formula(&mut self, formula: &str) {
        let inside = formula.trim_matches(['$', '\\', '(', ')', '[', ']', ' ', '\n']);
        self.words += 1.0;
        if inside.chars().count() < 2 {
            return;
        }
        self.formulas += 1;
        let relation = inside.contains(['=', '<', '>', '≤', '≥', '≡', '≈'])
            || ["\\le", "\\ge", "\\equiv", "\\approx", "\\implies", "\\iff", "\\sim", "\\in"]
                .iter()
                .any(|sign| inside.contains(sign));
        self.relations += u32::from(relation);
        self.sums += u32::from(relation && inside.bytes().filter(u8::is_ascii_digit).count() >= 2);
    }

    fn prose(&mut self, text: &str, seen: &mut [bool]) {
        let mut word = String::new();
        for piece in text.split_whitespace() {
            if !piece.is_ascii() {
                let dense =
                    piece.chars().filter(|one| matches!(u32::from(*one), 0x3040..=0x30ff | 0x3400..=0x9fff)).count();
                if dense > 0 {
                    self.words += dense as f64 / 2.0;
                    self.note(terms::within(piece), seen);
                    continue;
                }
            }
            self.words += 1.0;
            word.clear();
            word.extend(piece.chars().filter(|one| one.is_alphabetic()).flat_map(char::to_lowercase));
            if let Some(found) = terms::find(&word) {
                self.note([found], seen);
            }
        }
        for line in text.lines().filter(|line| line.contains(['=', '≤', '≥', '≈', '≡'])) {
            let before = self.equations;
            self.equations_of(line);
            let words =
                line.split_whitespace().filter(|piece| piece.chars().filter(|one| one.is_alphabetic()).count() > 1);
            self.explained += u32::from(self.equations > before && words.count() >= 3);
        }
    }

    /// Notes the terms that were found, by number.
    fn note(&mut self, found: impl IntoIterator<Item = usize>, seen: &mut [bool]) {
        for term in found {
            match terms::kind(term) {
                Kind::Term | Kind::School | Kind::Research => self.terms += 1,
                Kind::Leading => self.leading += 1,
                Kind::Reasoning => {}
            }
            if let Some(seen) = seen.get_mut(term) {
                *seen = true;
            }
        }
    }

    /// Relations of a line that have a number or a single letter on both sides.
    fn equations_of(&mut self, line: &str) {
        for (at, sign) in line.match_indices(['=', '≤', '≥', '≈', '≡']) {
            // An operand is short, so only what is near is looked at.
            let before = ending(line.get(..at).unwrap_or_default()).trim_end();
            let after = beginning(line.get(at + sign.len()..).unwrap_or_default()).trim_start();
            // "==" and ":=" are of programs, and so is a name on either side.
            let program =
                before.ends_with([':', '=', '!', '+', '<', '>', '"', '\'']) || after.starts_with(['=', '>', '"', '\'']);
            let last =
                before.rsplit(|one: char| !one.is_alphanumeric()).find(|part| !part.is_empty()).unwrap_or_default();
            let first =
                after.split(|one: char| !one.is_alphanumeric()).find(|part| !part.is_empty()).unwrap_or_default();
            if !program && is_operand(last) && is_operand(first) {
                self.equations += 1;
                self.relations += 1;
                let number = |part: &str| part.starts_with(|one: char| one.is_ascii_digit());
                self.sums += u32::from(number(last) && number(first));
            }
        }
    }
}

/// Bytes beside a relation that are looked at.
const NEAR: usize = 40;

fn ending(text: &str) -> &str {
    let mut from = text.len().saturating_sub(NEAR);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default()
}

fn beginning(text: &str) -> &str {
    let mut to = NEAR.min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    text.get(..to).unwrap_or_default()
}

/// A number, perhaps with a letter, or one or two letters.
fn is_operand(part: &str) -> bool {
    let letters = part.chars().filter(|one| one.is_alphabetic()).count();
    let digits = part.chars().filter(|one| one.is_numeric()).count();
    (digits > 0 && letters <= 1) || (1..=2).contains(&letters) && digits <= 1
}

/// Fenced code, with its fences. A fence that is not closed reaches to the end.
fn code(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut at) = (None, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            match start.take() {
                None => start = Some(at),
                Some(begun) => found.push(begun..at + line.len()),
            }
        }
        at += line.len();
    }
    found.extend(start.map(|begun| begun..text.len()));
    found
}
