//! A plugin's config against the plugin's schema, with errors in the schema's own words.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError};
use serde_json::Value;

use super::schema_cost;
use crate::text::{canonical_json, for_people, nearest, short};

/// Deepest chain of references and combinations that is followed for a description.
const DEEPEST: usize = 32;
/// Most bytes of a compiled pattern, and of what it keeps while it searches.
const LARGEST_PATTERN: usize = 512 << 10;
/// Errors shown at once.
const SHOWN: usize = 3;

/// Why a config was not accepted.
pub(crate) enum Mistake {
    /// The plugin's fault: its schema is not one.
    Schema(String),
    /// The recipe's fault: the config does not fit the schema.
    Config(String),
}

/// Checks `config` against `schema`, and gives it as [`canonical_json`].
pub(crate) fn check(schema: &Value, config: &Value) -> Result<String, Mistake> {
    if !config.is_object() {
        return Err(Mistake::Config(format!(
            "it must be a table of keys and values, and is {}",
            short(&config.to_string())
        )));
    }
    if let Some(problem) = schema_cost::too_costly(schema, config) {
        return Err(Mistake::Schema(problem));
    }
    // The schema is the guest's. References to other documents are not followed (this crate builds `jsonschema` without
    // its network and file resolvers), and patterns run in linear time on bounded memory: `schema_cost` bounds how many
    // there are and how long they are, and these what each of them takes.
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN))
        .build(schema)
        .map_err(|error| Mistake::Schema(short(&error.to_string())))?;
    let mistakes: Vec<String> =
        validator.iter_errors(config).take(SHOWN).map(|error| in_words(schema, &error)).collect();
    if mistakes.is_empty() { Ok(canonical_json(config)) } else { Err(Mistake::Config(mistakes.join("; "))) }
}

fn in_words(schema: &Value, error: &ValidationError<'_>) -> String {
    let pointer = error.instance_path().to_string();
    let path: Vec<String> = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let places = places(schema, &path);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let known = properties(&places);
            let unknown: Vec<String> =
                unexpected.iter().take(SHOWN).map(|key| unknown_key(&path, key, &known)).collect();
            unknown.join("; ")
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let mut below = path.clone();
            below.push(key.to_owned());
            format!("key `{}` is missing{}", written(&below), described(schema, &below))
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            // The alternative that was meant is the one whose shape fits and whose inside does not.
            let inside = context.iter().flatten().find(|inner| {
                !matches!(
                    inner.kind(),
                    ValidationErrorKind::Type { .. }
                        | ValidationErrorKind::Constant { .. }
                        | ValidationErrorKind::Enum { .. }
                ) || inner.instance_path().to_string().len() > pointer.len()
            });
            match inside {
                Some(inner) => in_words(schema, inner),
                None => {
                    let choices = choices(&places);
                    let choices = if choices.is_empty() { String::new() } else { format!("; it takes {choices}") };
                    format!(
                        "key `{}`: {} is not possible{choices}{}",
                        written(&path),
                        short(&error.instance().to_string()),
                        described(schema, &path)
                    )
                }
            }
        }
        _ => {
            let key = if path.is_empty() { "the whole".to_owned() } else { format!("key `{}`", written(&path)) };
            format!("{key}: {}{}", short(&error.to_string()), described(schema, &path))
        }
    }
}

fn unknown_key(path: &[String], key: &str, known: &[&String]) -> String {
    let mut full = path.to_vec();
    full.push(key.to_owned());
    let advice = match nearest(key, known.iter().map(|name| (*name).clone())) {
        Some(name) => format!("did you mean `{}`?", for_people(&name, 64)),
        None if known.is_empty() => "it takes none".to_owned(),
        None => {
            let names: Vec<String> = known.iter().take(20).map(|name| for_people(name, 64)).collect();
            format!("it takes {}", names.join(", "))
        }
    };
    format!("unknown key `{}`; {advice}", written(&full))
}

/// A path as one writes it: `stairs[0].step`.
fn written(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        if part.parse::<usize>().is_ok() {
            text.push_str(&format!("[{part}]"));
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&for_people(part, 64));
        }
    }
    text
}

/// ` (what the schema says about the key)`, or nothing.
fn described(schema: &Value, path: &[String]) -> String {
    places(schema, path)
        .iter()
        // The whole schema's description is the summary over again.
        .filter(|_| !path.is_empty())
        .find_map(|place| place.get("description")?.as_str())
        .map(|text| format!(" ({})", short(text.trim())))
        .unwrap_or_default()
}

/// The values that subschemas allow by name, and the types that they allow.
fn choices(places: &[&Value]) -> String {
    let named = places.iter().flat_map(|place| {
        place.get("const").into_iter().chain(place.get("enum").and_then(Value::as_array).into_iter().flatten())
    });
    let types =
        places.iter().filter(|place| place.get("const").is_none() && place.get("enum").is_none()).filter_map(|place| {
            match place.get("type")? {
                Value::String(name) if name != "null" => Some(format!("a value of type {name}")),
                _ => None,
            }
        });
    let mut all: Vec<String> = named.map(Value::to_string).chain(types).map(|choice| for_people(&choice, 64)).collect();
    all.dedup();
    all.truncate(20);
    all.join(", ")
}

fn properties<'s>(places: &[&'s Value]) -> Vec<&'s String> {
    places
        .iter()
        .filter_map(|place| place.get("properties")?.as_object())
        .flat_map(|properties| properties.keys())
        .collect()
}

/// The subschemas that apply at `path` of a config, nearest first.
fn places<'s>(schema: &'s Value, path: &[String]) -> Vec<&'s Value> {
    let mut here = Vec::new();
    open(schema, schema, DEEPEST, &mut here);
    for part in path {
        let mut next = Vec::new();
        for place in here {
            let below = place
                .get("properties")
                .and_then(|properties| properties.get(part))
                .or_else(|| part.parse::<usize>().ok().and_then(|_| place.get("items")))
                .or_else(|| place.get("additionalProperties"));
            if let Some(below) = below {
                open(schema, below, DEEPEST, &mut next);
            }
        }
        here = next;
    }
    here
}

/// Adds a subschema and those it refers to or combines.
fn open<'s>(root: &'s Value, place: &'s Value, depth: usize, found: &mut Vec<&'s Value>) {
    // Both bounds are on what a hostile schema could cost: chains, and combinations of combinations.
    if depth == 0 || found.len() > 1000 {
        return;
    }
    found.push(place);
    let referred = place.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    if let Some(target) = referred.and_then(|pointer| root.pointer(pointer)) {
        open(root, target, depth - 1, found);
    }
    for combination in ["allOf", "anyOf", "oneOf"] {
        for part in place.get(combination).and_then(Value::as_array).into_iter().flatten() {
            open(root, part, depth - 1, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "description": "The whole config.",
            "properties": {
                "correct": { "type": "number", "description": "Reward of a correct answer." },
                "stairs": { "type": "array", "items": { "$ref": "#/$defs/Stair" } },
                "preset": { "oneOf": [{ "const": "lenient" }, { "const": "strict" }], "description": "Where to start." },
                "rule": { "anyOf": [{ "$ref": "#/$defs/Stair" }, { "type": "null" }], "description": "A rule." },
                "shape": { "anyOf": [{ "$ref": "#/$defs/Shape" }, { "type": "null" }] },
            },
            "required": ["correct"],
            "additionalProperties": false,
            "$defs": {
                "Stair": { "type": "object", "additionalProperties": false, "properties": { "step": { "type": "integer", "description": "First step." } } },
                "Shape": { "enum": ["linear", "cosine"], "description": "Shape of the decay." },
            },
        })
    }

    fn mistake(config: Value) -> String {
        match check(&schema(), &config) {
            Err(Mistake::Config(words)) => words,
            Err(Mistake::Schema(words)) => panic!("the schema is fine: {words}"),
            Ok(accepted) => panic!("accepted {accepted}"),
        }
    }

    #[test]
    fn an_error_names_the_key_and_repeats_the_schemas_description() {
        let words = mistake(json!({"correct": "one"}));
        assert!(words.contains("key `correct`") && words.contains("(Reward of a correct answer.)"), "{words}");
        let words = mistake(json!({"correct": 1, "stairs": [{"step": 0}, {"step": 1.5}]}));
        assert!(words.contains("key `stairs[1].step`") && words.contains("(First step.)"), "{words}");
        let words = mistake(json!({"correct": 1, "shape": "square"}));
        assert!(words.contains("key `shape`") && words.contains("(Shape of the decay.)"), "{words}");
    }

    #[test]
    fn alternatives_are_named_and_the_one_that_was_meant_is_looked_into() {
        let words = mistake(json!({"correct": 1, "preset": "lenent"}));
        assert!(
            words.contains("key `preset`: \"lenent\" is not possible; it takes \"lenient\", \"strict\""),
            "{words}"
        );
        assert!(words.contains("(Where to start.)"), "{words}");
        let words = mistake(json!({"correct": 1, "rule": {"stp": 1}}));
        assert!(words.contains("unknown key `rule.stp`; did you mean `step`?"), "{words}");
        let words = mistake(json!({"correct": 1, "rule": {"step": "x"}}));
        assert!(words.contains("key `rule.step`") && words.contains("(First step.)"), "{words}");
        let words = mistake(json!({"correct": 1, "rule": 5}));
        assert!(words.contains("key `rule`: 5 is not possible; it takes a value of type object (A rule.)"), "{words}");
    }

    #[test]
    fn a_misspelt_key_is_answered_with_the_nearest() {
        let words = mistake(json!({"correct": 1, "stars": []}));
        assert!(words.contains("unknown key `stars`; did you mean `stairs`?"), "{words}");
    }

    #[test]
    fn a_missing_key_is_named() {
        let words = mistake(json!({}));
        assert!(words.contains("key `correct` is missing (Reward of a correct answer.)"), "{words}");
    }

    #[test]
    fn the_guest_gets_the_same_bytes_however_the_config_was_written() {
        let schema = json!({});
        let one: Value = serde_json::from_str(r#"{"b": {"y": 1, "x": [ {"q":1, "p":2} ]}, "a": 0.1}"#).expect("JSON");
        let text = check(&schema, &one).ok().expect("accepted");
        assert_eq!(text, r#"{"a":0.1,"b":{"x":[{"p":2,"q":1}],"y":1}}"#);
    }

    #[test]
    fn a_schema_that_is_not_one_is_the_plugins_mistake() {
        for schema in [
            json!({"type": "nonsense"}),
            json!({"properties": {"a": {"pattern": "("}}}),
            json!({"properties": {"a": {"pattern": "(a|b|c){100000}"}}}),
            json!({"patternProperties": {"((x{200}){200}){200}": {}}}),
            json!({"$ref": "http://example.invalid/s"}),
        ] {
            assert!(matches!(check(&schema, &json!({"a": "b"})), Err(Mistake::Schema(_))), "{schema}");
        }
    }

    #[test]
    fn a_schema_that_would_keep_the_host_busy_is_the_plugins_mistake() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}),
        ] {
            assert!(matches!(check(&schema, &json!({"a": {"b": 1}})), Err(Mistake::Schema(_))), "{schema}");
        }
        let tree = json!({"properties": {"a": {"$ref": "#"}}, "additionalProperties": false});
        assert!(matches!(check(&tree, &json!({"a": {"a": {"b": 1}}})), Err(Mistake::Config(_))));
    }

    /// Preparing the schema follows references that this config does not reach, so it must not follow them twice.
    #[test]
    fn references_that_double_cost_nothing_where_the_config_does_not_go() {
        for link in ["anyOf", "allOf"] {
            let mut definitions = serde_json::Map::new();
            for level in 0..60 {
                let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
                definitions.insert(level.to_string(), json!({ link: [next.clone(), { "properties": { "b": next } }] }));
            }
            definitions.insert("60".to_owned(), json!({"type": "string"}));
            let schema = json!({"properties": {"a": {"$ref": "#/$defs/0"}}, "$defs": definitions});
            assert!(check(&schema, &json!({})).is_ok());
        }
    }

    #[test]
    fn a_config_that_is_not_an_object_is_refused() {
        for config in [json!(null), json!([]), json!("text"), json!(1)] {
            assert!(matches!(check(&json!({}), &config), Err(Mistake::Config(_))));
        }
    }
}
