//! Runs of letters: names of functions, products of variables, units, and words of ordinary language.

use super::{Lexer, Unreadable};
use crate::expression::Constant;
use crate::read::tokens::{self, Delimiter, Kind, Token};
use crate::read::units;

impl Lexer<'_> {
    /// Words: "and", "or" and commas between them separate answers.
    pub(crate) fn prose(&mut self, content: &str) {
        let mut phrase: Vec<&str> = Vec::new();
        for word in content.split_whitespace() {
            let bare = word.trim_matches(|c: char| ",;.".contains(c)).to_lowercase();
            let separator = match bare.as_str() {
                "and" => Some(Kind::And),
                "or" => Some(Kind::Or),
                _ => None,
            };
            let comma = word.starts_with(',') || (word.ends_with(',') && word.len() > 1);
            if word.starts_with(',') || separator.is_some() {
                self.phrase(&mut phrase);
            }
            match separator {
                Some(kind) => self.push(kind),
                None if !bare.is_empty() => {
                    phrase.push(word.trim_matches(|c: char| ",;".contains(c)));
                }
                None => {}
            }
            if comma || word == "," {
                self.phrase(&mut phrase);
                self.push(Kind::Comma);
            }
        }
        self.phrase(&mut phrase);
    }

    fn phrase(&mut self, words: &mut Vec<&str>) {
        if words.is_empty() {
            return;
        }
        let phrase = words.join(" ");
        words.clear();
        if let Some(Token { kind: Kind::Text(held), .. }) = self.tokens.last_mut() {
            held.push(' ');
            held.push_str(&phrase);
            return;
        }
        self.push(Kind::Text(phrase));
    }

    /// A run of letters outside any command.
    pub(crate) fn word(&mut self) -> Result<(), Unreadable> {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_alphabetic() && tokens::unicode(c).is_none()) {
            self.at += 1;
        }
        let word: String = self.text[start..self.at].iter().collect();
        let length = self.at - start;
        let lower = word.to_lowercase();
        match lower.as_str() {
            "and" => {
                self.push(Kind::And);
                return Ok(());
            }
            "or" => {
                self.push(Kind::Or);
                return Ok(());
            }
            // Money in front of its amount: "Rs. 20".
            "rs" | "usd" | "inr" | "eur" | "rmb" | "gbp" if self.tokens.is_empty() && length > 1 => return Ok(()),
            // "3 x 4 = 12" multiplies.
            "x" if matches!(self.tokens.last(), Some(Token { kind: Kind::Number(..), .. }))
                && self.text.get(start.wrapping_sub(1)) == Some(&' ')
                && self.peek(0) == Some(' ')
                && self.digit(1) =>
            {
                self.push(Kind::Times);
                return Ok(());
            }
            // "3 to 4" is a ratio.
            "to" if matches!(self.tokens.last(), Some(Token { kind: Kind::Number(..), .. }))
                && self.peek(0) == Some(' ')
                && self.digit(1) =>
            {
                self.push(Kind::Colon);
                return Ok(());
            }
            "minus" | "negative" => {
                self.push(Kind::Minus);
                return Ok(());
            }
            "plus" => {
                self.push(Kind::Plus);
                return Ok(());
            }
            "pi" if word != "PI" => {
                self.push(Kind::Constant(Constant::Pi));
                return Ok(());
            }
            "infinity" | "inf" | "oo" => {
                self.push(Kind::Constant(Constant::Infinity));
                return Ok(());
            }
            "percent" | "pct" | "percentage" | "percents" => {
                self.push(Kind::Percent);
                return Ok(());
            }
            "deg" | "degree" | "degrees" => {
                self.push(Kind::Degree);
                return Ok(());
            }
            _ => {}
        }
        if word == "ca" && self.tokens.is_empty() && self.peek(0) == Some('.') {
            return Ok(());
        }
        // "30 min" are minutes.
        let minutes = word == "min" && self.after_value() && !matches!(self.peek(0), Some('(' | '{' | '_'));
        if let Some(kind) = tokens::function(&word).filter(|_| !minutes) {
            self.push(kind);
            return Ok(());
        }
        let in_prose = matches!(self.tokens.last(), Some(Token { kind: Kind::Text(_), .. })) && length > 1;
        // A unit right after a number.
        let after_number =
            matches!(self.tokens.last(), Some(Token { kind: Kind::Number(..) | Kind::Close(Delimiter::Group), .. }))
                && length > 1
                && units::is_unit(&lower);
        let variables = length <= 3 || word.chars().all(|c| c.is_uppercase()) && length <= 5;
        if !in_prose && !after_number && !is_short_word(&lower) && variables {
            for letter in word.chars() {
                self.letter(letter);
            }
            return Ok(());
        }
        // `kpi`, `2npi`: letters, then a name.
        if let Some(head) = word.strip_suffix("pi")
            && length <= 4
        {
            for letter in head.chars() {
                self.letter(letter);
            }
            self.push(Kind::Constant(Constant::Pi));
            return Ok(());
        }
        // Hyphenated and apostrophised words stay whole.
        while matches!(self.peek(0), Some('-' | '\'' | '’')) && self.peek(1).is_some_and(|c| c.is_alphabetic()) {
            self.at += 1;
            while self.peek(0).is_some_and(|c| c.is_alphabetic()) {
                self.at += 1;
            }
        }
        let whole: String = self.text[start..self.at].iter().collect();
        self.phrase(&mut vec![&whole]);
        Ok(())
    }

    /// Whether a number or a unit stands in front.
    pub(super) fn after_value(&self) -> bool {
        matches!(self.tokens.last(), Some(Token { kind: Kind::Number(..) | Kind::Text(_), .. }))
    }

    fn letter(&mut self, letter: char) {
        let kind = match letter {
            'e' => Kind::Constant(Constant::E),
            'i' => Kind::Constant(Constant::I),
            other => Kind::Symbol(other.to_string()),
        };
        self.push(kind);
    }
}

/// Short words of ordinary language that are not products of variables.
pub fn is_short_word(word: &str) -> bool {
    matches!(
        word,
        "so" | "yes"
            | "no"
            | "not"
            | "the"
            | "for"
            | "if"
            | "is"
            | "are"
            | "all"
            | "any"
            | "in"
            | "of"
            | "to"
            | "at"
            | "by"
            | "as"
            | "per"
            | "odd"
            | "it"
            | "on"
            | "one"
            | "two"
            | "six"
            | "ten"
            | "day"
            | "yen"
            | "hr"
            | "hrs"
            | "min"
            | "sec"
            | "am"
            | "pm"
            | "we"
            | "be"
            | "has"
            | "was"
            | "let"
            | "dne"
            | "red"
            | "men"
            | "boy"
            | "map"
            | "cup"
            | "egg"
            | "pen"
            | "box"
            | "cat"
            | "dog"
            | "car"
            | "bus"
            | "man"
            | "kid"
            | "toy"
            | "jar"
            | "bag"
            | "pie"
            | "hen"
            | "pig"
            | "cow"
    )
}
