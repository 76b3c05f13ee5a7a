//! Which column of a data set is which: `problem=question,reference=answer.value`.

use crate::error::DataError;
use serde_json::Value;
use std::collections::BTreeMap;

/// Names the columns that hold what Octo needs. A name that is not mapped is looked up under itself.
///
/// A column is a key (`question`), a path through nested objects and lists (`answer.0.value`), or several joined by
/// `+` (`Body+Question`: their texts with a space between). A key is always tried as it is written first, so keys
/// that contain dots, digits or plus signs need no escape.
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

    /// The text of `name` in `row`: strings as they are, numbers in plain decimal (`43.0` is "43"), booleans as
    /// "true" and "false". None where the column is absent, null, a list or an object.
    pub fn get(&self, row: &Value, name: &str) -> Option<String> {
        text_at(row, self.column(name))
    }

    /// All texts of `name` in `row`: one for a text or number, one an element for a list of them. None where the
    /// column is absent or null, or anything in it is neither text nor number.
    pub fn get_all(&self, row: &Value, name: &str) -> Option<Vec<String>> {
        let column = self.column(name);
        match find(row, column) {
            Some(Value::Array(items)) => items.iter().map(text_of).collect(),
            Some(value) => text_of(value).map(|text| vec![text]),
            None => text_at(row, column).map(|text| vec![text]),
        }
    }

    /// The accepted answers of `row`: the columns `reference` or `references`, each a text, a number or a list.
    pub fn references(&self, row: &Value) -> Option<Vec<String>> {
        // A mapped name goes before one that is merely there.
        let order = if self.maps("references") && !self.maps("reference") {
            ["references", "reference"]
        } else {
            ["reference", "references"]
        };
        order.iter().find_map(|name| self.get_all(row, name))
    }
}

fn text_at(row: &Value, column: &str) -> Option<String> {
    if let Some(value) = find(row, column) {
        return text_of(value);
    }
    if column.contains('+') {
        let parts: Option<Vec<String>> =
            column.split('+').map(|part| find(row, part.trim()).and_then(text_of)).collect();
        return parts.map(|parts| parts.join(" "));
    }
    None
}

/// The value at `path`: the whole path as a key first, then split at each dot in turn, longest key first.
fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => {
            if let Some(found) = map.get(path) {
                return Some(found);
            }
            path.rmatch_indices('.')
                .find_map(|(dot, _)| map.get(&path[..dot]).and_then(|inner| find(inner, &path[dot + 1..])))
        }
        Value::Array(items) => {
            let (index, rest) = match path.split_once('.') {
                Some((index, rest)) => (index, Some(rest)),
                None => (path, None),
            };
            let item = items.get(index.parse::<usize>().ok()?)?;
            rest.map_or(Some(item), |rest| find(item, rest))
        }
        _ => None,
    }
}

/// A scalar as text. Whole numbers lose their ".0": data sets write 43.0 where the answer is 43.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => Some(format!("{}", if float == 0.0 { 0.0 } else { float })),
            _ => Some(number.to_string()),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_become_the_text_a_person_would_write() {
        let map = FieldMap::default();
        for (value, text) in [
            (json!(43.0), "43"),
            (json!(-0.0), "0"),
            (json!(0.5), "0.5"),
            (json!(18446744073709551615u64), "18446744073709551615"),
            (json!(-7), "-7"),
            (json!(1e21), "1000000000000000000000"),
            (json!("43.0"), "43.0"),
            (json!(true), "true"),
        ] {
            assert_eq!(map.get(&json!({"answer": value}), "answer").as_deref(), Some(text));
        }
    }

    #[test]
    fn keys_are_tried_as_written_before_they_are_split() {
        let row = json!({
            "a": {"b": {"c": "deep"}, "b.c": "middle"},
            "a.b": {"c": "left"},
            "x": [{"y": 1}, {"y": 2}],
            "0": "zero", "p+q": "plus", "p": "P", "q": "Q"
        });
        let get = |column: &str| FieldMap::new([("name", column)]).get(&row, "name");
        assert_eq!(get("a.b.c").as_deref(), Some("left"));
        assert_eq!(get("x.1.y").as_deref(), Some("2"));
        assert_eq!(get("0").as_deref(), Some("zero"));
        assert_eq!(get("p+q").as_deref(), Some("plus"));
        assert_eq!(get("q+p").as_deref(), Some("Q P"));
        assert_eq!(get("q+missing"), None);
        assert_eq!(get("a"), None);
        assert_eq!(get("x.7.y"), None);
        let literal = json!({"a.b.c": "literal", "a": {"b": {"c": "deep"}}});
        let map = FieldMap::new([("name", "a.b.c")]);
        assert_eq!(map.get(&literal, "name").as_deref(), Some("literal"));
    }

    #[test]
    fn references_may_be_one_or_many_and_mixed() {
        let plain = FieldMap::default();
        assert_eq!(plain.references(&json!({"reference": 4})), Some(vec!["4".into()]));
        assert_eq!(plain.references(&json!({"references": ["4", 4.5]})), Some(vec!["4".into(), "4.5".into()]));
        assert_eq!(plain.references(&json!({"references": ["4", null]})), None);
        assert_eq!(plain.references(&json!({"answer": "4"})), None);
        let mapped = FieldMap::parse("references=target").unwrap();
        assert_eq!(mapped.references(&json!({"target": 9, "reference": 1})), Some(vec!["9".into()]));
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
