//! Tokens that a folder's files put around texts: what a text begins with, and what ends one.

use std::path::Path;

use serde_json::Value;

use crate::error::DataError;
use crate::model_file;

use super::END_OF_TEXT;

/// Names of end tokens, for a tokenizer that comes without a config.
const WELL_KNOWN_ENDS: [&str; 4] = [END_OF_TEXT, "<|endoftext|>", "</s>", "<eos>"];
/// Tokens in front of a text above which a post-processor means no good.
const LONGEST_BEGINNING: usize = 16;

/// What surrounds texts.
#[derive(Clone, Debug)]
pub(super) struct Special {
    /// Put before a text.
    pub(super) beginning: Vec<u32>,
    /// Each ends a generation; never empty.
    pub(super) ends: Vec<u32>,
    /// Put after a document.
    pub(super) end_of_text: u32,
}

impl Special {
    /// What the files beside `tokenizer.json` say; see [`super::Tokenizer::load`].
    pub(super) fn load(inner: &tokenizers::Tokenizer, folder: &Path) -> Result<Special, DataError> {
        let config = Config::read(folder, "tokenizer_config.json")?;
        let Ends { tokens: mut ends, end_of_text } = Ends::load(inner, folder, &config)?;
        // A base model that was given a chat has the end of a turn here alone.
        let turn = config.token(inner, "eos_token");
        ends.extend(turn.filter(|turn| !ends.contains(turn)));
        Ok(Special { beginning: beginning(inner, folder, &config)?, ends, end_of_text })
    }

    /// Of a tokenizer that was trained here.
    pub(super) fn trained() -> Special {
        Special { beginning: Vec::new(), ends: vec![0], end_of_text: 0 }
    }
}

/// A JSON file of the folder; an empty object where it is not there.
struct Config {
    path: std::path::PathBuf,
    value: Value,
}

impl Config {
    fn read(folder: &Path, name: &str) -> Result<Config, DataError> {
        let path = folder.join(name);
        let value = match model_file::read_if_there(&path)? {
            None => Value::Null,
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| DataError::Format { path: path.clone(), message: format!("is not JSON: {error}") })?,
        };
        Ok(Config { path, value })
    }

    /// A token that is named, as a text or as an object with its text and flags, and is in the vocabulary.
    fn token(&self, inner: &tokenizers::Tokenizer, key: &str) -> Option<u32> {
        one(inner, self.value.get(key)?)
    }
}

/// A token by its id, its name, or its name with flags: `{"content": "</s>", "lstrip": false, ...}`.
fn one(inner: &tokenizers::Tokenizer, value: &Value) -> Option<u32> {
    match value {
        Value::Number(id) => id.as_u64().and_then(|id| u32::try_from(id).ok()),
        Value::String(token) => inner.token_to_id(token),
        Value::Object(token) => inner.token_to_id(token.get("content")?.as_str()?),
        _ => None,
    }
}

struct Ends {
    tokens: Vec<u32>,
    end_of_text: u32,
}

impl Ends {
    /// Those of the first file that has some.
    fn load(inner: &tokenizers::Tokenizer, folder: &Path, tokenizer_config: &Config) -> Result<Ends, DataError> {
        let generation = Config::read(folder, "generation_config.json")?;
        let config = Config::read(folder, "config.json")?;
        for (file, key) in [(&generation, "eos_token_id"), (&config, "eos_token_id"), (tokenizer_config, "eos_token")] {
            let ids = match file.value.get(key) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(items)) => items.iter().map(|item| one(inner, item)).collect::<Option<Vec<u32>>>(),
                Some(value) => one(inner, value).map(|id| vec![id]),
            };
            let message = match ids {
                None => format!("{key:?} is neither a token nor a list of tokens"),
                Some(ids) if ids.is_empty() => format!("{key:?} is neither a token nor a list of tokens"),
                Some(ids) => return Ok(Ends::of(inner, ids)),
            };
            return Err(DataError::Format { path: file.path.clone(), message });
        }
        let known = WELL_KNOWN_ENDS.iter().find_map(|token| inner.token_to_id(token));
        known.map(|id| Ends { tokens: vec![id], end_of_text: id }).ok_or_else(|| {
            DataError::Tokenizer(format!(
                "{} has no end token: set eos_token_id in a generation_config.json beside it",
                folder.display()
            ))
        })
    }

    /// Of several, a document ends with the one that has an end-of-text name, or else with the first.
    fn of(inner: &tokenizers::Tokenizer, tokens: Vec<u32>) -> Ends {
        let is_named =
            |id: &&u32| inner.id_to_token(**id).is_some_and(|token| WELL_KNOWN_ENDS[..2].contains(&token.as_str()));
        let end_of_text = tokens.iter().find(is_named).or(tokens.first()).copied().unwrap_or(0);
        Ends { tokens, end_of_text }
    }
}

/// Families of tokenizers in `transformers` that follow `add_bos_token`, as version 4 has them; others go by
/// `tokenizer.json` alone, as version 5 does for all.
const FOLLOW_ADD_BOS: [&str; 3] = ["Llama", "Gemma", "Cohere"];

/// What a text begins with: the tokens that the post-processor of `tokenizer.json` puts in front of it, unless
/// `add_bos_token` of `tokenizer_config.json` says whether `bos_token` is there, and the tokenizer is of a class that
/// follows it, or of none.
fn beginning(inner: &tokenizers::Tokenizer, folder: &Path, config: &Config) -> Result<Vec<u32>, DataError> {
    let said = in_front(inner).map_err(|message| DataError::Tokenizer(format!("{}: {message}", folder.display())))?;
    let Some(add) = config.value.get("add_bos_token").and_then(Value::as_bool) else { return Ok(said) };
    let map = Config::read(folder, "special_tokens_map.json")?;
    let place = config.path.display();
    let Some(bos) = config.token(inner, "bos_token").or_else(|| map.token(inner, "bos_token")) else {
        if add && said.is_empty() {
            tracing::warn!(
                "{place}: add_bos_token is true, and no bos_token is named that is in the vocabulary: texts begin without"
            );
        }
        return Ok(said);
    };
    if add == said.contains(&bos) {
        return Ok(said);
    }
    let name = inner.id_to_token(bos).unwrap_or_default();
    let adds = if add { "adds no" } else { "adds" };
    let class = config.value.get("tokenizer_class").and_then(Value::as_str);
    if let Some(class) = class.filter(|class| !FOLLOW_ADD_BOS.iter().any(|family| class.contains(family))) {
        tracing::warn!(
            "{place}: add_bos_token is {add}, and tokenizer.json {adds} {name:?} before a text: tokenizer.json decides, since a {class} does \
             not follow add_bos_token"
        );
        return Ok(said);
    }
    tracing::warn!(
        "{place}: add_bos_token is {add}, and tokenizer.json {adds} {name:?} before a text: add_bos_token decides, as in \
         `transformers` 4; 5 goes by tokenizer.json"
    );
    Ok(match add {
        true => [&[bos], &said[..]].concat(),
        false => said.into_iter().filter(|token| *token != bos).collect(),
    })
}

/// The tokens that the post-processor puts in front of any text.
fn in_front(inner: &tokenizers::Tokenizer) -> Result<Vec<u32>, String> {
    // A text of which a tokenizer leaves nothing shows no place.
    for text in ["a", "1", ".", "の"] {
        let encoding = inner.encode_fast(text, true).map_err(|error| error.to_string())?;
        let added = encoding.get_special_tokens_mask();
        let count = added.iter().take_while(|added| **added == 1).count();
        if count == added.len() {
            continue;
        }
        if count > LONGEST_BEGINNING {
            return Err(format!(
                "its post-processor puts {count} tokens before a text; at most {LONGEST_BEGINNING} can be"
            ));
        }
        let tokens = encoding.get_ids().get(..count).unwrap_or_default().to_vec();
        if let Some(id) = tokens.iter().find(|id| inner.id_to_token(**id).is_none()) {
            return Err(format!("its post-processor puts the id {id} before a text, which is not in its vocabulary"));
        }
        return Ok(tokens);
    }
    Ok(Vec::new())
}
