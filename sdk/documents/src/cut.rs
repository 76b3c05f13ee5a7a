//! Part of a long text, cut at a good place.

/// Of how many characters at an end of a part a better place to cut is looked for: an eighth.
const SLACK: usize = 8;

/// The middle `most` characters of a text, or all of it where it has no more. The cuts move inwards, by at most an eighth
/// of `most` each, to the end of a paragraph, else of a line, else of a sentence, else of a word.
pub fn centre(text: &str, most: usize) -> &str {
    let count = text.chars().count();
    if count <= most {
        return text;
    }
    let skipped = (count - most) / 2;
    let from = place(text, skipped);
    let to = from + place(&text[from..], most);
    let part = &text[from..to];
    let part = &part[first_start(part, most / SLACK)..];
    &part[..last_end(part, most / SLACK)]
}

/// The first `most` characters of a text, or all of it where it has no more, cut as [`centre()`] cuts.
pub fn beginning(text: &str, most: usize) -> &str {
    let end = place(text, most);
    if end == text.len() {
        return text;
    }
    &text[..last_end(&text[..end], most / SLACK)]
}

/// Where the character of this number begins, or the end.
fn place(text: &str, number: usize) -> usize {
    text.char_indices().nth(number).map_or(text.len(), |(place, _)| place)
}

/// What a part may end after, the better first.
const ENDS: [&[&str]; 4] = [&["\n\n"], &["\n"], &[". ", "? ", "! ", "。", "？", "！"], &[" "]];

/// The end of the last whole paragraph, line, sentence or word, if it is within `slack` characters of the end.
fn last_end(part: &str, slack: usize) -> usize {
    let first = part.char_indices().rev().nth(slack.saturating_sub(1)).map_or(0, |(place, _)| place);
    for marks in ENDS {
        let found = marks.iter().filter_map(|mark| part[first..].rfind(mark).map(|at| first + at + mark.len())).max();
        if let Some(end) = found {
            return end;
        }
    }
    part.len()
}

/// The start of the first whole paragraph, line, sentence or word, if it is within `slack` characters of the start.
fn first_start(part: &str, slack: usize) -> usize {
    let last = place(part, slack);
    for marks in ENDS {
        let found = marks.iter().filter_map(|mark| part[..last].find(mark).map(|at| at + mark.len())).min();
        if let Some(start) = found {
            return start;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_whole() {
        for text in ["", "a", "été", "one two"] {
            assert_eq!((centre(text, 7), beginning(text, 7)), (text, text));
        }
    }

    #[test]
    fn a_part_ends_where_a_paragraph_line_sentence_or_word_does() {
        let words = "aaaa bbbb cccc dddd eeee ffff gggg hhhh";
        assert_eq!(beginning(words, 26), "aaaa bbbb cccc dddd eeee ");
        assert_eq!(beginning(words, 24), "aaaa bbbb cccc dddd eeee");
        let long = "x".repeat(60);
        assert_eq!(beginning(&format!("{long}. y y y y y"), 66), format!("{long}. "));
        assert_eq!(beginning(&format!("{long}.\ny. y y y y y"), 66), format!("{long}.\n"));
        assert_eq!(beginning(&format!("{long}\n\ny\ny y y y"), 66), format!("{long}\n\n"));
        assert_eq!(beginning(&"é".repeat(50), 20), "é".repeat(20));
    }

    #[test]
    fn the_centre_leaves_as_much_on_both_sides() {
        let lines: String = (10..90).map(|line| format!("line {line}\n")).collect();
        let part = centre(&lines, 160);
        assert!(part.starts_with("line ") && part.ends_with('\n'), "{part:?}");
        let at = lines.find(part).expect("a part of it");
        let after = lines.len() - at - part.len();
        assert!(at.abs_diff(after) <= 16, "{at} before and {after} after");
    }

    proptest! {
        #[test]
        fn parts_are_within_their_limit_and_nearly_fill_it(text in "[ab\n. é。]{0,300}", most in 0usize..200) {
            for (part, ends) in [(centre(&text, most), 2), (beginning(&text, most), 1)] {
                let (all, count) = (text.chars().count(), part.chars().count());
                prop_assert!(count <= most);
                prop_assert!(text.contains(part));
                prop_assert!(count >= most.min(all) - (ends * (most / SLACK + 2)).min(most.min(all)));
            }
        }
    }
}
