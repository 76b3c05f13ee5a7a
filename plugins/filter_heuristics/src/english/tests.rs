//! How chunks are split; `tests/datatrove.rs` has the comparison with spaCy.

use super::*;

fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    Splitter::new().words(text, |word| words.push(word.text));
    words
}

#[test]
fn marks_are_split_off_both_ends_one_by_one() {
    assert_eq!(split("(\"So,\" he said...)"), ["(", "\"", "So", ",", "\"", "he", "said", "...", ")"]);
    assert_eq!(split("US$5 7€ 10km/h 5% +3 +x"), ["US$", "5", "7", "€", "10", "km/h", "5", "%", "+3", "+", "x"]);
}

#[test]
fn special_words_stay_whole_wherever_they_stand() {
    assert_eq!(split("(Mr.Smith) can't :)"), ["(", "Mr.", "Smith", ")", "ca", "n't", ":)"]);
    assert_eq!(split("youd. at 10p.m., (8)"), ["you", "d.", "at", "10", "p.m.", ",", "(", "8)"]);
}

#[test]
fn infixes_split_words_but_not_addresses() {
    assert_eq!(split("well-known a.B 2-3 x=y"), ["well", "-", "known", "a.", "B", "2", "-", "3", "x", "=", "y"]);
    assert_eq!(split("end.Begin lake.example/a-b"), ["end", ".", "Begin", "lake.example/a-b"]);
    assert_eq!(split("10.0.0.1/a 8.8.8.8/a"), ["10.0.0.1", "/", "a", "8.8.8.8/a"]);
}

#[test]
fn white_space_that_is_a_token_of_its_own_is_handed_over() {
    let mut blanks = Vec::new();
    Splitter::new().pieces(" a b  c\n\td \n", |_| (), |blank| blanks.push(blank));
    assert_eq!(blanks, [" ", " ", "\n\t", "\n"]);
}

#[test]
fn hashes_of_equal_words_are_equal_however_they_were_split() {
    let splitter = Splitter::new();
    let mut hashes = Vec::new();
    splitter.words("ice ice, (ice) ICE ice-cold naïve naïve.", |word| hashes.push((word.text, word.hash)));
    let of = |text: &str| hashes.iter().filter(|(word, _)| *word == text).map(|(_, hash)| *hash).collect::<Vec<_>>();
    for (word, count) in [("ice", 4), ("naïve", 2), ("ICE", 1)] {
        let found = of(word);
        assert_eq!(found.len(), count, "{word}");
        assert!(found.iter().all(|hash| *hash == found[0]), "{word}");
    }
    assert_ne!(of("ice")[0], of("ICE")[0]);
}

#[test]
fn long_chunks_take_no_more_than_their_length_asks() {
    for chunk in [
        "(".repeat(100_000),
        "a-".repeat(50_000),
        "a@".repeat(50_000) + ".b/c",
        ".".repeat(100_000),
        "…".repeat(30_000),
    ] {
        let words = split(&chunk).concat();
        assert_eq!(words.len(), chunk.len());
    }
}
