//! The tokens that texts are compared by: words, numbers and the signs of relations, whatever marks stand around them.
//!
//! decon splits by the BPE vocabulary cl100k. That would make a decision depend on a vocabulary of 100,000 entries that
//! has nothing to do with the model that is trained, splits one formula differently after a blank, and is the slowest
//! step. The tokens here need no data, and what is written the same way in TeX, in Unicode and between other delimiters
//! gives the same tokens:
//!
//! - letters in lower case without their marks, by Unicode's compatibility decomposition; an ideograph or a kana alone;
//! - digits as one number, without the commas of thousands: `1,234.5` is `1234.5`;
//! - `=`, `+`, `<` and `>`; `\ne`, `\le` and `\ge` as words;
//! - a TeX command by its name, as is a letter of Greek that stands alone, so `\pi`, `π` and `pi` are one token.
//!
//! Left out are all other signs, among them delimiters, braces, `^` and `_`, everything that is typed for a minus or a
//! product, commands that only change how a formula looks, and the sums between `<<` and `>>` in solutions of GSM8K.

use twox_hash::XxHash64;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// The longest token, in bytes of what is compared; the rest of a longer run of letters or digits is left out.
const LONGEST: usize = 256;
/// The longest sum between `<<` and `>>`.
const LONGEST_SUM: usize = 80;

/// A token: what it is compared by, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// XXH64 of the token's normal form.
    pub hash: u64,
    /// Its first byte in the text.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
    /// Whether it is a word of a language: at least three letters, so that the products `ac` and `dx` are none, and
    /// neither a TeX command nor the name of a function.
    pub is_word: bool,
}

/// The tokens of a text in order. Of a text over 4 GiB only the beginning is looked at.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut scan = Scan { text, bytes: text.as_bytes(), at: 0, form: Vec::new(), tokens: Vec::new() };
    scan.tokens.reserve(text.len() / 6);
    let end = text.len().min(u32::MAX as usize);
    while scan.at < end {
        scan.next();
    }
    scan.tokens
}

/// The hash of a gram, of the hashes of its tokens in order.
pub(super) fn gram(tokens: impl IntoIterator<Item = u64>) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    for token in tokens {
        // A rotation and a product per token; the tokens' own hashes are spread evenly already.
        state = (state.rotate_left(23) ^ token).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
    state ^ (state >> 32)
}

/// The hashes of all grams of `n` tokens, in order.
pub(super) fn grams(tokens: &[Token], n: usize) -> impl Iterator<Item = u64> {
    tokens.windows(n).map(|gram_tokens| gram(gram_tokens.iter().map(|token| token.hash)))
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    form: Vec<u8>,
    tokens: Vec<Token>,
}

impl Scan<'_> {
    fn next(&mut self) {
        let byte = self.bytes[self.at];
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => self.letters(),
            b'0'..=b'9' => self.number(),
            b'\\' => self.command(),
            b'<' if self.sum() => {}
            b'=' | b'+' | b'<' | b'>' => {
                self.form.push(byte);
                let start = self.at;
                self.at += 1;
                self.push(start, false);
            }
            0..=0x7F => self.at += 1,
            _ => self.other(),
        }
    }

    fn push(&mut self, start: usize, is_word: bool) {
        if !self.form.is_empty() {
            self.form.truncate(LONGEST);
            let hash = XxHash64::oneshot(0, &self.form);
            self.tokens.push(Token { hash, start: start as u32, end: self.at as u32, is_word });
            self.form.clear();
        }
    }

    fn char(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    /// A run of letters, the first of which is at hand.
    fn letters(&mut self) {
        let start = self.at;
        let mut letters = 0;
        loop {
            let rest = &self.bytes[self.at..];
            let run = rest.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
            let of_form = run.min(LONGEST.saturating_sub(self.form.len()));
            self.form.extend(rest[..of_form].iter().map(u8::to_ascii_lowercase));
            self.at += run;
            letters += run;
            if rest.get(run).is_none_or(u8::is_ascii) {
                break;
            }
            let Some(c) = self.char() else { break };
            if is_combining_mark(c) || c == '\u{AD}' || c == '\u{200D}' {
                self.at += c.len_utf8();
            } else if c.is_alphabetic() && !stands_alone(c) && as_command(c).is_none() {
                if self.form.len() < LONGEST {
                    self.normal_form(c);
                }
                self.at += c.len_utf8();
                letters += 1;
            } else {
                break;
            }
        }
        let is_word = letters > 2 && !is_function(&self.form);
        self.push(start, is_word);
    }

    /// A number with its decimals; commas between groups of three digits are left out.
    fn number(&mut self) {
        let start = self.at;
        let digit = |scan: &Scan<'_>, at: usize| scan.bytes.get(at).is_some_and(u8::is_ascii_digit);
        let mut decimals = false;
        loop {
            match self.bytes.get(self.at) {
                Some(byte @ b'0'..=b'9') => self.form.push(*byte),
                Some(b'.') if !decimals && digit(self, self.at + 1) => {
                    decimals = true;
                    self.form.push(b'.');
                }
                Some(b',')
                    if !decimals && (1..=3).all(|ahead| digit(self, self.at + ahead)) && !digit(self, self.at + 4) => {}
                _ => break,
            }
            self.at += 1;
            self.form.truncate(LONGEST);
        }
        self.push(start, false);
    }

    /// Passes over `<<48/2=24>>`.
    fn sum(&mut self) -> bool {
        let rest = &self.bytes[self.at..self.bytes.len().min(self.at + LONGEST_SUM)];
        let Some(inside) = rest.strip_prefix(b"<<") else { return false };
        let Some(length) = inside.windows(2).position(|pair| pair == b">>") else { return false };
        if !inside[..length].contains(&b'=') || inside[..length].contains(&b'\n') {
            return false;
        }
        self.at += length + 4;
        true
    }

    fn command(&mut self) {
        let start = self.at;
        self.at += 1;
        let name = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_alphabetic) {
            self.at += 1;
        }
        let (text, end) = (self.text, self.at);
        match &text[name..end] {
            // An escaped sign, a blank or a delimiter: what is not ASCII is looked at by itself.
            "" => self.at += usize::from(self.bytes.get(end).is_some_and(u8::is_ascii)),
            "begin" | "end" => self.environment(),
            name if is_layout(name) => {}
            name => {
                self.form.extend_from_slice(synonym(name).as_bytes());
                self.push(start, false);
            }
        }
    }

    /// Passes over the `{align*}` after `\begin`.
    fn environment(&mut self) {
        let rest = &self.bytes[self.at..self.bytes.len().min(self.at + 40)];
        if rest.first() == Some(&b'{')
            && let Some(length) = rest.iter().position(|byte| *byte == b'}')
            && rest[1..length].iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'*')
        {
            self.at += length + 1;
        }
    }

    /// What is not ASCII.
    fn other(&mut self) {
        let start = self.at;
        let Some(c) = self.char() else {
            self.at += 1;
            return;
        };
        if let Some(name) = as_command(c) {
            let after = self.text[start + c.len_utf8()..].chars().next();
            let before = self.text[..start].chars().next_back();
            let is_greek = |c: Option<char>| c.is_some_and(|c| ('\u{370}'..'\u{400}').contains(&c));
            if c.is_alphabetic() && (is_greek(after) || is_greek(before)) {
                self.greek();
                return;
            }
            self.form.extend_from_slice(name.as_bytes());
            self.at += c.len_utf8();
            self.push(start, false);
        } else if stands_alone(c) {
            self.normal_form(c);
            self.at += c.len_utf8();
            self.push(start, true);
        } else if c.is_alphabetic() {
            self.letters();
        } else if c.is_numeric() {
            self.normal_form(c);
            // Halves and the like are digits with a stroke between them.
            self.form.retain(u8::is_ascii_digit);
            self.at += c.len_utf8();
            self.push(start, false);
        } else {
            self.at += c.len_utf8();
        }
    }

    /// A word of Greek, whose letters are no signs.
    fn greek(&mut self) {
        let start = self.at;
        while let Some(c) = self.char().filter(|c| ('\u{370}'..'\u{400}').contains(c) || is_combining_mark(*c)) {
            self.normal_form(c);
            self.at += c.len_utf8();
        }
        self.push(start, true);
    }

    fn normal_form(&mut self, c: char) {
        let form = &mut self.form;
        decompose_compatible(c, |part| {
            if !is_combining_mark(part) {
                for lower in part.to_lowercase().filter(|lower| !is_combining_mark(*lower)) {
                    let mut buffer = [0; 4];
                    form.extend_from_slice(lower.encode_utf8(&mut buffer).as_bytes());
                }
            }
        });
    }
}

/// Functions whose names are written without a backslash too.
fn is_function(form: &[u8]) -> bool {
    matches!(
        form,
        b"sin"
            | b"cos"
            | b"tan"
            | b"cot"
            | b"sec"
            | b"csc"
            | b"log"
            | b"exp"
            | b"lim"
            | b"sqrt"
            | b"gcd"
            | b"mod"
            | b"det"
    )
}

/// Whether a letter is a token of its own: scripts that put no blank between words.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{E00}'..='\u{E7F}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Commands that change how a formula looks and not what it says, or that stand for a stroke or a product.
fn is_layout(name: &str) -> bool {
    matches!(
        name,
        "left"
            | "right"
            | "middle"
            | "big"
            | "Big"
            | "bigg"
            | "Bigg"
            | "bigl"
            | "bigr"
            | "Bigl"
            | "Bigr"
            | "biggl"
            | "biggr"
            | "Biggl"
            | "Biggr"
            | "displaystyle"
            | "textstyle"
            | "scriptstyle"
            | "limits"
            | "nolimits"
            | "quad"
            | "qquad"
            | "text"
            | "textrm"
            | "textbf"
            | "textit"
            | "mathrm"
            | "mathbf"
            | "mathit"
            | "mathsf"
            | "boldsymbol"
            | "bm"
            | "mbox"
            | "hbox"
            | "operatorname"
            | "frac"
            | "dfrac"
            | "tfrac"
            | "cfrac"
            | "over"
            | "times"
            | "cdot"
            | "ast"
            | "div"
            | "ldots"
            | "dots"
            | "cdots"
            | "hspace"
            | "vspace"
            | "phantom"
            | "label"
            | "nonumber"
            | "notag"
            | "hline"
            | "boxed"
            | "rm"
            | "bf"
            | "it"
            | "cal"
            | "lvert"
            | "rvert"
            | "vert"
            | "mid"
            | "lbrace"
            | "rbrace"
            | "lbrack"
            | "rbrack"
            | "thinspace"
            | "space"
            | "prime"
    )
}

/// One name of commands that show the same.
fn synonym(name: &str) -> &str {
    match name {
        "leq" | "leqslant" => "le",
        "geq" | "geqslant" => "ge",
        "neq" => "ne",
        "lt" => "<",
        "gt" => ">",
        "rightarrow" | "longrightarrow" => "to",
        "degree" | "degrees" => "circ",
        "varepsilon" => "epsilon",
        "varphi" => "phi",
        "vartheta" => "theta",
        name => name,
    }
}

/// The TeX command that shows `c`.
fn as_command(c: char) -> Option<&'static str> {
    Some(match c {
        'α' => "alpha",
        'β' => "beta",
        'γ' => "gamma",
        'δ' => "delta",
        'ε' | 'ϵ' => "epsilon",
        'ζ' => "zeta",
        'η' => "eta",
        'θ' | 'ϑ' => "theta",
        'ι' => "iota",
        'κ' => "kappa",
        'λ' => "lambda",
        'μ' | 'µ' => "mu",
        'ν' => "nu",
        'ξ' => "xi",
        'π' => "pi",
        'ρ' => "rho",
        'σ' => "sigma",
        'τ' => "tau",
        'υ' => "upsilon",
        'φ' | 'ϕ' => "phi",
        'χ' => "chi",
        'ψ' => "psi",
        'ω' => "omega",
        'Γ' => "Gamma",
        'Δ' | '∆' => "Delta",
        'Θ' => "Theta",
        'Λ' => "Lambda",
        'Π' | '∏' => "prod",
        'Σ' | '∑' => "sum",
        'Φ' => "Phi",
        'Ψ' => "Psi",
        'Ω' => "Omega",
        '≤' | '⩽' => "le",
        '≥' | '⩾' => "ge",
        '≠' => "ne",
        '±' => "pm",
        '√' => "sqrt",
        '∞' => "infty",
        '∈' => "in",
        '∫' => "int",
        '∪' => "cup",
        '∩' => "cap",
        '⊂' => "subset",
        '→' => "to",
        '°' => "circ",
        '≡' => "equiv",
        '≈' => "approx",
        '∠' => "angle",
        '△' => "triangle",
        '＝' => "=",
        '＋' => "+",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(text: &str) -> Vec<u64> {
        tokens(text).iter().map(|token| token.hash).collect()
    }

    fn shown(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| &text[token.start as usize..token.end as usize]).collect()
    }

    #[test]
    fn what_is_written_in_other_ways_gives_the_same_tokens() {
        for (one, other) in [
            ("Let $x^{2}+1\\leq y$.", "let x² + 1 ≤ y"),
            (r"\[\frac{1}{2}\cdot\pi r^2\]", "1/2 * π r2"),
            (r"$\dfrac{a}{b}$", r"\( \frac{a}{ b } \)"),
            (r"\left( x , y \right)", "(x,y)"),
            ("Janet’s café earned $1,234.50 — twice", "janet's cafe\u{301} earned 1234.50 - twice"),
            ("48/2 = <<48/2=24>>24 clips", "48/2 = 24 clips"),
            (r"\begin{align*} x&=1\\y&=2 \end{align*}", "x = 1, y = 2"),
            (r"30^\circ", "30°"),
            ("well-known", "well known"),
            ("５ ｋｍ", "5 km"),
            ("  a\u{a0}\n\tb ", "a b"),
        ] {
            assert_eq!(hashes(one), hashes(other), "{one:?} {other:?}\n{:?}\n{:?}", shown(one), shown(other));
        }
    }

    #[test]
    fn what_says_something_else_gives_other_tokens() {
        for (one, other) in [("x = 1", "x + 1"), ("3.14", "314"), ("12 3", "123"), ("x < y", "x > y"), ("cat", "cut")] {
            assert_ne!(hashes(one), hashes(other), "{one:?} {other:?}");
        }
        assert_eq!(hashes("x1"), hashes("x_1"));
    }

    #[test]
    fn tokens_know_their_places_and_what_is_a_word() {
        assert_eq!(
            shown("Sum of 1,234 and 5,67: x²≥\\pi, 数学 ok"),
            ["Sum", "of", "1,234", "and", "5", "67", "x", "²", "≥", "\\pi", "数", "学", "ok"]
        );
        let words: Vec<bool> = tokens("Find x ab sin πολύ \\sqrt 数 12").iter().map(|token| token.is_word).collect();
        assert_eq!(words, [true, false, false, false, true, false, true, false]);
    }

    #[test]
    fn odd_texts_are_read_to_their_end() {
        for text in [
            "",
            "\\",
            "\\é",
            "<<",
            "<<1=",
            "1,",
            "1.",
            "\\begin",
            "\\begin{",
            "\u{301}",
            "\0",
            "½",
            "1,234,5",
            "\\begin{é}",
        ] {
            tokens(text);
        }
        assert_eq!(tokens(&"a".repeat(100_000)).len(), 1);
        assert_eq!(tokens(&"9".repeat(100_000)).len(), 1);
        assert_eq!(hashes("½"), hashes("12"));
    }

    #[test]
    fn a_gram_depends_on_the_order_of_its_tokens() {
        let of = |text: &str| grams(&tokens(text), 3).collect::<Vec<_>>();
        assert_ne!(of("a b c"), of("a c b"));
        assert_eq!(of("A, b: c"), of("a b c"));
        assert_eq!(of("a b"), [] as [u64; 0]);
    }
}
