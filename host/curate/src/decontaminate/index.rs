//! The index of benchmarks: which grams their rows are made of.
//!
//! It is built once from all rows and is a function of the settings, the benchmarks' names and their rows in order. Its
//! file is named by its digest, so machines that share the work can see that they share the index ([`file`]).
//!
//! In memory it takes 30 to 50 bytes for each distinct gram and 4 for each row that has it, in its file 16 and 4; building it
//! takes 16 bytes for each gram of each row. GSM8K's test set and MATH-500 with their solutions, 1,819 rows, have 153,441
//! grams of 13 words.
//!
//! # What is no leak
//!
//! A formula that everybody writes, a licence, or the instruction over a hundred questions says nothing of where a
//! document comes from. Such grams never get into the index under the rules [`Rules::Ngram`]:
//!
//! - a gram with fewer than [`IndexSettings::least_words`] distinct words, where a TeX command, a number, a single letter
//!   and a sign are no words, so that an identity in symbols has none;
//! - a gram that more than [`IndexSettings::most_rows`] rows of one benchmark have.
//!
//! Under [`Rules::Decon`] a row needs as many distinct words, and each gram weighs ln(1 + rows / rows that have it).
//! Under [`Rules::Datatrove`] nothing is left out, since datatrove leaves nothing out.

pub(super) mod file;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use serde::{Deserialize, Serialize};

use octo_data::DataError;

use super::datatrove;
use super::words::{Token, gram, grams, tokens};

/// How documents and rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rules {
    /// A gram of words that a row and a document share.
    Ngram,
    /// The same as datatrove decides.
    Datatrove,
    /// The share of a row that a passage of the document has, as decon weighs it.
    Decon,
}

/// What an index depends on besides the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSettings {
    /// How documents and rows are compared.
    pub rules: Rules,
    /// Words of a gram.
    pub n: usize,
    /// Whether grams of the query alone count under [`Rules::Datatrove`].
    pub query_grams: bool,
    /// Rows of one benchmark that may have a gram under [`Rules::Ngram`]; a gram of more is boilerplate.
    pub most_rows: usize,
    /// Distinct words that a gram needs under [`Rules::Ngram`], and a row under [`Rules::Decon`].
    pub least_words: usize,
    /// Words that a row needs under [`Rules::Decon`], query, label and passage together.
    pub least_tokens: usize,
}

impl IndexSettings {
    /// What is usual under `rules`: 13 words after GPT-3, datatrove's 12, decon's 5.
    pub fn of(rules: Rules) -> IndexSettings {
        let n = match rules {
            Rules::Ngram => 13,
            Rules::Datatrove => 12,
            Rules::Decon => 5,
        };
        IndexSettings { rules, n, query_grams: false, most_rows: 10, least_words: 4, least_tokens: 20 }
    }
}

/// The settings as a recipe writes those that hold under the rules.
impl std::fmt::Display for IndexSettings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n = self.n;
        match self.rules {
            Rules::Ngram => {
                let (rows, words) = (self.most_rows, self.least_words);
                write!(out, "mode = \"ngram\", n = {n}, most_rows = {rows}, least_words = {words}")
            }
            Rules::Datatrove => {
                write!(out, "mode = \"ngram\", rules = \"datatrove\", n = {n}, query_grams = {}", self.query_grams)
            }
            Rules::Decon => {
                let (words, tokens) = (self.least_words, self.least_tokens);
                write!(out, "mode = \"decon\", n = {n}, least_words = {words}, least_tokens = {tokens}")
            }
        }
    }
}

/// A row of a benchmark, as its files have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BenchmarkRow {
    /// The row's name: its id, or FILE:ROW.
    pub name: String,
    /// What is asked.
    pub query: String,
    /// What is right, any of them.
    pub labels: Vec<String>,
    /// The text that the question is about; empty where there is none.
    pub passage: String,
}

/// A benchmark in an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchmarkEntry {
    /// Its name in the recipe.
    pub name: String,
    /// Digests of its files, in order.
    pub files: Vec<String>,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that a document can match.
    pub indexed: u64,
    /// Rows that are too short, or have too few words.
    pub too_short: u64,
    /// Rows that are long enough and consist of boilerplate and formulas alone.
    pub only_boilerplate: u64,
}

/// A row in an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexRow {
    /// Place of its benchmark in [`Index::benchmarks`].
    pub benchmark: u32,
    /// Its name.
    pub name: String,
    /// Distinct grams of it that are in the index.
    pub grams: u32,
    /// Words of query, label and passage; the longest label counts.
    pub length: u32,
    /// The tokens of each label, under [`Rules::Decon`].
    pub labels: Vec<Vec<u64>>,
    /// The distinct grams of the passage, sorted, under [`Rules::Decon`].
    pub passage: Vec<u64>,
}

/// Hashes are spread evenly already.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

type ByHash<V> = HashMap<u64, V, BuildHasherDefault<AsItIs>>;

/// The grams of benchmarks and the rows that have them.
#[derive(Debug)]
pub struct Index {
    /// What it was built with.
    pub settings: IndexSettings,
    /// The benchmarks, in the recipe's order.
    pub benchmarks: Vec<BenchmarkEntry>,
    /// The rows that have grams in it.
    pub rows: Vec<IndexRow>,
    /// Distinct grams, sorted.
    grams: Vec<u64>,
    /// Where the rows of each gram begin in `postings`; one more than there are grams.
    starts: Vec<u32>,
    postings: Vec<u32>,
    /// Grams of labels and passages that several rows have, with their number.
    repeated: Vec<(u64, u32)>,
    slots: ByHash<u32>,
    repeats: ByHash<u32>,
    /// The weight of each row's grams together.
    weights: Vec<f64>,
}

/// The parts of an index that its file holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts {
    /// See [`Index`].
    pub(super) rows: Vec<IndexRow>,
    /// See [`Index`].
    pub(super) grams: Vec<u64>,
    /// See [`Index`].
    pub(super) starts: Vec<u32>,
    /// See [`Index`].
    pub(super) postings: Vec<u32>,
    /// See [`Index`].
    pub(super) repeated: Vec<(u64, u32)>,
}

/// Grams of a row before it is known which are boilerplate.
struct RowGrams {
    row: IndexRow,
    grams: Vec<u64>,
}

impl Index {
    /// Builds it of benchmarks, each with its name, the digests of its files and its rows.
    ///
    /// # Errors
    /// More than 4,294,967,295 grams of rows, or none: then no document could match.
    pub fn build(
        settings: IndexSettings,
        benchmarks: Vec<(String, Vec<String>, Vec<BenchmarkRow>)>,
    ) -> Result<Index, DataError> {
        let mut entries = Vec::new();
        let mut rows: Vec<IndexRow> = Vec::new();
        let mut pairs: Vec<(u64, u32)> = Vec::new();
        let mut in_answers: BTreeMap<u64, u32> = BTreeMap::new();
        for (number, (name, files, of_benchmark)) in benchmarks.into_iter().enumerate() {
            let count = of_benchmark.len() as u64;
            let mut entry = BenchmarkEntry { name, files, rows: count, ..BenchmarkEntry::default() };
            for row in of_benchmark {
                let Some(RowGrams { mut row, grams }) = grams_of(&settings, row) else {
                    entry.too_short += 1;
                    continue;
                };
                row.benchmark = number as u32;
                if settings.rules == Rules::Decon {
                    let mut of_answers = row.passage.clone();
                    for label in &row.labels {
                        of_answers.extend(label.windows(settings.n).map(|part| gram(part.iter().copied())));
                    }
                    of_answers.sort_unstable();
                    of_answers.dedup();
                    of_answers.into_iter().for_each(|gram| *in_answers.entry(gram).or_default() += 1);
                }
                pairs.extend(grams.into_iter().map(|gram| (gram, rows.len() as u32)));
                rows.push(row);
            }
            entries.push(entry);
        }
        pairs.sort_unstable();
        pairs.dedup();
        if u32::try_from(pairs.len()).is_err() {
            let message = "the benchmarks have more than 4,294,967,295 grams; split them over several stages";
            return Err(DataError::Invalid(message.to_owned()));
        }
        let (mut grams, mut starts, mut postings) = (Vec::new(), vec![0], Vec::new());
        for group in pairs.chunk_by(|one, other| one.0 == other.0) {
            let boilerplate = |of: &[(u64, u32)]| of.len() > settings.most_rows;
            let same = |one: &(u64, u32), other: &(u64, u32)| {
                rows[one.1 as usize].benchmark == rows[other.1 as usize].benchmark
            };
            if settings.rules == Rules::Ngram && group.chunk_by(same).any(boilerplate) {
                continue;
            }
            grams.push(group[0].0);
            postings.extend(group.iter().map(|(_, row)| *row));
            starts.push(postings.len() as u32);
        }
        postings.iter().for_each(|row| rows[*row as usize].grams += 1);
        for row in &rows {
            let entry = &mut entries[row.benchmark as usize];
            *(if row.grams == 0 { &mut entry.only_boilerplate } else { &mut entry.indexed }) += 1;
        }
        if grams.is_empty() {
            let count = |of: fn(&BenchmarkEntry) -> u64| entries.iter().map(of).sum::<u64>();
            return Err(DataError::Invalid(format!(
                "no document can match the benchmarks: of {} rows {} are too short for n = {} and {} have too few words of \
                 their own; set `n`, `least_words` or `least_tokens` lower, or check `map`",
                count(|entry| entry.rows),
                count(|entry| entry.too_short),
                settings.n,
                count(|entry| entry.only_boilerplate)
            )));
        }
        let repeated = in_answers.into_iter().filter(|(_, rows)| *rows > 1).collect();
        Ok(Index::of_parts(settings, entries, Parts { rows, grams, starts, postings, repeated }))
    }

    fn of_parts(settings: IndexSettings, benchmarks: Vec<BenchmarkEntry>, parts: Parts) -> Index {
        let Parts { rows, grams, starts, postings, repeated } = parts;
        let slots = grams.iter().enumerate().map(|(slot, gram)| (*gram, slot as u32)).collect();
        let repeats = repeated.iter().copied().collect();
        let weights = vec![0.0; rows.len()];
        let mut index =
            Index { settings, benchmarks, rows, grams, starts, postings, repeated, slots, repeats, weights };
        for slot in 0..index.grams.len() as u32 {
            let weight = index.weight(slot);
            let (from, to) = (index.starts[slot as usize] as usize, index.starts[slot as usize + 1] as usize);
            for at in from..to {
                index.weights[index.postings[at] as usize] += weight;
            }
        }
        index
    }

    /// How many distinct grams it has.
    pub fn len(&self) -> usize {
        self.grams.len()
    }

    /// Whether no document can match.
    pub fn is_empty(&self) -> bool {
        self.grams.is_empty()
    }

    /// The place of a gram in the index.
    pub fn slot(&self, gram: u64) -> Option<u32> {
        self.slots.get(&gram).copied()
    }

    /// The rows that have the gram at `slot`, in order.
    pub fn rows_of(&self, slot: u32) -> &[u32] {
        let slot = slot as usize;
        &self.postings[self.starts[slot] as usize..self.starts[slot + 1] as usize]
    }

    /// What the gram at `slot` weighs: ln(1 + rows / rows that have it).
    pub fn weight(&self, slot: u32) -> f64 {
        (1.0 + self.rows.len() as f64 / self.rows_of(slot).len() as f64).ln()
    }

    /// What the grams of a row weigh together.
    pub fn weight_of_row(&self, row: u32) -> f64 {
        self.weights[row as usize]
    }

    /// What a gram of a label or passage weighs.
    pub fn weight_in_answers(&self, gram: u64) -> f64 {
        let having = self.repeats.get(&gram).copied().unwrap_or(1);
        (1.0 + self.rows.len() as f64 / f64::from(having)).ln()
    }

    /// The name of the benchmark of a row.
    pub fn benchmark_of(&self, row: u32) -> &str {
        &self.benchmarks[self.rows[row as usize].benchmark as usize].name
    }
}

/// The grams of one row; None where it is too short to be told from others.
fn grams_of(settings: &IndexSettings, row: BenchmarkRow) -> Option<RowGrams> {
    let BenchmarkRow { name, query, labels, passage } = row;
    let row = IndexRow { name, ..IndexRow::default() };
    if settings.rules == Rules::Datatrove {
        let of_label = |label: &String| datatrove::grams_of_row(&query, label, settings.n, settings.query_grams);
        let no_label = [String::new()];
        let labels = if labels.is_empty() { &no_label } else { &labels[..] };
        let grams: Vec<u64> = labels.iter().flat_map(of_label).collect();
        return (!grams.is_empty()).then_some(RowGrams { row, grams });
    }
    let query = tokens(&query);
    let labels: Vec<Vec<Token>> = labels.iter().map(|label| tokens(label)).filter(|label| !label.is_empty()).collect();
    let passage = tokens(&passage);
    if settings.rules == Rules::Ngram {
        // What stands between question and answer is found too: the text is the one after the other.
        let texts: Vec<Vec<Token>> = match &labels[..] {
            [] => vec![query],
            labels => labels.iter().map(|label| query.iter().chain(label).copied().collect()).collect(),
        };
        let texts: Vec<Vec<Token>> = texts.into_iter().chain([passage]).collect();
        let long_enough = texts.iter().any(|text| text.len() >= settings.n);
        let telling = |part: &&[Token]| distinct_words(part) >= settings.least_words;
        let of_text = |text: &Vec<Token>| -> Vec<u64> {
            let parts = text.windows(settings.n).filter(telling);
            parts.map(|part| gram(part.iter().map(|token| token.hash))).collect()
        };
        let grams = texts.iter().flat_map(of_text).collect();
        return long_enough.then_some(RowGrams { row, grams });
    }
    let longest = labels.iter().map(Vec::len).max().unwrap_or(0);
    let length = query.len() + longest + passage.len();
    if length < settings.least_tokens || query.len() < settings.n || distinct_words(&query) < settings.least_words {
        return None;
    }
    let of_passage: std::collections::BTreeSet<u64> = grams(&passage, settings.n).collect();
    let row = IndexRow {
        length: length as u32,
        labels: labels.iter().map(|label| label.iter().map(|token| token.hash).collect()).collect(),
        passage: of_passage.into_iter().collect(),
        ..row
    };
    Some(RowGrams { row, grams: grams(&query, settings.n).collect() })
}

fn distinct_words(tokens: &[Token]) -> usize {
    let mut words: Vec<u64> = tokens.iter().filter(|token| token.is_word).map(|token| token.hash).collect();
    words.sort_unstable();
    words.dedup();
    words.len()
}
