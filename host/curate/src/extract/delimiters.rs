//! Formulas that a page's text holds between delimiters, for MathJax or KaTeX to find when the page is shown.
//!
//! This sees a whole paragraph, after elements within it are gone, as MathJax does. `\(…\)` and `\[…\]` become `$…$` and
//! `$$…$$`; so do `[itex]`, `[math]` and their like. A pair of single dollars is a formula where what it holds looks like
//! one; any other dollar is money, and is escaped where the document has formulas.

/// What a paragraph holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The paragraph with its formulas in dollars.
    pub text: String,
    /// How many formulas there are.
    pub formulas: usize,
    /// Places of dollars that open no formula.
    pub money: Vec<usize>,
}

/// Pairs of delimiters, and whether what they hold is set on lines of its own.
const PAIRS: [(&str, &str, bool); 9] = [
    ("$$", "$$", true),
    ("\\[", "\\]", true),
    ("\\(", "\\)", false),
    ("[itex]", "[/itex]", false),
    ("[math]", "[/math]", true),
    ("[latex]", "[/latex]", false),
    ("[tex]", "[/tex]", true),
    ("[texx]", "[/texx]", false),
    ("`", "`", false),
];

/// Environments that are formulas without delimiters around them.
const ENVIRONMENTS: [&str; 13] = [
    "equation",
    "equation*",
    "align",
    "align*",
    "gather",
    "gather*",
    "multline",
    "multline*",
    "eqnarray",
    "eqnarray*",
    "displaymath",
    "alignat",
    "alignat*",
];

/// Finds the formulas of a paragraph. `asciimath` says that the page reads backquotes as AsciiMath.
pub fn normalise(text: &str, asciimath: bool) -> Found {
    let mut found = Found::default();
    let quoted = asciimath && text.contains('`');
    if !quoted && !text.contains(['\\', '$', '[']) {
        text.clone_into(&mut found.text);
        return found;
    }
    let mut closers = Closers { text, known: [None; PAIRS.len() + ENVIRONMENTS.len()] };
    let mut at = 0;
    while let Some(step) = text[at..].find(['\\', '$', '[', '`']) {
        found.text.push_str(&text[at..at + step]);
        at += step;
        let rest = &text[at..];
        if let Some(formula) = delimited(&mut closers, at, asciimath) {
            let mark = if formula.display { "$$" } else { "$" };
            found.text.push_str(mark);
            found.text.push_str(&formula.tex);
            found.text.push_str(mark);
            found.formulas += 1;
            at = formula.end;
        } else if rest.starts_with("\\$") {
            found.money.push(found.text.len());
            found.text.push('$');
            at += 2;
        } else {
            if rest.starts_with('$') {
                found.money.push(found.text.len());
            }
            // All four are ASCII.
            found.text.push_str(&rest[..1]);
            at += 1;
        }
    }
    found.text.push_str(&text[at..]);
    found
}

struct Formula {
    tex: String,
    display: bool,
    /// Where the text resumes after it.
    end: usize,
}

/// The formula that begins at `at`.
fn delimited(closers: &mut Closers<'_>, at: usize, asciimath: bool) -> Option<Formula> {
    let rest = &closers.text[at..];
    if let Some(name) = rest
        .strip_prefix("\\begin{")
        .and_then(|rest| rest.get(..12.min(rest.len())))
        .and_then(|head| head.split_once('}'))
        .map(|(name, _)| name)
    {
        let which = ENVIRONMENTS.iter().position(|held| *held == name)?;
        let close = format!("\\end{{{name}}}");
        let end = closers.next(at, PAIRS.len() + which, &close)? + close.len();
        let tex = closers.text.get(at..end).filter(|tex| tex.len() < super::formulas::LONGEST)?;
        return Some(Formula { tex: tex.to_owned(), display: true, end });
    }
    for (which, (open, close, display)) in PAIRS.iter().enumerate() {
        let backquote = *open == "`";
        if !rest.starts_with(open) || backquote && !asciimath {
            continue;
        }
        let start = at + open.len();
        let end = closers.next(start, which, close)?;
        let held = closers.text.get(start..end).filter(|held| held.len() < super::formulas::LONGEST)?;
        if held.trim().is_empty() {
            return None;
        }
        let tex = if backquote { super::asciimath::latex(held) } else { held.trim().to_owned() };
        return Some(Formula { tex, display: *display, end: end + close.len() });
    }
    let inner = rest.strip_prefix('$')?;
    let end = closing_dollar(inner)?;
    let held = &inner[..end];
    let formula = looks_like_formula(held, inner[end + 1..].chars().next());
    formula.then(|| Formula { tex: held.trim().to_owned(), display: false, end: at + end + 2 })
}

/// Where delimiters close, each looked for once: a page may open one a million times and never close it.
struct Closers<'a> {
    text: &'a str,
    /// Where each closes next, as far as it was looked for; `Some(None)` if nowhere any more.
    known: [Option<Option<usize>>; PAIRS.len() + ENVIRONMENTS.len()],
}

impl Closers<'_> {
    fn next(&mut self, from: usize, which: usize, close: &str) -> Option<usize> {
        match self.known[which] {
            Some(None) => return None,
            Some(Some(place)) if place >= from => return Some(place),
            _ => {}
        }
        let found = self.text[from..].find(close).map(|place| place + from);
        self.known[which] = Some(found);
        found
    }
}

/// Where the dollar is that closes a formula; an escaped one does not.
fn closing_dollar(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'$' => return Some(at),
            _ if at > 3_000 => return None,
            _ => {}
        }
    }
    None
}

/// Whether what stands between two dollars is a formula and not the text between two prices.
fn looks_like_formula(held: &str, after: Option<char>) -> bool {
    let trimmed = held.trim();
    if trimmed.is_empty() {
        return false;
    }
    if held.contains(['\\', '^', '_', '{']) {
        return true;
    }
    if after.is_some_and(|c| c.is_ascii_digit()) || held.ends_with(' ') != held.starts_with(' ') {
        return false;
    }
    // Words of a sentence are not a formula.
    let words = trimmed.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 2).count();
    if words > 0 {
        return false;
    }
    let letters = trimmed.chars().filter(|c| c.is_alphabetic()).count();
    trimmed.chars().count() <= 60
        && (letters > 0
            || trimmed.contains(['=', '<', '>', '+', '/'])
            || !trimmed.contains(' ') && trimmed.parse::<f64>().is_ok() && !held.contains(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_and_money() {
        let text = |written: &str| normalise(written, false).text;
        assert_eq!(text(r"so \(x+1\) and \[y\]."), "so $x+1$ and $$y$$.");
        assert_eq!(text("from $5 to $10 a day"), "from $5 to $10 a day");
        assert_eq!(normalise("from $5 to $10 a day", false).money, [5, 11]);
        assert_eq!(normalise("let $x$ cost $5", false).formulas, 1);
        assert_eq!(text("[itex]a[/itex]"), "$a$");
        assert_eq!(text(r"\begin{align}a\end{align}"), r"$$\begin{align}a\end{align}$$");
        assert_eq!(normalise("let `x^2` be", true).text, "let $x^{2}$ be");
        assert_eq!(text(r"C:\begin{x} \( unclosed"), r"C:\begin{x} \( unclosed");
    }
}
