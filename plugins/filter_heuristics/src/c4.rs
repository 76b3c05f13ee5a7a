//! Preset `c4`: datatrove 0.10.1's `C4QualityFilter`, with its reasons. It takes lines out of a page, so a page that is
//! kept may be rewritten.

use std::borrow::Cow;

use crate::config::Settings;
use crate::english::{Splitter, characters};
use crate::lines::{Lines, strip};

const POLICIES: [&str; 6] =
    ["terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"];

/// The page with the lines that are kept.
///
/// # Errors
/// The reason for which datatrove's filter would drop the page.
pub fn judge(text: &str, settings: &Settings, splitter: &Splitter) -> Result<String, &'static str> {
    let mut kept = String::with_capacity(text.len());
    let mut sentences = 0_u64;
    let mut first = true;
    for line in Lines::of(text) {
        let line = strip(line);
        let mut words = 0_u64;
        let mut too_long = false;
        for word in line.split(characters::is_space).filter(|word| !word.is_empty()) {
            words += 1;
            let most = settings.max_word_characters as usize;
            too_long |= word.len() > most && word.chars().count() > most;
        }
        if too_long {
            continue;
        }
        let line = if settings.remove_citations { without_citations(line) } else { line.into() };
        if settings.line_end_punctuation && (!line.ends_with(['.', '?', '!', '"', '\'']) || line.ends_with("...")) {
            continue;
        }
        if words < settings.min_line_words {
            continue;
        }
        // The one letter outside ASCII that Python makes a small letter of ASCII, and that could make up a phrase.
        let folded: Cow<str> =
            if line.contains('\u{212a}') { line.replace('\u{212a}', "k").into() } else { (&*line).into() };
        let has = |phrase: &str| contains(&folded, phrase);
        if settings.drop_lorem_ipsum && has("lorem ipsum") {
            return Err("lorem_ipsum");
        }
        if settings.remove_javascript_lines && has("javascript") {
            continue;
        }
        if settings.drop_curly_brackets && line.contains('{') {
            return Err("curly_bracket");
        }
        if settings.remove_policy_lines && POLICIES.into_iter().any(has) {
            continue;
        }
        sentences += count_sentences(&line, splitter);
        if !first {
            kept.push('\n');
        }
        first = false;
        kept.push_str(&line);
    }
    if sentences < settings.min_sentences {
        return Err("too_few_sentences");
    }
    let stripped = strip(&kept);
    Ok(if stripped.len() == kept.len() { kept } else { stripped.to_owned() })
}

/// Whether a phrase of small letters occurs, in any case of ASCII letters.
fn contains(line: &str, phrase: &str) -> bool {
    let (line, phrase) = (line.as_bytes(), phrase.as_bytes());
    let Some(first) = phrase.first() else { return true };
    line.iter().enumerate().any(|(start, byte)| {
        byte.to_ascii_lowercase() == *first
            && line.get(start..start + phrase.len()).is_some_and(|part| part.eq_ignore_ascii_case(phrase))
    })
}

/// Takes out `[12]`, `[]`, `[edit]` and `[citation needed]`.
fn without_citations(line: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let (mut copied, mut from) = (0, 0);
    while let Some(at) = line.get(from..).and_then(|rest| rest.find('[')).map(|at| from + at) {
        let inside = line.get(at + 1..).unwrap_or_default();
        let digits: usize = inside.chars().take_while(|one| is_digit(*one)).map(char::len_utf8).sum();
        let end = if inside.get(digits..).is_some_and(|rest| rest.starts_with(']')) {
            Some(digits + 1)
        } else {
            ["edit]", "citation needed]"].into_iter().find(|word| inside.starts_with(word)).map(str::len)
        };
        from = at + 1;
        if let Some(end) = end {
            kept.push_str(line.get(copied..at).unwrap_or_default());
            copied = at + 1 + end;
            from = copied;
        }
    }
    if copied == 0 {
        return line.into();
    }
    kept.push_str(line.get(copied..).unwrap_or_default());
    kept.into()
}

/// First of each run of ten decimal digits outside ASCII, in the Basic Multilingual Plane.
const ZEROS: [u32; 36] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

fn is_digit(one: char) -> bool {
    let code = u32::from(one);
    one.is_ascii_digit() || (code > 0x7f && ZEROS.iter().any(|zero| (*zero..zero + 10).contains(&code)))
}

/// Sentences as spaCy's `sentencizer` parts them: after a full stop or its like, the next piece that is not punctuation
/// begins one.
fn count_sentences(line: &str, splitter: &Splitter) -> u64 {
    use std::cell::Cell;
    let (sentences, ended) = (Cell::new(1), Cell::new(false));
    let begin = || {
        if ended.replace(false) {
            sentences.set(sentences.get() + 1);
        }
    };
    splitter.pieces(
        line,
        |word| {
            let mut letters = word.text.chars();
            let one = letters.next().filter(|_| letters.next().is_none());
            if one.is_some_and(ends_sentence) {
                ended.set(true);
            } else if !word.text.chars().all(characters::is_punctuation) {
                begin();
            }
        },
        |_| begin(),
    );
    sentences.get()
}

/// The ends of sentences that spaCy's `sentencizer` knows: datatrove's but for those of a few scripts.
fn ends_sentence(one: char) -> bool {
    let missing = matches!(u32::from(one),
        0x61d | 0x61e | 0x837 | 0x839 | 0x83d | 0x83e | 0x17d4..=0x17d6 | 0x17d9 | 0x17da | 0x1b7d | 0x1b7e | 0x2e53
        | 0x2e54 | 0x10f55..=0x10f59 | 0x10f86..=0x10f89 | 0x11944 | 0x11946 | 0x11ef7 | 0x11ef8 | 0x11f43 | 0x11f44
        | 0x16e98);
    characters::kinds(one) & characters::ENDS != 0 && !missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_taken_out() {
        for (line, left) in [
            ("One [1] two[23].", "One  two."),
            ("[edit]Head [] x [citation needed]", "Head  x "),
            ("a [1 b [x] [[2]] [٣]", "a [1 b [x] [] "),
            ("none", "none"),
            ("[", "["),
        ] {
            assert_eq!(without_citations(line), left, "{line}");
        }
    }

    #[test]
    fn sentences_begin_after_a_full_stop_and_what_closes_it() {
        let splitter = Splitter::english();
        for (line, count) in [
            ("", 1),
            ("One. Two! Three?", 3),
            ("He said \"No.\" Then he left.", 2),
            ("At 3.5 m Mr. Smith stops.", 1),
            ("Wait... what", 1),
            ("One.  ", 2),
            ("Eins. (zwei.) drei", 3),
            ("一。二。", 1),
        ] {
            assert_eq!(count_sentences(line, &splitter), count, "{line:?}");
        }
    }
}
