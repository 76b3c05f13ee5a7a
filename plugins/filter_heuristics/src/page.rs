//! What is counted on a page: its words and its lines.

/// The function words of Gopher's rule.
const FUNCTION_WORDS: [&str; 8] = ["the", "be", "to", "of", "and", "that", "have", "with"];

/// A word as far as it is read.
struct Word {
    hash: u64,
    characters: u32,
    has_letter: bool,
}

impl Word {
    const START: Word = Word { hash: HASH_START, characters: 0, has_letter: false };

    /// Takes the character at `index` of the page; the first one sets `start`.
    fn extend(&mut self, character: char, index: usize, start: &mut usize) {
        if self.characters == 0 {
            *start = index;
        }
        self.characters += 1;
        self.hash = (self.hash ^ u64::from(u32::from(character))).wrapping_mul(HASH_FACTOR);
    }
}

/// Words are what white space separates, as in Gopher's rules.
pub struct Words {
    /// Hash and count of characters of each word, in order.
    pub(crate) list: Vec<(u64, u32)>,
    /// Sum of the words' characters.
    pub(crate) characters: u64,
    /// Words with at least one letter.
    pub(crate) with_letter: u64,
    /// Hash signs.
    pub(crate) hashes: u64,
    /// Ellipses, as one character or as three full stops.
    pub(crate) ellipses: u64,
    /// How many of the eight function words occur.
    pub(crate) function_words: u32,
}

impl Words {
    /// Reads a page in one pass: this is most of what a page costs.
    pub fn of(text: &str) -> Self {
        let mut words = Words {
            list: Vec::with_capacity(text.len() / 6),
            characters: 0,
            with_letter: 0,
            hashes: 0,
            ellipses: 0,
            function_words: 0,
        };
        let mut seen = [false; FUNCTION_WORDS.len()];
        let mut word = Word::START;
        let mut start = 0;
        let mut full_stops = 0_u32;
        for (index, &byte) in text.as_bytes().iter().enumerate() {
            // Letters and digits of ASCII are most of most pages, and need no decoding.
            let character = match byte {
                b'a'..=b'z' | b'A'..=b'Z' => {
                    word.has_letter = true;
                    char::from(byte)
                }
                b'0'..=b'9' => char::from(byte),
                0x80..=0xbf => continue, // not the first byte of its character
                _ => {
                    let rest = text.get(index..).unwrap_or_default();
                    let character = rest.chars().next().unwrap_or(' ');
                    if character.is_whitespace() {
                        if word.characters > 0 {
                            words.add(word, text.get(start..index).unwrap_or_default(), &mut seen);
                            word = Word::START;
                        }
                        full_stops = 0;
                        continue;
                    }
                    full_stops = if character == '.' { full_stops + 1 } else { 0 };
                    let ends_ellipsis = full_stops > 0 && full_stops.is_multiple_of(3);
                    words.ellipses += u64::from(ends_ellipsis || character == '…');
                    words.hashes += u64::from(character == '#');
                    word.has_letter |= character.is_alphabetic();
                    word.extend(character, index, &mut start);
                    continue;
                }
            };
            full_stops = 0;
            word.extend(character, index, &mut start);
        }
        if word.characters > 0 {
            words.add(word, text.get(start..).unwrap_or_default(), &mut seen);
        }
        words.function_words = seen.into_iter().map(u32::from).sum();
        words
    }

    fn add(&mut self, word: Word, text: &str, seen: &mut [bool; FUNCTION_WORDS.len()]) {
        self.characters += u64::from(word.characters);
        self.with_letter += u64::from(word.has_letter);
        self.list.push((mix(word.hash), word.characters));
        // None is longer than four letters.
        if word.characters <= 4 {
            for (seen, function_word) in seen.iter_mut().zip(FUNCTION_WORDS) {
                *seen |= text.eq_ignore_ascii_case(function_word);
            }
        }
    }

    /// How many words there are.
    pub fn count(&self) -> u64 {
        self.list.len() as u64
    }

    /// Mean characters of a word; 0 where there is none.
    pub fn mean_length(&self) -> f64 {
        share(self.characters, self.count())
    }

    /// `part` by the count of words; 0 where there is none.
    pub fn share(&self, part: u64) -> f64 {
        share(part, self.count())
    }
}

/// Lines that are not blank.
#[derive(Default)]
pub struct Lines {
    count: u64,
    /// Lines that start with a bullet.
    pub(crate) bulleted: u64,
    /// Lines that end in an ellipsis.
    pub(crate) ending_in_ellipsis: u64,
    /// Lines that end in a full stop, question or exclamation mark, also within a closing quote or bracket.
    pub(crate) ending_a_sentence: u64,
    /// Short lines that contain a marker.
    pub(crate) boilerplate: u64,
}

impl Lines {
    /// Reads a page once. Only lines of at most `marked_bytes` are searched for markers.
    pub fn of(text: &str, markers: &Markers, marked_bytes: usize) -> Self {
        let mut lines = Lines::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            lines.count += 1;
            lines.bulleted += u64::from(line.starts_with(['•', '‣', '◦', '▪', '●', '*', '-', '–']));
            let in_ellipsis = line.ends_with("...") || line.ends_with('…');
            lines.ending_in_ellipsis += u64::from(in_ellipsis);
            let within = line.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']']);
            lines.ending_a_sentence += u64::from(!in_ellipsis && within.ends_with(['.', '!', '?', '。', '！', '？']));
            if line.len() <= marked_bytes {
                lines.boilerplate += u64::from(markers.are_in(line));
            }
        }
        lines
    }

    /// `part` by the count of lines; 0 where there is none.
    pub fn share(&self, part: u64) -> f64 {
        share(part, self.count)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Phrases to find in lines, whatever the case of ASCII letters.
pub struct Markers {
    phrases: Vec<String>,
    /// Which bytes begin a phrase: most bytes of a line begin none, and starting a search for each phrase anew costs
    /// more than reading the line.
    begins: [bool; 256],
}

impl Markers {
    /// Markers for phrases, none of them empty.
    pub fn new(phrases: &[String]) -> Self {
        let mut begins = [false; 256];
        for first in phrases.iter().filter_map(|phrase| phrase.bytes().next()) {
            for byte in [first.to_ascii_lowercase(), first.to_ascii_uppercase()] {
                if let Some(begins) = begins.get_mut(usize::from(byte)) {
                    *begins = true;
                }
            }
        }
        Markers { phrases: phrases.to_vec(), begins }
    }

    pub fn are_in(&self, line: &str) -> bool {
        let line = line.as_bytes();
        line.iter().enumerate().any(|(start, byte)| {
            self.begins.get(usize::from(*byte)).is_some_and(|begins| *begins)
                && self.phrases.iter().any(|phrase| {
                    line.get(start..start + phrase.len())
                        .is_some_and(|part| part.eq_ignore_ascii_case(phrase.as_bytes()))
                })
        })
    }
}

/// Start and factor of FNV-1a, here over the characters of a word.
const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_FACTOR: u64 = 0x0100_0000_01b3;

/// A hash of a line or paragraph, eight bytes at a time. Two different pieces of one page agree with a probability of
/// about 1e-10 for the longest page, and then only shift a share a little.
pub fn hash(text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let hash = words.iter().fold(text.len() as u64, |hash, word| step(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |all, byte| (all << 8) | u64::from(*byte));
    mix(step(hash, rest))
}

/// Carries the high bits down before the next word: a product alone moves bits upwards only.
fn step(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

/// The finaliser of splitmix64.
pub fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ellipses_are_three_full_stops_or_one_character() {
        for (text, ellipses) in [("wait...", 1), ("a.b.c. d..", 0), ("… and ......", 3), ("a .. . b", 0)] {
            assert_eq!(Words::of(text).ellipses, ellipses, "{text}");
        }
    }

    #[test]
    fn markers_are_found_at_the_ends_of_a_line_too() {
        let markers = Markers::new(&["Log in".to_owned(), "élan".to_owned(), "x".to_owned()]);
        for line in ["log IN", "please LOG in", "with élan!", "X", "LLog in", "lolog in now"] {
            assert!(markers.are_in(line), "{line}");
        }
        for line in ["", "log  in", "login", "lan", "Log i"] {
            assert!(!markers.are_in(line), "{line}");
        }
        assert!(!Markers::new(&[]).are_in("log in"));
    }
}
