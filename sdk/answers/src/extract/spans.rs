//! Where mathematics and boxes lie in a text, found in one pass each.

use super::search;

/// A stretch of a text in bytes: where its content begins and ends, and where what encloses it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where the enclosing construct begins.
    pub opens: usize,
    /// First byte of the content.
    pub start: usize,
    /// First byte after the content.
    pub end: usize,
    /// First byte after the enclosing construct.
    pub closes: usize,
    /// Whether a closing brace was found.
    pub closed: bool,
}

/// For every byte that is an opening brace, the index of the brace that closes it; escaped braces do not count.
fn matching_braces(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let mut closes = vec![0u32; bytes.len()];
    let mut open: Vec<usize> = Vec::new();
    let mut index = 0;
    while index < bytes.len() {
        match bytes[index] {
            b'\\' if matches!(bytes.get(index + 1), Some(b'{' | b'}')) => index += 1,
            b'{' => open.push(index),
            b'}' => {
                if let Some(opening) = open.pop() {
                    closes[opening] = index as u32;
                }
            }
            _ => {}
        }
        index += 1;
    }
    closes
}

/// Every `\boxed` and `\fbox` that is not inside another, in order.
pub fn boxes(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    // Most texts have none.
    if !search::has(text, "box") {
        return found;
    }
    let bytes = text.as_bytes();
    let closes = matching_braces(text);
    let mut from = 0;
    while let Some(offset) = text[from..].find('\\') {
        let at = from + offset;
        from = at + 1;
        let name = ["boxed", "fbox", "framebox", "box"].into_iter().find(|name| text[at + 1..].starts_with(name));
        let Some(name) = name else { continue };
        // `\box{A}` is a slip; without braces it may be anything.
        if name == "box" && bytes.get(at + 4) != Some(&b'{') {
            continue;
        }
        let mut start = at + 1 + name.len();
        while matches!(bytes.get(start), Some(b' ' | b'\t')) {
            start += 1;
        }
        let span = match bytes.get(start) {
            Some(b'{') if closes[start] > 0 => {
                let end = closes[start] as usize;
                Span { opens: at, start: start + 1, end, closes: end + 1, closed: true }
            }
            Some(b'{') => {
                let rest = &text[start + 1..];
                let end = start + 1 + rest.find(['\n', '$']).unwrap_or(rest.len());
                Span { opens: at, start: start + 1, end, closes: end, closed: false }
            }
            // `\boxed 7`: one token, which for people is one number.
            Some(_) if start > at + 1 + name.len() || bytes[start].is_ascii_digit() => {
                let rest = &text[start..];
                // "… in \boxed as asked" speaks of a box.
                if rest.chars().take_while(|c| c.is_alphabetic()).count() > 1 {
                    continue;
                }
                let end = start
                    + rest
                        .find(|c: char| c.is_whitespace() || c == '$' || c == '\\' && !rest.starts_with('\\'))
                        .unwrap_or(rest.len());
                Span { opens: at, start, end, closes: end, closed: true }
            }
            _ => continue,
        };
        from = span.closes.max(from);
        found.push(span);
    }
    found
}

/// Every stretch between mathematics delimiters: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`.
///
/// A dollar sign is also money. As in pandoc, one that opens must touch what follows and one that closes must touch
/// what comes before, unless both stand apart (`$ 9 $`).
pub fn mathematics(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found: Vec<Span> = Vec::new();
    let mut index = 0;
    // Where each closing delimiter was last seen to be missing, so that it is searched for once only.
    let mut missing = [usize::MAX; 3];
    let delimiters = [("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$")];
    while let Some(distance) = memchr::memchr2(b'\\', b'$', &bytes[index.min(bytes.len())..]) {
        index += distance;
        let rest = &bytes[index..];
        let kind = delimiters.iter().position(|(open, _)| rest.starts_with(open.as_bytes()));
        if let Some(kind) = kind
            && missing[kind] == usize::MAX
        {
            let start = index + 2;
            match text.get(start..).and_then(|after| after.find(delimiters[kind].1)) {
                Some(length) => {
                    found.push(Span {
                        opens: index,
                        start,
                        end: start + length,
                        closes: start + length + 2,
                        closed: true,
                    });
                    index = start + length + 2;
                }
                None => {
                    missing[kind] = index;
                    index += 2;
                }
            }
            continue;
        }
        if bytes[index] == b'\\' {
            index += 2;
        } else if let Some(end) = single_dollar(text, index) {
            found.push(Span { opens: index, start: index + 1, end, closes: end + 1, closed: true });
            index = end + 1;
        } else {
            index += 1;
        }
    }
    found
}

/// The dollar sign that closes the one at `open`, where the two enclose mathematics.
fn single_dollar(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut end = open + 1;
    while end < bytes.len() {
        match bytes[end] {
            b'\\' => end += 1,
            b'$' => break,
            b'\n' if bytes.get(end + 1) == Some(&b'\n') => return None,
            _ => {}
        }
        end += 1;
    }
    if end >= bytes.len() || end == open + 1 {
        return None;
    }
    let first_space = bytes[open + 1].is_ascii_whitespace();
    let last_space = bytes[end - 1].is_ascii_whitespace();
    let content = &text[open + 1..end];
    // "$5 and then $7": prose between two prices.
    let prose = content.split(|c: char| !c.is_alphabetic()).any(|word| word.len() > 3 && !content.contains('\\'));
    let money = bytes[open + 1].is_ascii_digit()
        && (last_space && !first_space || bytes.get(end + 1).is_some_and(u8::is_ascii_digit));
    if money || (prose && (first_space != last_space || content.split_whitespace().count() > 3)) {
        return None;
    }
    Some(end)
}
