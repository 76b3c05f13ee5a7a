//! Hostile plugins can't hurt: every line of [`table::TABLE`] ends as the error that was reviewed and kept in
//! `snapshots/`, and after each the same process serves a good plugin, has its memory back, and has no thread stuck.

#[path = "../../../../host/plugin/tests/guests/built.rs"]
mod built;
mod guest_lines;
#[path = "../../../../host/plugin/tests/guests/mod.rs"]
mod guests;
mod process;
mod subject;
mod table;
mod text_guests;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use octo_plugin::{Failure, FailureKind, Host, Kind, Limits, LoadError};
use serde_json::{Value, json};

use crate::guest_lines::GuestLines;
use crate::process::Held;
use crate::subject::{Answers, ask, built_name, function};
use crate::table::{Export, Row, TABLE, limits};

/// Whether a case met its limit: the error names it, or the log has ended at it. (What `batch_items` does is not to be
/// seen in an answer: that is its promise.)
fn shows(row: &Row, outcome: &str, lines: &GuestLines) -> bool {
    match row.meets {
        "" | "batch_items" => true,
        "log_lines" | "log_bytes" => lines.say("log limit reached"),
        limit => outcome.contains(&format!("`{limit}")),
    }
}

/// Longest error that a person should have to read.
const LONGEST_ERROR: usize = 2000;

/// The only test of its process, so that what the process holds is this test's doing.
#[test]
fn hostile_plugins_cannot_hurt() {
    every_limit_is_met();
    let lines = GuestLines::captured();
    let host = built::host().compiling_with(Path::new(env!("CARGO_BIN_EXE_octo-hostile-tests")));
    let good = |kind| {
        let plugin = built::load(&host, built_name(kind), &json!({}), &Limits::default()).expect("a good plugin loads");
        answers(ask(plugin, Export::Call, None, None))
    };
    let expected = Kind::ALL.map(good);
    assert!(expected.iter().all(|answers| !answers.contains("fails")), "{expected:?}");
    let held = Held::now();

    let mut report = String::new();
    let mut cases = BTreeSet::new();
    let mut problems = Vec::new();
    for row in TABLE {
        for kind in row.kinds {
            let case = title(row, *kind);
            lines.forget();
            let outcome = outcome(&host, row, *kind);
            let said = lines.count();
            let log = if said > 0 { format!(" [{said} lines of log]") } else { String::new() };
            writeln!(report, "{case}: {outcome}{log}").expect("a string");
            if !shows(row, &outcome, &lines) {
                problems.push(format!("{case} does not meet `{}`: {outcome}{log}", row.meets));
            }
            if !cases.insert(case.clone()) {
                problems.push(format!("{case} is there twice"));
            }

            let index = Kind::ALL.iter().position(|other| other == kind).expect("a kind");
            if good(*kind) != expected[index] {
                problems.push(format!("after {case} a good plugin is not served as before"));
            }
            if let Some(problem) = held.not_back() {
                panic!("after {case} {problem}");
            }
        }
    }
    assert!(problems.is_empty(), "{report}\n{}", problems.join("\n"));
    assert!(cases.len() >= 100, "{} cases", cases.len());
    insta::with_settings!({ prepend_module_to_snapshot => false, filters => FILTERS.to_vec() }, {
        insta::assert_snapshot!("errors", report);
    });
}

/// What changes with every edit of the guests and with their compiler.
const FILTERS: [(&str, &str); 5] = [
    // Frames end where the last words begin, or the next answer, or the line.
    (r"(?P<cause>\)|executed|exhausted|is \d+) in .*?(?P<end>: (panicked|last)| \||\n| \[)", "${cause} in …${end}"),
    (r"\w+\.rs:\d+:\d+", "….rs"),
    // What a hoard had come to when it was denied depends on how its code was laid out.
    (r"asked for \d+ bytes of memory", "asked for … bytes of memory"),
    (r"config schema has \d+ bytes", "config schema has … bytes"),
    ("x{50,}", "xxx"),
];

/// Every limit that there is has a case in which a hostile plugin meets it.
fn every_limit_is_met() {
    let Value::Object(all) = serde_json::to_value(Limits::default()).expect("limits") else { panic!("no object") };
    let met: BTreeSet<&str> = TABLE.iter().map(|row| row.meets).collect();
    // A stack's end is a trap like any other; its cases are named for it.
    let missing: Vec<_> = all.keys().filter(|limit| !met.contains(limit.as_str()) && *limit != "stack_bytes").collect();
    assert!(missing.is_empty(), "no case meets {missing:?}");
}

fn title(row: &Row, kind: Kind) -> String {
    let export = match row.export {
        Export::Call => function(kind).to_owned(),
        other => format!("{other:?}").to_lowercase(),
    };
    let mut title = format!("{kind} {export}: {}", row.misbehaviour);
    if let Some(bytes) = row.bytes {
        let _ = write!(title, ", {bytes} bytes");
    }
    if let Some(item) = row.item {
        let _ = write!(title, ", one item says {item}");
    }
    if row.memory.is_some() {
        title.push_str(", another's memory");
    }
    let (mut tight, usual) = (limits(), limits());
    (row.limits)(&mut tight);
    let (tight, usual) = (serde_json::to_value(tight).expect("limits"), serde_json::to_value(usual).expect("limits"));
    for (limit, value) in tight.as_object().expect("an object") {
        if usual.get(limit) != Some(value) {
            let value = if *value == json!(u64::MAX) { "none".to_owned() } else { value.to_string() };
            let _ = write!(title, ", {limit} = {value}");
        }
    }
    title
}

/// What becomes of a case, in words.
fn outcome(host: &Host, row: &Row, kind: Kind) -> String {
    let mut limits = limits();
    (row.limits)(&mut limits);
    let (bytes, config, item) = if row.in_text {
        let (bytes, order) = text_guests::named(row.misbehaviour, kind);
        (bytes, json!({}), (!order.is_empty()).then_some(order))
    } else {
        let bytes = built::bytes(built_name(kind));
        match row.export {
            Export::Describe => {
                let good = b"hostile while describing:good                   ";
                let mark = format!("{:<48}", format!("hostile while describing:{}", row.misbehaviour));
                (text_guests::patched(&bytes, good, mark.as_bytes()), json!({}), None)
            }
            export => {
                let at = if export == Export::Load { "call".to_owned() } else { format!("{export:?}").to_lowercase() };
                let mut config = json!({"mode": row.misbehaviour, "at": at});
                if let Some(bytes) = row.bytes {
                    config["bytes"] = json!(bytes);
                }
                (bytes, config, row.item)
            }
        }
    };
    match host.load_bytes(built_name(kind), &bytes, &config, &limits) {
        Ok(plugin) => answers(ask(plugin, row.export, item, row.memory)),
        Err(error) => refused(&error),
    }
}

fn refused(error: &LoadError) -> String {
    let words = format!("does not load: {error}");
    assert!(words.len() < LONGEST_ERROR && !words.contains(char::is_control), "{words:?}");
    words
}

/// Answers in one line: once where all are the same.
fn answers(answers: Answers) -> String {
    let words = |answer: Result<String, Failure>| match answer {
        Ok(answer) => octo_plugin::for_people(&answer, 120),
        Err(failure) => {
            assert!(failure.message.len() < LONGEST_ERROR, "{} bytes of message", failure.message.len());
            assert!(!failure.message.contains(char::is_control), "{:?}", failure.message);
            let said = failure.to_string();
            match said.split_once(") in ") {
                // Where the clock struck is chance, and not the same for each of the three.
                Some((cause, _)) if failure.kind == FailureKind::Deadline => format!("fails with {cause}) in …"),
                _ => format!("fails with {said}"),
            }
        }
    };
    let words: Vec<String> = answers.into_iter().map(words).collect();
    match words.split_first() {
        Some((first, rest)) if rest.iter().all(|other| other == first) => first.clone(),
        _ => words.join(" | "),
    }
}
