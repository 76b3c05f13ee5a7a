//! From a template's text to tokens, with the whitespace control of Jinja's `trim_blocks` and `lstrip_blocks`.

use std::sync::Arc;

use super::trouble::{Fallible, Trouble};

/// A token and the line on which it begins.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub line: u32,
    pub kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// Text outside of any tag.
    Data(String),
    BlockBegin,
    BlockEnd,
    OutputBegin,
    OutputEnd,
    Name(Arc<str>),
    Text(String),
    Whole(i128),
    Float(f64),
    Sign(&'static str),
}

/// Signs, the long before the short.
const SIGNS: [&str; 27] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".",
    ":", "|", ",", ";", "!",
];

/// Whether Python's `str.isspace` holds for a character.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The tokens of a template.
pub(super) fn tokens(source: &str) -> Fallible<Vec<Token>> {
    let mut text = source.replace("\r\n", "\n").replace('\r', "\n");
    // As in Jinja, one newline at the end of the file is not the template's.
    if text.ends_with('\n') {
        text.pop();
    }
    let mut lexer = Lexer { text: &text, at: 0, line: 1, line_starts: true, found: Vec::new() };
    lexer.run().map_err(|trouble| trouble.at(lexer.line))?;
    Ok(lexer.found)
}

struct Lexer<'text> {
    text: &'text str,
    at: usize,
    line: u32,
    /// Whether what was read last ended in a newline.
    line_starts: bool,
    found: Vec<Token>,
}

impl<'text> Lexer<'text> {
    fn rest(&self) -> &'text str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Moves past `length` bytes.
    fn pass(&mut self, length: usize) {
        let passed = self.rest().get(..length).unwrap_or_default();
        self.line += passed.matches('\n').count() as u32;
        self.line_starts = passed.ends_with('\n');
        self.at += length;
    }

    fn pass_spaces(&mut self) {
        let rest = self.rest();
        self.pass(rest.len() - rest.trim_start_matches(is_space).len());
    }

    fn push(&mut self, kind: TokenKind) {
        self.found.push(Token { line: self.line, kind });
    }

    fn run(&mut self) -> Fallible<()> {
        loop {
            let rest = self.rest();
            let Some(begin) = begin_of_tag(rest) else {
                if !rest.is_empty() {
                    self.push(TokenKind::Data(rest.to_owned()));
                }
                return Ok(());
            };
            let opened = rest.as_bytes().get(begin + 1).copied().unwrap_or_default();
            let sign = rest.get(begin + 2..).and_then(|after| after.chars().next()).filter(|sign| "+-".contains(*sign));
            self.data(rest.get(..begin).unwrap_or_default(), sign, opened != b'{');
            self.pass(begin);
            let length = 2 + usize::from(sign.is_some());
            match opened {
                b'#' => {
                    self.pass(length);
                    self.comment()?;
                }
                b'{' => {
                    self.push(TokenKind::OutputBegin);
                    self.pass(length);
                    self.inside(false)?;
                }
                _ => match raw_tag(rest.get(begin..).unwrap_or_default(), "raw", false) {
                    Some(tag) => {
                        self.pass(tag);
                        self.raw()?;
                    }
                    None => {
                        self.push(TokenKind::BlockBegin);
                        self.pass(length);
                        self.inside(true)?;
                    }
                },
            }
        }
    }

    /// Text in front of a tag, less the blanks that the tag takes away.
    fn data(&mut self, text: &str, sign: Option<char>, strips_line: bool) {
        let kept = match sign {
            Some('-') => text.trim_end_matches(is_space),
            None if strips_line => {
                let line = text.rfind('\n').map_or(0, |newline| newline + 1);
                let blank = text.get(line..).is_some_and(|last| last.chars().all(is_space));
                let kept = if blank && (line > 0 || self.line_starts) { text.get(..line) } else { Some(text) };
                kept.unwrap_or_default()
            }
            _ => text,
        };
        if !kept.is_empty() {
            self.push(TokenKind::Data(kept.to_owned()));
        }
    }

    fn comment(&mut self) -> Fallible<()> {
        let rest = self.rest();
        let Some(end) = rest.find("#}") else {
            return Err(Trouble::new("a comment is not closed by #}"));
        };
        let sign = rest.get(..end).and_then(|text| text.chars().next_back());
        self.pass(end);
        self.pass_end(2, sign);
        Ok(())
    }

    /// Passes the end of a tag and the blanks that it takes away.
    fn pass_end(&mut self, length: usize, sign: Option<char>) {
        let newline = sign != Some('+') && sign != Some('-') && self.rest().get(length..length + 1) == Some("\n");
        self.pass(length + usize::from(newline));
        if sign == Some('-') {
            let starts = self.line_starts;
            let before = self.at;
            self.pass_spaces();
            if self.at == before {
                self.line_starts = starts;
            }
        }
    }

    fn raw(&mut self) -> Fallible<()> {
        let rest = self.rest();
        let mut from = 0;
        while let Some(begin) = rest.get(from..).and_then(|text| text.find("{%")).map(|begin| begin + from) {
            let tag = rest.get(begin..).unwrap_or_default();
            if let Some(length) = raw_tag(tag, "endraw", true) {
                let sign = tag.chars().nth(2).filter(|sign| "+-".contains(*sign));
                self.data(rest.get(..begin).unwrap_or_default(), sign, true);
                self.pass(begin + length);
                return Ok(());
            }
            from = begin + 2;
        }
        Err(Trouble::new("{% raw %} is not closed by {% endraw %}"))
    }

    /// Tokens up to the end of a block or an output.
    fn inside(&mut self, block: bool) -> Fallible<()> {
        let mut open: Vec<&'static str> = Vec::new();
        let end = if block { "%}" } else { "}}" };
        loop {
            self.pass_spaces();
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                return Err(Trouble::new(format!("a tag is not closed by {end}")));
            };
            if open.is_empty() {
                let signed = rest.get(1..).is_some_and(|after| after.starts_with(end));
                let kind = if block { TokenKind::BlockEnd } else { TokenKind::OutputEnd };
                if rest.starts_with(end) {
                    self.push(kind);
                    // Only blocks take a newline after them away.
                    self.pass_end(2, if block { None } else { Some('+') });
                    return Ok(());
                }
                if signed && (first == '-' || block && first == '+') {
                    self.push(kind);
                    self.pass_end(3, Some(first));
                    return Ok(());
                }
            }
            if first.is_ascii_digit() {
                self.number(rest)?;
            } else if first == '_' || first.is_alphabetic() {
                let word = |character: char| character == '_' || character.is_alphanumeric();
                let length = rest.find(|character| !word(character)).unwrap_or(rest.len());
                self.push(TokenKind::Name(rest.get(..length).unwrap_or_default().into()));
                self.pass(length);
            } else if first == '"' || first == '\'' {
                self.quoted(rest, first)?;
            } else {
                let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) else {
                    return Err(Trouble::new(format!("unexpected character {first:?}")));
                };
                match sign {
                    "(" => open.push(")"),
                    "[" => open.push("]"),
                    "{" => open.push("}"),
                    ")" | "]" | "}" if open.pop() != Some(sign) => {
                        return Err(Trouble::new(format!("unexpected {sign:?}")));
                    }
                    "!" => return Err(Trouble::new("unexpected \"!\"")),
                    _ => {}
                }
                self.push(TokenKind::Sign(sign));
                self.pass(sign.len());
            }
        }
    }

    fn number(&mut self, rest: &str) -> Fallible<()> {
        let digits = |text: &str| {
            let end = text.find(|character: char| !(character.is_ascii_digit() || character == '_'));
            let length = end.unwrap_or(text.len());
            text.get(..length).map_or(0, |text| text.trim_end_matches('_').len())
        };
        let based = |base| {
            let text = rest.get(2..).unwrap_or_default();
            let end = text.find(|character: char| !(character.is_digit(base) || character == '_'));
            let length = end.unwrap_or(text.len());
            let value = i128::from_str_radix(&text.get(..length).unwrap_or_default().replace('_', ""), base);
            (length + 2, value)
        };
        let lower = rest.get(..2).unwrap_or_default().to_ascii_lowercase();
        let (length, value) = match lower.as_str() {
            "0x" => based(16),
            "0o" => based(8),
            "0b" => based(2),
            _ => {
                let whole = digits(rest);
                let mut length = whole;
                let after_point = self.text.get(..self.at).is_some_and(|before| before.ends_with('.'));
                if !after_point {
                    let fraction = rest.get(length + 1..).map_or(0, digits);
                    if rest.get(length..length + 1) == Some(".") && fraction > 0 {
                        length += 1 + fraction;
                    }
                    let exponent = rest.get(length..).unwrap_or_default();
                    if exponent.starts_with(['e', 'E']) {
                        let signed = 1 + usize::from(exponent.get(1..2).is_some_and(|sign| sign == "-" || sign == "+"));
                        let count = exponent.get(signed..).map_or(0, digits);
                        length += if count > 0 { signed + count } else { 0 };
                    }
                }
                let text = rest.get(..length).unwrap_or_default().replace('_', "");
                if length > whole {
                    let value = text.parse().map_err(|_| Trouble::new(format!("{text} is not a number")))?;
                    self.push(TokenKind::Float(value));
                    self.pass(length);
                    return Ok(());
                }
                (length, text.parse())
            }
        };
        let shown = rest.get(..length.min(60)).unwrap_or_default();
        let value = value.map_err(|_| Trouble::new(format!("the number {shown} has more digits than are read")))?;
        self.push(TokenKind::Whole(value));
        self.pass(length);
        Ok(())
    }

    fn quoted(&mut self, rest: &str, quote: char) -> Fallible<()> {
        let mut text = String::new();
        let mut characters = rest.char_indices().skip(1);
        while let Some((place, character)) = characters.next() {
            if character == quote {
                self.push(TokenKind::Text(text));
                self.pass(place + 1);
                return Ok(());
            }
            if character != '\\' {
                text.push(character);
                continue;
            }
            let Some((place, escaped)) = characters.next() else { break };
            let code = |length: usize| {
                let digits = rest.get(place + 1..place + 1 + length)?;
                let all = digits.chars().all(|digit| digit.is_ascii_hexdigit());
                all.then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)).flatten()
            };
            let mut coded = |length: usize| {
                let found =
                    code(length).ok_or_else(|| Trouble::new(format!("\\{escaped} in a text names no character")));
                characters.by_ref().take(length).for_each(drop);
                found
            };
            match escaped {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'b' => text.push('\u{8}'),
                'f' => text.push('\u{c}'),
                'v' => text.push('\u{b}'),
                'a' => text.push('\u{7}'),
                '\\' | '\'' | '"' => text.push(escaped),
                '\n' => {}
                'x' => text.push(coded(2)?),
                'u' => text.push(coded(4)?),
                'U' => text.push(coded(8)?),
                '0'..='7' => {
                    let digits = rest.get(place..).unwrap_or_default();
                    let count = digits.chars().take(3).take_while(|digit| ('0'..='7').contains(digit)).count();
                    let value = u32::from_str_radix(digits.get(..count).unwrap_or_default(), 8).unwrap_or_default();
                    text.extend(char::from_u32(value));
                    characters.by_ref().take(count - 1).for_each(drop);
                }
                other => {
                    text.push('\\');
                    text.push(other);
                }
            }
        }
        Err(Trouble::new(format!("a text is not closed by {quote}")))
    }
}

/// Where the next `{{`, `{%` or `{#` is.
fn begin_of_tag(text: &str) -> Option<usize> {
    text.as_bytes().windows(2).position(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
}

/// The length of `{% word %}` at the beginning of `tag`, with the blanks that its end takes away.
fn raw_tag(tag: &str, word: &str, trims: bool) -> Option<usize> {
    let mut rest = tag.strip_prefix("{%")?;
    rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start_matches(is_space);
    rest = rest.strip_prefix(word)?.trim_start_matches(is_space);
    let after = if let Some(after) = rest.strip_prefix("-%}") {
        after.trim_start_matches(is_space)
    } else if let Some(after) = rest.strip_prefix("+%}").filter(|_| trims) {
        after
    } else {
        let after = rest.strip_prefix("%}")?;
        if trims { after.strip_prefix('\n').unwrap_or(after) } else { after }
    };
    Some(tag.len() - after.len())
}
