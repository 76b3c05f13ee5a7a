//! Preset `mathematics`: pages with formulas, in any script.
//!
//! Formulas are content. What stands between delimiters is one word; outside of them, signs, numbers beside a sign and
//! single letters are parts of formulas too, so that a worked solution with blanks around its signs is not noise.
//! Scripts without blanks are counted by characters: two of Han or kana, or four of Thai, Lao, Khmer or Burmese, are a
//! word.

mod content;
pub mod formulas;

use crate::config::Settings;
use crate::page::Markers;
use crate::repetition::{self, Phrases};
use content::{Content, Lines};

/// The page's quality between 0 and 1, or why to drop it. Cheap checks come first.
///
/// # Errors
/// The reason.
pub fn judge(text: &str, settings: &Settings, markers: &Markers) -> Result<f64, &'static str> {
    let characters = text.chars().count() as u64;
    if characters < settings.min_characters {
        return Err("too-short");
    }
    if characters > settings.max_characters {
        return Err("too-long");
    }
    let formulas = formulas::formulas(text);
    let content = Content::of(text, &formulas);
    judge_words(&content, settings)?;
    let lines = Lines::of(text, &formulas, markers, settings);
    for (share, most, reason) in [
        (lines.share(lines.bulleted), settings.max_bullet_line_share, "bullets"),
        (lines.share(lines.ending_in_ellipsis), settings.max_ellipsis_line_share, "ellipses"),
        (lines.share(lines.boilerplate), settings.max_boilerplate_line_share, "boilerplate"),
        (lines.bare_share(), settings.max_short_line_share, "link-list"),
    ] {
        if share > most {
            return Err(reason);
        }
    }
    if lines.share(lines.ended) < settings.min_end_punctuation_share {
        return Err("no-end-punctuation");
    }
    judge_repetition(text, &content, settings)?;
    let unmarked = 1.0 - lines.share(lines.boilerplate);
    Ok((content.share() + unmarked + lines.share(lines.ended)) / 3.0)
}

fn judge_words(content: &Content, settings: &Settings) -> Result<(), &'static str> {
    let count = content.count();
    if count < settings.min_words as f64 {
        return Err("too-few-words");
    }
    if count > settings.max_words as f64 {
        return Err("too-long");
    }
    if let Some(mean) = content.mean_word_length()
        && (mean < settings.min_mean_word_length || mean > settings.max_mean_word_length)
    {
        return Err("odd-words");
    }
    if content.share() < settings.min_letter_word_share {
        return Err("low-content-share");
    }
    let most = settings.max_symbol_share * count;
    if content.words.hashes as f64 > most || content.words.ellipses as f64 > most {
        return Err("symbols");
    }
    if content.words.function_words < settings.min_function_words {
        return Err("few-function-words");
    }
    Ok(())
}

fn judge_repetition(text: &str, content: &Content, settings: &Settings) -> Result<(), &'static str> {
    // Lines of a table's rules, and signs alone, may well return; so may lines of code.
    let worded = |piece: &&str| piece.chars().any(char::is_alphanumeric);
    let lines = repetition::duplicates(outside_code(text).filter(worded));
    let paragraphs = repetition::duplicates(text.split("\n\n").filter(worded));
    let pieces = lines.pieces > settings.max_duplicate_line_share
        || lines.characters > settings.max_duplicate_line_character_share
        || paragraphs.pieces > settings.max_duplicate_paragraph_share
        || paragraphs.characters > settings.max_duplicate_paragraph_character_share;
    if pieces {
        return Err("repetitive");
    }
    // In scripts without blanks, phrases are of twice as many characters as of words in others.
    let steps = if content.is_mostly_dense() { 2 } else { 1 };
    let mut phrases = Phrases::of(&content.words);
    if steps == 2 {
        phrases.lengthen();
    }
    let mut longer = || (0..steps).map(|_| phrases.lengthen()).last().unwrap_or_default();
    // On a short page, a phrase that happens to return twice is a large share of it.
    let short = (100.0 / content.count().max(1.0)).clamp(1.0, 2.0);
    let repetitive = settings.max_top_phrase_shares.iter().any(|most| longer().top > most * short)
        || settings.max_duplicate_phrase_shares.iter().any(|most| longer().before > most * short);
    if repetitive { Err("repetitive") } else { Ok(()) }
}

/// The lines of a text that stand outside of fenced code.
fn outside_code(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !fence && !code
    })
}

#[cfg(test)]
mod tests;
