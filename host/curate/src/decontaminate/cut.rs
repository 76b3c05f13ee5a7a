//! A document without the passages that it shares with benchmarks.
//!
//! GPT-3 and NeMo Curator cut 200 characters on either side of each passage, leave out pieces that are shorter than 200
//! characters then, and drop a document that would fall into more than ten pieces. They make each piece a document of its
//! own. Here the pieces stay one document with a blank line between them, since what a filter decides on is one document.
//! A cut is moved outwards to the nearest end of a line, or where there is none near to the nearest blank, and out of a
//! formula between `$$`, so that no word, line or displayed formula is left in halves.

use std::ops::Range;

/// Pieces of which a document may be made; one of more is dropped.
const MOST_PIECES: usize = 10;
/// Cuts that are made; a document with more is dropped, since each is looked at in the whole text.
const MOST_CUTS: usize = 1000;
/// Bytes within which a cut is moved to the end of a line.
const NEAR: usize = 200;

/// The text without `places` and `characters` on either side of each; None where nothing worth keeping is left.
pub(super) fn cut(text: &str, places: &[Range<usize>], characters: usize) -> Option<String> {
    let mut places = places.to_vec();
    places.sort_by_key(|place| (place.start, place.end));
    places.dedup_by(|next, before| {
        let joins = next.start <= before.end.saturating_add(characters);
        before.end = if joins { before.end.max(next.end) } else { before.end };
        joins
    });
    if places.len() > MOST_CUTS {
        return None;
    }
    let mut cuts: Vec<Range<usize>> = places.iter().map(|place| widened(text, place, characters)).collect();
    cuts.sort_by_key(|cut| cut.start);
    let (mut pieces, mut from) = (Vec::new(), 0);
    for cut in cuts {
        if cut.start > from {
            pieces.push(&text[from..cut.start]);
        }
        from = from.max(cut.end);
    }
    pieces.push(&text[from..]);
    let pieces: Vec<&str> =
        pieces.into_iter().map(str::trim).filter(|piece| piece.chars().nth(characters.max(1) - 1).is_some()).collect();
    (1..=MOST_PIECES).contains(&pieces.len()).then(|| pieces.join("\n\n"))
}

fn widened(text: &str, place: &Range<usize>, characters: usize) -> Range<usize> {
    let before = &text[..place.start];
    let start = before.char_indices().rev().take(characters).last().map_or(place.start, |(at, _)| at);
    let after = &text[place.end..];
    let end = place.end + after.char_indices().nth(characters).map_or(after.len(), |(at, _)| at);
    let line_before = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let start = match start - line_before <= NEAR {
        true => line_before,
        false => text[..start].rfind(char::is_whitespace).map_or(0, |at| at + 1),
    };
    let line_after = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let end = match line_after - end <= NEAR {
        true => line_after,
        false => text[end..].find(char::is_whitespace).map_or(text.len(), |at| end + at),
    };
    // A blank may have more bytes than one.
    let start = (start..=place.start).find(|at| text.is_char_boundary(*at)).unwrap_or(place.start);
    out_of_formula(text, start..end)
}

/// Moves the ends of a cut out of a formula between `$$` that they stand in.
fn out_of_formula(text: &str, cut: Range<usize>) -> Range<usize> {
    let opened = |at: usize| text[..at].matches("$$").count() % 2 == 1;
    let start = match opened(cut.start) {
        true => text[..cut.start].rfind("$$").unwrap_or(cut.start),
        false => cut.start,
    };
    let end = match opened(cut.end) {
        true => text[cut.end..].find("$$").map_or(text.len(), |at| cut.end + at + 2),
        false => cut.end,
    };
    start..end
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_goes_with_its_surroundings_and_whole_lines() {
        let keep = "This line stays whatever is cut below it.";
        let text = format!("{keep}\nabc def LEAK ghi jkl\n{keep}");
        let at = text.find("LEAK").unwrap();
        assert_eq!(cut(&text, &[at..at + 4], 3), Some(format!("{keep}\n\n{keep}")));
        assert_eq!(cut(&text, &[0..text.len()], 3), None);
        assert_eq!(cut(&text, &[at..at + 4], 200), None, "both pieces are shorter than 200 characters");
    }

    #[test]
    fn cuts_overlap_and_end_between_characters() {
        let word = "été ".repeat(300);
        let text = format!("{word}LEAK {word}");
        let at = text.find("LEAK").unwrap();
        let left = cut(&text, &[at..at + 4, at..at + 2, at - 7..at], 200).unwrap();
        assert!(!left.contains("LEAK"));
        assert!(left.chars().all(|c| "été \n".contains(c)));
        let pieces: Vec<&str> = left.split("\n\n").collect();
        assert!(pieces.iter().all(|piece| piece.split(' ').all(|word| word == "été")), "{pieces:?}");
    }

    #[test]
    fn a_displayed_formula_is_cut_whole() {
        let lines = "words of a line that is long enough to stay\n".repeat(8);
        let formula = format!("$$\n{}\n$$\n", "x+y\\\\\n".repeat(100));
        let text = format!("{lines}{formula}{lines}");
        let at = lines.len() + 300;
        let left = cut(&text, &[at..at + 4], 20).unwrap();
        assert_eq!(left.matches("$$").count(), 0, "{left}");
        assert_eq!(left.matches("x+y").count(), 0);
        assert_eq!(left.lines().filter(|line| line.starts_with("words")).count(), 16);
    }

    #[test]
    fn a_text_in_too_many_pieces_is_dropped() {
        let line = "a line of some length\n";
        let text = format!("{line}LEAK\n").repeat(11) + line;
        let places: Vec<Range<usize>> = text.match_indices("LEAK").map(|(at, leak)| at..at + leak.len()).collect();
        assert_eq!(cut(&text, &places, 0), None);
        assert!(cut(&text, &places[..9], 0).is_some());
    }
}
