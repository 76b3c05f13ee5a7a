//! Named sets of checks: their thresholds, and which keys each has a use for.

use super::Settings;

/// A named set of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// datatrove 0.10.1's `GopherRepetitionFilter`, then its `GopherQualityFilter`.
    Gopher,
    /// datatrove 0.10.1's `C4QualityFilter`, which also takes lines out.
    C4,
    /// datatrove 0.10.1's `FineWebQualityFilter`.
    FineWeb,
    /// For pages with formulas, in any script.
    Mathematics,
}

/// Keys of a page's size, words and lines that `gopher` and `mathematics` share.
const REPETITION: [&str; 6] = [
    "max_duplicate_line_share",
    "max_duplicate_line_character_share",
    "max_duplicate_paragraph_share",
    "max_duplicate_paragraph_character_share",
    "max_top_phrase_shares",
    "max_duplicate_phrase_shares",
];
const WORDS: [&str; 9] = [
    "min_words",
    "max_words",
    "min_mean_word_length",
    "max_mean_word_length",
    "min_letter_word_share",
    "max_symbol_share",
    "min_function_words",
    "max_bullet_line_share",
    "max_ellipsis_line_share",
];
const PAGE: [&str; 7] = [
    "min_characters",
    "max_characters",
    "max_boilerplate_line_share",
    "boilerplate_markers",
    "boilerplate_line_bytes",
    "min_end_punctuation_share",
    "quality_field",
];
const C4: [&str; 9] = [
    "min_sentences",
    "min_line_words",
    "max_word_characters",
    "remove_citations",
    "line_end_punctuation",
    "drop_lorem_ipsum",
    "drop_curly_brackets",
    "remove_javascript_lines",
    "remove_policy_lines",
];
const FINEWEB: [&str; 5] = [
    "min_end_punctuation_share",
    "max_short_line_share",
    "short_line_characters",
    "max_duplicate_line_character_share",
    "max_line_break_share",
];
const SHORT_LINES: [&str; 2] = ["max_short_line_share", "short_line_characters"];

impl Preset {
    /// The name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Gopher => "gopher",
            Preset::C4 => "c4",
            Preset::FineWeb => "fineweb",
            Preset::Mathematics => "mathematics",
        }
    }

    /// The settings of a preset, or those without one.
    pub fn settings(preset: Option<Preset>) -> Settings {
        let settings = Settings { preset, ..Settings::default() };
        match preset {
            None | Some(Preset::Gopher | Preset::C4) => settings,
            Some(Preset::FineWeb) => Settings { max_duplicate_line_character_share: 0.01, ..settings },
            Some(Preset::Mathematics) => Settings {
                min_words: 25,
                min_mean_word_length: 2.0,
                max_mean_word_length: 12.0,
                min_letter_word_share: 0.6,
                min_function_words: 0,
                min_end_punctuation_share: 0.08,
                max_short_line_share: 0.5,
                short_line_characters: 60,
                max_top_phrase_shares: [0.25, 0.22, 0.20],
                max_duplicate_phrase_shares: [0.30, 0.28, 0.26, 0.24, 0.22, 0.20],
                ..settings
            },
        }
    }

    fn keys(preset: Option<Preset>) -> Vec<&'static [&'static str]> {
        match preset {
            None => vec![&PAGE, &WORDS, &REPETITION],
            Some(Preset::Gopher) => vec![&WORDS, &REPETITION],
            Some(Preset::C4) => vec![&C4],
            Some(Preset::FineWeb) => vec![&FINEWEB],
            Some(Preset::Mathematics) => vec![&PAGE, &WORDS, &REPETITION, &SHORT_LINES],
        }
    }

    /// Whether a preset, or the plugin without one, has a use for a key.
    pub fn takes(preset: Option<Preset>, key: &str) -> bool {
        // A key that is in no list is not known at all, which is said by whoever reads it.
        let known = [None, Some(Preset::C4), Some(Preset::FineWeb), Some(Preset::Mathematics)];
        let has = |preset| Preset::keys(preset).iter().any(|keys| keys.contains(&key));
        key == "preset" || has(preset) || !known.into_iter().any(has)
    }

    /// Why a key is refused.
    pub fn refusal(preset: Option<Preset>, key: &str) -> String {
        let mut keys: Vec<&str> = Preset::keys(preset).concat();
        keys.sort_unstable();
        match preset {
            Some(preset) => format!("preset {:?} has no use for {key}; it takes {}", preset.name(), keys.join(", ")),
            None => format!("{key} is of use to a preset only; give `preset`, or one of {}", keys.join(", ")),
        }
    }
}
