//! n-grams as `NGramsDecontIndexer` and `NGramsDecontFilter` of datatrove 0.10.1 make them.
//!
//! A text is put in lower case, each number becomes `0`, marks of punctuation become blanks, runs of white space one blank,
//! and accents are taken off. It is split at blanks, and then where spaCy's English rules still split what is left:
//! contractions without their apostrophe (`dont`), a unit after a number (`0km`), signs of currency, symbols.
//!
//! Two defects are not copied: a gram of nothing but blanks does not decide on the whole document (it is no gram), and
//! nothing that is shared changes while documents are looked at.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use twox_hash::XxHash64;
use unicode_normalization::UnicodeNormalization;

/// What becomes a blank, besides control characters.
const PUNCTUATION: &str = "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»";
/// What spaCy splits off at the beginning of a word; at the end, all but signs of currency.
const EDGES: &str = "§¿؟¡·।،۔؛٪‘‚『』〔〕⟦⟧？！；：、";
/// Signs of currency that are split off before a word, and after a number.
const CURRENCIES: &str = "£€¥฿₽﷼₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₴₵₶₷₸₹₺₻₼₾₿";
/// Units that are split off after a number, in lower case.
const UNITS: &[&str] = &[
    "km", "km²", "km³", "m", "m²", "m³", "dm", "dm²", "dm³", "cm", "cm²", "cm³", "mm", "mm²", "mm³", "ha", "µm", "nm",
    "yd", "in", "ft", "kg", "g", "mg", "µg", "t", "lb", "oz", "kmh", "mph", "mb", "kb", "gb", "tb", "км", "км²", "км³",
    "м", "м²", "м³", "дм", "дм²", "дм³", "см", "см²", "см³", "мм", "мм²", "мм³", "нм", "кг", "г", "мг", "кб", "мб",
    "гб", "тб",
];

static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{Nd}+(?:[.,،٫⎖⎗⎘]\p{Nd}+)?"));
static MARK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{Mn}"));
static SYMBOL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{So}"));
static CONTRACTIONS: LazyLock<HashMap<String, Vec<usize>>> = LazyLock::new(contractions);
/// Which characters of ASCII become blanks.
static BLANKS: LazyLock<[bool; 128]> = LazyLock::new(|| {
    std::array::from_fn(|code| code <= 32 || code == 127 || PUNCTUATION.contains(char::from(code as u8)))
});

#[allow(clippy::expect_used)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant that the tests compile")
}

/// Contractions without their apostrophes, each with the places where it is split.
fn contractions() -> HashMap<String, Vec<usize>> {
    let asking = ["how", "what", "when", "where", "who", "why"];
    let pointing = ["that", "there", "these", "this", "those"];
    let modal = ["could", "might", "must", "should", "would"];
    let mut all = HashMap::new();
    let mut add = |endings: &[&str], words: &[&[&str]]| {
        for word in words.iter().flat_map(|words| words.iter()) {
            let splits = endings.iter().scan(word.len(), |at, ending| Some(std::mem::replace(at, *at + ending.len())));
            all.insert(format!("{word}{}", endings.concat()), splits.collect());
        }
    };
    add(&["d"], &[&asking, &pointing, &["he", "i", "it", "they", "we", "you"]]);
    add(&["d", "ve"], &[&asking, &pointing, &["he", "i", "it", "she", "they", "we", "you"]]);
    add(&["ll"], &[&asking, &pointing, &["it", "they", "you"]]);
    add(&["ll", "ve"], &[&asking, &pointing, &["he", "i", "it", "she", "they", "we", "you"]]);
    add(&["s"], &[&asking, &["he", "she", "that", "there", "this"]]);
    add(&["re"], &[&["how", "what", "when", "where", "why", "there", "these", "those", "they", "you"]]);
    add(&["ve"], &[&asking, &modal, &["i", "not", "there", "these", "those", "they", "we", "you"]]);
    add(&["nt"], &[&modal, &["ai", "are", "ca", "dare", "did", "do", "does", "had", "has", "have", "is", "may"]]);
    add(&["nt"], &[&["need", "ought", "sha", "was", "were", "wo"]]);
    add(&["nt", "ve"], &[&modal, &["ca", "did", "do", "does", "had", "may", "need", "ought", "sha", "wo"]]);
    add(&["m"], &[&["i"]]);
    add(&["m", "a"], &[&["i"]]);
    add(&["not"], &[&["can"]]);
    add(&["na"], &[&["gon"]]);
    add(&["ta"], &[&["got"]]);
    add(&["all"], &[&["y"]]);
    all
}

/// The text without what datatrove's normalisation takes out of it.
pub(super) fn simplified(text: &str) -> String {
    let lower = text.to_lowercase();
    let numbers = NUMBER.replace_all(&lower, "0");
    let blank = |c: char| match u32::from(c) {
        code @ 0..128 => BLANKS[code as usize],
        128..160 => true,
        _ => PUNCTUATION.contains(c) || c.is_whitespace(),
    };
    let mut plain = String::with_capacity(numbers.len());
    for word in numbers.split(blank).filter(|word| !word.is_empty()) {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    if plain.is_ascii() {
        return plain;
    }
    let apart: String = plain.nfd().collect();
    MARK.replace_all(&apart, "").trim().to_owned()
}

/// The words of a text, as [`simplified`] leaves it.
pub(super) fn words(simplified: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in simplified.split_whitespace() {
        split(word, &mut words);
    }
    words
}

fn split<'a>(mut word: &'a str, words: &mut Vec<&'a str>) {
    let mut after = Vec::new();
    while !word.is_empty() {
        if let Some(splits) = contraction(word) {
            let mut from = 0;
            for at in splits {
                words.push(&word[from..*at]);
                from = *at;
            }
            words.push(&word[from..]);
            word = "";
            break;
        }
        let Some(first) = word.chars().next().filter(|_| !word.is_ascii() || word.contains('0')) else { break };
        if word.len() > first.len_utf8() && (EDGES.contains(first) || CURRENCIES.contains(first) || is_symbol(first)) {
            words.push(&word[..first.len_utf8()]);
            word = &word[first.len_utf8()..];
        } else if let Some(length) = ending(word) {
            let (rest, end) = word.split_at(word.len() - length);
            after.push(end);
            word = rest;
        } else {
            break;
        }
    }
    if !word.is_empty() {
        inside(word, words);
    }
    words.extend(after.into_iter().rev());
}

/// The bytes of what is split off the end of `word`; never all of it.
fn ending(word: &str) -> Option<usize> {
    let last = word.chars().next_back()?;
    let before = &word[..word.len() - last.len_utf8()];
    if before.is_empty() {
        return None;
    }
    if EDGES.contains(last) || is_symbol(last) || (CURRENCIES.contains(last) && before.ends_with('0')) {
        return Some(last.len_utf8());
    }
    let unit = |unit: &&&str| word.strip_suffix(**unit).is_some_and(|number| number.ends_with('0'));
    UNITS.iter().filter(unit).map(|unit| unit.len()).max()
}

/// Splits around symbols.
fn inside<'a>(word: &'a str, words: &mut Vec<&'a str>) {
    let mut from = 0;
    if !word.is_ascii() {
        for symbol in SYMBOL.find_iter(word) {
            words.extend([&word[from..symbol.start()], symbol.as_str()].into_iter().filter(|part| !part.is_empty()));
            from = symbol.end();
        }
    }
    words.extend(Some(&word[from..]).filter(|part| !part.is_empty()));
}

fn is_symbol(c: char) -> bool {
    !c.is_ascii() && SYMBOL.is_match(c.encode_utf8(&mut [0; 4]))
}

/// The places where a word is split that is a contraction.
fn contraction(word: &str) -> Option<&'static [usize]> {
    // The longest is "shouldntve".
    if word.len() > 10 { None } else { CONTRACTIONS.get(word).map(Vec::as_slice) }
}

/// The hash of a gram: XXH64 of its words with blanks between them.
pub(super) fn hash(gram: &[&str], joined: &mut String) -> u64 {
    joined.clear();
    for (index, word) in gram.iter().enumerate() {
        if index > 0 {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    XxHash64::oneshot(0, joined.as_bytes())
}

/// The hashes of all grams of `n` words, in order.
pub(super) fn grams(words: &[&str], n: usize) -> Vec<u64> {
    let mut joined = String::new();
    words.windows(n).map(|gram| hash(gram, &mut joined)).collect()
}

/// The hashes of the grams of a row: those of the label, those that begin in the query and end in the label, and those
/// of the query alone where `query_grams` says so.
pub(super) fn grams_of_row(query: &str, label: &str, n: usize, query_grams: bool) -> Vec<u64> {
    let (query, label) = (simplified(query), simplified(label));
    let (query, label) = (words(&query), words(&label));
    let mut found = grams(&label, n);
    if query_grams {
        found.extend(grams(&query, n));
    }
    let mut joined = String::new();
    for of_label in 1..n {
        let of_query = n - of_label;
        if query.len() >= of_query && label.len() >= of_label {
            let gram: Vec<&str> = query[query.len() - of_query..].iter().chain(&label[..of_label]).copied().collect();
            found.push(hash(&gram, &mut joined));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_of(text: &str) -> Vec<String> {
        words(&simplified(text)).into_iter().map(str::to_owned).collect()
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
        let joined = |text: &str| hash(&text.split(' ').collect::<Vec<_>>(), &mut String::new());
        let found = grams_of_row("A b c d e", "f g h i j", 4, false);
        let expected = ["f g h i", "g h i j", "c d e f", "d e f g", "e f g h"].map(joined);
        let mut sorted = (found.clone(), expected.to_vec());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1);
        assert_eq!(grams_of_row("A b c d e", "f g h i j", 4, true).len(), found.len() + 2);
        assert_eq!(grams_of_row("", "...", 4, true), [] as [u64; 0]);
    }
}
