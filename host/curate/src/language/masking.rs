//! Mathematics and code out of a text, so that what is left is language.

/// Bytes of the longest formula between single dollars; two dollars further apart are prices.
const LONGEST_INLINE: usize = 2000;
/// Bytes of the longest environment.
const LONGEST_ENVIRONMENT: usize = 65_536;

/// The prose of `text`: formulas (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`, `\begin{…}…\end{…}`) and code (between backticks,
/// and in fences of three or more backticks or tildes) become a blank each. An escaped dollar is a dollar. A single
/// dollar opens a formula only before something that is not a blank, and closes one only after such and not before a
/// digit, so that prices stay. What is opened and never closed stays, but for a fence, which goes to the end.
pub fn prose(text: &str) -> String {
    masked(text, true)
}

/// As [`prose`], with code as it is: there are pages that are one block of preformatted prose.
pub fn without_formulas(text: &str) -> String {
    masked(text, false)
}

fn masked(text: &str, code: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut closers = Closers::default();
    // Everything before `kept` is in `out`.
    let (mut at, mut kept) = (0, 0);
    let mut line_begins = true;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'\n' => {
                line_begins = true;
                at += 1;
                continue;
            }
            b'\\' => match bytes.get(at + 1) {
                Some(b'(') => closers.find(text, at, 2, "\\)", usize::MAX),
                Some(b'[') => closers.find(text, at, 2, "\\]", usize::MAX),
                Some(b'b') => environment(text, at, &mut closers),
                // What is escaped means nothing.
                Some(next) if next.is_ascii_punctuation() => {
                    at += 2;
                    line_begins = false;
                    continue;
                }
                _ => None,
            },
            b'$' if bytes[at..].starts_with(b"$$") => closers.find(text, at, 2, "$$", usize::MAX),
            b'$' => inline(bytes, at),
            mark @ (b'`' | b'~') => {
                let run = bytes[at..].iter().take_while(|byte| **byte == mark).count();
                let end = match run {
                    _ if !code => None,
                    3.. if line_begins => Some(fence(text, at, &text[at..at + run])),
                    _ if mark == b'`' => backticks(bytes, at, run, &mut closers),
                    _ => None,
                };
                if end.is_none() {
                    at += run;
                    line_begins = false;
                    continue;
                }
                end
            }
            byte => {
                line_begins &= byte == b' ' || byte == b'\t';
                at += 1;
                continue;
            }
        };
        line_begins = false;
        match end {
            Some(end) => {
                out.push_str(&text[kept..at]);
                out.push(' ');
                (at, kept) = (end, end);
                line_begins = bytes[..end].last() == Some(&b'\n');
            }
            None => at += 1,
        }
    }
    out.push_str(&text[kept..]);
    out
}

/// What was looked for and found nowhere, so that a text of opening marks alone is read once for each of them.
#[derive(Default)]
struct Closers {
    nowhere: Vec<&'static str>,
    /// Lengths of runs of backticks that no other run after has.
    no_run: Vec<usize>,
    /// Bytes that were searched for the ends of environments, in vain.
    in_vain: usize,
}

impl Closers {
    /// The end of the `closer` after an opening of `opened` bytes at `at`, at most `longest` bytes away.
    fn find(&mut self, text: &str, at: usize, opened: usize, closer: &'static str, longest: usize) -> Option<usize> {
        if self.nowhere.contains(&closer) {
            return None;
        }
        let begin = at + opened;
        match text[begin..].find(closer) {
            Some(length) => (length <= longest).then_some(begin + length + closer.len()),
            None => {
                self.nowhere.push(closer);
                None
            }
        }
    }
}

/// The end of a formula between single dollars: within a paragraph, and not too far.
fn inline(bytes: &[u8], at: usize) -> Option<usize> {
    let inner = &bytes[at + 1..bytes.len().min(at + 1 + LONGEST_INLINE)];
    if inner.first().is_none_or(|byte| byte.is_ascii_whitespace()) {
        return None;
    }
    let mut index = 0;
    while index < inner.len() {
        match inner[index] {
            b'\\' => index += 1,
            b'\n' if inner[index + 1..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')) == Some(&b'\n') => {
                return None;
            }
            b'$' => {
                let after_blank = index == 0 || inner[index - 1].is_ascii_whitespace();
                let before_digit = bytes.get(at + 2 + index).is_some_and(|byte| byte.is_ascii_digit());
                return (!after_blank && !before_digit).then_some(at + 2 + index);
            }
            _ => {}
        }
        index += 1;
    }
    None
}

/// The end of `\begin{NAME}…\end{NAME}`.
fn environment(text: &str, at: usize, closers: &mut Closers) -> Option<usize> {
    let name = text[at..].strip_prefix("\\begin{")?;
    let end = name.bytes().take(32).position(|byte| byte == b'}')?;
    let name = &name[..end];
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'*') {
        return None;
    }
    // A text of openings alone, each of another name, is not searched for each of them.
    if closers.in_vain > 8 * text.len() {
        return None;
    }
    let closer = format!("\\end{{{name}}}");
    let mut reach = text.len().min(at + LONGEST_ENVIRONMENT);
    while !text.is_char_boundary(reach) {
        reach -= 1;
    }
    let found = text[at..reach].find(&closer);
    closers.in_vain += if found.is_none() { reach - at } else { 0 };
    found.map(|length| at + length + closer.len())
}

/// The end of the code between runs of as many backticks.
fn backticks(bytes: &[u8], at: usize, run: usize, closers: &mut Closers) -> Option<usize> {
    if closers.no_run.contains(&run) {
        return None;
    }
    let mut index = at + run;
    while index < bytes.len() {
        if bytes[index] != b'`' {
            index += 1;
            continue;
        }
        let found = bytes[index..].iter().take_while(|byte| **byte == b'`').count();
        index += found;
        if found == run {
            return Some(index);
        }
    }
    // Lengths are few in any text that is not made to be slow, and those that are kept are few in every text.
    if closers.no_run.len() < 64 {
        closers.no_run.push(run);
        None
    } else {
        Some(bytes.len())
    }
}

/// The end of the fence that `opening` begins at `at`: after the line of its end, or that of the text.
fn fence(text: &str, at: usize, opening: &str) -> usize {
    let mut end = at;
    for (number, line) in text[at..].split_inclusive('\n').enumerate() {
        end += line.len();
        let trimmed = line.trim();
        let mark = &opening[..1];
        if number > 0 && trimmed.starts_with(opening) && trimmed.trim_start_matches(mark).is_empty() {
            return end;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_and_code_go_and_prices_stay() {
        for (text, left) in [
            ("Let $x^2$ be $$\\int_0^1 f$$ here.", "Let   be   here."),
            ("It costs $5 and $10, not \\$3.", "It costs $5 and $10, not \\$3."),
            ("Take $a$5 and $ b $ alone", "Take $a$5 and $ b $ alone"),
            ("a \\(x\\) b \\[y\\] c \\begin{align*}z\\end{align*} d", "a   b   c   d"),
            ("Call `f(x)` or ``a ` b`` now `unclosed", "Call   or   now `unclosed"),
            ("before\n```python\nfor x in $y:\n```\nafter", "before\n after"),
            ("before\n~~~\ncode\n~~~~\nafter $x$", "before\n after  "),
            ("open\n```\ncode to the end", "open\n "),
            ("paragraph $x\n\ny$ end", "paragraph $x\n\ny$ end"),
            ("one $x\ny$ two", "one   two"),
            ("Größe $ä$ 数学 $$Σ$$", "Größe   数学  "),
            ("$$never closed", "$$never closed"),
            ("\\$x$ y$", "\\$x$ y$"),
            ("a $x\\$y$ b", "a   b"),
            ("", ""),
            ("$", "$"),
            ("\\", "\\"),
            ("`", "`"),
        ] {
            assert_eq!(prose(text), left, "{text:?}");
        }
        assert_eq!(without_formulas("```\nprose $x$\n``` `y` $$z$$"), "```\nprose  \n``` `y`  ");
    }

    #[test]
    fn texts_made_to_be_slow_are_read_in_time_that_grows_with_their_length() {
        let runs: String = (1..1500).map(|length| "`".repeat(length) + " ").collect();
        for text in
            ["$$", "\\[", "\\(", "$x ", "\\begin{a}", "`", "` `` ", "```\n", "\n\n$x"].map(|one| one.repeat(100_000))
        {
            assert!(prose(&text).len() <= text.len());
        }
        assert!(prose(&runs).len() <= runs.len());
    }
}
