//! What checking a config against a schema would cost, before it is done.
//!
//! The schema is the guest's, and the check runs on the host, where no fuel bounds it. A few lines of references to
//! references make billions of steps of it, or a loop without end. So the steps are counted first, and counting stops at
//! a bound. `unevaluated...` is counted whatever the config is, since preparing the check already follows it.

use std::collections::BTreeSet;

use serde_json::Value;

/// Far more than any config needs: the schemas of the reference plugins take some dozens.
const MOST_STEPS: u32 = 100_000;
/// Fewer, since each is compiled and kept.
const MOST_PREPARED: u32 = 10_000;
/// Patterns, each of which is compiled to a program of up to half a MiB, and kept. The reference plugins have none.
const MOST_PATTERNS: usize = 32;
/// Bytes of one pattern.
const LONGEST_PATTERN: usize = 1000;
/// Deeper than `serde_json` reads values, so only a cycle gets there.
const DEEPEST: u32 = 256;

/// Why a schema is not used, if so.
pub(crate) fn too_costly(schema: &Value, config: &Value) -> Option<String> {
    too_many_patterns(schema).or_else(|| too_many_steps(schema, config).map(str::to_owned))
}

/// Whether the patterns of a schema are too many or too long. All that are written are counted, wherever they stand, but
/// each text once, since it is compiled once.
fn too_many_patterns(schema: &Value) -> Option<String> {
    let mut patterns = BTreeSet::new();
    let mut parts = vec![schema];
    while let Some(part) = parts.pop() {
        match part {
            Value::Object(keywords) => {
                patterns.extend(keywords.get("pattern").and_then(Value::as_str));
                let by_pattern = keywords.get("patternProperties").and_then(Value::as_object);
                patterns.extend(by_pattern.into_iter().flat_map(|parts| parts.keys().map(String::as_str)));
                parts.extend(keywords.values());
            }
            Value::Array(items) => parts.extend(items),
            _ => {}
        }
    }
    if patterns.len() > MOST_PATTERNS {
        return Some(format!("it has {} patterns; at most {MOST_PATTERNS} are compiled", patterns.len()));
    }
    let longest = patterns.iter().map(|pattern| pattern.len()).max().filter(|bytes| *bytes > LONGEST_PATTERN)?;
    Some(format!("it has a pattern of {longest} bytes; at most {LONGEST_PATTERN} are compiled"))
}

fn too_many_steps(schema: &Value, config: &Value) -> Option<&'static str> {
    let mut count = Count { root: schema, left: MOST_STEPS };
    if let Err(why) = count.visit(schema, config, DEEPEST) {
        return Some(why);
    }
    count.left = MOST_PREPARED;
    count.prepare(schema).err()
}

struct Count<'s> {
    root: &'s Value,
    left: u32,
}

impl<'s> Count<'s> {
    /// One subschema at one value, and all that follows from it.
    fn visit(&mut self, place: &'s Value, value: &Value, depth: u32) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(1).ok_or("it takes too many steps to check a config against it")?;
        let depth = depth.checked_sub(1).ok_or("it refers to itself without end")?;
        for (keyword, below) in place.as_object().into_iter().flatten() {
            match keyword.as_str() {
                "$ref" | "$dynamicRef" | "$recursiveRef" => {
                    let pointer = below.as_str().and_then(|target| target.strip_prefix('#'));
                    let target = pointer.and_then(|pointer| self.root.pointer(pointer));
                    self.visit(target.ok_or("it has a reference that is not to a part of itself")?, value, depth)?;
                }
                "$id" if depth < DEEPEST - 1 => {
                    return Err("a part of it has an `$id`, which changes what references mean");
                }
                "allOf" | "anyOf" | "oneOf" => self.all(below.as_array().into_iter().flatten(), value, depth)?,
                "not" | "if" | "then" | "else" => self.visit(below, value, depth)?,
                "dependentSchemas" | "dependencies" => {
                    self.all(below.as_object().into_iter().flat_map(|parts| parts.values()), value, depth)?;
                }
                "properties" => {
                    for (key, part) in below.as_object().into_iter().flatten() {
                        if let Some(value) = value.get(key) {
                            self.visit(part, value, depth)?;
                        }
                    }
                }
                "patternProperties" => {
                    for part in below.as_object().into_iter().flat_map(|parts| parts.values()) {
                        self.each(part, value, depth)?;
                    }
                }
                "prefixItems" => {
                    for (part, item) in
                        below.as_array().into_iter().flatten().zip(value.as_array().into_iter().flatten())
                    {
                        self.visit(part, item, depth)?;
                    }
                }
                "items"
                | "contains"
                | "additionalProperties"
                | "propertyNames"
                | "unevaluatedProperties"
                | "unevaluatedItems" => self.each(below, value, depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What is done before any config is looked at, for every part of the schema that has an `unevaluated...`.
    fn prepare(&mut self, part: &'s Value) -> Result<(), &'static str> {
        match part {
            Value::Object(keywords) => {
                for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
                    if keywords.contains_key(keyword) {
                        self.follow(part, DEEPEST)?;
                    }
                }
                keywords.values().try_for_each(|below| self.prepare(below))
            }
            Value::Array(items) => items.iter().try_for_each(|below| self.prepare(below)),
            _ => Ok(()),
        }
    }

    /// One subschema and all that applies at the same value. What is left unevaluated is known only from these, so
    /// preparing it follows them wherever they lead, the same way twice where there are two, and also where the config
    /// does not go.
    fn follow(&mut self, place: &'s Value, depth: u32) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(1).ok_or("it takes too many steps to prepare what it leaves unevaluated")?;
        // A circle is not followed for ever, but is followed along every way into it.
        let depth = depth.checked_sub(1).ok_or("it refers to itself without end")?;
        for (keyword, below) in place.as_object().into_iter().flatten() {
            match keyword.as_str() {
                "$ref" | "$dynamicRef" | "$recursiveRef" => {
                    let pointer = below.as_str().and_then(|target| target.strip_prefix('#'));
                    // One that leads nowhere is refused where it is reached.
                    if let Some(target) = pointer.and_then(|pointer| self.root.pointer(pointer)) {
                        self.follow(target, depth)?;
                    }
                }
                "allOf" | "anyOf" | "oneOf" => {
                    below.as_array().into_iter().flatten().try_for_each(|part| self.follow(part, depth))?;
                }
                "not" | "if" | "then" | "else" => self.follow(below, depth)?,
                "dependentSchemas" | "dependencies" => {
                    let parts = below.as_object().into_iter().flat_map(|parts| parts.values());
                    parts.into_iter().try_for_each(|part| self.follow(part, depth))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Several subschemas at one value.
    fn all(&mut self, places: impl Iterator<Item = &'s Value>, value: &Value, depth: u32) -> Result<(), &'static str> {
        for place in places {
            self.visit(place, value, depth)?;
        }
        Ok(())
    }

    /// One subschema at everything directly in a value.
    fn each(&mut self, place: &'s Value, value: &Value, depth: u32) -> Result<(), &'static str> {
        let entries = value.as_object().into_iter().flat_map(|object| object.values());
        for item in entries.chain(value.as_array().into_iter().flatten()) {
            self.visit(place, item, depth)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    /// A chain of definitions, each of which asks for the next one twice.
    fn doubling(levels: usize, link: impl Fn(String) -> Value) -> Value {
        let mut definitions = Map::new();
        for level in 0..levels {
            definitions.insert(level.to_string(), link(format!("#/$defs/{}", level + 1)));
        }
        definitions.insert(levels.to_string(), json!({"type": "string"}));
        json!({"$ref": "#/$defs/0", "$defs": definitions})
    }

    #[test]
    fn references_that_double_are_refused_before_they_are_followed() {
        let twice = |next: String| json!({"anyOf": [{"$ref": next}, {"$ref": next}]});
        assert_eq!(too_costly(&doubling(5, twice), &json!({})), None);
        assert!(too_costly(&doubling(40, twice), &json!({})).is_some_and(|why| why.contains("steps")));
        let below = |next: String| json!({"additionalProperties": {"anyOf": [{"$ref": next}, {"$ref": next}]}});
        let mut config = json!(1);
        for _ in 0..40 {
            config = json!({"a": config});
        }
        assert!(too_costly(&doubling(40, below), &config).is_some_and(|why| why.contains("steps")));
    }

    #[test]
    fn references_in_a_circle_are_refused_and_recursion_along_the_config_is_not() {
        assert!(too_costly(&json!({"$ref": "#"}), &json!({})).is_some_and(|why| why.contains("without end")));
        let circle = json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}});
        assert!(too_costly(&circle, &json!({})).is_some_and(|why| why.contains("without end")));
        let tree = json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        assert_eq!(too_costly(&tree, &json!({"left": {"left": {}, "right": {}}})), None);
    }

    /// Found by the fuzz target's first attacks: 1.5 kB that kept the host busy before any config was looked at.
    #[test]
    fn what_is_left_unevaluated_is_counted_also_where_the_config_does_not_go() {
        for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
            let doubled = |levels| {
                let mut schema =
                    doubling(levels, |next| json!({"anyOf": [{"$ref": next}, {"$ref": next}], keyword: false}));
                let start = schema.as_object_mut().and_then(|schema| schema.remove("$ref"));
                schema["properties"] = json!({"a": {"$ref": start}});
                schema
            };
            assert_eq!(too_costly(&doubled(5), &json!({})), None);
            assert!(too_costly(&doubled(12), &json!({})).is_some_and(|why| why.contains("unevaluated")), "{keyword}");
            assert!(too_costly(&doubled(40), &json!({})).is_some_and(|why| why.contains("unevaluated")), "{keyword}");
        }
        let tree = json!({"properties": {"left": {"$ref": "#"}}, "unevaluatedProperties": false});
        assert_eq!(too_costly(&tree, &json!({"left": {"left": {}}})), None);
    }

    #[test]
    fn patterns_are_few_and_short() {
        let many = |count: usize| {
            let properties: Map<String, Value> =
                (0..count).map(|key| (key.to_string(), json!({"pattern": format!("(a|b|c){{4{key:03}}}")}))).collect();
            json!({"properties": properties})
        };
        assert_eq!(too_costly(&many(32), &json!({})), None);
        let words = |schema: &Value| too_costly(schema, &json!({})).expect("refused");
        assert_eq!(words(&many(6000)), "it has 6000 patterns; at most 32 are compiled");
        let by_key: Map<String, Value> = (0..33).map(|key| (format!("^x{key}$"), json!({}))).collect();
        assert_eq!(
            words(&json!({"not": {"patternProperties": by_key}})),
            "it has 33 patterns; at most 32 are compiled"
        );
        let same: Vec<Value> = (0..1000).map(|_| json!({"pattern": "^[a-z]+$"})).collect();
        assert_eq!(
            too_costly(&json!({"$defs": {"all": {"anyOf": same}}}), &json!({})),
            None,
            "one text, compiled once"
        );
        let long = json!({"items": {"pattern": "a".repeat(1001)}});
        assert_eq!(words(&long), "it has a pattern of 1001 bytes; at most 1000 are compiled");
        let named = json!({"properties": {"pattern": {"type": "string"}, "patternProperties": {"type": "object"}}});
        assert_eq!(too_costly(&named, &json!({"pattern": "("})), None, "a key may be called like that");
    }

    #[test]
    fn references_to_elsewhere_are_refused() {
        for target in
            ["http://example.invalid/schema", "file:///etc/passwd", "other.json#/a", "#anchor", "#/$defs/missing"]
        {
            assert!(
                too_costly(&json!({"$ref": target}), &json!({})).is_some_and(|why| why.contains("reference")),
                "{target}"
            );
        }
    }
}
