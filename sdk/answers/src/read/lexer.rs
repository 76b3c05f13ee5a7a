//! From characters to tokens, in one pass, for LaTeX and plain text alike.

pub mod letters;
mod numbers;

use crate::expression::{Rational, Relation};
use crate::read::tokens::{self, Delimiter, Kind, Token};

/// How an ambiguous comma between digits is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comma {
    /// `1,234` is one number where the groups allow it and no bracket is open.
    Thousands,
    /// Every comma separates.
    Separator,
    /// `1000,99` is one number.
    Decimal,
}

/// Text that is not mathematics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Tokens that an answer may have: far more than any real answer, few enough that all that follows is quick.
const MAX_TOKENS: usize = 3_000;

/// The place in the characters, and the tokens so far.
pub(crate) struct Lexer<'a> {
    pub(crate) text: &'a [char],
    pub(crate) at: usize,
    pub(crate) comma: Comma,
    /// Brackets open, in which a comma separates.
    pub(crate) brackets: usize,
    pub(crate) tokens: Vec<Token>,
    spaced: bool,
}

/// Reads a whole answer into tokens.
pub fn tokens(text: &str, comma: Comma) -> Result<Vec<Token>, Unreadable> {
    let characters: Vec<char> = undouble_backslashes(text).chars().collect();
    let mut lexer = Lexer { text: &characters, at: 0, comma, brackets: 0, tokens: Vec::new(), spaced: false };
    while lexer.at < characters.len() {
        lexer.step()?;
        if lexer.tokens.len() > MAX_TOKENS {
            return Err(Unreadable);
        }
    }
    Ok(lexer.tokens)
}

/// The axis that a unit vector is named after.
fn axis(letter: &str) -> Option<&'static str> {
    match letter.trim() {
        "i" | "\\imath" => Some("i"),
        "j" | "\\jmath" => Some("j"),
        "k" => Some("k"),
        _ => None,
    }
}

/// Text that went through JSON twice has `\\frac` for `\frac`; in a matrix `\\` is a row break and stays.
fn undouble_backslashes(text: &str) -> String {
    if text.contains("\\begin") && !text.contains("\\\\begin") {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find("\\\\") {
        let (before, after) = rest.split_at(found);
        out.push_str(before);
        let following = &after[2..];
        if following.starts_with(|c: char| c.is_ascii_alphabetic() || "{}(),;!%$[]\\".contains(c)) {
            out.push('\\');
        } else {
            out.push_str("\\\\");
        }
        rest = following;
    }
    out.push_str(rest);
    out
}

impl Lexer<'_> {
    pub(crate) fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    pub(crate) fn push(&mut self, kind: Kind) {
        match &kind {
            Kind::Open(Delimiter::Round | Delimiter::Square | Delimiter::Brace) => {
                self.brackets += 1;
            }
            Kind::Close(Delimiter::Round | Delimiter::Square | Delimiter::Brace) => {
                self.brackets = self.brackets.saturating_sub(1);
            }
            _ => {}
        }
        self.tokens.push(Token { kind, spaced: self.spaced });
        self.spaced = false;
    }

    fn step(&mut self) -> Result<(), Unreadable> {
        let Some(character) = self.peek(0) else {
            return Ok(());
        };
        match character {
            c if c.is_whitespace() || c == '~' || c == '\u{200b}' => {
                self.at += 1;
                self.spaced = true;
                Ok(())
            }
            '\\' => self.command(),
            c if ('Ⅰ'..='Ⅻ').contains(&c) => {
                self.at += 1;
                self.integer(&(c as u32 - 'Ⅰ' as u32 + 1).to_string());
                Ok(())
            }
            c if c.is_ascii_digit() || (c == '.' && self.digit(1)) => self.number(),
            c if c.is_alphabetic() && tokens::unicode(c).is_none() => self.word(),
            c => {
                self.at += 1;
                self.character(c)
            }
        }
    }

    pub(crate) fn digit(&self, ahead: usize) -> bool {
        self.peek(ahead).is_some_and(|c| c.is_ascii_digit())
    }

    fn character(&mut self, character: char) -> Result<(), Unreadable> {
        let next = self.peek(0);
        let kind = match character {
            '+' => Kind::Plus,
            '-' => Kind::Minus,
            '*' => {
                if next == Some('*') {
                    self.at += 1;
                    Kind::Caret
                } else {
                    Kind::Times
                }
            }
            '/' => Kind::Divide,
            '^' => Kind::Caret,
            '_' => Kind::Underscore,
            '!' if next == Some('=') => {
                self.at += 1;
                Kind::Relation(Relation::NotEqual)
            }
            '!' => Kind::Bang,
            ',' => Kind::Comma,
            ';' => Kind::Semicolon,
            ':' => Kind::Colon,
            '|' => Kind::Bar,
            '(' => Kind::Open(Delimiter::Round),
            ')' => Kind::Close(Delimiter::Round),
            '[' => Kind::Open(Delimiter::Square),
            ']' => Kind::Close(Delimiter::Square),
            '{' => Kind::Open(Delimiter::Group),
            '}' => Kind::Close(Delimiter::Group),
            '=' => {
                if next == Some('=') {
                    self.at += 1;
                }
                Kind::Relation(Relation::Equal)
            }
            '<' | '>' => {
                let equal = next == Some('=');
                self.at += usize::from(equal);
                Kind::Relation(match (character, equal) {
                    ('<', false) => Relation::Less,
                    ('<', true) => Relation::LessOrEqual,
                    ('>', false) => Relation::Greater,
                    _ => Relation::GreaterOrEqual,
                })
            }
            '%' => Kind::Percent,
            '\'' => Kind::Prime,
            '&' => Kind::Ampersand,
            '.' if next == Some('.') => {
                while self.peek(0) == Some('.') {
                    self.at += 1;
                }
                Kind::Dots
            }
            // Currency, quotation marks, emphasis and a lone full stop carry no meaning in an answer.
            '∎' | '■' | '□' | '∴' | '$' | '€' | '£' | '¥' | '₹' | '₩' | '"' | '“' | '”' | '.' | '。' | '`' | '‘'
            | '?' => {
                self.spaced = true;
                return Ok(());
            }
            '²' | '³' | '¹' | '⁴' | '⁵' | '⁶' | '⁷' | '⁸' | '⁹' | '⁰' => {
                return self.superscript(character);
            }
            '₀'..='₉' => {
                let mut digits = (character as u32 - '₀' as u32).to_string();
                while let Some(next) = self.peek(0).filter(|c| ('₀'..='₉').contains(c)) {
                    digits.push_str(&(next as u32 - '₀' as u32).to_string());
                    self.at += 1;
                }
                self.push(Kind::Underscore);
                self.integer(&digits);
                return Ok(());
            }
            '½' | '⅓' | '⅔' | '¼' | '¾' | '⅕' | '⅖' | '⅗' | '⅘' | '⅙' | '⅚' | '⅛' | '⅜' | '⅝' | '⅞' =>
            {
                return self.vulgar_fraction(character);
            }
            other => {
                if ('０'..='９').contains(&other) {
                    let digit = (other as u32 - '０' as u32).to_string();
                    self.integer(&digit);
                    return Ok(());
                }
                tokens::unicode(other).ok_or(Unreadable)?
            }
        };
        self.push(kind);
        Ok(())
    }

    fn integer(&mut self, digits: &str) {
        if let Some(value) = Rational::from_digits(digits, "") {
            self.push(Kind::Number(value, None, Some(digits.to_string())));
        }
    }

    fn superscript(&mut self, first: char) -> Result<(), Unreadable> {
        let digit = |c: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|s| s == c);
        let mut digits = digit(first).ok_or(Unreadable)?.to_string();
        while let Some(next) = self.peek(0).and_then(digit) {
            digits.push_str(&next.to_string());
            self.at += 1;
        }
        self.push(Kind::Caret);
        self.integer(&digits);
        Ok(())
    }

    fn vulgar_fraction(&mut self, character: char) -> Result<(), Unreadable> {
        let (top, bottom) = match character {
            '½' => (1, 2),
            '⅓' => (1, 3),
            '⅔' => (2, 3),
            '¼' => (1, 4),
            '¾' => (3, 4),
            '⅕' => (1, 5),
            '⅖' => (2, 5),
            '⅗' => (3, 5),
            '⅘' => (4, 5),
            '⅙' => (1, 6),
            '⅚' => (5, 6),
            '⅛' => (1, 8),
            '⅜' => (3, 8),
            '⅝' => (5, 8),
            _ => (7, 8),
        };
        // Written out, so that `3½` is read as the mixed number that it is.
        self.push(Kind::Fraction);
        self.integer(&top.to_string());
        self.integer(&bottom.to_string());
        Ok(())
    }

    fn command(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        let Some(first) = self.peek(0) else {
            // A stray backslash at the end.
            return Ok(());
        };
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            return self.escaped(first);
        }
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_alphabetic()) {
            self.at += 1;
        }
        let name: String = self.text[start..self.at].iter().collect();
        self.named(&name, start)
    }

    fn escaped(&mut self, character: char) -> Result<(), Unreadable> {
        let kind = match character {
            '{' => Kind::Open(Delimiter::Brace),
            '}' => Kind::Close(Delimiter::Brace),
            '|' => Kind::Bar,
            '%' => Kind::Percent,
            '\\' => Kind::RowBreak,
            '&' => Kind::Ampersand,
            '!' => return Ok(()),
            ',' | ';' | ':' | ' ' | '>' | '$' | '(' | ')' | '[' | ']' | '\n' | '/' | '-' | '\'' => {
                self.spaced = true;
                return Ok(());
            }
            '#' | '_' => return Ok(()),
            _ => return Err(Unreadable),
        };
        self.push(kind);
        Ok(())
    }

    fn named(&mut self, name: &str, start: usize) -> Result<(), Unreadable> {
        if tokens::is_face(name) {
            return self.face(name);
        }
        if tokens::is_space(name) {
            self.spaced = true;
            return Ok(());
        }
        if matches!(name, "vec" | "hat" | "overrightarrow") && self.unit_vector() {
            return Ok(());
        }
        if tokens::is_decoration(name) {
            self.delimiter_after(name);
            return Ok(());
        }
        if matches!(name, "hspace" | "vspace" | "hskip" | "color" | "textcolor" | "colorbox") {
            self.braced();
            self.spaced = true;
            return Ok(());
        }
        if matches!(name, "begin" | "end") {
            let environment = self.braced().ok_or(Unreadable)?;
            let kind = if name == "begin" {
                // The column format of an array is of no interest.
                if environment.starts_with("array") || environment == "tabular" {
                    self.braced();
                }
                Kind::Begin(environment)
            } else {
                Kind::End(environment)
            };
            self.push(kind);
            return Ok(());
        }
        if let Some(kind) = tokens::command(name) {
            self.push(kind);
            return Ok(());
        }
        // `\quadx`, `\vertx`, `\pir`: the longest known beginning, and the rest is letters.
        for length in (2..name.len()).rev() {
            let head = &name[..length];
            let known = tokens::is_space(head) || tokens::command(head).is_some();
            if known {
                self.at = start + length;
                return self.named(head, start);
            }
        }
        Err(Unreadable)
    }

    /// `\left\{` is written `\left{` by some; `\left.` has no bracket at all.
    fn delimiter_after(&mut self, name: &str) {
        let sided = matches!(name, "left" | "right" | "mleft" | "mright" | "middle")
            || name.to_ascii_lowercase().starts_with("big");
        if !sided {
            return;
        }
        match self.peek(0) {
            Some('.') => self.at += 1,
            Some('{') => {
                self.at += 1;
                self.push(Kind::Open(Delimiter::Brace));
            }
            Some('}') if matches!(name, "right" | "mright") => {
                self.at += 1;
                self.push(Kind::Close(Delimiter::Brace));
            }
            _ => {}
        }
    }

    /// The content of a brace group that begins here.
    fn braced(&mut self) -> Option<String> {
        while self.peek(0).is_some_and(|c| c.is_whitespace() || c == '*') {
            self.at += 1;
        }
        if self.peek(0) != Some('{') {
            return None;
        }
        let start = self.at + 1;
        let mut depth = 0usize;
        for index in self.at..self.text.len() {
            match self.text[index] {
                '{' if index == 0 || self.text[index - 1] != '\\' => depth += 1,
                '}' if self.text[index - 1] != '\\' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at = index + 1;
                        return Some(self.text[start..index].iter().collect());
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn face(&mut self, name: &str) -> Result<(), Unreadable> {
        let content = match self.braced() {
            Some(content) => content,
            None => match self.peek(0) {
                Some(c) if c.is_alphanumeric() => {
                    self.at += 1;
                    c.to_string()
                }
                _ => return Err(Unreadable),
            },
        };
        let content = content.trim().trim_matches(['{', '}', '$', '~']).trim().to_string();
        if name == "tag" || content.is_empty() {
            self.spaced = true;
            return Ok(());
        }
        if name == "mathbb" {
            let set = match content.as_str() {
                "R" => "ℝ",
                "N" => "ℕ",
                "Z" => "ℤ",
                "Q" => "ℚ",
                "C" => "ℂ",
                other => other,
            };
            self.push(Kind::Symbol(set.to_string()));
            return Ok(());
        }
        if matches!(name, "mathbf" | "bm" | "boldsymbol" | "bold")
            && let Some(axis) = axis(&content)
        {
            self.push(Kind::Symbol(format!("unit {axis}")));
            return Ok(());
        }
        // "3 to 4" between numbers is a ratio.
        if content == "to" && matches!(self.tokens.last(), Some(Token { kind: Kind::Number(..), .. })) {
            self.push(Kind::Colon);
            return Ok(());
        }
        let prose = name.starts_with("text") || matches!(name, "mbox" | "hbox" | "emph" | "underline");
        if let Some(kind) = tokens::function(&content).filter(|_| content != "min" || !self.after_value()) {
            self.push(kind);
            return Ok(());
        }
        let single = content.chars().count() == 1;
        let digits = content.starts_with(|c: char| c.is_ascii_digit() || "-\\$.".contains(c));
        if (!prose && single) || digits || content.contains('\\') {
            return self.inline(&content);
        }
        if !prose && content.chars().count() <= 2 && content.chars().all(char::is_uppercase) {
            return self.inline(&content);
        }
        self.prose(&content);
        Ok(())
    }

    /// The unit vector under an arrow or a hat, as in `\vec{i}`, where one stands here.
    fn unit_vector(&mut self) -> bool {
        let start = self.at;
        let content = self.braced().or_else(|| {
            let rest: String = self.text[self.at..].iter().take(8).collect();
            let rest = rest.trim_start();
            let letter = ["\\imath", "\\jmath", "i", "j", "k"].into_iter().find(|letter| rest.starts_with(letter))?;
            let apart = !rest[letter.len()..].starts_with(char::is_alphabetic);
            self.at += self.text[self.at..].iter().take_while(|c| c.is_whitespace()).count();
            self.at += letter.len();
            apart.then(|| letter.to_string())
        });
        let Some(axis) = content.as_deref().and_then(axis) else {
            self.at = start;
            return false;
        };
        self.push(Kind::Symbol(format!("unit {axis}")));
        true
    }

    /// Reads the content of a command as if it stood there without the command.
    fn inline(&mut self, content: &str) -> Result<(), Unreadable> {
        let characters: Vec<char> = content.chars().collect();
        let mut inner = Lexer {
            text: &characters,
            at: 0,
            comma: self.comma,
            brackets: self.brackets,
            tokens: Vec::new(),
            spaced: self.spaced,
        };
        while inner.at < characters.len() {
            inner.step()?;
        }
        self.tokens.append(&mut inner.tokens);
        self.spaced = false;
        Ok(())
    }
}
