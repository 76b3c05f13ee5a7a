//! Texts that end a response, found while it grows.

use std::collections::BTreeMap;

/// Looks for stop texts at the end of a growing response, decoding as little as possible.
pub(crate) struct StopTexts<'a> {
    texts: &'a [String],
    decode: &'a dyn Fn(&[u32]) -> String,
    /// A stop text of n bytes spans at most n tokens that have text; some more are looked at, since special tokens
    /// have none and a character may begin before the window.
    window: usize,
    /// Whether a token's text has the last character of a stop text; other tokens cannot complete one.
    completes: BTreeMap<u32, bool>,
}

impl<'a> StopTexts<'a> {
    pub(crate) fn new(texts: &'a [String], decode: &'a dyn Fn(&[u32]) -> String) -> Self {
        let longest = texts.iter().map(String::len).max().unwrap_or(0);
        Self { texts, decode, window: longest + 8, completes: BTreeMap::new() }
    }

    /// Whether the last of `tokens` completes a stop text.
    pub(crate) fn found(&mut self, tokens: &[u32]) -> bool {
        let Some(&last) = tokens.last().filter(|_| !self.texts.is_empty()) else {
            return false;
        };
        let completes = *self.completes.entry(last).or_insert_with(|| {
            let text = (self.decode)(&[last]);
            // U+FFFD: the token has part of a character, which may be any.
            text.contains('\u{fffd}')
                || self.texts.iter().any(|stop| stop.chars().next_back().is_some_and(|end| text.contains(end)))
        });
        if !completes {
            return false;
        }
        let window = tokens.get(tokens.len().saturating_sub(self.window)..).unwrap_or(tokens);
        let text = (self.decode)(window);
        self.texts.iter().any(|stop| text.contains(stop.as_str()))
    }
}
