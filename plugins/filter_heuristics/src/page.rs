//! What is counted on a page: its words and its lines.

/// The function words of Gopher's rule.
const FUNCTION_WORDS: [&str; 8] = ["the", "be", "to", "of", "and", "that", "have", "with"];

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
    /// Reads a page once.
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
        for word in text.split_whitespace() {
            let mut characters = 0;
            let mut has_letter = false;
            for character in word.chars() {
                characters += 1;
                has_letter |= character.is_alphabetic();
                words.hashes += u64::from(character == '#');
                words.ellipses += u64::from(character == '…');
            }
            words.ellipses += word.matches("...").count() as u64;
            words.with_letter += u64::from(has_letter);
            words.characters += u64::from(characters);
            words.list.push((hash(word), characters));
            for (seen, function_word) in seen.iter_mut().zip(FUNCTION_WORDS) {
                *seen |= word.eq_ignore_ascii_case(function_word);
            }
        }
        words.function_words = seen.into_iter().map(u32::from).sum();
        words
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
    /// Reads a page once. `markers` are in lower case; only lines of at most `marked_words` words are searched.
    pub fn of(text: &str, markers: &[String], marked_words: u64) -> Self {
        let mut lines = Lines::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            lines.count += 1;
            lines.bulleted += u64::from(line.starts_with(['•', '‣', '◦', '▪', '●', '*', '-', '–']));
            let in_ellipsis = line.ends_with("...") || line.ends_with('…');
            lines.ending_in_ellipsis += u64::from(in_ellipsis);
            let within = line.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']']);
            lines.ending_a_sentence += u64::from(!in_ellipsis && within.ends_with(['.', '!', '?', '。', '！', '？']));
            // Counting no further than the limit keeps a page of one long line cheap.
            let limit = usize::try_from(marked_words).unwrap_or(usize::MAX);
            if line.split_whitespace().nth(limit).is_none() {
                let line = line.to_ascii_lowercase();
                lines.boilerplate += u64::from(markers.iter().any(|marker| line.contains(marker.as_str())));
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

/// FNV-1a with a final mix (splitmix64), so that sums of word hashes spread. Two different words of one page agree with
/// a probability of about 1e-10 for the longest page, and then only shift a share a little.
pub fn hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(hash)
}

/// The finaliser of splitmix64.
pub fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
