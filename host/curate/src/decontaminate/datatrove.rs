//! n-grams as `NGramsDecontIndexer` and `NGramsDecontFilter` of datatrove 0.10.1 make them, of the words in
//! [`crate::datatrove`].
//!
//! Two defects are not copied: a gram of nothing but blanks does not decide on the whole document (it is no gram), and
//! nothing that is shared changes while documents are looked at.

use twox_hash::XxHash64;

use crate::datatrove::{Words, normal_form};

/// The words of a text.
pub(super) fn words(text: &str) -> Words {
    Words::of(&normal_form(text))
}

/// The hash of a gram: XXH64 of its words with blanks between them.
fn hash(gram: &str) -> u64 {
    XxHash64::oneshot(0, gram.as_bytes())
}

/// The hashes of all grams of `n` words, in order.
pub(super) fn grams(words: &Words, n: usize) -> impl Iterator<Item = u64> {
    words.shingles(n).map(hash)
}

/// The hashes of the grams of a row: those of the label, those that begin in the query and end in the label, and those
/// of the query alone where `query_grams` says so.
pub(super) fn grams_of_row(query: &str, label: &str, n: usize, query_grams: bool) -> Vec<u64> {
    let (query, label) = (words(query), words(label));
    let mut found: Vec<u64> = grams(&label, n).collect();
    if query_grams {
        found.extend(grams(&query, n));
    }
    let (query, label): (Vec<&str>, Vec<&str>) = (query.iter().collect(), label.iter().collect());
    for of_label in 1..n {
        let of_query = n - of_label;
        if query.len() >= of_query && label.len() >= of_label {
            found.push(hash(&[&query[query.len() - of_query..], &label[..of_label]].concat().join(" ")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_of(text: &str) -> Vec<String> {
        words(text).iter().map(str::to_owned).collect()
    }

    #[test]
    fn texts_are_normalised_and_split_as_datatrove_does() {
        // What datatrove 0.10.1 with spaCy gives of the same texts.
        for (text, expected) in [
            (
                "i cant do 5km in 1,5 km x² a×b £7 9am don't gonna",
                "i ca nt do 0 km in 0 km x² a×b £ 0 0am don t gon na",
            ),
            ("The Café\u{a0}— No. 1,234.5!", "the cafe no 0 0"),
            ("©2020 ®x™ a©b 3£ £x 7m² abc7m 7kg7 7°C", "© 0 ® x ™ a © b 0 £ £ x 0 m² abc0 m 0kg0 0 ° c"),
            ("wouldve shouldntve youre thats dont", "would ve should nt ve you re that s do nt"),
            ("", ""),
            (" \u{0}… ", ""),
            ("x→y √9 −3", "x→y √0 −0"),
        ] {
            assert_eq!(split_of(text).join(" "), expected, "{text:?}");
        }
    }

    #[test]
    fn a_row_gives_grams_of_its_label_and_across() {
        let found = grams_of_row("A b c d e", "f g h i j", 4, false);
        let expected = ["f g h i", "g h i j", "c d e f", "d e f g", "e f g h"].map(hash);
        let mut sorted = (found.clone(), expected.to_vec());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1);
        assert_eq!(grams_of_row("A b c d e", "f g h i j", 4, true).len(), found.len() + 2);
        assert_eq!(grams_of_row("", "...", 4, true), [] as [u64; 0]);
    }
}
