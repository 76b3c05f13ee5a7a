//! Texts that end a response, found while it grows.

use std::collections::BTreeMap;

/// Turns tokens into text.
pub(crate) type Decode<'a> = &'a dyn Fn(&[u32]) -> String;

/// Looks for stop texts at the end of a growing response, decoding as little as possible.
pub(crate) struct StopTexts<'a> {
    texts: &'a [String],
    /// A response is looked at as each of them reads it: without special tokens, and with their names where a stop text
    /// may have one.
    readings: Vec<Decode<'a>>,
    /// A stop text of n bytes spans at most n tokens that have text; some more are looked at, since special tokens
    /// have none and a character may begin before the window.
    window: usize,
    /// Whether a token's text has the last character of a stop text; other tokens cannot complete one.
    completes: BTreeMap<u32, bool>,
}

impl<'a> StopTexts<'a> {
    pub(crate) fn new(texts: &'a [String], decode: Decode<'a>, decode_special: Option<Decode<'a>>) -> Self {
        let longest = texts.iter().map(String::len).max().unwrap_or(0);
        let readings = std::iter::once(decode).chain(decode_special).collect();
        Self { texts, readings, window: longest + 8, completes: BTreeMap::new() }
    }

    /// Whether the last of `tokens` completes a stop text.
    pub(crate) fn found(&mut self, tokens: &[u32]) -> bool {
        let Some(&last) = tokens.last().filter(|_| !self.texts.is_empty()) else {
            return false;
        };
        let (texts, readings) = (self.texts, &self.readings);
        let completes = *self.completes.entry(last).or_insert_with(|| {
            readings.iter().any(|decode| {
                // Twice, since a decoder may take a blank from the beginning of a text, as sentencepiece's do, and the
                // blank may be what completes a stop text.
                let text = decode(&[last, last]);
                // U+FFFD: the token has part of a character, which may be any.
                text.contains('\u{fffd}')
                    || texts.iter().any(|stop| stop.chars().next_back().is_some_and(|end| text.contains(end)))
            })
        });
        if !completes {
            return false;
        }
        let window = tokens.get(tokens.len().saturating_sub(self.window)..).unwrap_or(tokens);
        self.readings.iter().any(|decode| {
            let text = decode(window);
            self.texts.iter().any(|stop| text.contains(stop.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use octo_data::tokenizer::Tokenizer;
    use serde_json::json;

    /// Words as sentencepiece has them, a blank in front of each, with two special tokens.
    fn sentencepiece() -> (tempfile::TempDir, Tokenizer) {
        let special = |id: u32, content: &str| {
            json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true })
        };
        let words = ["<unk>", "</s>", "<|im_end|>", "Problem", "▁Problem", ":", "▁the", "▁", "▁x", "<0x0A>", "▁is"];
        let vocab: serde_json::Map<_, _> =
            words.iter().enumerate().map(|(id, word)| ((*word).to_owned(), json!(id))).collect();
        let metaspace = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true });
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": metaspace,
            "post_processor": null, "added_tokens": [special(1, "</s>"), special(2, "<|im_end|>")],
            "decoder": { "type": "Sequence", "decoders": [{ "type": "ByteFallback" }, metaspace] },
            "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" }
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tokenizer.json"), file.to_string()).unwrap();
        let tokenizer = Tokenizer::load(folder.path()).unwrap();
        (folder, tokenizer)
    }

    /// The tokens after which each of `stops` alone ends `tokens`.
    fn ends(tokenizer: &Tokenizer, tokens: &[u32], stop: &str) -> Option<usize> {
        let (plain, special) = (|t: &[u32]| tokenizer.decode(t, true), |t: &[u32]| tokenizer.decode(t, false));
        let stops = [stop.to_owned()];
        let named: Option<Decode<'_>> = if tokenizer.names_special(stop) { Some(&special) } else { None };
        let mut stops = StopTexts::new(&stops, &plain, named);
        (1..=tokens.len()).find(|count| stops.found(&tokens[..*count]))
    }

    #[test]
    fn a_blank_at_the_end_of_a_stop_text_is_seen_in_the_token_that_has_it() {
        let (_folder, tokenizer) = sentencepiece();
        let ids = |words: &[&str]| words.iter().map(|word| tokenizer.token_id(word).unwrap()).collect::<Vec<_>>();
        let response = ids(&["▁x", "▁Problem", ":", "▁the", "▁is", "▁", "▁x"]);
        assert_eq!(tokenizer.decode(&response, true), "x Problem: the is  x");
        for (stop, tokens) in [
            ("Problem: ", 4),
            ("Problem:", 3),
            ("Problem: t", 4),
            (" Problem", 2),
            ("is  ", 7),
            ("is ", 6),
            ("x ", 2),
            ("y", 0),
        ] {
            assert_eq!(ends(&tokenizer, &response, stop), (tokens > 0).then_some(tokens), "{stop:?}");
        }
    }

    #[test]
    fn the_name_of_a_special_token_is_a_stop_text_like_any_other() {
        let (_folder, tokenizer) = sentencepiece();
        let ids = |words: &[&str]| words.iter().map(|word| tokenizer.token_id(word).unwrap()).collect::<Vec<_>>();
        let response = ids(&["▁x", "<|im_end|>", "<0x0A>", "▁the", "</s>", "▁is"]);
        assert_eq!(tokenizer.decode(&response, true), "x\n the is");
        for (stop, tokens) in
            [("<|im_end|>", 2), ("x<|im_end|>", 2), ("<|im_end|>\n", 3), ("</s>", 5), ("x\n", 3), ("\n the", 4)]
        {
            assert_eq!(ends(&tokenizer, &response, stop), Some(tokens), "{stop:?}");
        }
    }
}
