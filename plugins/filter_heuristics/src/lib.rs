//! Drops pages that are too short, repetitive or not prose.
//!
//! The rules and default thresholds are those of MassiveText's filters (Gopher, arXiv 2112.11446, appendix A.1.1) and,
//! for punctuation at line ends, of FineWeb (arXiv 2406.17557, section 3.6). Each check can be set or left out in the
//! recipe. The first that fails drops the page, for one of a few stable reasons that the host counts:
//!
//! | reason | what failed |
//! |---|---|
//! | `too-short`, `too-long` | count of characters; `too-long` also count of words |
//! | `too-few-words` | count of words |
//! | `odd-words` | mean length of words |
//! | `low-letter-share` | share of words that have a letter |
//! | `symbols` | `#` and ellipses by word |
//! | `bullets`, `ellipses` | share of lines that start with a bullet, or end in an ellipsis |
//! | `few-function-words` | the words without which there is hardly English prose |
//! | `boilerplate` | share of lines that navigate, advertise or ask for consent |
//! | `no-end-punctuation` | share of lines that end a sentence |
//! | `repetitive` | lines, paragraphs or phrases that occur again and again |

mod c4;
mod config;
pub mod english;
mod fineweb;
mod gopher;
mod lines;
mod mathematics;
mod page;
mod repetition;

pub use config::{Config, Preset, Settings};

use english::Splitter;
use octo_sdk::{DataFilter, Decision, Document, Field, Plugin, PluginError, Rewritten};
use page::{Lines, Markers, Words};

/// Decides on each page by itself.
pub struct Heuristics {
    config: Settings,
    markers: Markers,
    /// Of those presets that count words as spaCy does.
    splitter: Option<Splitter>,
}

impl Plugin for Heuristics {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        config.check()?;
        let Config(config) = config;
        let markers = Markers::new(&config.boilerplate_markers);
        let splitter = match config.preset {
            None | Some(Preset::Mathematics) => None,
            Some(Preset::Gopher | Preset::C4 | Preset::FineWeb) => Some(Splitter::english()),
        };
        Ok(Heuristics { config, markers, splitter })
    }
}

impl DataFilter for Heuristics {
    fn filter(&self, document: &Document) -> Result<Decision, PluginError> {
        let text = &document.text;
        let decided = match (&self.splitter, self.config.preset) {
            (Some(splitter), Some(Preset::Gopher)) => {
                gopher::judge(text, &self.config, splitter).map(|()| Decision::Keep)
            }
            (Some(splitter), Some(Preset::FineWeb)) => {
                fineweb::judge(text, &self.config, splitter).map(|()| Decision::Keep)
            }
            (Some(splitter), Some(Preset::C4)) => {
                c4::judge(text, &self.config, splitter).map(|kept| match kept == *text {
                    true => Decision::Keep,
                    false => Decision::Rewrite(Rewritten { text: kept, fields: vec![] }),
                })
            }
            (_, Some(Preset::Mathematics)) => {
                mathematics::judge(text, &self.config, &self.markers).map(|quality| self.keep(quality))
            }
            _ => self.judge(text).map(|quality| self.keep(quality)),
        };
        Ok(decided.unwrap_or_else(|reason| Decision::Drop(reason.to_owned())))
    }
}

impl Heuristics {
    /// Keeps a page, with its quality where a field is named for it.
    fn keep(&self, quality: f64) -> Decision {
        match &self.config.quality_field {
            None => Decision::Keep,
            Some(name) => Decision::Annotate(vec![Field::new(name, format!("{quality:.3}"))]),
        }
    }

    /// The page's quality between 0 and 1, or why to drop it. Cheap checks come first.
    fn judge(&self, text: &str) -> Result<f64, &'static str> {
        let config = &self.config;
        let characters = text.chars().count() as u64;
        if characters < config.min_characters {
            return Err("too-short");
        }
        if characters > config.max_characters {
            return Err("too-long");
        }
        let words = Words::of(text);
        self.judge_words(&words)?;
        let lines = Lines::of(text, &self.markers, config.boilerplate_line_bytes as usize);
        self.judge_lines(&lines)?;
        self.judge_repetition(text, &words)?;
        let unmarked = 1.0 - lines.share(lines.boilerplate);
        Ok((words.share(words.with_letter) + unmarked + lines.share(lines.ending_a_sentence)) / 3.0)
    }

    fn judge_words(&self, words: &Words) -> Result<(), &'static str> {
        let config = &self.config;
        let count = words.count();
        if count < config.min_words {
            return Err("too-few-words");
        }
        if count > config.max_words {
            return Err("too-long");
        }
        let mean = words.mean_length();
        if count > 0 && (mean < config.min_mean_word_length || mean > config.max_mean_word_length) {
            return Err("odd-words");
        }
        if words.share(words.with_letter) < config.min_letter_word_share {
            return Err("low-letter-share");
        }
        if words.share(words.hashes) > config.max_symbol_share || words.share(words.ellipses) > config.max_symbol_share
        {
            return Err("symbols");
        }
        if words.function_words < config.min_function_words {
            return Err("few-function-words");
        }
        Ok(())
    }

    fn judge_lines(&self, lines: &Lines) -> Result<(), &'static str> {
        let config = &self.config;
        for (count, most, reason) in [
            (lines.bulleted, config.max_bullet_line_share, "bullets"),
            (lines.ending_in_ellipsis, config.max_ellipsis_line_share, "ellipses"),
            (lines.boilerplate, config.max_boilerplate_line_share, "boilerplate"),
        ] {
            if lines.share(count) > most {
                return Err(reason);
            }
        }
        if lines.share(lines.ending_a_sentence) < config.min_end_punctuation_share {
            return Err("no-end-punctuation");
        }
        Ok(())
    }

    fn judge_repetition(&self, text: &str, words: &Words) -> Result<(), &'static str> {
        let config = &self.config;
        let lines = repetition::duplicates(text.lines());
        let paragraphs = repetition::duplicates(text.split("\n\n"));
        let pieces = lines.pieces > config.max_duplicate_line_share
            || lines.characters > config.max_duplicate_line_character_share
            || paragraphs.pieces > config.max_duplicate_paragraph_share
            || paragraphs.characters > config.max_duplicate_paragraph_character_share;
        if pieces {
            return Err("repetitive");
        }
        let mut phrases = repetition::Phrases::of(words);
        // Phrases of 2 to 4 words, then of 5 to 10.
        let repetitive = config.max_top_phrase_shares.iter().any(|most| phrases.lengthen().top > *most)
            || config.max_duplicate_phrase_shares.iter().any(|most| phrases.lengthen().before > *most);
        if repetitive { Err("repetitive") } else { Ok(()) }
    }
}

octo_sdk::export!(filter: Heuristics);

#[cfg(test)]
mod tests;
