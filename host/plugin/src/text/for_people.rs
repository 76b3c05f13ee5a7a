//! Text of a guest, made fit for a person's terminal, log or error message.

use std::borrow::Cow;

/// Longest piece of guest text in an error or log line, in bytes.
pub(crate) const LONGEST_LINE: usize = 400;

/// One line of at most `longest` bytes (and an ellipsis where it was cut): line breaks and tabs become spaces; other
/// control characters, and those that reorder or hide text, are left out. A guest could otherwise forge log lines or
/// drive a terminal.
pub fn for_people(text: &str, longest: usize) -> String {
    // Nearly all text is clean already, and every verdict's reason comes through here.
    if text.len() <= longest && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len().min(longest));
    for character in text.chars() {
        let character = match character {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            other if other.is_control() || reorders_or_hides(other) => continue,
            other => other,
        };
        if line.len() + character.len_utf8() > longest {
            line.push('…');
            break;
        }
        line.push(character);
    }
    line
}

/// Text that may have several lines, without what could drive a terminal or hide: line breaks and tabs stay, all else
/// that [`for_people`] leaves out goes. For what is not a guest's alone: an error with a column's name in it, a table.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    let goes = |character: char| match character {
        '\n' | '\t' => false,
        other => other.is_control() || reorders_or_hides(other),
    };
    if text.contains(goes) { Cow::Owned(text.replace(goes, "")) } else { Cow::Borrowed(text) }
}

/// [`for_people`] with the length that error messages use.
pub(crate) fn short(text: &str) -> String {
    for_people(text, LONGEST_LINE)
}

/// Bidirectional overrides and isolates, zero-width characters and tags (Unicode TR 36, "Bidirectional Text Spoofing").
fn reorders_or_hides(character: char) -> bool {
    matches!(character,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_what_makes_them_work() {
        assert_eq!(for_people("\u{1b}[31mred\u{7}\u{9b}2J", 100), "[31mred2J");
    }

    #[test]
    fn a_table_keeps_its_lines_and_loses_what_drives_a_terminal() {
        let hostile = "a\u{1b}]0;title\u{7}\tb\r\n\u{9b}2Jc\u{202e}d\u{200b}é\n";
        assert_eq!(for_terminal(hostile), "a]0;title\tb\n2Jcdé\n");
        assert!(matches!(for_terminal("plain\ttext, é\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_forged_second_line_stays_on_the_first() {
        assert_eq!(for_people("fine\nERROR forged\r\n", 100), "fine ERROR forged  ");
    }

    #[test]
    fn text_cannot_be_reordered_or_hidden() {
        assert_eq!(for_people("a\u{202e}b\u{2066}c\u{200b}d", 100), "abcd");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(for_people("ääää", 5), "ää…");
        assert_eq!(for_people("ää", 4), "ää");
    }
}
