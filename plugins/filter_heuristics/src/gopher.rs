//! Preset `gopher`: datatrove 0.10.1's `GopherRepetitionFilter`, then its `GopherQualityFilter`, with its reasons.
//!
//! Both count words as spaCy splits them; of repetition, shares are of all characters of the text.

use crate::config::Settings;
use crate::english::{Splitter, characters::is_space};
use crate::lines::{Lines, between_breaks, strip};
use crate::page::Words;
use crate::repetition::{Phrases, copies};

const TOP: [&str; 3] = ["top_2_gram", "top_3_gram", "top_4_gram"];
const AGAIN: [&str; 6] = [
    "duplicated_5_n_grams",
    "duplicated_6_n_grams",
    "duplicated_7_n_grams",
    "duplicated_8_n_grams",
    "duplicated_9_n_grams",
    "duplicated_10_n_grams",
];

/// Why datatrove's two filters would drop a text, by the first rule that fails.
///
/// # Errors
/// The reason.
pub fn judge(text: &str, settings: &Settings, splitter: &Splitter) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("empty");
    }
    let characters = text.chars().count() as f64;
    // As there, a threshold that no text can pass leaves its check out: 1 for the most.
    let above = |share: f64, most: f64| most < 1.0 && share > most;

    let paragraphs = copies(between_breaks(strip(text), 2));
    if above(paragraphs.share(), settings.max_duplicate_paragraph_share) {
        return Err("dup_para_frac");
    }
    if above(paragraphs.characters as f64 / characters, settings.max_duplicate_paragraph_character_share) {
        return Err("dup_para_char_frac");
    }
    let lines = copies(between_breaks(text, 1));
    if above(lines.share(), settings.max_duplicate_line_share) {
        return Err("dup_line_frac");
    }
    if above(lines.characters as f64 / characters, settings.max_duplicate_line_character_share) {
        return Err("dup_line_char_frac");
    }

    let words = Counted::of(text, splitter);
    let mut phrases = Phrases::of(&words.all);
    for (reason, most) in TOP.iter().zip(settings.max_top_phrase_shares) {
        if above(phrases.lengthen_joined().top as f64 / characters, most) {
            return Err(reason);
        }
    }
    for (reason, most) in AGAIN.iter().zip(settings.max_duplicate_phrase_shares) {
        if above(phrases.lengthen_joined().again as f64 / characters, most) {
            return Err(reason);
        }
    }
    quality(text, settings, &words)
}

fn quality(text: &str, settings: &Settings, words: &Counted) -> Result<(), &'static str> {
    if words.counted < settings.min_words {
        return Err("gopher_short_doc");
    }
    if words.counted > settings.max_words {
        return Err("gopher_long_doc");
    }
    let mean = if words.counted == 0 { 0.0 } else { words.counted_characters as f64 / words.counted as f64 };
    if words.counted > 0 && mean < settings.min_mean_word_length {
        return Err("gopher_below_avg_threshold");
    }
    if mean > settings.max_mean_word_length {
        return Err("gopher_above_avg_threshold");
    }
    let by_word = |count: u64| words.all.share(count);
    if settings.max_symbol_share < 1.0 && by_word(words.all.hashes) > settings.max_symbol_share {
        return Err("gopher_too_many_hashes");
    }
    if settings.max_symbol_share < 1.0 && by_word(words.all.ellipses) > settings.max_symbol_share {
        return Err("gopher_too_many_ellipsis");
    }
    let (mut lines, mut bullets, mut ellipses) = (0_u64, 0_u64, 0_u64);
    for line in Lines::of(text) {
        lines += 1;
        bullets += u64::from(line.trim_start_matches(is_space).starts_with(['•', '-']));
        let end = line.trim_end_matches(is_space);
        ellipses += u64::from(end.ends_with("...") || end.ends_with('…'));
    }
    let of_lines = |count: u64| if lines == 0 { 0.0 } else { count as f64 / lines as f64 };
    if of_lines(bullets) > settings.max_bullet_line_share {
        return Err("gopher_too_many_bullets");
    }
    if of_lines(ellipses) > settings.max_ellipsis_line_share {
        return Err("gopher_too_many_end_ellipsis");
    }
    if by_word(words.all.with_letter) < settings.min_letter_word_share {
        return Err("gopher_below_alpha_threshold");
    }
    if words.all.function_words < settings.min_function_words {
        return Err("gopher_enough_stop_words");
    }
    Ok(())
}

/// The words of a text, and those of them that are not punctuation alone.
struct Counted {
    all: Words,
    counted: u64,
    counted_characters: u64,
}

impl Counted {
    fn of(text: &str, splitter: &Splitter) -> Self {
        let (hashes, ellipses) = symbols(text);
        let mut all = Words {
            list: Vec::with_capacity(text.len() / 5),
            characters: 0,
            with_letter: 0,
            hashes,
            ellipses,
            function_words: 0,
        };
        let (mut counted, mut counted_characters) = (0, 0);
        let mut seen = 0_u8;
        splitter.words(text, |word| {
            let characters = word.characters();
            all.characters += u64::from(characters);
            all.with_letter += u64::from(word.has_letter());
            all.list.push((word.hash, characters));
            if !word.is_noise() {
                counted += 1;
                counted_characters += u64::from(characters);
            }
            if word.plain && characters <= 4 {
                seen |= match word.text {
                    "the" => 1,
                    "be" => 2,
                    "to" => 4,
                    "of" => 8,
                    "and" => 16,
                    "that" => 32,
                    "have" => 64,
                    "with" => 128,
                    _ => 0,
                };
            }
        });
        all.function_words = seen.count_ones();
        Counted { all, counted, counted_characters }
    }
}

/// Hash signs, and ellipses as one character or as three full stops, in one pass.
fn symbols(text: &str) -> (u64, u64) {
    let bytes = text.as_bytes();
    let (mut hashes, mut ellipses, mut stops) = (0, 0, 0_u8);
    for (at, byte) in bytes.iter().enumerate() {
        if *byte > b'.' && *byte != 0xe2 {
            stops = 0;
            continue;
        }
        match byte {
            b'.' => {
                stops += 1;
                if stops == 3 {
                    ellipses += 1;
                    stops = 0;
                }
                continue;
            }
            b'#' => hashes += 1,
            0xe2 => ellipses += u64::from(bytes.get(at + 1..at + 3) == Some(&[0x80, 0xa6])),
            _ => {}
        }
        stops = 0;
    }
    (hashes, ellipses)
}
