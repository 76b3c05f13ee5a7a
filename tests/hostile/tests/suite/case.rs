//! One case of the table: its name, what becomes of it, and what it must not have cost.

use std::fmt::Write;

use octo_plugin::{Failure, FailureKind, Host, Kind, LoadError};
use serde_json::json;

use crate::guest_lines::GuestLines;
use crate::subject::{Results, ask, built_name, function};
use crate::table::{Export, Row, TABLE, limits};
use crate::{built, text_guests};

/// Longest error that a person should have to read, in bytes.
const LONGEST_ERROR: usize = 2000;

/// A line of the table for one of its kinds.
#[derive(Clone, Copy)]
pub struct Case {
    row: &'static Row,
    pub kind: Kind,
}

/// Every case of the table, in its order.
pub fn all() -> impl Iterator<Item = Case> {
    TABLE.iter().flat_map(|row| row.kinds.iter().map(move |kind| Case { row, kind: *kind }))
}

impl Case {
    /// The name of its test: kind, export, misbehaviour and whatever is special about the case, for example
    /// `verifier::verify::spin::deadline_ms_100::fuel_per_item_none`.
    pub fn name(&self) -> String {
        let Case { row, kind } = self;
        let export = match row.export {
            Export::Call => function(*kind).to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        let mut name = format!("{kind}::{export}::{}", word(row.misbehaviour));
        if let Some(bytes) = row.bytes {
            let _ = write!(name, "::{bytes}_bytes");
        }
        if let Some(item) = row.item {
            let _ = write!(name, "::one_item_says_{}", word(item));
        }
        if row.memory.is_some() {
            name.push_str("::memory_of_another");
        }
        let (mut tight, usual) = (limits(), limits());
        (row.limits)(&mut tight);
        let (tight, usual) =
            (serde_json::to_value(tight).expect("limits"), serde_json::to_value(usual).expect("limits"));
        for (limit, value) in tight.as_object().expect("an object") {
            if usual.get(limit) != Some(value) {
                let value = if *value == json!(u64::MAX) { "none".to_owned() } else { value.to_string() };
                let _ = write!(name, "::{limit}_{}", word(&value));
            }
        }
        name
    }

    /// Runs it and describes in one line how it ended.
    pub fn run(&self, host: &Host) -> String {
        outcome(host, self.row, self.kind)
    }

    /// The limit that it has to meet, unless it shows that it did: the error names the limit, or the log has ended at
    /// it. (What `batch_items` does is not to be seen in an answer: that is its promise.)
    pub fn unmet_limit(&self, outcome: &str, lines: &GuestLines) -> Option<&'static str> {
        let met = match self.row.meets {
            "" | "batch_items" => true,
            "log_lines" | "log_bytes" => lines.say("log limit reached"),
            limit => outcome.contains(&format!("`{limit}")),
        };
        (!met).then_some(self.row.meets)
    }
}

/// A text as a part of a test's name.
fn word(text: &str) -> String {
    let letters = text.chars().filter(|character| *character != '\'');
    letters.map(|character| if character.is_alphanumeric() { character.to_ascii_lowercase() } else { '_' }).collect()
}

/// What a good plugin of a kind answers, in one line.
pub fn good_answers(host: &Host, kind: Kind) -> String {
    let plugin = built::load(host, built_name(kind), &json!({}), &octo_plugin::Limits::default());
    answers(ask(plugin.expect("a good plugin loads"), Export::Call, None, None))
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

/// Results in one line: once where all are the same.
fn answers(answers: Results) -> String {
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
