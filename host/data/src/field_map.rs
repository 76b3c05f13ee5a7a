//! Which column of a data set is which: `problem=question,reference=answer.value`.

use crate::error::DataError;
use crate::json::{Json, NULL};
use crate::row::Row;
use std::collections::BTreeMap;

/// Names the columns that hold what Octo needs. A name that is not mapped is looked up under itself.
///
/// A column is one of these:
///
/// - a key: `question`;
/// - a path through nested objects and lists: `answer.0.value`, where `-1` is a list's last item (`messages.-1.content`)
///   and `*` stands for every item (`generations.*`, `choices.*.message.content`);
/// - several of them joined by `+`: `Body+Question`, their texts with a space between.
///
/// A key is always tried as it is written first, so keys that contain dots, digits, stars or plus signs need no escape. A
/// path that leads through null finds null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldMap {
    columns: BTreeMap<String, String>,
}

impl FieldMap {
    /// A map from pairs of name and column.
    pub fn new<N: Into<String>, C: Into<String>>(columns: impl IntoIterator<Item = (N, C)>) -> FieldMap {
        FieldMap { columns: columns.into_iter().map(|(name, column)| (name.into(), column.into())).collect() }
    }

    /// Reads `name=column` pairs separated by commas; an empty text maps nothing.
    pub fn parse(text: &str) -> Result<FieldMap, DataError> {
        let mut columns = BTreeMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, column) = match pair.split_once('=') {
                Some((name, column)) if !name.trim().is_empty() && !column.trim().is_empty() => {
                    (name.trim(), column.trim())
                }
                _ => {
                    return Err(DataError::Invalid(format!(
                        "field map: {pair:?} is not NAME=COLUMN, as in `problem=question`"
                    )));
                }
            };
            if columns.insert(name.to_string(), column.to_string()).is_some() {
                return Err(DataError::Invalid(format!("field map: {name:?} is mapped twice")));
            }
        }
        Ok(FieldMap { columns })
    }

    /// The column that holds `name`: the mapped one, or `name` itself.
    pub fn column<'a>(&'a self, name: &'a str) -> &'a str {
        self.columns.get(name).map_or(name, String::as_str)
    }

    /// Whether `name` is mapped explicitly.
    pub fn maps(&self, name: &str) -> bool {
        self.columns.contains_key(name)
    }

    /// Every explicit pair of name and column, by name.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column.as_str()))
    }

    /// What `name` is in `row`; None where there is no such column.
    ///
    /// # Errors
    /// Where a column cannot be read, as [`Row::get`] says.
    pub fn find<'a>(&self, row: &'a Row, name: &str) -> Result<Option<Found<'a>>, String> {
        find(row, self.column(name))
    }

    /// The text of `name` in `row`: a text as it is, a number with all its digits (`43.0` is "43"), booleans as "true" and
    /// "false". None where the column is absent or null.
    ///
    /// # Errors
    /// Where it is a list, an object or several values, or cannot be read.
    pub fn text(&self, row: &Row, name: &str) -> Result<Option<String>, String> {
        let column = self.column(name);
        match find(row, column)? {
            Some(Found::One(value)) => scalar(value).map_err(|kind| self.refused(name, kind)),
            Some(Found::Each(values)) => Err(self.refused(name, &format!("{} values", values.len()))),
            None => self.joined(row, name, column),
        }
    }

    /// `Body+Question`; None where there is no plus, or a part is absent or null.
    fn joined(&self, row: &Row, name: &str, column: &str) -> Result<Option<String>, String> {
        if !column.contains('+') {
            return Ok(None);
        }
        let mut parts = Vec::new();
        for part in column.split('+') {
            let text = match find(row, part.trim())? {
                None => None,
                Some(Found::One(value)) => scalar(value).map_err(|kind| self.refused(name, kind))?,
                Some(Found::Each(values)) => return Err(self.refused(name, &format!("{} values", values.len()))),
            };
            match text {
                Some(text) => parts.push(text),
                None => return Ok(None),
            }
        }
        Ok(Some(parts.join(" ")))
    }

    /// All texts of `name` in `row`: one of a text or number, and of a list or of a path with `*` one an item. None where
    /// the column is absent or null.
    ///
    /// # Errors
    /// Where an item is null, a list or an object, or something cannot be read.
    pub fn texts(&self, row: &Row, name: &str) -> Result<Option<Vec<String>>, String> {
        let item = |value: &Json| match scalar(value) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(self.refused(name, "a list with null in it")),
            Err(kind) => Err(self.refused(name, &format!("a list with {kind} in it"))),
        };
        match self.find(row, name)? {
            Some(Found::One(Json::List(items))) => items.iter().map(item).collect::<Result<_, _>>().map(Some),
            Some(Found::Each(values)) => values.into_iter().map(item).collect::<Result<_, _>>().map(Some),
            _ => Ok(self.text(row, name)?.map(|text| vec![text])),
        }
    }

    /// The accepted answers of `row`: the columns `reference` or `references`, each a text, a number or a list.
    ///
    /// # Errors
    /// As [`FieldMap::texts`].
    pub fn references(&self, row: &Row) -> Result<Option<Vec<String>>, String> {
        // A mapped name goes before one that is merely there.
        let order = if self.maps("references") && !self.maps("reference") {
            ["references", "reference"]
        } else {
            ["reference", "references"]
        };
        for name in order {
            if let Some(found) = self.texts(row, name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The columns at the root of a row that `names` may be in: for a file that holds its columns apart.
    pub fn may_be_in(&self, names: &[&str], root: &str) -> bool {
        let begins =
            |column: &str| column == root || column.strip_prefix(root).is_some_and(|rest| rest.starts_with('.'));
        names.iter().any(|name| {
            let column = self.column(name);
            begins(column) || column.split('+').any(|part| begins(part.trim()))
        })
    }

    /// How a message calls `name`: `` `response` ``, or `` `response` (column `solution`) `` where it is mapped.
    pub fn shown(&self, name: &str) -> String {
        if self.maps(name) { format!("`{name}` (column `{}`)", self.column(name)) } else { format!("`{name}`") }
    }

    fn refused(&self, name: &str, kind: &str) -> String {
        format!("{} is {kind}, not a text or number", self.shown(name))
    }
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    /// One value.
    One(&'a Json),
    /// By a path with `*`: a value for each item, null where an item has nothing at the rest of the path.
    Each(Vec<&'a Json>),
}

/// A scalar as text, None for null, or else what it is.
fn scalar(value: &Json) -> Result<Option<String>, &'static str> {
    match value {
        Json::Null => Ok(None),
        Json::List(_) | Json::Object(_) => Err(value.kind()),
        other => Ok(other.text()),
    }
}

/// The value at `path`: the whole path as a key first, then split at each dot in turn, longest key first.
fn find<'a>(row: &'a Row, path: &str) -> Result<Option<Found<'a>>, String> {
    if let Some(value) = row.get(path)? {
        return Ok(Some(Found::One(value)));
    }
    for (dot, _) in path.rmatch_indices('.') {
        if let Some(value) = row.get(&path[..dot])?
            && let Some(found) = find_in(value, &path[dot + 1..])?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn find_in<'a>(value: &'a Json, path: &str) -> Result<Option<Found<'a>>, String> {
    match value {
        Json::Object(entries) => {
            if let Some(found) = entry(entries, path)? {
                return Ok(Some(Found::One(found)));
            }
            for (dot, _) in path.rmatch_indices('.') {
                if let Some(inner) = entry(entries, &path[..dot])?
                    && let Some(found) = find_in(inner, &path[dot + 1..])?
                {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        }
        Json::List(items) => {
            let (index, rest) = match path.split_once('.') {
                Some((index, rest)) => (index, Some(rest)),
                None => (path, None),
            };
            let below = |item: &'a Json| rest.map_or(Ok(Some(Found::One(item))), |rest| find_in(item, rest));
            if index == "*" {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    match below(item)? {
                        None => values.push(&NULL),
                        Some(Found::One(value)) => values.push(value),
                        Some(Found::Each(inner)) => values.extend(inner),
                    }
                }
                return Ok(Some(Found::Each(values)));
            }
            let index = match index.strip_prefix('-') {
                Some(back) => back.parse::<usize>().ok().and_then(|back| items.len().checked_sub(back)),
                None => index.parse().ok(),
            };
            index.and_then(|index| items.get(index)).map_or(Ok(None), below)
        }
        Json::Null => Ok(Some(Found::One(&NULL))),
        Json::Bool(_) | Json::Number(_) | Json::Text(_) => Ok(None),
    }
}

fn entry<'a>(entries: &'a [(String, Json)], name: &str) -> Result<Option<&'a Json>, String> {
    let mut found = entries.iter().filter(|(key, _)| key == name);
    let first = found.next();
    if found.next().is_some() {
        return Err(format!("has two entries of the name {} in one object", crate::error::quoted(name)));
    }
    Ok(first.map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(text: &str) -> Row {
        Row::parse(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn keys_are_tried_as_written_before_they_are_split() {
        let row = Row::from(json!({
            "a": {"b": {"c": "deep"}, "b.c": "middle"},
            "a.b": {"c": "left"},
            "x": [{"y": 1}, {"y": 2}],
            "0": "zero", "p+q": "plus", "p": "P", "q": "Q"
        }));
        let get = |column: &str| FieldMap::new([("name", column)]).text(&row, "name");
        let found = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(get("a.b.c"), found("left"));
        assert_eq!(get("x.1.y"), found("2"));
        assert_eq!(get("x.-1.y"), found("2"));
        assert_eq!(get("x.-2.y"), found("1"));
        assert_eq!(get("0"), found("zero"));
        assert_eq!(get("p+q"), found("plus"));
        assert_eq!(get("q+p"), found("Q P"));
        assert_eq!(get("q+missing"), Ok(None));
        assert_eq!(get("a"), Err("`name` (column `a`) is an object, not a text or number".into()));
        assert_eq!(get("x"), Err("`name` (column `x`) is a list, not a text or number".into()));
        for absent in ["x.7.y", "x.-3.y", "x.-.y", "x.y", "p.0"] {
            assert_eq!(get(absent), Ok(None), "{absent}");
        }
        let literal = Row::from(json!({"a.b.c": "literal", "a": {"b": {"c": "deep"}}}));
        assert_eq!(FieldMap::new([("name", "a.b.c")]).text(&literal, "name"), found("literal"));
    }

    #[test]
    fn a_star_finds_every_item_and_keeps_their_places() {
        let row =
            row(r#"{"choices": [{"message": {"content": "a"}}, {"message": null}, {}, {"message": {"content": 7}}],
            "nested": [["a", "b"], ["c"]], "empty": []}"#);
        let texts = |path: &str| match FieldMap::new([("name", path)]).find(&row, "name").unwrap() {
            Some(Found::Each(values)) => values.iter().map(|value| value.text()).collect::<Vec<_>>(),
            other => panic!("{path}: {other:?}"),
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(texts("choices.*.message.content"), [some("a"), None, None, some("7")]);
        assert_eq!(texts("nested.*.*"), [some("a"), some("b"), some("c")]);
        assert_eq!(texts("nested.*.-1"), [some("b"), some("c")]);
        assert_eq!(texts("empty.*"), []);
        let map = FieldMap::new([("references", "nested.0.*"), ("name", "nested.0.*")]);
        assert_eq!(map.references(&row), Ok(Some(vec!["a".into(), "b".into()])));
        assert_eq!(
            map.text(&row, "name"),
            Err("`name` (column `nested.0.*`) is 2 values, not a text or number".into())
        );
    }

    #[test]
    fn what_no_one_reads_costs_nothing_and_what_is_read_twice_is_named() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let row = row(&format!(
            r#"{{"a": "x", "nan": NaN, "half": "\ud800!", "deep": {deep}, "b": 1, "b": 2, "c": {{"d": 1, "d": 2}}, "e": "\("}}"#
        ));
        let get = |column: &str| FieldMap::new([("name", column)]).text(&row, "name");
        assert_eq!(get("a"), Ok(Some("x".into())));
        assert_eq!(get("nan"), Ok(None));
        assert_eq!(get("half"), Ok(Some("\u{fffd}!".into())));
        for (column, error) in [
            ("deep", "the column \"deep\" is nested deeper than 128 levels, the most that is read"),
            ("b", "has two columns of the name \"b\"; give each a name of its own"),
            ("c.d", "has two entries of the name \"d\" in one object"),
            ("e", "the column \"e\" is not JSON: a backslash before a character that it does not escape (byte 3)"),
        ] {
            assert_eq!(get(column), Err(error.into()), "{column}");
        }
    }

    #[test]
    fn references_may_be_one_or_many_and_mixed() {
        let plain = FieldMap::default();
        let references = |row: &str, map: &FieldMap| map.references(&Row::parse(row.as_bytes().to_vec()).unwrap());
        let found = |texts: &[&str]| Ok(Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()));
        assert_eq!(references(r#"{"reference": 4}"#, &plain), found(&["4"]));
        assert_eq!(references(r#"{"references": ["4", 4.5, 4.50]}"#, &plain), found(&["4", "4.5", "4.50"]));
        assert_eq!(
            references(r#"{"references": ["4", null]}"#, &plain),
            Err("`references` is a list with null in it, not a text or number".into())
        );
        assert_eq!(references(r#"{"answer": "4"}"#, &plain), Ok(None));
        assert_eq!(references(r#"{"reference": null, "references": [1]}"#, &plain), found(&["1"]));
        let mapped = FieldMap::parse("references=target").unwrap();
        assert_eq!(references(r#"{"target": 9, "reference": 1}"#, &mapped), found(&["9"]));
    }

    #[test]
    fn a_map_that_cannot_be_read_says_which_part() {
        for text in ["problem", "=x", "a=", "a=b,a=c"] {
            assert!(FieldMap::parse(text).is_err(), "{text}");
        }
        let map = FieldMap::parse(" problem = question , reference=answer,").unwrap();
        assert_eq!(map.column("problem"), "question");
        assert_eq!(map.column("id"), "id");
    }
}
