//! From a text to rows of the input: words, n-grams of characters, n-grams of words.

use super::file::{ModelReader, Wrong};
use std::io::Read;

/// The word that ends a line.
const END: &[u8] = b"</s>";
/// What labels begin with.
const LABEL: &str = "__label__";
/// The place of a word that is nowhere.
const NONE: u32 = u32::MAX;
/// Entries and pruned n-grams that a dictionary may have: as many as C++ fastText's.
const LARGEST: i64 = 30_000_000;
/// Rows of n-grams of words that are kept, 1 GiB of them. Those of later words are found when they are met.
const KEPT_ROWS: usize = 1 << 28;

/// Which n-grams a model has.
pub(super) struct Ngrams {
    /// Words of the longest n-gram of words.
    pub(super) word_ngrams: i32,
    /// Rows that n-grams share.
    pub(super) bucket: i32,
    /// Characters of the shortest n-gram of characters.
    pub(super) minn: i32,
    /// Characters of the longest; none where it is 0.
    pub(super) maxn: i32,
}

pub(super) struct Dictionary {
    ngrams: Ngrams,
    /// Labels without their prefix.
    pub(super) labels: Vec<String>,
    pub(super) label_counts: Vec<i64>,
    /// Words, then labels: entry `i` is `text[starts[i]..starts[i + 1]]`.
    text: Vec<u8>,
    starts: Vec<usize>,
    words: usize,
    /// Places of entries by their hash.
    slots: Vec<u32>,
    /// Rows of the n-grams that pruning has left; none where nothing was pruned.
    pruned: Option<Pruned>,
    /// Rows of each word, itself and its n-grams of characters: `rows[row_starts[i]..row_starts[i + 1]]`. Empty where the
    /// model has no such n-grams, and without the last words where there are too many.
    rows: Vec<i32>,
    row_starts: Vec<usize>,
}

impl Dictionary {
    /// Reads words and labels; [`Dictionary::finish`] makes it ready.
    pub(super) fn read<R: Read>(reader: &mut ModelReader<R>, ngrams: Ngrams) -> Result<Dictionary, Wrong> {
        let size = i64::from(reader.i32()?);
        let words = i64::from(reader.i32()?);
        let labels = i64::from(reader.i32()?);
        reader.i64()?; // The tokens of the texts it was trained on.
        let pruned = reader.i64()?;
        if words < 0 || labels < 0 || size != words + labels || size > LARGEST {
            return Err(format!("is damaged: it says it has {size} entries, {words} words and {labels} labels").into());
        }
        if labels == 0 {
            return Err("has no labels".into());
        }
        // An entry takes ten bytes at least, so a count that lies ends here before anything is allocated for it.
        if size as u64 > reader.left() / 10 {
            return Err(format!("is cut short or damaged: {size} entries do not fit in {} bytes", reader.left()).into());
        }
        let mut dictionary = Dictionary {
            ngrams,
            labels: Vec::new(),
            label_counts: Vec::new(),
            text: Vec::new(),
            starts: Vec::with_capacity(size as usize + 1),
            words: words as usize,
            slots: Vec::new(),
            pruned: None,
            rows: Vec::new(),
            row_starts: Vec::new(),
        };
        dictionary.starts.push(0);
        for index in 0..size {
            let begun = dictionary.text.len();
            reader.word(&mut dictionary.text)?;
            dictionary.starts.push(dictionary.text.len());
            let count = reader.i64()?;
            let is_label = reader.flag("the type of a word")?;
            if is_label != (index >= words) {
                return Err("is damaged: its words and labels are not in order".into());
            }
            if is_label {
                let label = String::from_utf8_lossy(&dictionary.text[begun..]);
                dictionary.labels.push(label.strip_prefix(LABEL).unwrap_or(&label).to_owned());
                dictionary.label_counts.push(count);
            }
        }
        if pruned >= 0 {
            if pruned as u64 > reader.left() / 8 {
                return Err(
                    format!("is cut short or damaged: {pruned} n-grams do not fit in {} bytes", reader.left()).into()
                );
            }
            let mut pairs = Vec::with_capacity(pruned as usize);
            for _ in 0..pruned {
                pairs.push((reader.i32()?, reader.i32()?));
            }
            dictionary.pruned = Some(Pruned::new(&pairs));
        }
        Ok(dictionary)
    }

    pub(super) fn is_pruned(&self) -> bool {
        self.pruned.is_some()
    }

    /// Checks that every row it may give is one of the `rows` of the input, and makes its tables.
    pub(super) fn finish(&mut self, rows: usize) -> Result<(), Wrong> {
        let uses_ngrams = self.ngrams.bucket > 0 && (self.ngrams.maxn > 0 || self.ngrams.word_ngrams > 1);
        let ngram_rows = match &self.pruned {
            Some(pruned) => pruned.rows()?,
            None if uses_ngrams => self.ngrams.bucket as usize,
            None => 0,
        };
        if self.words.saturating_add(ngram_rows) > rows || rows > i32::MAX as usize {
            let words = self.words;
            return Err(format!(
                "is damaged: {words} words and {ngram_rows} n-grams need as many rows, and its input has {rows}"
            )
            .into());
        }
        let entries = self.starts.len() - 1;
        self.slots = vec![NONE; (entries * 2).next_power_of_two()];
        for entry in 0..entries {
            let slot = self.slot(hash(self.entry(entry)), self.entry(entry));
            self.slots[slot] = entry as u32;
        }
        if self.ngrams.maxn > 0 {
            self.row_starts = Vec::with_capacity(self.words + 1);
            self.row_starts.push(0);
            let (mut found, mut marked) = (Vec::new(), Vec::new());
            for word in 0..self.words {
                if found.len() > KEPT_ROWS {
                    break;
                }
                found.push(word as i32);
                if self.entry(word) != END {
                    mark(self.entry(word), &mut marked);
                    self.characters(&marked, &mut found);
                }
                self.row_starts.push(found.len());
            }
            self.rows = found;
        }
        Ok(())
    }

    fn entry(&self, index: usize) -> &[u8] {
        &self.text[self.starts[index]..self.starts[index + 1]]
    }

    /// The slot that has `word`, or the free one where it would be.
    fn slot(&self, hash: u32, word: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while self.slots[slot] != NONE && self.entry(self.slots[slot] as usize) != word {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// The rows of `text`: C++ fastText's `Dictionary::getLine` of the text and a line break.
    pub(super) fn rows_of(&self, text: &str, rows: &mut Vec<i32>, hashes: &mut Vec<i32>, marked: &mut Vec<u8>) {
        rows.clear();
        hashes.clear();
        let words =
            text.as_bytes().split(|byte| matches!(byte, b' ' | 0x09..=0x0d | 0)).filter(|word| !word.is_empty());
        for word in words.chain([END]) {
            let hash = hash(word);
            let entry = self.slots[self.slot(hash, word)];
            if entry == NONE {
                if word.starts_with(LABEL.as_bytes()) {
                    continue;
                }
                if word != END && self.ngrams.maxn > 0 {
                    mark(word, marked);
                    self.characters(marked, rows);
                }
            } else if entry as usize >= self.words {
                continue; // A label.
            } else if self.ngrams.maxn > 0 {
                self.word(entry as usize, word, rows, marked);
            } else {
                rows.push(entry as i32);
            }
            hashes.push(hash as i32);
            if word == END {
                break;
            }
        }
        self.word_ngrams(hashes, rows);
    }

    /// A word that the model knows, and its n-grams of characters.
    fn word(&self, entry: usize, word: &[u8], rows: &mut Vec<i32>, marked: &mut Vec<u8>) {
        if let (Some(begin), Some(end)) = (self.row_starts.get(entry), self.row_starts.get(entry + 1)) {
            rows.extend_from_slice(&self.rows[*begin..*end]);
            return;
        }
        rows.push(entry as i32);
        if word != END {
            mark(word, marked);
            self.characters(marked, rows);
        }
    }

    /// `Dictionary::computeSubwords`: the n-grams of characters of a word between its marks.
    fn characters(&self, marked: &[u8], rows: &mut Vec<i32>) {
        let Ngrams { bucket, minn, maxn, .. } = self.ngrams;
        if bucket == 0 {
            return;
        }
        let continues = |byte: Option<&u8>| byte.is_some_and(|byte| byte & 0xc0 == 0x80);
        for begin in 0..marked.len() {
            if continues(marked.get(begin)) {
                continue;
            }
            let (mut end, mut hash) = (begin, HASH);
            for length in 1..=maxn {
                if end >= marked.len() {
                    break;
                }
                hash = add(hash, marked[end]);
                end += 1;
                while continues(marked.get(end)) {
                    hash = add(hash, marked[end]);
                    end += 1;
                }
                if length >= minn && !(length == 1 && (begin == 0 || end == marked.len())) {
                    self.push((hash % bucket as u32) as i32, rows);
                }
            }
        }
    }

    /// `Dictionary::addWordNgrams`.
    fn word_ngrams(&self, hashes: &[i32], rows: &mut Vec<i32>) {
        let Ngrams { word_ngrams, bucket, .. } = self.ngrams;
        if bucket == 0 || word_ngrams < 2 {
            return;
        }
        // The hash is signed when it is widened, as in C++ fastText.
        let wide = |hash: i32| i64::from(hash) as u64;
        for (begin, first) in hashes.iter().enumerate() {
            let mut hash = wide(*first);
            for next in hashes[begin + 1..].iter().take(word_ngrams as usize - 1) {
                hash = hash.wrapping_mul(116_049_371).wrapping_add(wide(*next));
                self.push((hash % bucket as u64) as i32, rows);
            }
        }
    }

    /// `Dictionary::pushHash`.
    fn push(&self, ngram: i32, rows: &mut Vec<i32>) {
        match &self.pruned {
            None => rows.push(self.words as i32 + ngram),
            Some(pruned) => rows.extend(pruned.find(ngram).map(|row| self.words as i32 + row)),
        }
    }
}

/// Sets a word between the marks of its beginning and end.
fn mark(word: &[u8], marked: &mut Vec<u8>) {
    marked.clear();
    marked.push(b'<');
    marked.extend_from_slice(word);
    marked.push(b'>');
}

const HASH: u32 = 2_166_136_261;

/// C++ fastText's step of FNV-1a, which widens bytes with their sign.
fn add(hash: u32, byte: u8) -> u32 {
    (hash ^ i32::from(byte as i8) as u32).wrapping_mul(16_777_619)
}

fn hash(word: &[u8]) -> u32 {
    word.iter().fold(HASH, |hash, byte| add(hash, *byte))
}

/// Rows of the n-grams that pruning has left, by their bucket.
struct Pruned {
    /// Bucket and row; the row is negative where the place is free.
    slots: Vec<(i32, i32)>,
    least: i32,
    most: i32,
}

impl Pruned {
    fn new(pairs: &[(i32, i32)]) -> Pruned {
        let mut pruned =
            Pruned { slots: vec![(0, -1); (pairs.len() * 2).next_power_of_two().max(2)], least: 0, most: -1 };
        for (bucket, row) in pairs {
            pruned.least = pruned.least.min(*row);
            pruned.most = pruned.most.max(*row);
            let slot = pruned.slot(*bucket);
            pruned.slots[slot] = (*bucket, (*row).max(0));
        }
        pruned
    }

    /// Rows that its n-grams may have.
    fn rows(&self) -> Result<usize, Wrong> {
        if self.least < 0 {
            return Err(format!("is damaged: an n-gram has row {}", self.least).into());
        }
        Ok((i64::from(self.most) + 1) as usize)
    }

    fn slot(&self, bucket: i32) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (bucket as u32).wrapping_mul(0x9e37_79b1) as usize >> 7 & mask;
        while self.slots[slot].1 >= 0 && self.slots[slot].0 != bucket {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn find(&self, bucket: i32) -> Option<i32> {
        let row = self.slots[self.slot(bucket)].1;
        (row >= 0).then_some(row)
    }
}
