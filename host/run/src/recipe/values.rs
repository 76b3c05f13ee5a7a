//! Kinds of values that recipes write in more than one way.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A text, or a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Texts;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Texts, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(Texts)
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Texts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Texts".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// A table whose keys are names of the user's, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Named<T>, D::Error> {
        struct InOrder<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Named<T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Named(pairs))
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("NamedOf{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// Problems of a stage: files, what their columns are called, and which of their rows to take. Written as the file or a
/// list of files alone, or as `{ path, map, rows }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemFile {
    /// The files, as inputs are written.
    pub path: Texts,
    /// Field of a problem → name of its column, in the order of the recipe.
    pub map: Named<String>,
    /// Rows to take, counted from 0; all of them where there is none.
    pub rows: Option<Range<usize>>,
}

/// [`ProblemFile`] as a table.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProblemTable {
    /// The file, or a list of files: `@STAGE/path`, or a path relative to the recipe, in which `*` stands for every file
    /// that it matches. JSON Lines, one JSON array, CSV, TSV or Parquet, the text formats plain or compressed.
    path: Texts,
    /// Columns by the field of a problem that they hold: `{ problem = "question", reference = "answer" }`. A column may be a
    /// path: `answer.value`, `choices.0.text`, `messages.-1.content`, `answers.*`.
    #[serde(default)]
    map: Named<String>,
    /// Rows to take, counted from 0 over all files, as `"0..64"`; all of them where it is not given.
    #[serde(default, deserialize_with = "rows")]
    #[schemars(with = "Option<String>")]
    rows: Option<Range<usize>>,
}

fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Range<usize>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let range = text.split_once("..").and_then(|(start, end)| {
        let range: Range<usize> = start.trim().parse().ok()?..end.trim().parse().ok()?;
        (range.start < range.end).then_some(range)
    });
    range.map(Some).ok_or_else(|| D::Error::custom(format!("{text:?} is not a range of rows; write \"0..64\"")))
}

impl<'de> Deserialize<'de> for ProblemFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ProblemFile, D::Error> {
        struct PathOrTable;
        impl<'de> Visitor<'de> for PathOrTable {
            type Value = ProblemFile;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a path, a list of paths, or a table with `path`, `map` and `rows`")
            }
            fn visit_str<E: Error>(self, path: &str) -> Result<ProblemFile, E> {
                Ok(ProblemFile { path: Texts(vec![path.to_owned()]), map: Named::default(), rows: None })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<ProblemFile, A::Error> {
                let path = Texts(Vec::deserialize(SeqAccessDeserializer::new(items))?);
                Ok(ProblemFile { path, map: Named::default(), rows: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ProblemFile, A::Error> {
                let ProblemTable { path, map, rows } = ProblemTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ProblemFile { path, map, rows })
            }
        }
        deserializer.deserialize_any(PathOrTable)
    }
}

impl JsonSchema for ProblemFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ProblemFile".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
            generator.subschema_for::<ProblemTable>(),
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    struct Table {
        texts: Texts,
        named: Named<Texts>,
        problems: ProblemFile,
    }

    #[test]
    fn short_and_long_spellings_mean_the_same() {
        let read: Table = toml::from_str("texts = \"a\"\nnamed = { z = [\"1\", \"2\"], a = \"3\" }\nproblems = \"p\"")
            .expect("reads");
        assert_eq!(read.texts.0, ["a"]);
        assert_eq!(read.named.0[0], ("z".to_owned(), Texts(vec!["1".into(), "2".into()])), "the file's order");
        assert_eq!(read.problems, ProblemFile { path: Texts(vec!["p".into()]), map: Named::default(), rows: None });
        let long: ProblemFile =
            toml::from_str("path = \"p\"\nmap = { problem = \"q\" }\nrows = \"2..8\"").expect("reads");
        assert_eq!((long.rows, long.map.0[0].1.as_str()), (Some(2..8), "q"));
    }

    #[test]
    fn other_values_are_refused_in_words() {
        for (source, words) in [
            ("texts = 3\nnamed = {}\nproblems = \"p\"", "expected a text or a list of texts"),
            ("texts = \"a\"\nnamed = []\nproblems = \"p\"", "expected a table"),
            ("texts = \"a\"\nnamed = {}\nproblems = 1", "expected a path, a list of paths, or a table"),
            ("texts = \"a\"\nnamed = {}\nproblems = { path = \"p\", rows = \"8..2\" }", "not a range of rows"),
        ] {
            let error = toml::from_str::<Table>(source).expect_err("refused").to_string();
            assert!(error.contains(words), "{source}\n{error}");
        }
    }
}
