//! A JSON Schema as rows for a person: every key, what it takes, its default, and what it means.
//!
//! The schema may be a plugin's, and a few lines of references to references would make billions of rows.

use std::cell::Cell;

use serde_json::{Map, Value};

/// References are followed this deep; a schema that refers to itself ends here.
const DEEPEST: usize = 4;
/// Subschemas that are looked at; what comes after is left out. Reference plugins have some dozens.
const MOST_STEPS: u32 = 10_000;

/// One key.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// `stairs[].step` is the key `step` of each element of the list `stairs`.
    pub key: String,
    /// What values it takes, in a few words.
    pub takes: String,
    /// As JSON; `required` where the key can't be left out, and nothing where leaving it out has a meaning of its own.
    pub default: String,
    /// What it is for.
    pub meaning: String,
}

/// Every key of the object that `schema` describes, in the schema's order.
pub fn rows(schema: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    Reader { root: schema, left: Cell::new(MOST_STEPS) }.add_rows(schema, "", 0, &mut rows);
    rows
}

/// Reads parts of one schema.
struct Reader<'s> {
    root: &'s Value,
    left: Cell<u32>,
}

impl Reader<'_> {
    /// Whether there is a step left, which is then taken.
    fn step(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }

    fn add_rows(&self, schema: &Value, prefix: &str, depth: usize, rows: &mut Vec<Row>) {
        let root = self.root;
        let schema = resolve(root, schema);
        let Some(Value::Object(properties)) = schema.get("properties") else {
            return;
        };
        for (name, property) in properties {
            if !self.step() {
                return;
            }
            let required = schema
                .get("required")
                .and_then(Value::as_array)
                .is_some_and(|required| required.iter().any(|key| key == name));
            let target = resolve(root, property);
            // A `default` or `description` beside a `$ref` goes before that of its target.
            let own = |key: &str| property.get(key).or_else(|| target.get(key));
            let default = match own("default") {
                Some(Value::Null) => String::new(),
                Some(default) => default.to_string(),
                None if required => "required".to_owned(),
                None => String::new(),
            };
            let key = format!("{prefix}{name}");
            let meaning = own("description").and_then(Value::as_str).unwrap_or_default();
            rows.push(Row {
                takes: match self.takes(property, 0) {
                    // A key that can be left out need not say that null does the same.
                    takes if !required => takes.strip_suffix(" | null").map_or(takes.clone(), str::to_owned),
                    takes => takes,
                },
                default,
                meaning: meaning.split_whitespace().collect::<Vec<_>>().join(" "),
                key: key.clone(),
            });
            if depth < DEEPEST {
                let target = self.with_keys(target);
                let element = target.get("items").filter(|items| items.is_object());
                match element {
                    Some(element) => self.add_rows(self.with_keys(element), &format!("{key}[]."), depth + 1, rows),
                    None => self.add_rows(target, &format!("{key}."), depth + 1, rows),
                }
            }
        }
    }

    /// The only alternative of a schema that has keys or elements with keys, where it has alternatives; else itself.
    fn with_keys<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let schema = resolve(self.root, schema);
        let alternatives = ["anyOf", "oneOf"].iter().find_map(|name| schema.get(*name)?.as_array());
        let Some(alternatives) = alternatives else { return schema };
        let has_keys = |one: &&Value| {
            let of = |schema: &Value| schema.get("properties").is_some() || schema.get("anyOf").is_some();
            of(one) || one.get("items").is_some_and(|items| of(resolve(self.root, items)))
        };
        let mut found = alternatives.iter().map(|one| resolve(self.root, one)).filter(has_keys);
        match (found.next(), found.next()) {
            (Some(one), None) => one,
            _ => schema,
        }
    }

    /// What a value may be, in a few words.
    fn takes(&self, schema: &Value, depth: usize) -> String {
        if depth > DEEPEST || !self.step() {
            return "…".to_owned();
        }
        let schema = resolve(self.root, schema);
        let Value::Object(schema) = schema else {
            return "anything".to_owned();
        };
        if let Some(constant) = schema.get("const") {
            return constant.to_string();
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return joined(values.iter().map(Value::to_string));
        }
        for alternatives in ["oneOf", "anyOf"] {
            if let Some(Value::Array(alternatives)) = schema.get(alternatives) {
                return joined(
                    alternatives.iter().map_while(|one| (self.left.get() > 0).then(|| self.takes(one, depth + 1))),
                );
            }
        }
        let of_type = |name: &str| match name {
            "array" => match schema.get("items") {
                Some(items) => format!("list of {}", self.takes(items, depth + 1)),
                None => "list".to_owned(),
            },
            "object" => match schema.get("additionalProperties") {
                Some(values @ Value::Object(_)) => format!("object of {}", self.takes(values, depth + 1)),
                _ => match schema.get("properties") {
                    Some(Value::Object(properties)) if !properties.is_empty() => {
                        format!("{{{}}}", properties.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
                    }
                    _ => "object".to_owned(),
                },
            },
            "string" => "text".to_owned(),
            "boolean" => "true or false".to_owned(),
            "integer" => format!("whole number{}", range(schema)),
            "number" => format!("number{}", range(schema)),
            other => other.to_owned(),
        };
        match schema.get("type") {
            Some(Value::String(name)) => of_type(name),
            Some(Value::Array(names)) => joined(names.iter().filter_map(Value::as_str).map(of_type)),
            _ => "anything".to_owned(),
        }
    }
}

/// ` 0 to 1`, ` ≥ 1`, ` ≤ 5`, or nothing.
fn range(schema: &Map<String, Value>) -> String {
    let bound = |names: [&str; 2]| names.iter().find_map(|name| schema.get(*name)).map(plain);
    match (bound(["minimum", "exclusiveMinimum"]), bound(["maximum", "exclusiveMaximum"])) {
        (Some(low), Some(high)) => format!(" {low} to {high}"),
        (Some(low), None) => format!(" ≥ {low}"),
        (None, Some(high)) => format!(" ≤ {high}"),
        (None, None) => String::new(),
    }
}

/// 1.0 as 1.
fn plain(number: &Value) -> String {
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

fn joined(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(" | ")
}

/// The schema that a `$ref` within the same document names; the schema itself where there is none.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..DEEPEST {
        let target = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| reference.strip_prefix('#'))
            .and_then(|pointer| root.pointer(pointer));
        match target {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_key_is_a_row_with_what_it_takes() {
        let schema = json!({
            "type": "object",
            "required": ["stairs"],
            "properties": {
                "stairs": {
                    "type": "array", "items": {"$ref": "#/$defs/Stair"}, "description": "The steps,\nin order."
                },
                "top_p": {"type": "number", "minimum": 0.0, "maximum": 1.0, "default": 0.95},
                "mode": {"$ref": "#/$defs/Mode", "default": "strict"},
                "seed": {"type": ["integer", "null"], "minimum": 0},
            },
            "$defs": {
                "Stair": {"type": "object", "required": ["step"], "properties": {"step": {"type": "integer"}}},
                "Mode": {"oneOf": [{"const": "strict"}, {"const": "lenient"}], "description": "How to read answers."},
            }
        });
        let found: Vec<[String; 4]> =
            rows(&schema).into_iter().map(|row| [row.key, row.takes, row.default, row.meaning]).collect();
        assert!(found.contains(&["stairs", "list of {step}", "required", "The steps, in order."].map(String::from)));
        assert!(found.contains(&["stairs[].step", "whole number", "required", ""].map(String::from)));
        assert!(found.contains(&["top_p", "number 0 to 1", "0.95", ""].map(String::from)));
        assert!(
            found.contains(
                &["mode", "\"strict\" | \"lenient\"", "\"strict\"", "How to read answers."].map(String::from)
            )
        );
        assert!(found.contains(&["seed", "whole number ≥ 0", "", ""].map(String::from)));
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn keys_of_an_alternative_are_rows_too() {
        let schema = json!({
            "properties": {
                "shape": {"anyOf": [{"$ref": "#/$defs/Shape"}, {"type": "null"}]},
                "terms": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Shape"}]}}]},
            },
            "$defs": {"Shape": {"type": "object", "properties": {"width": {"type": "integer"}}}}
        });
        let keys: Vec<String> = rows(&schema).into_iter().map(|row| row.key).collect();
        assert_eq!(keys, ["shape", "shape.width", "terms", "terms[].width"]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({
            "properties": {"child": {"$ref": "#/$defs/Node"}},
            "$defs": {"Node": {"properties": {"child": {"$ref": "#/$defs/Node"}}}, "Loop": {"$ref": "#/$defs/Loop"}}
        });
        assert!(rows(&schema).len() <= DEEPEST + 2);
        assert!(
            rows(&json!({"properties": {"x": {"$ref": "#/$defs/Loop"}}, "$defs": {"Loop": {"$ref": "#/$defs/Loop"}}}))
                .len()
                <= 2
        );
    }

    #[test]
    fn a_schema_that_would_make_billions_of_rows_ends_soon() {
        let wide = |target: String| -> Value {
            let property = |index| (format!("p{index}"), json!({"$ref": target.clone()}));
            (0..500).map(property).collect::<Map<String, Value>>().into()
        };
        let mut definitions = Map::new();
        for level in 0..5 {
            let below = wide(format!("#/$defs/{}", level + 1));
            definitions
                .insert(level.to_string(), json!({"properties": below.clone(), "anyOf": [{"properties": below}]}));
        }
        let alternatives: Vec<Value> = (0..500).map(|_| json!({"$ref": "#/$defs/many"})).collect();
        definitions.insert("many".to_owned(), json!({"anyOf": alternatives}));
        let schema =
            json!({"properties": {"a": {"$ref": "#/$defs/0"}, "b": {"$ref": "#/$defs/many"}}, "$defs": definitions});
        let rows = rows(&schema);
        assert!(rows.len() <= MOST_STEPS as usize, "{} rows", rows.len());
    }
}
