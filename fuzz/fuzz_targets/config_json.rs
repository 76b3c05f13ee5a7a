//! A guest's schema, version and summary, and a config against them: checked soon, and refused in clean words.
//!
//! The input is texts with a zero byte between: schema, config, version, summary, name. What is missing is plain.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::{Corpus, fuzz_target};
use octo_plugin::{for_people, fuzzing};
use serde_json::Value;

/// Many times what the instrumented build takes for the costliest schema that is allowed.
const PATIENCE: Duration = Duration::from_secs(5);

fn clean(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(text.len() < 1 << 16, "{} bytes of message", text.len());
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    let mut parts = text.split('\0');
    let schema = parts.next().unwrap_or_default();
    let config = parts.next().unwrap_or("{}");
    let version = parts.next().unwrap_or("0.1.0");
    let summary = parts.next().unwrap_or_default();
    let name = parts.next().unwrap_or("guest");

    let line = for_people(text, 64);
    clean(&line);
    assert!(line.len() <= 64 + '…'.len_utf8());
    assert_eq!(for_people(&line, 128), line, "a clean line is left as it is");

    let start = Instant::now();
    let description = match fuzzing::describe(name, version, summary, schema) {
        Ok(description) => description,
        Err(problem) => {
            clean(&problem);
            assert!(problem.len() < 2000, "{problem}");
            return Corpus::Keep;
        }
    };
    clean(&description.summary);
    clean(&description.version);
    assert!(description.version.len() <= 128, "a version of {} bytes", description.version.len());
    let Ok(config) = serde_json::from_str::<Value>(config) else { return Corpus::Keep };
    match fuzzing::check_config(&description.config_schema, &config) {
        Ok(canonical) => {
            let again: Value = serde_json::from_str(&canonical).expect("canonical JSON is JSON");
            assert_eq!(again, config);
            assert_eq!(fuzzing::check_config(&description.config_schema, &again).as_ref(), Ok(&canonical));
        }
        Err(problem) => clean(&problem),
    }
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    Corpus::Keep
});
