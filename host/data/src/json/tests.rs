use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: impl AsRef<[u8]>) -> String {
    Json::parse(text.as_ref()).unwrap_err()
}

#[test]
fn a_number_keeps_every_digit_that_is_written() {
    for (written, text) in [
        ("12345678901234567890123", "12345678901234567890123"),
        ("18446744073709551617", "18446744073709551617"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("9007199254740993.0", "9007199254740993"),
        ("-9007199254740993.000", "-9007199254740993"),
        ("43.0", "43"),
        ("43", "43"),
        ("-0.0", "0"),
        ("-0", "0"),
        ("0.50", "0.50"),
        ("1e21", "1000000000000000000000"),
        ("1E+2", "100"),
        ("1.25e1", "12.5"),
        ("5e-1", "0.5"),
        ("-12e-3", "-0.012"),
        ("1.20e1", "12"),
        ("0e9", "0"),
        ("1e400", &format!("1{}", "0".repeat(400))),
        ("1e401", "1e401"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
    ] {
        assert_eq!(read(written).text().as_deref(), Some(text), "{written}");
    }
}

#[test]
fn what_python_writes_and_json_has_not_is_read() {
    assert_eq!(read("[NaN, -Infinity]"), Json::List(vec![Json::Null, Json::Number("-Infinity".into())]));
    assert_eq!(
        read(r#""a\ud83d\ude00b\ud83dc\ude00\ud83d\ud83d\ude00""#).text().unwrap(),
        "a😀b\u{fffd}c\u{fffd}\u{fffd}😀"
    );
    assert_eq!(read("\"tab\there\"").text().unwrap(), "tab\there");
}

#[test]
fn nesting_is_passed_over_at_any_depth_and_read_to_a_limit() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(Json::parse(nested(DEEPEST).as_bytes()).is_ok());
    assert_eq!(refused(nested(DEEPEST + 1)), "is nested deeper than 128 levels, the most that is read");
    let deep = nested(1_000_000);
    let mut scanner = Scanner::new(deep.as_bytes());
    assert_eq!(scanner.skip_value().unwrap(), 0..2_000_000);
    assert!(Scanner::new("{\"a\":".repeat(1_000_000).as_bytes()).skip_value().is_err());
}

#[test]
fn more_values_than_the_limit_are_not_held() {
    let many = format!("[{}1]", "1,".repeat(MOST_VALUES));
    assert_eq!(refused(&many), "holds more than 4194304 values, the most that is read");
}

#[test]
fn what_is_not_json_says_where() {
    for (text, error) in [
        ("", "is not JSON: ends where a value is expected (byte 1)"),
        ("{\"a\":", "is not JSON: ends where a value is expected (byte 6)"),
        ("{\"a\" 1}", "is not JSON: a colon is missing (byte 6)"),
        ("{a: 1}", "is not JSON: the name of an entry is missing, in double quotes (byte 2)"),
        ("{\"a\": \"b", "is not JSON: ends inside a text (byte 9)"),
        ("[1 2]", "is not JSON: a comma or a closing bracket is missing (byte 4)"),
        ("{\"a\": 1", "is not JSON: ends inside an object (byte 8)"),
        ("[1", "is not JSON: ends inside a list (byte 3)"),
        ("1 2", "is not JSON: has more after its end (byte 3)"),
        ("nulls", "is not JSON: a value is expected (byte 5)"),
        ("01", "is not JSON: a number begins with a zero (byte 1)"),
        ("1.", "is not JSON: a digit is missing (byte 3)"),
        ("\"\\(x\\)\"", "is not JSON: a backslash before a character that it does not escape (byte 3)"),
        ("\"\\u12g4\"", "is not JSON: \\u without four digits (byte 3)"),
    ] {
        assert_eq!(refused(text), error, "{text}");
    }
    assert_eq!(refused(b"\"ab\xFF\""), "is not UTF-8 from byte 4 on");
}

#[test]
fn what_is_written_is_json_again() {
    let text = r#"{"b":[1.50,"é\n\"",null,true],"a":{"n":12345678901234567890123}}"#;
    assert_eq!(read(text).to_string(), text);
    assert_eq!(read("Infinity").to_string(), "\"Infinity\"");
    let numbers = read(r#"{"n":[7,1.50,0.1,1e3,12345678901234567890123]}"#);
    assert_eq!(numbers.to_value(), json!({"n": [7, 1.5, 0.1, 1000.0, 1.2345678901234568e22]}));
    assert_eq!(numbers.to_exact_value(), json!({"n": [7, 1.5, 0.1, 1000.0, "12345678901234567890123"]}));
    assert_eq!(Json::from(json!({"a": [1, null]})), read(r#"{"a":[1,null]}"#));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_writes_is_read_as_serde_reads_it(value in values(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert_eq!(read(&text).to_value(), value.clone());
        prop_assert_eq!(read(&read(&text).to_string()).to_value(), value);
        prop_assert_eq!(Scanner::new(text.as_bytes()).skip_value().unwrap(), 0..text.len());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::parse(&bytes);
    }

    #[test]
    fn no_text_of_json_characters_makes_it_panic(text in r#"[\[\]{}:,"\\u0-9a-fNnrtl. eE+-]{0,40}"#) {
        // What is built was passed over before, so the one may not refuse the grammar that the other takes.
        if Json::parse(text.as_bytes()).is_ok() {
            let mut scanner = Scanner::new(text.as_bytes());
            prop_assert!(scanner.skip_value().and_then(|_| scanner.end()).is_ok(), "{}", text);
        }
    }
}
