//! The formulas of a text, each written in one way.

/// Shortest formula, in characters once it is written in one way, that says something: `x` alone does not.
const SHORTEST: usize = 3;

/// What opens a formula, and what closes it. The longer come first.
const DELIMITERS: [(&str, &str); 4] = [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")];

/// Calls `found` with each formula between TeX's delimiters that says more than a letter, written in one way.
pub(crate) fn each(text: &str, mut found: impl FnMut(&str)) {
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        rest = &rest[at..];
        let opened = DELIMITERS.iter().find(|(open, _)| rest.starts_with(open));
        let Some((open, close)) = opened else {
            // Another command, or an escaped sign.
            rest = after_characters(rest, 2);
            continue;
        };
        let inside = &rest[open.len()..];
        match end(inside, close) {
            Some(end) => {
                let formula = in_one_way(&inside[..end]);
                if formula.chars().count() >= SHORTEST && !formula.chars().all(char::is_alphabetic) {
                    found(&formula);
                }
                rest = &inside[end + close.len()..];
            }
            // A sign that opens nothing, such as that of a currency.
            None => rest = inside,
        }
    }
}

/// Where a formula closes. One between single signs stays within its line, and neither begins nor ends with a blank.
fn end(inside: &str, close: &str) -> Option<usize> {
    if close != "$" {
        return inside.find(close);
    }
    let line = inside.split('\n').next().unwrap_or_default();
    let mut from = 0;
    loop {
        let at = from + line[from..].find('$')?;
        if line[..at].ends_with('\\') {
            from = at + 1;
            continue;
        }
        let formula = &line[..at];
        let tight =
            !formula.is_empty() && !formula.starts_with(char::is_whitespace) && !formula.ends_with(char::is_whitespace);
        return tight.then_some(at);
    }
}

fn after_characters(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or("", |(place, _)| &text[place..])
}

/// Commands that only change how a formula looks.
const LOOKS: [&str; 16] = [
    "\\displaystyle",
    "\\textstyle",
    "\\limits",
    "\\left",
    "\\right",
    "\\bigl",
    "\\bigr",
    "\\Bigl",
    "\\Bigr",
    "\\qquad",
    "\\quad",
    "\\,",
    "\\;",
    "\\!",
    "\\:",
    "\\ ",
];

/// A formula without blanks and without what only changes its looks: of `\dfrac` and `\frac` one is left, and braces
/// around a single character go, as does the punctuation of the sentence around it.
pub(crate) fn in_one_way(formula: &str) -> String {
    let mut rest = formula;
    let mut plain = String::with_capacity(formula.len());
    while let Some(character) = rest.chars().next() {
        // A command goes whole only: `\left` is not the start of `\leftarrow`.
        let whole = |command: &&&str| {
            rest.strip_prefix(**command).is_some_and(|after| {
                !command.ends_with(|last: char| last.is_ascii_alphabetic())
                    || !after.starts_with(|next: char| next.is_ascii_alphabetic())
            })
        };
        if character == '\\' {
            if let Some(command) = LOOKS.iter().find(whole) {
                rest = &rest[command.len()..];
                continue;
            }
            if let Some(after) =
                ["\\dfrac", "\\tfrac", "\\cfrac"].iter().find_map(|fraction| rest.strip_prefix(fraction))
            {
                plain.push_str("\\frac");
                rest = after;
                continue;
            }
        }
        let mut next = rest[character.len_utf8()..].chars();
        if character == '{'
            && let (Some(single), Some('}')) = (next.next(), next.next())
            && single.is_alphanumeric()
        {
            plain.push(single);
            rest = &rest[2 + single.len_utf8()..];
            continue;
        }
        if !character.is_whitespace() {
            plain.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    let end = plain.trim_end_matches(['.', ',', ';']).len();
    plain.truncate(end);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formulas(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each(text, |formula| all.push(formula.to_owned()));
        all
    }

    #[test]
    fn formulas_are_found_between_their_delimiters() {
        assert_eq!(
            formulas("So $a+b$, \\(c + d\\) and\n$$e\n= f.$$ then \\[g^{2} = h\\]"),
            ["a+b", "c+d", "e=f", "g^2=h"]
        );
    }

    #[test]
    fn money_single_letters_and_escaped_signs_are_no_formulas() {
        assert_eq!(formulas("It costs $5 or $6. Let $x$ and $n$ be."), Vec::<String>::new());
        assert_eq!(formulas("\\$5 and \\alpha and $a\\$b = 3$"), ["a\\$b=3"]);
        assert_eq!(formulas("$ a + b $ and $unclosed"), Vec::<String>::new());
        assert_eq!(formulas("$$unclosed + 1"), Vec::<String>::new());
    }

    #[test]
    fn what_only_changes_the_looks_goes() {
        for (one, other) in [
            ("\\dfrac{1}{2}", "\\frac 12"),
            ("\\left( x \\right)^{2}", "(x)^2"),
            ("\\displaystyle\\sum\\limits_{i} a_{i}\\,,", "\\sum_i a_i"),
        ] {
            assert_eq!(in_one_way(one), in_one_way(other));
        }
        assert_eq!(in_one_way("x \\leftarrow \\frac{10}{n}"), "x\\leftarrow\\frac{10}n");
    }
}
