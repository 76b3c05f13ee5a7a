//! One text for one JSON value.

use serde_json::Value;

/// `value` as JSON on one line, without spaces, with the keys of every object in order (that of their bytes, at every
/// depth). Equal values give equal texts, whatever the order in which their keys were written and whatever map type the
/// build of `serde_json` has; so the text can be hashed and compared.
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(&String, &Value)> = object.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, below)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(below, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_in_order_at_every_depth_and_there_are_no_spaces() {
        let value: Value =
            serde_json::from_str(r#"{ "b": { "y": 1, "x": [ {"q": 1, "p": 2}, [] ] }, "a": 0.1, "B": {} }"#)
                .expect("JSON");
        assert_eq!(canonical_json(&value), r#"{"B":{},"a":0.1,"b":{"x":[{"p":2,"q":1},[]],"y":1}}"#);
    }

    #[test]
    fn the_order_of_lists_is_kept() {
        assert_eq!(canonical_json(&json!([3, 1, 2])), "[3,1,2]");
    }

    #[test]
    fn keys_and_texts_are_escaped_as_json_wants_it() {
        let value = json!({"a\"b": "line\nbreak", "\u{1}": "é"});
        let text = canonical_json(&value);
        assert_eq!(text, "{\"\\u0001\":\"é\",\"a\\\"b\":\"line\\nbreak\"}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }

    #[test]
    fn numbers_keep_every_digit() {
        for number in
            [json!(u64::MAX), json!(i64::MIN), json!(0.1), json!(1.0), json!(5e-324), json!(null), json!(true)]
        {
            assert_eq!(canonical_json(&number), number.to_string());
        }
    }
}
