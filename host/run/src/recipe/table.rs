//! Reads tables of a recipe into typed values.
//!
//! A type's JSON Schema says which keys it has, so that an unknown or a missing key is found by its own name and line;
//! whatever else is wrong with a value, serde says, and its path says where.

use anyhow::{Result, anyhow, bail};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::Segment;
use toml::{Table, Value};

use super::origins::KeyPath;
use super::text::RecipeText;
use crate::nearest;

/// How deep a schema is followed for unknown keys; serde checks what lies deeper.
const DEEPEST: usize = 8;

/// One table of the recipe, being read.
pub struct TableReader<'a> {
    text: &'a RecipeText,
    path: KeyPath,
    table: Table,
    /// Keys that were asked for so far.
    known: Vec<String>,
}

impl<'a> TableReader<'a> {
    /// Reads the table at `path`.
    pub fn new(text: &'a RecipeText, path: &[&str], table: Table) -> TableReader<'a> {
        TableReader { text, path: path.iter().map(|key| (*key).to_owned()).collect(), table, known: Vec::new() }
    }

    /// `recipe.toml:12: stages.base.tokens`, for a key of this table; the dots of `key` reach further in, and an empty
    /// one is the table itself.
    pub fn place(&self, key: &str) -> String {
        self.text.place(&self.path_of(key))
    }

    fn path_of(&self, key: &str) -> KeyPath {
        self.text.path_of(&self.path, key)
    }

    /// Reads the keys that `T` has, and leaves the others.
    ///
    /// # Errors
    /// A key of `T` that is missing or wrong, with its place.
    pub fn part<T: DeserializeOwned + JsonSchema>(&mut self) -> Result<T> {
        let schema = schema_of::<T>();
        let mut own = Table::new();
        for key in properties(&schema) {
            if let Some(value) = self.table.remove(&key) {
                own.insert(key.clone(), value);
            }
            self.known.push(key);
        }
        self.typed(&schema, &self.path, Value::Table(own))
    }

    /// Reads all keys that are left as a `T`. Nothing is left after it.
    ///
    /// # Errors
    /// A key that `T` does not have, or one that is missing or wrong, with its place.
    pub fn rest<T: DeserializeOwned + JsonSchema>(&mut self) -> Result<T> {
        let schema = schema_of::<T>();
        let own = properties(&schema);
        if let Some(key) = self.table.keys().find(|key| !own.contains(key)) {
            return Err(self.unknown(key, &own));
        }
        let table = std::mem::take(&mut self.table);
        self.typed(&schema, &self.path, Value::Table(table))
    }

    /// Reads a value that was taken from under `key` as a `T`.
    ///
    /// # Errors
    /// What is wrong with it, with its place.
    pub fn value<T: DeserializeOwned + JsonSchema>(&self, key: &str, value: Value) -> Result<T> {
        self.typed(&schema_of::<T>(), &self.path_of(key), value)
    }

    /// Puts a value in the place of keys that were taken, for [`TableReader::rest`].
    pub fn put(&mut self, key: &str, value: Value) {
        self.table.insert(key.to_owned(), value);
    }

    /// Checks that no key is left.
    ///
    /// # Errors
    /// The first that is, with the nearest of those that were asked for.
    pub fn finish(&self) -> Result<()> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.unknown(key, &[])),
        }
    }

    fn unknown(&self, key: &str, more: &[String]) -> anyhow::Error {
        let known = self.known.iter().chain(more).cloned();
        anyhow!("{}: unknown key{}", self.place(key), nearest(key, known))
    }

    fn typed<T: DeserializeOwned>(&self, schema: &Json, path: &KeyPath, mut value: Value) -> Result<T> {
        let mut path = path.clone();
        if !self.text.written.is_empty() {
            self.as_written(schema, schema, &mut value, &mut path, DEEPEST);
        }
        self.check(schema, schema, &value, &mut path, DEEPEST)?;
        serde_path_to_error::deserialize(value).map_err(|error| {
            for segment in error.path() {
                match segment {
                    Segment::Map { key } => path.push(key.clone()),
                    Segment::Seq { index } => path.push(format!("[{index}]")),
                    Segment::Enum { .. } | Segment::Unknown => {}
                }
            }
            anyhow!("{}: {}", self.text.place(&path), in_words(error.inner().message()))
        })
    }

    /// Puts a flag's own text where a key is a text and TOML would read another value: `--set name=nan`.
    fn as_written(&self, root: &Json, schema: &Json, value: &mut Value, path: &mut KeyPath, depth: usize) {
        match value {
            Value::String(_) => {}
            Value::Array(_) | Value::Table(_) => {
                let Some(schema) = only_meaning(root, schema, value).filter(|_| depth > 0) else { return };
                let mut below = |key: String, schema: Option<&Json>, value: &mut Value| {
                    let Some(schema) = schema else { return };
                    path.push(key);
                    self.as_written(root, schema, value, path, depth - 1);
                    path.pop();
                };
                match value {
                    Value::Table(table) => {
                        for (key, value) in table.iter_mut() {
                            let own = schema.get("properties").and_then(|properties| properties.get(key));
                            below(key.clone(), own.or_else(|| schema.get("additionalProperties")), value);
                        }
                    }
                    Value::Array(items) => {
                        for (index, value) in items.iter_mut().enumerate() {
                            below(format!("[{index}]"), schema.get("items"), value);
                        }
                    }
                    _ => {}
                }
            }
            _ => {
                let own: &[&str] = match value {
                    Value::Integer(_) => &["integer", "number"],
                    Value::Float(_) => &["number"],
                    Value::Boolean(_) => &["boolean"],
                    _ => &[],
                };
                if let Some(written) = self.text.written.get(path.as_slice())
                    && takes(root, schema, &["string"], depth)
                    && !takes(root, schema, own, depth)
                {
                    *value = Value::String(written.clone());
                }
            }
        }
    }

    /// Looks for keys that a table lacks or should not have, in `value` and below.
    fn check(&self, root: &Json, schema: &Json, value: &Value, path: &mut KeyPath, depth: usize) -> Result<()> {
        let Some(schema) = only_meaning(root, schema, value).filter(|_| depth > 0) else { return Ok(()) };
        match value {
            Value::Array(items) => {
                let Some(of_items) = schema.get("items") else { return Ok(()) };
                for (index, item) in items.iter().enumerate() {
                    path.push(format!("[{index}]"));
                    self.check(root, of_items, item, path, depth - 1)?;
                    path.pop();
                }
            }
            Value::Table(table) => {
                let known = properties(schema);
                let others = schema.get("additionalProperties");
                for (key, inner) in table {
                    path.push(key.clone());
                    match schema.get("properties").and_then(|properties| properties.get(key)) {
                        Some(own) => self.check(root, own, inner, path, depth - 1)?,
                        None if others == Some(&Json::Bool(false)) => {
                            bail!("{}: unknown key{}", self.text.place(path), nearest(key, known));
                        }
                        None => {
                            if let Some(others) = others {
                                self.check(root, others, inner, path, depth - 1)?;
                            }
                        }
                    }
                    path.pop();
                }
                let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
                if let Some(key) = required.filter_map(Json::as_str).find(|key| !table.contains_key(*key)) {
                    return Err(self.missing(key, path));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A key that is missing may be there under a misspelt name.
    fn missing(&self, key: &str, path: &KeyPath) -> anyhow::Error {
        if *path == self.path {
            let near = |left: &&String| octo_plugin::nearest(left, [key.to_owned()]).is_some();
            if let Some(left) = self.table.keys().filter(|left| !self.known.contains(left)).find(near) {
                return anyhow!("{}: unknown key; did you mean {key:?}?", self.place(left));
            }
        }
        anyhow!("{}: the key `{key}` is missing", self.text.place(path))
    }
}

/// serde's message with the types of Rust, at its end, in the words of a recipe.
fn in_words(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, zero or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        other => other,
    };
    format!("{found}expected {expected}")
}

fn schema_of<T: JsonSchema>() -> Json {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

/// The names of an object's keys.
fn properties(schema: &Json) -> Vec<String> {
    schema.get("properties").and_then(Json::as_object).map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
}

/// The schema itself after references, or the only one of its alternatives that a table or list such as `value` can be
/// meant by; none where there are several.
fn only_meaning<'s>(root: &'s Json, schema: &'s Json, value: &Value) -> Option<&'s Json> {
    let fits = match value {
        Value::Table(_) => "object",
        Value::Array(_) => "array",
        _ => return None,
    };
    let mut schema = after_references(root, schema)?;
    for _ in 0..DEEPEST {
        let Some(alternatives) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) else {
            return Some(schema);
        };
        let has = |one: &&Json| {
            one.get("type").is_none_or(|kind| kind == fits) || one.get("anyOf").is_some() || one.get("oneOf").is_some()
        };
        let mut meanings = alternatives.iter().filter_map(|one| after_references(root, one)).filter(has);
        schema = meanings.next()?;
        if meanings.next().is_some() {
            return None;
        }
    }
    None
}

/// Whether a value of one of the `kinds` may stand where `schema` is asked for. What a schema does not say, it allows.
fn takes(root: &Json, schema: &Json, kinds: &[&str], depth: usize) -> bool {
    if depth == 0 || kinds.is_empty() {
        return false;
    }
    let Some(schema) = after_references(root, schema) else { return true };
    match (schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array), schema.get("type")) {
        (Some(alternatives), _) => alternatives.iter().any(|one| takes(root, one, kinds, depth - 1)),
        (None, Some(Json::String(kind))) => kinds.contains(&kind.as_str()),
        (None, Some(Json::Array(several))) => several.iter().filter_map(Json::as_str).any(|kind| kinds.contains(&kind)),
        (None, _) if schema.get("const").is_some_and(Json::is_string) => kinds.contains(&"string"),
        (None, _) => *schema != Json::Bool(false),
    }
}

fn after_references<'s>(root: &'s Json, mut schema: &'s Json) -> Option<&'s Json> {
    for _ in 0..DEEPEST {
        let target = schema.get("$ref").and_then(Json::as_str).and_then(|target| target.strip_prefix('#'));
        let Some(target) = target else { return Some(schema) };
        schema = root.pointer(target)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Wiring {
        documents: String,
        #[serde(default)]
        nested: Option<Nested>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    #[derive(Default)]
    struct Nested {
        depth: u32,
        list: Vec<u32>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Loop {
        tokens: u64,
        #[serde(default)]
        rate: f64,
    }

    fn read(source: &str) -> Result<(Wiring, Loop)> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("r.toml");
        std::fs::write(&file, source)?;
        let text = RecipeText::read(&file, &[], &[])?;
        let Value::Table(table) = text.root["stages"]["a"].clone() else { bail!("not a table") };
        let mut reader = TableReader::new(&text, &["stages", "a"], table);
        Ok((reader.part()?, reader.rest()?))
    }

    #[test]
    fn parts_take_their_own_keys_and_the_rest_is_the_loop() {
        let (wiring, own) = read("[stages.a]\ndocuments = \"x\"\ntokens = 3\nrate = 1\n").expect("reads");
        assert_eq!((wiring.documents.as_str(), own.tokens, own.rate), ("x", 3, 1.0));
        assert!(wiring.nested.is_none());
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Mixed {
        name: String,
        maybe: Option<String>,
        texts: crate::recipe::values::Texts,
        either: serde_json::Value,
        rate: f64,
        whether: bool,
        deep: Deep,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Deep {
        word: Word,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        /// A word that is no number.
        True,
    }

    #[test]
    fn a_flags_value_is_a_text_where_the_key_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("r.toml");
        std::fs::write(&file, "[stages.a]\ndeep = {}\n").expect("written");
        let set = |texts: &[&str]| texts.iter().map(|text| format!("a.{text}")).collect::<Vec<_>>();
        let flags = set(&[
            "name=nan",
            "maybe=1_000",
            "texts=2024-01-31",
            "either=inf",
            "rate=1e3",
            "whether=true",
            "deep.word=true",
        ]);
        let text = RecipeText::read(&file, &flags, &[]).expect("reads");
        let Value::Table(table) = text.root["stages"]["a"].clone() else { panic!("not a table") };
        let read: Mixed = TableReader::new(&text, &["stages", "a"], table).rest().expect("reads");
        assert_eq!((read.name.as_str(), read.maybe.as_deref()), ("nan", Some("1_000")));
        assert_eq!(read.texts.0, ["2024-01-31"]);
        assert_eq!((read.rate, read.whether, read.deep.word), (1000.0, true, Word::True));
        assert!(!read.either.is_string(), "where both may stand, TOML decides");
        // A number in the file stays one: there a text has its quotes.
        std::fs::write(&file, "word = nan\n").expect("written");
        let text = RecipeText::read(&file, &[], &[]).expect("reads");
        let error = TableReader::new(&text, &[], text.root.clone()).rest::<Deep>().expect_err("refused").to_string();
        assert!(error.contains("r.toml:1: word: "), "{error}");
    }

    #[test]
    fn each_mistake_is_placed_and_named() {
        for (keys, words) in [
            ("documents = \"x\"\ntokens = 3\nrat = 1", "r.toml:4: stages.a.rat: unknown key; did you mean \"rate\"?"),
            (
                "documents = \"x\"\ntokens = \"3\"",
                "r.toml:3: stages.a.tokens: invalid type: string \"3\", expected a whole number, zero or more",
            ),
            ("documents = \"x\"", "r.toml:1: stages.a: the key `tokens` is missing"),
            ("document = \"x\"\ntokens = 3", "r.toml:2: stages.a.document: unknown key; did you mean \"documents\"?"),
            (
                "documents = \"x\"\ntokens = 3\nnested = { dept = 1 }",
                "r.toml:4: stages.a.nested.dept: unknown key; did you mean \"depth\"?",
            ),
            (
                "documents = \"x\"\ntokens = 3\nnested = { list = [1,\n -1] }",
                "r.toml:5: stages.a.nested.list[1]: invalid value: integer `-1`, expected a whole number, zero or more",
            ),
        ] {
            let error = read(&format!("[stages.a]\n{keys}\n")).expect_err("refused").to_string();
            assert!(error.ends_with(words), "{keys}\n{error}");
        }
    }
}
