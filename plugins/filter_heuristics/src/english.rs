//! Words as spaCy 3.8's blank English tokeniser splits them, which is what datatrove counts by.
//!
//! | file | idea |
//! |---|---|
//! | `characters.rs` | kinds of characters |
//! | `specials.rs` | contractions, abbreviations, emoticons |
//! | `affixes.rs` | what is split off the ends of a word, and where a word is split inside |
//! | `addresses.rs` | what counts as an address of the web, which is not split inside |
//!
//! White space parts chunks. From a chunk, marks are split off at both ends, one by one, until a special word is left or
//! nothing more can be split off; what is left is split at its infixes unless it is an address. At last neighbouring
//! pieces that make up a special word ("Mr" and ".") are joined again.
//!
//! `tests/splitter` has the script that compares all this with spaCy.

mod addresses;
mod affixes;
pub mod characters;
mod specials;

use characters::{is_letter, is_space};
use specials::Specials;

/// Longest special word of several pieces, in bytes.
const LONGEST_JOINED: usize = 40;

/// Start of the hash of a word, FNV-1a over its bytes.
pub const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// Takes the next byte into the hash of a word.
pub fn extend(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// What bytes of a chunk are; 0 for letters of ASCII.
const DIGIT: u8 = 2;
const OTHER: u8 = 4;
const HIGH: u8 = 8;
const SPACE: u8 = 16;

static BYTES: [u8; 256] = bytes();

const fn bytes() -> [u8; 256] {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => 0,
            b'0'..=b'9' => DIGIT,
            9..=13 | 28..=32 => SPACE,
            128..=255 => HIGH,
            _ => OTHER,
        };
        byte += 1;
    }
    kinds
}

/// A piece of a text.
#[derive(Clone, Copy)]
pub struct Word<'t> {
    /// Its text, never empty.
    pub text: &'t str,
    /// Hash of its text, finished.
    pub hash: u64,
    /// Whether it is ASCII and has a letter.
    pub plain: bool,
    /// Whether it is ASCII.
    pub ascii: bool,
}

/// Splits English texts. Making one fills a table of 1,350 special words, so keep it.
pub struct Splitter {
    specials: Specials,
}

impl Splitter {
    /// A splitter with spaCy's rules for English.
    pub fn new() -> Self {
        Splitter { specials: Specials::english() }
    }

    /// Hands each word of a text to `take`, in order, without white space.
    pub fn words<'t>(&self, text: &'t str, mut take: impl FnMut(Word<'t>)) {
        self.pieces(text, |word| take(word), |_| ());
    }

    /// The same with white space: `blank` gets what spaCy makes a token of its own, which is all of it but one single
    /// blank after a word.
    pub fn pieces<'t>(&self, text: &'t str, mut take: impl FnMut(Word<'t>), mut blank: impl FnMut(&'t str)) {
        let bytes = text.as_bytes();
        let mut pieces = Vec::new();
        let mut index = 0;
        while index < bytes.len() {
            // One chunk without white space.
            let start = index;
            let (mut kinds, mut odd, mut hash) = (0, 0_u32, HASH_START);
            while let Some(byte) = bytes.get(index) {
                // Letters of ASCII are most of most texts, so they take the shortest way.
                if byte.is_ascii_alphabetic() {
                    hash = extend(hash, *byte);
                    index += 1;
                    continue;
                }
                let kind = BYTES.get(usize::from(*byte)).copied().unwrap_or(OTHER);
                if kind >= HIGH {
                    if kind == SPACE {
                        break;
                    }
                    let character = text.get(index..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
                    if is_space(character) {
                        break;
                    }
                    kinds |= HIGH;
                    index += character.len_utf8();
                    continue;
                }
                kinds |= kind;
                odd += 1;
                hash = extend(hash, *byte);
                index += 1;
            }
            if index > start {
                let chunk = text.get(start..index).unwrap_or_default();
                if kinds == 0 {
                    self.letters(chunk, crate::page::mix(hash), &mut take);
                } else if kinds & HIGH != 0 || odd != 1 || !self.one_mark(chunk, hash, &mut take) {
                    self.chunk(chunk, &mut pieces);
                    for piece in &pieces {
                        take(whole(piece));
                    }
                }
            }
            // The white space after it.
            let mut space = index;
            while let Some(byte) = bytes.get(index) {
                let kind = BYTES.get(usize::from(*byte)).copied().unwrap_or(OTHER);
                if kind == SPACE {
                    index += 1;
                } else if kind == HIGH {
                    let character = text.get(index..).and_then(|rest| rest.chars().next()).unwrap_or('a');
                    if !is_space(character) {
                        break;
                    }
                    index += character.len_utf8();
                } else {
                    break;
                }
            }
            space += usize::from(space > 0 && bytes.get(space) == Some(&b' '));
            if space < index {
                blank(text.get(space..index).unwrap_or_default());
            }
        }
    }

    /// A chunk of letters of ASCII alone: whole, or a contraction.
    fn letters<'t>(&self, chunk: &'t str, hash: u64, take: &mut impl FnMut(Word<'t>)) {
        match self.specials.get_hashed(chunk, hash) {
            Some(cuts) if cuts != [0; 3] => cut(chunk, cuts, |piece| take(whole(piece))),
            _ => take(Word { text: chunk, hash, plain: true, ascii: true }),
        }
    }

    /// The most frequent chunk with a mark: letters of ASCII, then a comma or full stop. False where it is another one.
    fn one_mark<'t>(&self, chunk: &'t str, hash: u64, take: &mut impl FnMut(Word<'t>)) -> bool {
        let Some((before, mark)) = chunk.len().checked_sub(1).and_then(|at| chunk.split_at_checked(at)) else {
            return false;
        };
        let split = match mark.as_bytes() {
            [b',' | b':' | b';' | b'!' | b'?' | b')'] => true,
            [b'.'] => before.as_bytes().last().is_some_and(u8::is_ascii_lowercase),
            _ => false,
        };
        if !split || before.is_empty() || self.specials.get_hashed(chunk, crate::page::mix(hash)).is_some() {
            return false;
        }
        let hash = crate::page::mix(before.bytes().fold(HASH_START, extend));
        if self.specials.get_hashed(before, hash).is_some_and(|cuts| cuts != [0; 3]) {
            return false; // its last piece may belong to the mark
        }
        take(Word { text: before, hash, plain: true, ascii: true });
        take(whole(mark));
        true
    }

    /// Any chunk: its pieces, in order.
    fn chunk<'t>(&self, chunk: &'t str, pieces: &mut Vec<&'t str>) {
        pieces.clear();
        if let Some(cuts) = self.specials.get(chunk) {
            cut(chunk, cuts, |piece| pieces.push(piece));
            return;
        }
        affixes::split(chunk, Some(&self.specials), pieces);
        if pieces.len() > 1 {
            self.join(chunk, pieces);
        }
    }

    /// Joins neighbouring pieces that make up a special word with a mark in it, the longest first.
    fn join<'t>(&self, chunk: &'t str, pieces: &mut Vec<&'t str>) {
        // First piece, end, where the word begins and ends in the chunk, and its cuts.
        let mut found: Vec<(usize, usize, usize, usize, specials::Cuts)> = Vec::new();
        let mut begin = 0;
        for (first, piece) in pieces.iter().enumerate() {
            let mut end = begin;
            for (last, piece) in pieces.iter().enumerate().skip(first) {
                end += piece.len();
                if end - begin > LONGEST_JOINED {
                    break;
                }
                let word = chunk.get(begin..end).unwrap_or_default();
                if let Some(cuts) = self.specials.get(word)
                    && affixes::any(word)
                {
                    let mut parts = Vec::new();
                    affixes::split(word, None, &mut parts);
                    if pieces.get(first..=last) == Some(&parts[..]) {
                        found.push((first, last + 1, begin, end, cuts));
                    }
                }
            }
            begin += piece.len();
        }
        if found.is_empty() {
            return;
        }
        found.sort_by_key(|(first, end, ..)| (std::cmp::Reverse(end - first), *first));
        let mut seen = vec![false; pieces.len()];
        found.retain(|(first, end, ..)| {
            let free = [*first, end - 1].iter().all(|index| seen.get(*index) == Some(&false));
            if let Some(covered) = seen.get_mut(*first..*end) {
                covered.fill(true);
            }
            free
        });
        found.sort_by_key(|(first, ..)| std::cmp::Reverse(*first));
        for (first, end, from, to, cuts) in found {
            let mut joined = Vec::new();
            cut(chunk.get(from..to).unwrap_or_default(), cuts, |piece| joined.push(piece));
            pieces.splice(first..end, joined);
        }
    }
}

/// Any piece as a word.
fn whole(text: &str) -> Word<'_> {
    let (mut hash, mut letter, mut all) = (HASH_START, false, 0);
    for byte in text.bytes() {
        hash = extend(hash, byte);
        letter |= byte.is_ascii_alphabetic();
        all |= byte;
    }
    let ascii = all < 0x80;
    Word { text, hash: crate::page::mix(hash), plain: ascii && letter, ascii }
}

/// Cuts a special word.
fn cut<'t>(word: &'t str, cuts: specials::Cuts, mut take: impl FnMut(&'t str)) {
    let mut start = 0;
    for end in cuts.into_iter().map(usize::from).filter(|end| *end > 0).chain([word.len()]) {
        take(word.get(start..end).unwrap_or_default());
        start = end;
    }
}

impl Word<'_> {
    /// Whether it has a letter.
    pub fn has_letter(&self) -> bool {
        self.plain || (!self.ascii && self.text.chars().any(is_letter))
    }

    /// Its length in characters.
    pub fn characters(&self) -> u32 {
        if self.ascii { self.text.len() as u32 } else { self.text.chars().count() as u32 }
    }

    /// Whether all of it is punctuation as datatrove lists it.
    pub fn is_noise(&self) -> bool {
        !self.plain && self.text.chars().all(|character| characters::kinds(character) & characters::NOISE != 0)
    }
}

#[cfg(test)]
mod tests;
