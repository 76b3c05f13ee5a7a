//! From AsciiMath to LaTeX, by the grammar on asciimath.org: simple expressions, unary and binary commands, brackets that
//! need not match, fractions by a slash, sub- and superscripts.
//!
//! Depth and length are bounded; what lies deeper is written as it stands.

const DEEPEST: u32 = 60;
const LONGEST: usize = 20_000;

/// The LaTeX of a formula in AsciiMath.
pub fn latex(source: &str) -> String {
    if source.len() > LONGEST {
        return source.to_owned();
    }
    let tokens = tokens(source);
    let mut parser = Parser { tokens: &tokens, at: 0 };
    let mut out = String::new();
    while parser.at < tokens.len() {
        let before = parser.at;
        out.push_str(&parser.expression(0));
        // A closing bracket that opened nowhere.
        if parser.at == before {
            out.push_str(&shown(&tokens[parser.at]));
            parser.at += 1;
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A letter, a number or a sign, as LaTeX.
    Plain(String),
    Open(String),
    Close(String),
    Unary(&'static str),
    Binary(&'static str),
    Quoted(String),
    Slash,
    Under,
    Over,
}

fn shown(token: &Token) -> String {
    match token {
        Token::Plain(text) | Token::Open(text) | Token::Close(text) => format!("{text} "),
        Token::Quoted(text) => format!("\\text{{{text}}}"),
        Token::Unary(command) | Token::Binary(command) => format!("{command} "),
        Token::Slash => "/".into(),
        Token::Under => "_".into(),
        Token::Over => "^".into(),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    /// Up to a closing bracket.
    fn expression(&mut self, depth: u32) -> String {
        let mut out = String::new();
        while let Some(token) = self.peek() {
            if matches!(token, Token::Close(_)) {
                break;
            }
            let part = self.fraction(depth);
            out.push_str(&part);
            out.push(' ');
        }
        out
    }

    fn fraction(&mut self, depth: u32) -> String {
        let top = self.scripted(depth);
        if self.peek() == Some(&Token::Slash) {
            self.at += 1;
            if self.peek().is_none_or(|token| matches!(token, Token::Close(_))) {
                return format!("{}/", top.0);
            }
            let bottom = self.scripted(depth);
            return format!("\\frac{{{}}}{{{}}}", top.1.unwrap_or(top.0).trim(), bottom.1.unwrap_or(bottom.0).trim());
        }
        top.0
    }

    /// A simple expression with its scripts; also without its brackets, where it is nothing but bracketed.
    fn scripted(&mut self, depth: u32) -> (String, Option<String>) {
        let (base, inner) = self.simple(depth);
        let mut out = base;
        let mut scripts = false;
        for mark in [Token::Under, Token::Over] {
            if self.peek() == Some(&mark) {
                self.at += 1;
                let (written, inner) = self.simple(depth);
                let sign = if mark == Token::Under { '_' } else { '^' };
                out = format!("{}{sign}{{{}}}", out.trim_end(), inner.unwrap_or(written).trim());
                scripts = true;
            }
        }
        if scripts { (out, None) } else { (out, inner) }
    }

    fn simple(&mut self, depth: u32) -> (String, Option<String>) {
        let Some(token) = self.peek().cloned() else { return (String::new(), None) };
        self.at += 1;
        if depth > DEEPEST {
            return (shown(&token), None);
        }
        match token {
            Token::Open(open) => {
                let inner = self.expression(depth + 1);
                let close = match self.peek() {
                    Some(Token::Close(close)) => {
                        let close = close.clone();
                        self.at += 1;
                        close
                    }
                    _ => ".".into(),
                };
                if let Some(table) = matrix(&inner, &open, &close) {
                    return (table, None);
                }
                let whole = if open == "." && close == "." {
                    inner.clone()
                } else {
                    format!("\\left{open} {} \\right{close} ", inner.trim())
                };
                (whole, Some(inner))
            }
            Token::Unary(command) => {
                let (written, inner) = self.simple(depth + 1);
                let argument = inner.unwrap_or(written.clone());
                match command {
                    "abs" => (format!("\\left| {} \\right| ", argument.trim()), None),
                    "norm" => (format!("\\left\\| {} \\right\\| ", argument.trim()), None),
                    "floor" => (format!("\\lfloor {} \\rfloor ", argument.trim()), None),
                    "ceil" => (format!("\\lceil {} \\rceil ", argument.trim()), None),
                    // Functions keep their brackets.
                    _ if command.starts_with("f:") => (format!("\\{} {}", &command[2..], written), None),
                    _ => (format!("{command}{{{}}} ", argument.trim()), None),
                }
            }
            Token::Binary(command) => {
                let (first, first_inner) = self.simple(depth + 1);
                let (second, second_inner) = self.simple(depth + 1);
                let (first, second) = (first_inner.unwrap_or(first), second_inner.unwrap_or(second));
                if command == "\\sqrt" {
                    return (format!("\\sqrt[{}]{{{}}} ", first.trim(), second.trim()), None);
                }
                (format!("{command}{{{}}}{{{}}} ", first.trim(), second.trim()), None)
            }
            other => (shown(&other), None),
        }
    }
}

/// `[[a, b], [c, d]]` is a matrix.
fn matrix(inner: &str, open: &str, close: &str) -> Option<String> {
    let trimmed = inner.trim();
    let (left, right) = ["(", "["].iter().find_map(|bracket| {
        let end = if *bracket == "(" { ")" } else { "]" };
        let (left, right) = (format!("\\left{bracket} "), format!("\\right{end}"));
        (trimmed.starts_with(&left) && trimmed.ends_with(&right)).then_some((left, right))
    })?;
    let rows: Vec<&str> = trimmed
        .split(&right)
        .map(|row| row.trim().trim_start_matches(',').trim())
        .filter(|row| !row.is_empty())
        .collect();
    if rows.len() < 2 || !rows.iter().all(|row| row.starts_with(&left)) {
        return None;
    }
    let cells: Vec<String> =
        rows.iter().map(|row| row[left.len()..].split(',').map(str::trim).collect::<Vec<_>>().join(" & ")).collect();
    let columns = cells[0].matches('&').count();
    if !cells.iter().all(|row| row.matches('&').count() == columns) {
        return None;
    }
    Some(format!("\\left{open} \\begin{{matrix}} {} \\end{{matrix}} \\right{close} ", cells.join(" \\\\ ")))
}

fn tokens(source: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        if first == '"' {
            let inner = &rest[1..];
            let end = inner.find('"').unwrap_or(inner.len());
            out.push(Token::Quoted(inner[..end].to_owned()));
            rest = inner.get(end + 1..).unwrap_or("");
            continue;
        }
        if let Some(argument) = rest.strip_prefix("text(").or_else(|| rest.strip_prefix("mbox(")) {
            let end = argument.find(')').unwrap_or(argument.len());
            out.push(Token::Quoted(argument[..end].to_owned()));
            rest = argument.get(end + 1..).unwrap_or("");
            continue;
        }
        if first.is_ascii_digit() {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
            out.push(Token::Plain(rest[..end].to_owned()));
            rest = &rest[end..];
            continue;
        }
        if let Some((word, token)) =
            WORDS.iter().filter(|(word, _)| rest.starts_with(word)).max_by_key(|(word, _)| word.len())
        {
            out.push(match *token {
                Word::Sign(latex) => Token::Plain(latex.to_owned()),
                Word::Unary(latex) => Token::Unary(latex),
                Word::Binary(latex) => Token::Binary(latex),
                Word::Open(latex) => Token::Open(latex.to_owned()),
                Word::Close(latex) => Token::Close(latex.to_owned()),
                Word::Slash => Token::Slash,
                Word::Under => Token::Under,
                Word::Over => Token::Over,
            });
            rest = &rest[word.len()..];
            continue;
        }
        out.push(Token::Plain(super::symbols::latex(first).map_or_else(|| first.to_string(), str::to_owned)));
        rest = &rest[first.len_utf8()..];
    }
    out
}

#[derive(Clone, Copy)]
enum Word {
    Sign(&'static str),
    Unary(&'static str),
    Binary(&'static str),
    Open(&'static str),
    Close(&'static str),
    Slash,
    Under,
    Over,
}

use Word::{Binary as B, Close as C, Open as O, Sign as S, Unary as U};

const WORDS: &[(&str, Word)] = &[
    ("/", Word::Slash),
    ("_", Word::Under),
    ("^", Word::Over),
    ("//", S("/")),
    ("(", O("(")),
    ("[", O("[")),
    ("{", O("\\{")),
    ("(:", O("\\langle")),
    ("<<", O("\\langle")),
    ("{:", O(".")),
    (")", C(")")),
    ("]", C("]")),
    ("}", C("\\}")),
    (":)", C("\\rangle")),
    (">>", C("\\rangle")),
    (":}", C(".")),
    ("sqrt", U("\\sqrt")),
    ("abs", U("abs")),
    ("norm", U("norm")),
    ("floor", U("floor")),
    ("ceil", U("ceil")),
    ("hat", U("\\hat")),
    ("bar", U("\\overline")),
    ("vec", U("\\vec")),
    ("dot", U("\\dot")),
    ("ddot", U("\\ddot")),
    ("tilde", U("\\tilde")),
    ("ul", U("\\underline")),
    ("underline", U("\\underline")),
    ("ubrace", U("\\underbrace")),
    ("obrace", U("\\overbrace")),
    ("cancel", U("\\cancel")),
    ("bb", U("\\mathbf")),
    ("bbb", U("\\mathbb")),
    ("cc", U("\\mathcal")),
    ("fr", U("\\mathfrak")),
    ("sf", U("\\mathsf")),
    ("tt", U("\\mathtt")),
    ("frac", B("\\frac")),
    ("root", B("\\sqrt")),
    ("stackrel", B("\\overset")),
    ("overset", B("\\overset")),
    ("underset", B("\\underset")),
    ("sin", U("f:sin")),
    ("cos", U("f:cos")),
    ("tan", U("f:tan")),
    ("sinh", U("f:sinh")),
    ("cosh", U("f:cosh")),
    ("tanh", U("f:tanh")),
    ("cot", U("f:cot")),
    ("sec", U("f:sec")),
    ("csc", U("f:csc")),
    ("arcsin", U("f:arcsin")),
    ("arccos", U("f:arccos")),
    ("arctan", U("f:arctan")),
    ("coth", U("f:coth")),
    ("exp", U("f:exp")),
    ("log", U("f:log")),
    ("ln", U("f:ln")),
    ("det", U("f:det")),
    ("gcd", U("f:gcd")),
    ("sech", U("f:operatorname{sech}")),
    ("csch", U("f:operatorname{csch}")),
    ("lcm", U("f:operatorname{lcm}")),
    ("lim", S("\\lim")),
    ("dim", S("\\dim")),
    ("mod", S("\\bmod")),
    ("min", S("\\min")),
    ("max", S("\\max")),
    ("sum", S("\\sum")),
    ("prod", S("\\prod")),
    ("int", S("\\int")),
    ("oint", S("\\oint")),
    ("del", S("\\partial")),
    ("grad", S("\\nabla")),
    ("+-", S("\\pm")),
    ("-+", S("\\mp")),
    ("O/", S("\\emptyset")),
    ("oo", S("\\infty")),
    ("aleph", S("\\aleph")),
    ("...", S("\\ldots")),
    (":.", S("\\therefore")),
    (":'", S("\\because")),
    ("/_", S("\\angle")),
    ("/_\\", S("\\triangle")),
    ("'", S("'")),
    ("prime", S("'")),
    ("quad", S("\\quad")),
    ("qquad", S("\\qquad")),
    ("cdots", S("\\cdots")),
    ("vdots", S("\\vdots")),
    ("ddots", S("\\ddots")),
    ("diamond", S("\\diamond")),
    ("square", S("\\square")),
    ("|__", S("\\lfloor")),
    ("__|", S("\\rfloor")),
    ("|~", S("\\lceil")),
    ("~|", S("\\rceil")),
    ("CC", S("\\mathbb{C}")),
    ("NN", S("\\mathbb{N}")),
    ("QQ", S("\\mathbb{Q}")),
    ("RR", S("\\mathbb{R}")),
    ("ZZ", S("\\mathbb{Z}")),
    ("and", S("\\text{ and }")),
    ("or", S("\\text{ or }")),
    ("not", S("\\neg")),
    ("=>", S("\\Rightarrow")),
    ("if", S("\\text{ if }")),
    ("<=>", S("\\Leftrightarrow")),
    ("AA", S("\\forall")),
    ("EE", S("\\exists")),
    ("_|_", S("\\bot")),
    ("TT", S("\\top")),
    ("|--", S("\\vdash")),
    ("|==", S("\\models")),
    ("uarr", S("\\uparrow")),
    ("darr", S("\\downarrow")),
    ("rarr", S("\\rightarrow")),
    ("->", S("\\to")),
    ("|->", S("\\mapsto")),
    ("larr", S("\\leftarrow")),
    ("harr", S("\\leftrightarrow")),
    ("rArr", S("\\Rightarrow")),
    ("lArr", S("\\Leftarrow")),
    ("hArr", S("\\Leftrightarrow")),
    (">->", S("\\rightarrowtail")),
    ("->>", S("\\twoheadrightarrow")),
    ("*", S("\\cdot")),
    ("**", S("\\ast")),
    ("***", S("\\star")),
    ("xx", S("\\times")),
    ("-:", S("\\div")),
    ("|><", S("\\ltimes")),
    ("><|", S("\\rtimes")),
    ("@", S("\\circ")),
    ("o+", S("\\oplus")),
    ("ox", S("\\otimes")),
    ("o.", S("\\odot")),
    ("^^", S("\\wedge")),
    ("^^^", S("\\bigwedge")),
    ("vv", S("\\vee")),
    ("vvv", S("\\bigvee")),
    ("nn", S("\\cap")),
    ("nnn", S("\\bigcap")),
    ("uu", S("\\cup")),
    ("uuu", S("\\bigcup")),
    ("!=", S("\\ne")),
    (":=", S(":=")),
    ("lt", S("<")),
    ("<=", S("\\le")),
    ("lt=", S("\\le")),
    ("le", S("\\le")),
    ("gt", S(">")),
    (">=", S("\\ge")),
    ("gt=", S("\\ge")),
    ("ge", S("\\ge")),
    ("-<", S("\\prec")),
    (">-", S("\\succ")),
    ("in", S("\\in")),
    ("!in", S("\\notin")),
    ("sub", S("\\subset")),
    ("sup", S("\\supset")),
    ("sube", S("\\subseteq")),
    ("supe", S("\\supseteq")),
    ("-=", S("\\equiv")),
    ("~=", S("\\cong")),
    ("~~", S("\\approx")),
    ("~", S("\\sim")),
    ("prop", S("\\propto")),
    ("alpha", S("\\alpha")),
    ("beta", S("\\beta")),
    ("chi", S("\\chi")),
    ("delta", S("\\delta")),
    ("Delta", S("\\Delta")),
    ("epsilon", S("\\epsilon")),
    ("epsi", S("\\epsilon")),
    ("varepsilon", S("\\varepsilon")),
    ("eta", S("\\eta")),
    ("gamma", S("\\gamma")),
    ("Gamma", S("\\Gamma")),
    ("iota", S("\\iota")),
    ("kappa", S("\\kappa")),
    ("lambda", S("\\lambda")),
    ("Lambda", S("\\Lambda")),
    ("mu", S("\\mu")),
    ("nu", S("\\nu")),
    ("omega", S("\\omega")),
    ("Omega", S("\\Omega")),
    ("phi", S("\\phi")),
    ("varphi", S("\\varphi")),
    ("Phi", S("\\Phi")),
    ("pi", S("\\pi")),
    ("Pi", S("\\Pi")),
    ("psi", S("\\psi")),
    ("Psi", S("\\Psi")),
    ("rho", S("\\rho")),
    ("sigma", S("\\sigma")),
    ("Sigma", S("\\Sigma")),
    ("tau", S("\\tau")),
    ("theta", S("\\theta")),
    ("vartheta", S("\\vartheta")),
    ("Theta", S("\\Theta")),
    ("upsilon", S("\\upsilon")),
    ("xi", S("\\xi")),
    ("Xi", S("\\Xi")),
    ("zeta", S("\\zeta")),
];

#[cfg(test)]
mod tests {
    use super::latex;

    #[test]
    fn the_examples_of_the_grammar() {
        let rows = [
            ("x^2+y_1", "x^{2} + y_{1}"),
            ("(a+b)/c", "\\frac{a + b}{c}"),
            ("sqrt x", "\\sqrt{x}"),
            ("sqrt(x+1)", "\\sqrt{x + 1}"),
            ("root(3)(x)", "\\sqrt[3]{x}"),
            ("sum_(i=1)^n i^3", "\\sum_{i = 1}^{n} i^{3}"),
            ("alpha <= oo", "\\alpha \\le \\infty"),
            ("[[a,b],[c,d]]", "\\left[ \\begin{matrix} a & b \\\\ c & d \\end{matrix} \\right]"),
            ("\"if \" x", "\\text{if } x"),
            ("sin(x)", "\\sin \\left( x \\right)"),
            ("x)", "x )"),
            ("(x", "\\left( x \\right."),
        ];
        for (source, wanted) in rows {
            assert_eq!(latex(source), wanted, "{source}");
        }
        assert!(latex(&"(".repeat(10_000)).len() < 200_000);
    }
}
