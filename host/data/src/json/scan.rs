//! A scanner over the bytes of JSON: passes values over, or builds them.
//!
//! Passing over keeps a stack of one byte per open bracket and no recursion, so that no nesting ends the process, and
//! holds a value to JSON's grammar of brackets, commas and words. Only building looks into texts: escapes, UTF-8.

use super::Json;
use std::fmt;
use std::ops::Range;

/// What is wrong, and the byte at which it was seen, from 0.
#[derive(Debug)]
pub struct Fault {
    pub at: usize,
    pub what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// Against the grammar, in words that follow "is not JSON: ".
    Grammar(&'static str),
    Utf8,
    Deep(usize),
    Many,
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.at + 1;
        match &self.what {
            What::Grammar(what) => write!(to, "is not JSON: {what} (byte {place})"),
            What::Utf8 => write!(to, "is not UTF-8 from byte {place} on"),
            What::Deep(limit) => write!(to, "is nested deeper than {limit} levels, the most that is read"),
            What::Many => write!(to, "holds more than {} values, the most that is read", super::MOST_VALUES),
        }
    }
}

/// A place in the bytes.
pub struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(bytes: &'a [u8]) -> Scanner<'a> {
        Scanner { bytes, at: 0 }
    }

    pub fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Nothing but blanks may follow.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.skip_blanks();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.wrong("has more after its end")) }
    }

    pub fn wrong(&self, what: &'static str) -> Fault {
        Fault { at: self.at, what: What::Grammar(what) }
    }

    /// Passes over one value, and says where it lies.
    pub fn skip_value(&mut self) -> Result<Range<usize>, Fault> {
        self.skip_blanks();
        let start = self.at;
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.skip_blanks();
                    if !self.eat(b'}') {
                        self.skip_name()?;
                        open.push(b'}');
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.skip_blanks();
                    if !self.eat(b']') {
                        open.push(b']');
                        continue;
                    }
                }
                Some(b'"') => {
                    self.skip_text()?;
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value has ended; so may have those around it.
            loop {
                let Some(&closing) = open.last() else {
                    return Ok(start..self.at);
                };
                self.skip_blanks();
                if self.eat(b',') {
                    if closing == b'}' {
                        self.skip_blanks();
                        self.skip_name()?;
                    }
                    break;
                }
                if !self.eat(closing) {
                    return Err(self.unclosed(closing));
                }
                open.pop();
            }
        }
    }

    fn unclosed(&self, closing: u8) -> Fault {
        self.wrong(match (self.peek(), closing) {
            (None, b'}') => "ends inside an object",
            (None, _) => "ends inside a list",
            (Some(_), b'}') => "a comma or a closing brace is missing",
            (Some(_), _) => "a comma or a closing bracket is missing",
        })
    }

    /// The name of an entry and its colon; the name with its quotes.
    pub fn skip_name(&mut self) -> Result<Range<usize>, Fault> {
        match self.peek() {
            Some(b'"') => {}
            None => return Err(self.wrong("ends inside an object")),
            Some(_) => return Err(self.wrong("the name of an entry is missing, in double quotes")),
        }
        let name = self.skip_text()?;
        self.skip_blanks();
        if !self.eat(b':') {
            return Err(self.wrong("a colon is missing"));
        }
        Ok(name)
    }

    /// A text with its quotes.
    fn skip_text(&mut self) -> Result<Range<usize>, Fault> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(next) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return Err(self.wrong("ends inside a text"));
            };
            self.at += next + 1;
            if rest[next] == b'"' {
                return Ok(start..self.at);
            }
            if self.at >= self.bytes.len() {
                return Err(self.wrong("ends inside a text"));
            }
            self.at += 1;
        }
    }

    /// A number or one of the words that JSON and Python's writer of it have.
    fn scalar(&mut self) -> Result<Json, Fault> {
        let rest = &self.bytes[self.at..];
        for (word, value) in [
            ("null", Json::Null),
            ("true", Json::Bool(true)),
            ("false", Json::Bool(false)),
            ("NaN", Json::Null),
            ("Infinity", Json::Number("Infinity".into())),
            ("-Infinity", Json::Number("-Infinity".into())),
        ] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return self.ends_here(value);
            }
        }
        match rest.first() {
            None => Err(self.wrong("ends where a value is expected")),
            Some(b'-' | b'0'..=b'9') => {
                let start = self.at;
                self.number()?;
                let text = String::from_utf8_lossy(&self.bytes[start..self.at]);
                self.ends_here(Json::Number(text.into()))
            }
            Some(_) => Err(self.wrong("a value is expected")),
        }
    }

    /// `nullable` is not null, and `12a` not a number.
    fn ends_here(&self, value: Json) -> Result<Json, Fault> {
        match self.peek() {
            Some(byte) if byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte) || byte >= 0x80 => {
                Err(self.wrong("a value is expected"))
            }
            _ => Ok(value),
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.eat(b'-');
        let whole = self.at;
        self.digits()?;
        if self.at - whole > 1 && self.bytes[whole] == b'0' {
            self.at = whole;
            return Err(self.wrong("a number begins with a zero"));
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a digit is missing")) } else { Ok(()) }
    }

    /// Builds one value of at most `deepest` levels; `left` is what may still be built.
    pub fn value(&mut self, deepest: usize, left: &mut usize) -> Result<Json, Fault> {
        self.skip_blanks();
        *left = left.checked_sub(1).ok_or(Fault { at: self.at, what: What::Many })?;
        let deeper = |at: usize| deepest.checked_sub(1).ok_or(Fault { at, what: What::Deep(super::DEEPEST) });
        match self.peek() {
            Some(b'"') => {
                let place = self.skip_text()?;
                Ok(Json::Text(self.text(place)?))
            }
            Some(b'[') => {
                let deepest = deeper(self.at)?;
                self.at += 1;
                let mut items = Vec::new();
                self.skip_blanks();
                if self.eat(b']') {
                    return Ok(Json::List(items));
                }
                loop {
                    items.push(self.value(deepest, left)?);
                    self.skip_blanks();
                    if self.eat(b']') {
                        return Ok(Json::List(items));
                    }
                    if !self.eat(b',') {
                        return Err(self.unclosed(b']'));
                    }
                }
            }
            Some(b'{') => {
                let deepest = deeper(self.at)?;
                self.at += 1;
                let mut entries = Vec::new();
                self.skip_blanks();
                if self.eat(b'}') {
                    return Ok(Json::Object(entries));
                }
                loop {
                    self.skip_blanks();
                    let name = self.skip_name()?;
                    let name = self.text(name)?;
                    entries.push((name, self.value(deepest, left)?));
                    self.skip_blanks();
                    if self.eat(b'}') {
                        return Ok(Json::Object(entries));
                    }
                    if !self.eat(b',') {
                        return Err(self.unclosed(b'}'));
                    }
                }
            }
            _ => self.scalar(),
        }
    }

    /// The text at `place`, which has its quotes.
    pub fn text(&self, place: Range<usize>) -> Result<String, Fault> {
        let start = place.start + 1;
        let inside = std::str::from_utf8(&self.bytes[start..place.end - 1])
            .map_err(|error| Fault { at: start + error.valid_up_to(), what: What::Utf8 })?;
        if !inside.contains('\\') {
            return Ok(inside.to_owned());
        }
        let mut text = String::with_capacity(inside.len());
        let mut rest = inside;
        while let Some((before, escape)) = rest.split_once('\\') {
            text.push_str(before);
            let at = start + (inside.len() - escape.len());
            let wrong = |what| Fault { at, what: What::Grammar(what) };
            let simple = match escape.bytes().next() {
                Some(b'u') => None,
                Some(quoted @ (b'"' | b'\\' | b'/')) => Some(char::from(quoted)),
                Some(b'b') => Some('\u{8}'),
                Some(b'f') => Some('\u{c}'),
                Some(b'n') => Some('\n'),
                Some(b'r') => Some('\r'),
                Some(b't') => Some('\t'),
                _ => return Err(wrong("a backslash before a character that it does not escape")),
            };
            rest = match simple {
                Some(character) => {
                    text.push(character);
                    &escape[1..]
                }
                None => {
                    let (unit, mut after) = code_unit(&escape[1..]).ok_or_else(|| wrong("\\u without four digits"))?;
                    let mut units = vec![unit];
                    // The second half of a pair is taken only where it completes the first.
                    if (0xD800..0xDC00).contains(&unit)
                        && let Some((low @ 0xDC00..0xE000, further)) = after.strip_prefix("\\u").and_then(code_unit)
                    {
                        units.push(low);
                        after = further;
                    }
                    text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
                    after
                }
            };
        }
        text.push_str(rest);
        Ok(text)
    }
}

/// Four hexadecimal digits, and what follows them.
fn code_unit(text: &str) -> Option<(u16, &str)> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    Some((u16::from_str_radix(digits, 16).ok()?, &text[4..]))
}
