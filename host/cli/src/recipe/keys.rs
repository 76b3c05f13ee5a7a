//! Takes the known keys out of one table; what is left over is an unknown key, with a suggestion.

use anyhow::{Result, anyhow, bail};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::text::RecipeText;

/// One table of the recipe, being read.
pub struct Keys<'a> {
    text: &'a RecipeText,
    name: String,
    table: Table,
    known: Vec<String>,
}

impl<'a> Keys<'a> {
    pub fn new(text: &'a RecipeText, name: &str, table: Table) -> Keys<'a> {
        Keys { text, name: name.to_owned(), table, known: Vec::new() }
    }

    /// `recipe.toml:12: stages.base.tokens`.
    pub fn place(&self, key: &str) -> String {
        self.text.place(&self.name, key)
    }

    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.known.push(key.to_owned());
        self.table.remove(key)
    }

    /// Puts back what was made of keys that were taken, for [`Keys::into_config`].
    #[cfg(feature = "train")]
    pub fn put(&mut self, key: &str, value: Value) {
        self.table.insert(key.to_owned(), value);
    }

    pub fn take_string(&mut self, key: &str) -> Result<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "a text", &other)),
        }
    }

    pub fn require_string(&mut self, key: &str) -> Result<String> {
        self.take_string(key)?.ok_or_else(|| self.missing(key))
    }

    pub fn take_unsigned(&mut self, key: &str) -> Result<Option<u64>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(number)) if number >= 0 => Ok(Some(number as u64)),
            Some(other) => Err(self.wrong(key, "a whole number, zero or more", &other)),
        }
    }

    pub fn take_table(&mut self, key: &str) -> Result<Option<Table>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(table)),
            Some(other) => Err(self.wrong(key, "a table", &other)),
        }
    }

    /// A text or a list of texts.
    pub fn take_strings(&mut self, key: &str) -> Result<Vec<String>> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    other => Err(self.wrong(key, "a list of texts", &other)),
                })
                .collect(),
            Some(other) => Err(self.wrong(key, "a text or a list of texts", &other)),
        }
    }

    pub fn missing(&self, key: &str) -> anyhow::Error {
        anyhow!("{}: the key `{key}` is missing", self.place(""))
    }

    fn wrong(&self, key: &str, wanted: &str, found: &Value) -> anyhow::Error {
        anyhow!("{}: must be {wanted}, not {found}", self.place(key))
    }

    /// Nothing may be left over.
    pub fn finish(self) -> Result<()> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => bail!("{}: unknown key{}", self.place(key), nearest(key, self.known.iter().cloned())),
        }
    }

    /// All that is left over is the typed configuration `T`, which refuses keys that it does not know.
    pub fn into_config<T: DeserializeOwned>(self) -> Result<T> {
        let error = match Value::Table(self.table.clone()).try_into::<T>() {
            Ok(config) => return Ok(config),
            Err(error) => error.message().to_owned(),
        };
        // serde words it as: unknown field `x`, expected one of `a`, `b`
        let quoted: Vec<&str> = error.split('`').skip(1).step_by(2).collect();
        match quoted.split_first() {
            Some((key, expected)) if error.starts_with("unknown field") => {
                let known = expected.iter().map(|key| key.to_string()).chain(self.known.iter().cloned());
                bail!("{}: unknown key{}", self.place(key), nearest(key, known))
            }
            Some((key, _)) if error.starts_with("missing field") => Err(self.missing(key)),
            _ => {
                // Which key it was is found by taking them away one at a time.
                let culprit = self.table.keys().find(|key| {
                    let mut rest = self.table.clone();
                    rest.remove(*key);
                    !matches!(Value::Table(rest).try_into::<T>(), Err(again) if again.message() == error)
                });
                bail!("{}: {error}", self.place(culprit.map(String::as_str).unwrap_or("")))
            }
        }
    }
}

/// `; did you mean "tokens"?`, or the list of what is known where nothing is near.
pub fn nearest(key: &str, known: impl IntoIterator<Item = String>) -> String {
    let known: Vec<String> = known.into_iter().collect();
    let best = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), candidate))
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()));
    match best {
        Some((distance, candidate)) if distance <= 1 + key.len() / 3 => format!("; did you mean {candidate:?}?"),
        _ if known.is_empty() => String::new(),
        _ => format!("; known here: {}", known.join(", ")),
    }
}
