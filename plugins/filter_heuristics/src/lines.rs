//! Lines and blanks as Python sees them, which is what datatrove counts.

use crate::english::characters::is_space;

/// The lines of a text as `str.splitlines` gives them: besides line feeds, carriage returns, form feeds, separators of
/// ASCII and Unicode's line and paragraph separators end a line.
pub struct Lines<'t> {
    rest: &'t str,
}

impl<'t> Lines<'t> {
    /// The lines of `text`, without their ends.
    pub fn of(text: &'t str) -> Self {
        Lines { rest: text }
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if *byte > 0x1e && !matches!(byte, 0xc2 | 0xe2) {
                at += 1;
                continue;
            }
            let width = match byte {
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
                b'\n'..=b'\r' | 0x1c..=0x1e => 1,
                0xc2 if bytes.get(at + 1) == Some(&0x85) => 2,
                0xe2 if bytes.get(at + 1) == Some(&0x80) && matches!(bytes.get(at + 2), Some(0xa8 | 0xa9)) => 3,
                _ => {
                    at += 1;
                    continue;
                }
            };
            let line = self.rest.get(..at);
            self.rest = self.rest.get(at + width..).unwrap_or_default();
            return line;
        }
        Some(std::mem::take(&mut self.rest))
    }
}

/// What stands between runs of at least `least` line feeds, as Python's `re.split` gives it.
pub fn between_breaks(text: &str, least: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|text| text.find('\n')).map(|at| from + at) {
            let run = text.as_bytes().iter().skip(at).take_while(|byte| **byte == b'\n').count();
            if run >= least {
                rest = text.get(at + run..);
                return text.get(..at);
            }
            from = at + run;
        }
        rest = None;
        Some(text)
    })
}

/// `str.strip`.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_python_ends_them() {
        let lines = |text| Lines::of(text).collect::<Vec<_>>();
        assert_eq!(lines("a\r\nb\rc\n\nd"), ["a", "b", "c", "", "d"]);
        assert_eq!(lines("a\u{b}b\u{c}c\u{1c}d\u{1e}e\u{85}f\u{2028}g\u{2029}"), ["a", "b", "c", "d", "e", "f", "g"]);
        assert_eq!(lines(""), [""; 0]);
        assert_eq!(lines("\n"), [""]);
        assert_eq!(lines("a\u{1f}bÅ…"), ["a\u{1f}bÅ…"]);
    }

    #[test]
    fn breaks_are_runs_of_line_feeds() {
        assert_eq!(between_breaks("\na\n\nb\n", 1).collect::<Vec<_>>(), ["", "a", "b", ""]);
        assert_eq!(between_breaks("a\nb\n\n\nc\r\n\r\nd", 2).collect::<Vec<_>>(), ["a\nb", "c\r\n\r\nd"]);
        assert_eq!(between_breaks("", 1).collect::<Vec<_>>(), [""]);
    }
}
