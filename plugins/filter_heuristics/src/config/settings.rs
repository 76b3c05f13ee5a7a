//! Every key, with published thresholds as defaults.

use octo_sdk::PluginError;

use super::presets::Preset;

/// Thresholds of the checks. A share of 1 as the most, or 0 as the least, leaves a check out.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A named set of checks with its own thresholds: `gopher`, `c4` and `fineweb` decide as datatrove's filters of these
    /// names do, `mathematics` is for pages with formulas. Keys beside it win; those that it has no use for are refused.
    /// Without it, the checks of this plugin's page apply.
    pub preset: Option<Preset>,
    /// Fewest characters of a page. Ours: an empty page is dropped, and the count of words does the rest.
    pub min_characters: u64,
    /// Most characters of a page. Ours: a hundred times what most pages have, and within the host's default fuel.
    pub max_characters: u64,
    /// Fewest words (Gopher: 50).
    pub min_words: u64,
    /// Most words (Gopher: 100,000).
    pub max_words: u64,
    /// Least mean length of words, in characters (Gopher: 3).
    pub min_mean_word_length: f64,
    /// Greatest mean length of words, in characters (Gopher: 10).
    pub max_mean_word_length: f64,
    /// Least share of words that have a letter (Gopher: 0.8). Pages full of formulas need less.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_letter_word_share: f64,
    /// Most hash signs by word, and most ellipses by word (Gopher: 0.1).
    pub max_symbol_share: f64,
    /// How many of the words the, be, to, of, and, that, have, with must occur (Gopher: 2). 0 for other languages.
    #[schemars(range(max = 8))]
    pub min_function_words: u32,
    /// Most lines that start with a bullet, as a share (Gopher: 0.9).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_bullet_line_share: f64,
    /// Most lines that end in an ellipsis, as a share (Gopher: 0.3).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_ellipsis_line_share: f64,
    /// Most lines of boilerplate, as a share. Ours.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_boilerplate_line_share: f64,
    /// What makes a short line boilerplate, in any letter case. Ours.
    pub boilerplate_markers: Vec<String>,
    /// Longest line that a marker makes boilerplate, in bytes: prose may well mention a cookie. Ours.
    pub boilerplate_line_bytes: u32,
    /// Least share of lines that end in a full stop, question or exclamation mark (FineWeb: 0.12).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_end_punctuation_share: f64,
    /// Most lines that occurred before, as a share of lines (Gopher: 0.3).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_duplicate_line_share: f64,
    /// Most lines that occurred before, as a share of characters (Gopher: 0.2).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_duplicate_line_character_share: f64,
    /// Most paragraphs that occurred before, as a share of paragraphs (Gopher: 0.3).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_duplicate_paragraph_share: f64,
    /// Most paragraphs that occurred before, as a share of characters (Gopher: 0.2).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_duplicate_paragraph_character_share: f64,
    /// For phrases of 2, 3 and 4 words: most characters in the one that is most frequent (Gopher: 0.20, 0.18, 0.16).
    pub max_top_phrase_shares: [f64; 3],
    /// For phrases of 5 to 10 words: most characters in phrases that occurred before (Gopher: 0.15 down to 0.10).
    pub max_duplicate_phrase_shares: [f64; 6],
    /// Name of a field to set on kept pages to a quality between 0 and 1: the mean of the shares of words with a
    /// letter, of lines that are not boilerplate, and of lines that end a sentence. By default no field is set.
    pub quality_field: Option<String>,
    /// Preset `fineweb`: most short lines, as a share of lines (FineWeb: 0.67). Preset `mathematics`: most words in short
    /// lines without a formula or the end of a sentence, as a share of words (0.5).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_short_line_share: f64,
    /// Presets `fineweb` and `mathematics`: most characters of a short line (FineWeb: 30, `mathematics`: 60).
    pub short_line_characters: u32,
    /// Preset `fineweb`: most line breaks by word (FineWeb: 0.3).
    pub max_line_break_share: f64,
    /// Preset `c4`: fewest sentences in the lines that are kept (C4: 5).
    pub min_sentences: u64,
    /// Preset `c4`: fewest words of a line that is kept (C4: 3).
    pub min_line_words: u64,
    /// Preset `c4`: most characters of a word; a line with a longer one is taken out (C4: 1,000).
    pub max_word_characters: u64,
    /// Preset `c4`: takes out citations such as `[2]`, `[edit]` and `[citation needed]`.
    pub remove_citations: bool,
    /// Preset `c4`: takes out lines that do not end in a full stop, question or exclamation mark or quotation mark. FineWeb
    /// ran C4's rules without this one.
    pub line_end_punctuation: bool,
    /// Preset `c4`: drops pages with "lorem ipsum" in a line that would be kept.
    pub drop_lorem_ipsum: bool,
    /// Preset `c4`: drops pages with a curly bracket in a line that would be kept, and so those with LaTeX.
    pub drop_curly_brackets: bool,
    /// Preset `c4`: takes out lines that mention Javascript.
    pub remove_javascript_lines: bool,
    /// Preset `c4`: takes out lines that mention cookies, terms of use or a privacy policy in one of six phrases.
    pub remove_policy_lines: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let markers = [
            "click here",
            "subscribe",
            "cookie",
            "sign up",
            "log in",
            "sign in",
            "privacy policy",
            "terms of use",
            "terms of service",
            "all rights reserved",
            "share this",
            "read more",
            "javascript",
            "lorem ipsum",
        ];
        Self {
            preset: None,
            min_characters: 1,
            max_characters: 500_000,
            min_words: 50,
            max_words: 100_000,
            min_mean_word_length: 3.0,
            max_mean_word_length: 10.0,
            min_letter_word_share: 0.8,
            max_symbol_share: 0.1,
            min_function_words: 2,
            max_bullet_line_share: 0.9,
            max_ellipsis_line_share: 0.3,
            max_boilerplate_line_share: 0.3,
            boilerplate_markers: markers.map(str::to_owned).to_vec(),
            boilerplate_line_bytes: 80,
            min_end_punctuation_share: 0.12,
            max_duplicate_line_share: 0.3,
            max_duplicate_line_character_share: 0.2,
            max_duplicate_paragraph_share: 0.3,
            max_duplicate_paragraph_character_share: 0.2,
            max_top_phrase_shares: [0.20, 0.18, 0.16],
            max_duplicate_phrase_shares: [0.15, 0.14, 0.13, 0.12, 0.11, 0.10],
            quality_field: None,
            max_short_line_share: 0.67,
            short_line_characters: 30,
            max_line_break_share: 0.3,
            min_sentences: 5,
            min_line_words: 3,
            max_word_characters: 1_000,
            remove_citations: true,
            line_end_punctuation: true,
            drop_lorem_ipsum: true,
            drop_curly_brackets: true,
            remove_javascript_lines: true,
            remove_policy_lines: true,
        }
    }
}

impl Settings {
    /// Refuses thresholds that no page, or every page, could meet by mistake.
    pub(crate) fn check(&self) -> Result<(), PluginError> {
        let refuse = |message: String| Err(PluginError::invalid_config(message));
        let mut shares = vec![
            ("min_letter_word_share".to_owned(), self.min_letter_word_share),
            ("max_symbol_share".to_owned(), self.max_symbol_share),
            ("max_bullet_line_share".to_owned(), self.max_bullet_line_share),
            ("max_ellipsis_line_share".to_owned(), self.max_ellipsis_line_share),
            ("max_boilerplate_line_share".to_owned(), self.max_boilerplate_line_share),
            ("min_end_punctuation_share".to_owned(), self.min_end_punctuation_share),
            ("max_duplicate_line_share".to_owned(), self.max_duplicate_line_share),
            ("max_duplicate_line_character_share".to_owned(), self.max_duplicate_line_character_share),
            ("max_duplicate_paragraph_share".to_owned(), self.max_duplicate_paragraph_share),
            ("max_duplicate_paragraph_character_share".to_owned(), self.max_duplicate_paragraph_character_share),
            ("max_short_line_share".to_owned(), self.max_short_line_share),
        ];
        for (key, values) in [
            ("max_top_phrase_shares", &self.max_top_phrase_shares[..]),
            ("max_duplicate_phrase_shares", &self.max_duplicate_phrase_shares[..]),
        ] {
            shares.extend(values.iter().enumerate().map(|(index, value)| (format!("{key}[{index}]"), *value)));
        }
        if let Some((key, value)) = shares.iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return refuse(format!("{key} is {value}; a share must lie between 0 and 1"));
        }
        for (least_key, least, most_key, most) in [
            ("min_characters", self.min_characters as f64, "max_characters", self.max_characters as f64),
            ("min_words", self.min_words as f64, "max_words", self.max_words as f64),
            ("min_mean_word_length", self.min_mean_word_length, "max_mean_word_length", self.max_mean_word_length),
        ] {
            if least.is_nan() || most.is_nan() || least > most {
                return refuse(format!("{least_key} is {least} and {most_key} is {most}; no page fits between them"));
            }
        }
        if self.max_line_break_share.is_nan() || self.max_line_break_share < 0.0 {
            return refuse(format!("max_line_break_share is {}; give 0 or more", self.max_line_break_share));
        }
        if self.min_function_words > 8 {
            return refuse(format!("min_function_words is {}; there are only 8", self.min_function_words));
        }
        if self.boilerplate_markers.iter().any(|marker| marker.trim().is_empty()) {
            return refuse("boilerplate_markers has an empty marker, which every line contains".to_owned());
        }
        if self.quality_field.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return refuse("quality_field is empty; leave it out to set no field".to_owned());
        }
        Ok(())
    }
}
