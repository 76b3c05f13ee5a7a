//! Where the formulas of a text stand: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`, and environments of displayed mathematics.

use std::ops::Range;

/// Longest formula between single dollars, in bytes: beyond it, the dollars are prices of some kind.
const LONGEST_INLINE: usize = 1_000;
/// Longest formula otherwise, in bytes.
const LONGEST_DISPLAY: usize = 20_000;

/// After so many environments that are not formulas, none is looked for: each costs reading up to the longest formula.
const MOST_OPEN: u32 = 1_000;

/// Environments that are formulas without any delimiter around them.
const ENVIRONMENTS: [&str; 12] = [
    "align",
    "align*",
    "alignat",
    "alignat*",
    "aligned",
    "eqnarray",
    "eqnarray*",
    "equation",
    "equation*",
    "gather",
    "gather*",
    "multline",
];

/// The formulas of a text with their delimiters, in order; none lies within another.
///
/// A dollar begins a formula where what follows is not white space, and ends it where no white space stands before it and no
/// digit after it, within one paragraph. So "from $5 to $10" has no formula. `\$` is a dollar.
pub fn formulas(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    // Where a closing delimiter was looked for in vain, so that many openings do not each read the whole text.
    let mut hopeless = Hopeless::default();
    while let Some(start) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'$' | b'\\'))) {
        let start = at + start;
        let end = match (bytes.get(start), bytes.get(start + 1)) {
            (Some(b'$'), Some(b'$')) => closing(text, start + 2, "$$", &mut hopeless.dollars),
            (Some(b'$'), _) => inline(bytes, start + 1),
            (_, Some(b'(')) => closing(text, start + 2, "\\)", &mut hopeless.round),
            (_, Some(b'[')) => closing(text, start + 2, "\\]", &mut hopeless.square),
            (_, Some(b'b')) if hopeless.environments < MOST_OPEN => {
                let end = environment(text, start);
                hopeless.environments += u32::from(end.is_none());
                end
            }
            _ => None,
        };
        match end {
            Some(end) => {
                found.push(start..end);
                at = end;
            }
            // The character after a backslash is escaped; a dollar that begins nothing is passed alone.
            None if bytes.get(start) == Some(&b'\\') => at = start + 2,
            None => at = start + 1,
        }
    }
    found
}

/// From which place on a delimiter is known not to occur.
#[derive(Default)]
struct Hopeless {
    dollars: Option<usize>,
    round: Option<usize>,
    square: Option<usize>,
    /// Environments that were not closed, or are none of mathematics.
    environments: u32,
}

fn closing(text: &str, from: usize, delimiter: &str, hopeless: &mut Option<usize>) -> Option<usize> {
    if hopeless.is_some() {
        return None;
    }
    match text.get(from..)?.find(delimiter) {
        Some(length) if length > 0 && length <= LONGEST_DISPLAY => Some(from + length + delimiter.len()),
        Some(_) => None,
        None => {
            *hopeless = Some(from);
            None
        }
    }
}

fn inline(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.get(from).is_none_or(u8::is_ascii_whitespace) {
        return None;
    }
    let mut at = from;
    while let Some(byte) = bytes.get(at)
        && at - from <= LONGEST_INLINE
    {
        match byte {
            b'\\' => at += 1,
            b'$' => {
                let before = bytes.get(at - 1).is_some_and(|byte| !byte.is_ascii_whitespace());
                let after = bytes.get(at + 1).is_none_or(|byte| !byte.is_ascii_digit());
                return (before && after).then_some(at + 1);
            }
            b'\n' if bytes.get(at + 1) == Some(&b'\n') => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

fn environment(text: &str, start: usize) -> Option<usize> {
    let name = text.get(start..)?.strip_prefix("\\begin{")?;
    let name = name.get(..name.find('}').filter(|end| *end <= 10)?)?;
    if !ENVIRONMENTS.contains(&name) {
        return None;
    }
    let mut most = (start + LONGEST_DISPLAY).min(text.len());
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    let end = format!("\\end{{{name}}}");
    text.get(start..most)?.find(&end).map(|length| start + length + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        formulas(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn formulas_are_found_in_every_delimiter() {
        assert_eq!(
            found("Let $x$ and $$y\n= 2$$ with \\(z\\) or \\[w\\]."),
            ["$x$", "$$y\n= 2$$", "\\(z\\)", "\\[w\\]"]
        );
        assert_eq!(found("so \\begin{align}a&=b\\end{align}!"), ["\\begin{align}a&=b\\end{align}"]);
        assert_eq!(found("a $\\text{5 \\$}$ b"), ["$\\text{5 \\$}$"]);
    }

    #[test]
    fn prices_and_loose_delimiters_are_no_formulas() {
        for text in [
            "from $5 to $10",
            "\\$3 and \\$4",
            "it costs $ 3 $ now",
            "a $b\n\nc$ d",
            "\\(",
            "$$",
            "$",
            "\\begin{itemize}x\\end{itemize}",
            "\\",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        let many = "\\( $$ ".repeat(20_000);
        assert!(found(&many).len() <= 10_000);
    }
}
