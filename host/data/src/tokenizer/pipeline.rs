//! What a `tokenizer.json` may do to a text: a bound on the parts of its pipeline, and on how they make texts grow.
//!
//! A normaliser that doubles a letter sixty times is a line of JSON, and would take all memory with one word. So the
//! growth of normalisers and decoders is bounded when the file is read, and that of a long text before it is tokenised.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use tokenizers::tokenizer::{NormalizedString, Normalizer};

/// Bytes of a text that is tokenised, before and after its normalisation.
pub const LONGEST_TEXT: usize = 64 << 20;
const LONGEST_NORMALISED: u64 = 256 << 20;
/// Bytes of a token's name.
const LONGEST_TOKEN: usize = 64 << 10;
/// Bytes of a normalised text, or of a decoded one, for each byte of what it is made of. Those of real models stay
/// below 140.
const LARGEST_GROWTH: u64 = 1024;
/// Parts of a pipeline, and how deep one may lie in another as JSON; real ones have about ten parts, six deep.
const MOST_PARTS: usize = 256;
const DEEPEST: usize = 24;
/// Bytes of a text that are normalised at once to see how they grow.
const PIECE: usize = 4096;

/// How far texts can grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    normaliser: u64,
    decoder: u64,
    /// Bytes of the longest token.
    token: u64,
}

/// The pipeline of a `tokenizer.json`; the rest of the file is not looked at here.
#[derive(Deserialize)]
struct Pipeline {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    decoder: Value,
}

impl Growth {
    /// Of the `tokenizer.json` of these bytes; refuses one whose pipeline is too deep, too long or grows texts too far.
    pub(super) fn of(bytes: &[u8]) -> Result<Growth, String> {
        let pipeline: Pipeline = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut found = [1; 4];
        let parts = [
            ("normalizer", &pipeline.normalizer),
            ("pre_tokenizer", &pipeline.pre_tokenizer),
            ("post_processor", &pipeline.post_processor),
            ("decoder", &pipeline.decoder),
        ];
        for ((name, part), found) in parts.into_iter().zip(&mut found) {
            let mut looked = Looked { parts: 0, growth: 1 };
            looked.at(part, 0).map_err(|message| format!("`{name}` {message}"))?;
            if looked.growth > LARGEST_GROWTH {
                return Err(format!(
                    "`{name}` can make {} bytes or more of one; the most is {LARGEST_GROWTH}",
                    looked.growth
                ));
            }
            *found = looked.growth;
        }
        let [normaliser, _, _, decoder] = found;
        Ok(Growth { normaliser, decoder, token: 1 })
    }

    /// The same, of a tokenizer with this vocabulary; refuses one with a token that is too long.
    pub(super) fn with_vocabulary(self, vocabulary: &HashMap<String, u32>) -> Result<Growth, String> {
        let longest = vocabulary.iter().max_by_key(|(token, _)| token.len());
        match longest {
            Some((token, id)) if token.len() > LONGEST_TOKEN => {
                Err(format!("token {id} has {} bytes; the most is {LONGEST_TOKEN}", token.len()))
            }
            _ => Ok(Growth { token: longest.map_or(1, |(token, _)| token.len().max(1) as u64), ..self }),
        }
    }

    /// Refuses a text that is too long, or that a normaliser makes too long.
    pub(super) fn check_text(&self, tokenizer: &tokenizers::Tokenizer, text: &str) -> Result<(), String> {
        if text.len() > LONGEST_TEXT {
            return Err(format!(
                "a text of {} bytes is too long to be tokenised; the most is {LONGEST_TEXT}",
                text.len()
            ));
        }
        let Some(normaliser) = tokenizer.get_normalizer() else { return Ok(()) };
        if text.len() as u64 * self.normaliser <= LONGEST_NORMALISED {
            return Ok(());
        }
        let mut length = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
            let mut normalised = NormalizedString::from(piece);
            normaliser.normalize(&mut normalised).map_err(|error| error.to_string())?;
            length += normalised.get().len() as u64;
            if length > LONGEST_NORMALISED {
                return Err(format!(
                    "the tokenizer's normaliser makes more than {LONGEST_NORMALISED} bytes of a text of {} bytes",
                    text.len()
                ));
            }
            rest = after;
        }
        Ok(())
    }

    /// Whether the text of `tokens` is short enough to be made.
    pub(super) fn allows_decoding(&self, tokenizer: &tokenizers::Tokenizer, tokens: &[u32]) -> bool {
        if tokens.len() as u64 * self.token * self.decoder <= LONGEST_NORMALISED {
            return true;
        }
        let length = |token: &u32| tokenizer.id_to_token(*token).map_or(0, |name| name.len() as u64);
        tokens.iter().map(length).sum::<u64>() * self.decoder <= LONGEST_NORMALISED
    }
}

/// What was found in a part of the pipeline and those inside of it.
struct Looked {
    parts: usize,
    growth: u64,
}

impl Looked {
    fn at(&mut self, part: &Value, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("is nested more than {DEEPEST} deep"));
        }
        match part {
            Value::Array(items) => items.iter().try_for_each(|item| self.at(item, depth + 1)),
            Value::Object(keys) => {
                if keys.contains_key("type") {
                    self.parts += 1;
                    if self.parts > MOST_PARTS {
                        return Err(format!("has more than {MOST_PARTS} parts"));
                    }
                }
                self.growth = self.growth.saturating_mul(growth(part));
                keys.values().try_for_each(|value| self.at(value, depth + 1))
            }
            _ => Ok(()),
        }
    }
}

/// The most bytes that one part makes of each byte, where its settings decide that. What Unicode decides (NFKC, lower
/// case) is left out: it grows no text twice.
fn growth(part: &Value) -> u64 {
    let bytes = |key: &str| part.get(key).and_then(Value::as_str).map_or(0, str::len) as u64;
    if part.get("pattern").is_some() && part.get("content").is_some() {
        return match part["pattern"].get("String").and_then(Value::as_str) {
            Some(pattern) => bytes("content").div_ceil(pattern.len().max(1) as u64).max(1),
            // A regular expression may match one byte, or none.
            None => bytes("content") + 1,
        };
    }
    if part.get("prepend").is_some() {
        return bytes("prepend") + 1;
    }
    match part.get("precompiled_charsmap").and_then(Value::as_str) {
        Some(table) => longest_replacement(table),
        None => 1,
    }
}

/// The longest text of sentencepiece's table of replacements: the length of a trie, the trie, then texts that end with
/// zero bytes.
fn longest_replacement(table: &str) -> u64 {
    let Ok(bytes) = base64::decode(table) else { return 1 };
    let size = bytes.first_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize);
    let texts = bytes.get(size.saturating_add(4)..).unwrap_or_default();
    texts.split(|byte| *byte == 0).map(<[u8]>::len).max().unwrap_or(1).max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn growth_of(part: &str, value: &Value) -> Result<Growth, String> {
        Growth::of(json!({ part: value, "model": { "vocab": { "a": 0 } } }).to_string().as_bytes())
    }

    #[test]
    fn pipelines_of_real_models_are_far_within_the_bounds() {
        // Llama 2's normaliser and decoder.
        let found = growth_of(
            "normalizer",
            &json!({ "type": "Sequence", "normalizers": [
                { "type": "Prepend", "prepend": "▁" },
                { "type": "Replace", "pattern": { "String": " " }, "content": "▁" }
            ] }),
        );
        assert_eq!(found.unwrap().normaliser, 12);
        let found = growth_of(
            "decoder",
            &json!({ "type": "Sequence", "decoders": [
                { "type": "Replace", "pattern": { "String": "▁" }, "content": " " }, { "type": "ByteFallback" },
                { "type": "Fuse" }, { "type": "Strip", "content": " ", "start": 1, "stop": 0 }
            ] }),
        );
        assert_eq!(found.unwrap().decoder, 1);
        // A table of a trie of 4 bytes and the texts "a" and "xyz".
        let table = base64::encode(b"\x04\0\0\0triea\0xyz\0");
        let found = growth_of("normalizer", &json!({ "type": "Precompiled", "precompiled_charsmap": table }));
        assert_eq!(found.unwrap().normaliser, 3);
    }

    #[test]
    fn pipelines_that_nest_or_grow_without_end_are_refused() {
        let double = json!({ "type": "Replace", "pattern": { "String": "a" }, "content": "aa" });
        for (part, list) in [("normalizer", "normalizers"), ("decoder", "decoders")] {
            let error = growth_of(part, &json!({ "type": "Sequence", list: vec![double.clone(); 60] })).unwrap_err();
            let expected = format!("`{part}` can make 1152921504606846976 bytes or more of one; the most is 1024");
            assert_eq!(error, expected);
            let mut nested = double.clone();
            for _ in 0..13 {
                nested = json!({ "type": "Sequence", list: [nested] });
            }
            assert_eq!(growth_of(part, &nested).unwrap_err(), format!("`{part}` is nested more than 24 deep"));
            let many = json!({ "type": "Sequence", list: vec![json!({ "type": "Fuse" }); 256] });
            assert_eq!(growth_of(part, &many).unwrap_err(), format!("`{part}` has more than 256 parts"));
        }
        let regex = json!({ "type": "Replace", "pattern": { "Regex": "x*" }, "content": "y".repeat(2000) });
        assert_eq!(
            growth_of("normalizer", &regex).unwrap_err(),
            "`normalizer` can make 2001 bytes or more of one; the most is 1024"
        );
        let deep = "[".repeat(200);
        assert!(Growth::of(format!("{{\"normalizer\": {deep}").as_bytes()).unwrap_err().contains("recursion"));
    }
}
