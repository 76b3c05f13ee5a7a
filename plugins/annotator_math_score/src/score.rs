//! The rules by which a score is read from a reply.
//!
//! A *statement* is a word for the score (`score`, `rating`, `total`, `points total`), then at most a few words or signs
//! such as `is`, `of` and `:`, then a number. Decoration does not count: bold and italic marks, quotes, code, headings,
//! `\boxed{}` and JSON's braces. A number is digits or an English word from zero to ten, with `/5`, `out of 5` or
//! `points` after it where the model likes.
//!
//! 1. A statement that begins its line, or that says `final`, `total` or `overall` score, is a *closing* one. If there are any,
//!    only they count: what stands in the middle of a sentence may be a part of the sum. Without one, all statements
//!    count; without any, a last line that is nothing but a number does.
//! 2. No statement: refused (missing).
//! 3. Several that agree are one score; several that do not are refused (contradictory).
//! 4. A number below 0 or above 5 is refused (out of range), as is one on another scale (`8/10`, `80%`).
//! 5. `3.0` is 3; `3.5` is refused or cut to 3, as the config says; `3-4`, `3 to 4` and `3 or 4` are refused. `0 to 5` and
//!    `1 to 5` name the scale and are no statement.

use crate::config::Fractions;

/// Points, and what the reply says besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// From 0 to 5.
    pub points: u8,
    /// The reply without the lines that state the score, in one line.
    pub reason: String,
}

/// Reads the score of a reply.
///
/// # Errors
/// Why there is none that can be used, for a person.
pub fn read_score(reply: &str, fractions: Fractions) -> Result<Score, String> {
    let lines: Vec<Line> = reply.lines().map(Line::of).collect();
    let mut closing = Vec::new();
    let mut within = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let next = lines[index + 1..].iter().find(|line| !line.tokens.is_empty());
        for at in 0..line.tokens.len() {
            let Some(statement) = statement(line, at, next) else { continue };
            if statement.closing { closing.push((index, statement)) } else { within.push((index, statement)) }
        }
    }
    let mut stated = if closing.is_empty() { within } else { closing };
    if stated.is_empty()
        && let Some((index, line)) = lines.iter().enumerate().rfind(|(_, line)| !line.tokens.is_empty())
        && let Some((number, used)) = number(&line.tokens)
        && line.tokens[used..].iter().all(|token| *token == Token::Sign('.'))
    {
        stated.push((index, Statement { number, closing: true, whole_line: true }));
    }
    let mut points: Vec<u8> = Vec::new();
    for (_, Statement { number, .. }) in &stated {
        points.push(in_range(number, fractions)?);
    }
    points.sort_unstable();
    points.dedup();
    let [points] = points.as_slice() else {
        return Err(match points.as_slice() {
            [] => "the reply states no score".to_owned(),
            several => {
                let several: Vec<String> = several.iter().map(u8::to_string).collect();
                format!("the reply contradicts itself: it states the scores {}", several.join(" and "))
            }
        });
    };
    let states = |index: usize| stated.iter().any(|(at, statement)| *at == index && statement.whole_line);
    let reason: Vec<&str> = reply
        .lines()
        .enumerate()
        .filter(|(index, _)| !states(*index))
        .flat_map(|(_, line)| line.split_whitespace())
        .collect();
    Ok(Score { points: *points, reason: reason.join(" ") })
}

/// Points from 0 to 5, or why a number is none.
fn in_range(number: &Number, fractions: Fractions) -> Result<u8, String> {
    let Number { text, value, negative, scale, other } = number;
    if let Some(other) = other {
        return Err(format!("the reply does not decide: it states a score of {text} to {other}"));
    }
    if let Some(scale) = scale.as_ref().filter(|scale| *scale != "5") {
        return Err(format!("the reply states a score of {text} on a scale to {scale}, not to 5"));
    }
    let sign = if *negative { "-" } else { "" };
    if *negative && *value > 0.0 || *value > 5.0 {
        return Err(format!("the reply states a score of {sign}{text}, which is not from 0 to 5"));
    }
    if value.fract() != 0.0 && fractions == Fractions::Refuse {
        return Err(format!("the reply states a score of {text}; points are whole"));
    }
    Ok(*value as u8)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// Letters, in lower case.
    Word(String),
    /// Digits, with a fraction if there is one. A minus sign that is attached is the sign `−` before it.
    Number(String),
    Sign(char),
}

/// A line as its tokens, without decoration.
struct Line {
    tokens: Vec<Token>,
}

struct Statement {
    number: Number,
    /// It begins its line or says that it is final.
    closing: bool,
    /// There is nothing else in its line.
    whole_line: bool,
}

struct Number {
    text: String,
    value: f64,
    negative: bool,
    /// The number after `/` or `out of`.
    scale: Option<String>,
    /// The other end of a range.
    other: Option<String>,
}

impl Line {
    fn of(line: &str) -> Line {
        let plain = line.replace("\\boxed", " ");
        let mut tokens = Vec::new();
        let mut rest = plain.as_str();
        while let Some(first) = rest.chars().next() {
            let before = plain[..plain.len() - rest.len()].chars().next_back();
            let length = if first.is_ascii_digit() {
                let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
                let mut length = digits(rest);
                // A comma is how others write a decimal point.
                if rest[length..].starts_with(['.', ',']) && digits(&rest[length + 1..]) > 0 {
                    length += 1 + digits(&rest[length + 1..]);
                }
                tokens.push(Token::Number(rest[..length].replace(',', ".")));
                length
            } else if first.is_alphabetic() {
                let length = rest.find(|letter: char| !letter.is_alphabetic()).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_lowercase()));
                length
            } else {
                let minus = matches!(first, '-' | '−')
                    && before.is_none_or(|before| !before.is_alphanumeric())
                    && rest[first.len_utf8()..].starts_with(|next: char| next.is_ascii_digit());
                if minus {
                    tokens.push(Token::Sign('−'));
                } else if !first.is_whitespace() && !is_decoration(first) {
                    tokens.push(Token::Sign(first));
                }
                first.len_utf8()
            };
            rest = &rest[length..];
        }
        Line { tokens }
    }
}

fn is_decoration(character: char) -> bool {
    matches!(character, '*' | '_' | '`' | '$' | '"' | '\'' | '{' | '}' | '[' | ']' | '#' | '>' | '~' | '\\' | '“' | '”')
}

/// Words for the score.
const SCORE: [&str; 3] = ["score", "rating", "total"];
/// Words before it that make it the final one.
const FINAL: [&str; 3] = ["final", "total", "overall"];
/// Words that may begin its line.
const BEFORE: [&str; 9] = ["the", "my", "so", "thus", "therefore", "hence", "educational", "page", "s"];
/// Words that may stand between it and its number.
const BETWEEN: [&str; 12] =
    ["is", "of", "was", "be", "would", "at", "as", "equals", "points", "therefore", "thus", "score"];

/// The statement whose word for the score is the token at `at`, if it is one. `next` is the next line that is not empty.
fn statement(line: &Line, at: usize, next: Option<&Line>) -> Option<Statement> {
    let tokens = &line.tokens;
    let word = |index: usize| match tokens.get(index) {
        Some(Token::Word(word)) => Some(word.as_str()),
        _ => None,
    };
    if !word(at).is_some_and(|word| SCORE.contains(&word)) {
        return None;
    }
    // "total score" is one statement, of its last word.
    if word(at + 1).is_some_and(|word| SCORE.contains(&word)) {
        return None;
    }
    // What may come before it in its line, as in "- My final score".
    let begins = tokens[..at].iter().all(|token| match token {
        Token::Word(word) => BEFORE.contains(&word.as_str()) || FINAL.contains(&word.as_str()),
        Token::Sign(sign) => matches!(sign, '-' | '•' | '+' | '–' | ','),
        Token::Number(_) => false,
    });
    // "A total of three problems" is none.
    if word(at) == Some("total") && !begins && !matches!(word(at + 1), Some("points")) {
        return None;
    }
    let named_final = tokens[at.saturating_sub(2)..at]
        .iter()
        .any(|token| matches!(token, Token::Word(word) if FINAL.contains(&word.as_str())));
    let mut from = at + 1;
    from += parenthesis(&tokens[from..]);
    while let Some(token) = tokens.get(from) {
        from += match token {
            Token::Word(word) if BETWEEN.contains(&word.as_str()) => 1,
            Token::Sign(':' | '=' | '-' | '–' | '—' | '→' | '+') => 1,
            _ => break,
        };
    }
    from += parenthesis(&tokens[from..]);
    let closing = begins || named_final;
    match number(&tokens[from..]) {
        Some((number, used)) => {
            if number.names_the_scale() {
                return None;
            }
            let after = tokens[from + used..].iter().all(|token| matches!(token, Token::Sign('.' | ',' | '!' | ')')));
            Some(Statement { number, closing, whole_line: begins && after })
        }
        // A heading, with the number alone on the next line.
        None if from == tokens.len() && begins => {
            let (number, used) = number(&next?.tokens)?;
            (used == next?.tokens.len()).then_some(Statement { number, closing, whole_line: true })
        }
        None => None,
    }
}

/// How many tokens a parenthesis at the start takes, such as `(0-5)` or `(out of 5)`.
fn parenthesis(tokens: &[Token]) -> usize {
    if tokens.first() != Some(&Token::Sign('(')) {
        return 0;
    }
    let close = tokens.iter().take(8).position(|token| *token == Token::Sign(')'));
    close.map_or(0, |close| close + 1)
}

/// A number at the start of tokens, with its scale or range, and how many tokens that takes.
fn number(tokens: &[Token]) -> Option<(Number, usize)> {
    let negative = tokens.first() == Some(&Token::Sign('−'));
    let mut used = usize::from(negative);
    let (text, value) = plain_number(tokens.get(used)?)?;
    used += 1;
    let mut number = Number { text, value, negative, scale: None, other: None };
    let is_word =
        |at: usize, words: &[&str]| matches!(tokens.get(at), Some(Token::Word(word)) if words.contains(&word.as_str()));
    let value_at = |at: usize| tokens.get(at).and_then(plain_number).map(|(text, _)| text);
    if is_word(used, &["point", "points"]) {
        used += 1;
    }
    if tokens.get(used) == Some(&Token::Sign('%')) {
        number.scale = Some("100 %".to_owned());
        return Some((number, used + 1));
    }
    let scale_at = match tokens.get(used) {
        Some(Token::Sign('/')) => Some(used + 1),
        Some(Token::Word(word)) if word == "of" => Some(used + 1),
        Some(Token::Word(word)) if word == "out" && is_word(used + 1, &["of"]) => Some(used + 2),
        _ => None,
    };
    if let Some(at) = scale_at
        && let Some(scale) = value_at(at)
    {
        number.scale = Some(scale.strip_suffix(".0").unwrap_or(&scale).to_owned());
        used = at + 1;
        if is_word(used, &["point", "points"]) {
            used += 1;
        }
        return Some((number, used));
    }
    let joined = match tokens.get(used) {
        Some(Token::Sign('-' | '–' | '—')) => true,
        Some(Token::Word(word)) => word == "to" || word == "or",
        _ => false,
    };
    if joined && let Some(other) = value_at(used + 1) {
        number.other = Some(other);
        used += 2;
    }
    Some((number, used))
}

/// The text and the value of digits, or of a word from zero to ten.
fn plain_number(token: &Token) -> Option<(String, f64)> {
    const WORDS: [&str; 11] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    match token {
        Token::Number(text) => Some((text.clone(), text.parse().ok()?)),
        Token::Word(word) => {
            let value = WORDS.iter().position(|known| known == word)?;
            Some((value.to_string(), value as f64))
        }
        Token::Sign(_) => None,
    }
}

impl Number {
    /// `0 to 5` and `1 to 5` say which scores there are.
    fn names_the_scale(&self) -> bool {
        self.other.as_deref() == Some("5") && self.value <= 1.0
    }
}
