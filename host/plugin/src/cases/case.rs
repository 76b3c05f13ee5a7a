//! One case: the item, the plugin's setup and the failure, and how they are read and written as JSON.
//!
//! A case is read as carefully as a plugin: it comes with a bug report, from anyone. Its size is bounded, unknown keys
//! are refused, its limits are held to their ranges when it runs, and its texts are cleaned where they are shown.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Record;
use crate::text::short;
use crate::{ENGINE_VERSION, Failure, Kind, Limits, LoadedPlugin};

/// Version of the file's format. A change that older hosts would misread makes it one more.
const FORMAT: u32 = 1;
/// Largest file that is written or read, in bytes. What it describes takes some ten times that.
const LARGEST: usize = 32 << 20;

/// An item on which a plugin failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Version of this format.
    format: u32,
    /// File of the plugin when the case was saved. Another may be meant by it since; the digest shows which.
    pub plugin: PathBuf,
    /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
    pub digest: String,
    /// Version of the contract that the plugin was built for.
    pub contract: String,
    /// Name and version of the engine; what an instruction costs in fuel is its own.
    pub engine: String,
    /// The plugin's config.
    pub config: Value,
    /// Limits that the plugin ran under.
    pub limits: Limits,
    /// The item.
    pub record: Record,
    /// How the plugin failed on it.
    pub failure: Failure,
    /// Where the item came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where an item came from, for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// File or stream of the items, or the stage of a run that met it.
    pub input: String,
    /// Its line there, from 1, if it is a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
}

/// Why a case could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file is there and cannot be read, or is not there.
    #[error("could not read the case {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Larger than any case is written or read.
    #[error("{what} has more than {LARGEST} bytes, which is more than a case may have")]
    TooLarge {
        /// What is too large.
        what: String,
    },
    /// The file is not a case.
    #[error("{} is not a case that this octo-host can read: {problem}", path.display())]
    NotACase {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        problem: String,
    },
    /// The case cannot be written as JSON.
    #[error("the case cannot be written as JSON: {0}")]
    Write(String),
}

/// What the cases of one plugin have in common.
#[derive(Clone, Debug)]
pub struct CaseSetup {
    kind: Kind,
    plugin: PathBuf,
    digest: String,
    contract: String,
    config: Value,
    limits: Limits,
}

impl CaseSetup {
    /// The setup of `plugin`, which was loaded from the file at `path` with `config` and `limits`.
    pub fn of(path: &Path, plugin: &LoadedPlugin, config: &Value, limits: &Limits) -> CaseSetup {
        CaseSetup {
            kind: plugin.kind(),
            plugin: path.to_owned(),
            digest: plugin.digest().to_owned(),
            contract: plugin.contract().version().to_string(),
            config: config.clone(),
            limits: limits.clone(),
        }
    }

    /// The plugin's kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The case of an item on which the plugin failed.
    pub fn case(&self, record: Record, failure: &Failure, origin: Option<Origin>) -> Case {
        Case {
            format: FORMAT,
            plugin: self.plugin.clone(),
            digest: self.digest.clone(),
            contract: self.contract.clone(),
            engine: ENGINE_VERSION.to_owned(),
            config: self.config.clone(),
            limits: self.limits.clone(),
            record,
            failure: failure.clone(),
            origin,
        }
    }
}

impl Case {
    /// The content of the case's file: JSON for a person to read.
    ///
    /// # Errors
    /// [`CaseError::TooLarge`], for an item of tens of megabytes.
    pub fn to_json(&self) -> Result<Vec<u8>, CaseError> {
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| CaseError::Write(error.to_string()))?;
        json.push(b'\n');
        if json.len() > LARGEST {
            return Err(CaseError::TooLarge { what: "the failed item".to_owned() });
        }
        Ok(json)
    }

    /// Reads a case's file.
    ///
    /// # Errors
    /// [`CaseError`], for a file that cannot be read, is too large, or is not a case.
    pub fn read(path: &Path) -> Result<Case, CaseError> {
        let unreadable = |source| CaseError::Read { path: path.to_owned(), source };
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(unreadable(std::io::Error::other("not a file")));
        }
        let mut json = Vec::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(LARGEST as u64 + 1).read_to_end(&mut json).map_err(unreadable)?;
        if json.len() > LARGEST {
            return Err(CaseError::TooLarge { what: path.display().to_string() });
        }
        Case::parse(&json).map_err(|problem| CaseError::NotACase { path: path.to_owned(), problem })
    }

    /// A case from its JSON, or what is wrong with it in one clean line.
    pub(crate) fn parse(json: &[u8]) -> Result<Case, String> {
        // A later format may have other keys, so its number is looked at before anything is missed or refused.
        #[derive(Deserialize)]
        struct FormatOnly {
            format: Option<u32>,
        }
        let in_words = |error: serde_json::Error| short(&error.to_string());
        match serde_json::from_slice::<FormatOnly>(json).map_err(in_words)?.format {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(format!(
                    "it has format {other}, and this octo-host reads format {FORMAT}; use the octo-host that saved it"
                ));
            }
            None => return Err("it has no `format`; name a file that a run or --save-failures wrote".to_owned()),
        }
        let case: Case = serde_json::from_slice(json).map_err(in_words)?;
        if let Record::Reward { rollouts, failed, .. } = &case.record
            && *failed >= rollouts.len()
        {
            return Err(format!("rollout {failed} is said to have failed, and there are {}", rollouts.len()));
        }
        if let Value::Object(_) = &case.config { Ok(case) } else { Err("`config` is not an object".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cases::Memory;
    use crate::contract::records::types::{
        Attempt, DataSource, Document, Field, FinishReason, Metric, Outcome, Progress, Reply, Rollout, Verdict,
    };
    use crate::{FailureKind, Record};

    fn attempt() -> Attempt {
        Attempt {
            problem: "1 + 1".to_owned(),
            response: "two\n\u{1b}[31m".to_owned(),
            references: vec!["2".to_owned()],
            fields: vec![Field { name: "level".to_owned(), value: "1".to_owned() }],
        }
    }

    fn at() -> Progress {
        let metric = |name: &str, value| Metric { name: name.to_owned(), value };
        Progress {
            stage: "rl".to_owned(),
            step: u64::MAX,
            total_steps: 9,
            tokens: 1,
            total_tokens: 2,
            metrics: vec![metric("loss", f64::INFINITY), metric("tiny", 5e-324), metric("zero", -0.0)],
        }
    }

    fn case(record: Record) -> Case {
        Case {
            format: FORMAT,
            plugin: PathBuf::from("/plugins/judge.wasm"),
            digest: "sha256:00".to_owned(),
            contract: "0.1.0".to_owned(),
            engine: ENGINE_VERSION.to_owned(),
            config: json!({"strict": true}),
            limits: Limits { fuel_per_item: 5, ..Limits::default() },
            record,
            failure: Failure { kind: FailureKind::PluginError, message: "unsupported: roman".to_owned() },
            origin: Some(Origin { input: "answers.jsonl".to_owned(), line: Some(3), id: Some(json!("a")) }),
        }
    }

    fn one_of_each() -> Vec<Case> {
        let verdict = Verdict { outcome: Outcome::NoAnswer, extracted: None, reason: "none".to_owned() };
        let rollout = Rollout { attempt: attempt(), verdict, group: 7, tokens: 12, finish: FinishReason::Length };
        let document = Document {
            id: "d".to_owned(),
            text: "text".to_owned(),
            url: None,
            source: "web".to_owned(),
            year: Some(2024),
            fields: Vec::new(),
        };
        let source =
            DataSource { name: "web".to_owned(), tokens_available: 3, tokens_seen: 1, loss: Some(f64::NEG_INFINITY) };
        [
            Record::Verifier(attempt()),
            Record::Reward { at: at(), rollouts: vec![rollout.clone(), rollout], failed: 1 },
            Record::Filter(document.clone()),
            Record::Annotator { document: document.clone(), reply: None },
            Record::Annotator {
                document,
                reply: Some(Reply { text: "Score: 3".to_owned(), finish: FinishReason::Stop }),
            },
            Record::Mixture { memory: Memory(Some(vec![0, 1, 254, 255])), at: at(), sources: vec![source] },
            Record::Schedule { memory: Memory(None), at: at() },
        ]
        .map(case)
        .into()
    }

    #[test]
    fn a_case_of_any_kind_is_read_as_it_was_written() {
        for case in one_of_each() {
            let json = case.to_json().expect("JSON");
            let read = Case::parse(&json).unwrap_or_else(|problem| panic!("{:?}: {problem}", case.record.kind()));
            assert_eq!(read, case);
        }
    }

    #[test]
    fn an_unknown_key_anywhere_is_refused() {
        for case in one_of_each() {
            let whole: Value = serde_json::from_slice(&case.to_json().expect("JSON")).expect("JSON");
            let mut places = Vec::new();
            objects(&whole, String::new(), &mut places);
            // The config and the id are anyone's.
            for place in places.iter().filter(|place| !place.starts_with("/config") && !place.starts_with("/origin/id"))
            {
                let mut more = whole.clone();
                let object = more.pointer_mut(place).and_then(Value::as_object_mut).expect("an object");
                object.insert("surprise".to_owned(), json!(1));
                let problem = Case::parse(more.to_string().as_bytes()).expect_err(place);
                assert!(!problem.contains(char::is_control), "{problem}");
            }
        }
    }

    /// Pointers to all objects inside a value.
    fn objects(value: &Value, at: String, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                object.iter().for_each(|(key, below)| objects(below, format!("{at}/{key}"), found));
                found.push(at);
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, below)| objects(below, format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }

    #[test]
    fn what_is_not_a_case_is_refused_in_one_clean_line() {
        let scheduled = case(Record::Schedule { memory: Memory(None), at: at() });
        let good: Value = serde_json::from_slice(&scheduled.to_json().expect("JSON")).expect("JSON");
        let with = |pointer: &str, value: Value| {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).expect("a key of the case") = value;
            changed.to_string()
        };
        for (json, words) in [
            (String::new(), "EOF"),
            ("[]".to_owned(), "invalid"),
            ("{}".to_owned(), "no `format`"),
            (with("/format", json!(2)), "format 2"),
            (with("/config", json!([])), "config"),
            (with("/limits", json!({"fuel": 1})), "unknown field `fuel`"),
            (with("/failure/kind", json!("\u{1b}[31m\n")), "unknown variant"),
            (with("/record", json!({"judge": {}})), "unknown variant"),
            (with("/record/schedule/memory", json!("0g")), "hexadecimal"),
            (with("/record/schedule/memory", json!("000")), "hexadecimal"),
            (with("/record/schedule/memory", json!("é")), "hexadecimal"),
            (with("/record/schedule/at/step", json!(-1)), "u64"),
            (with("/record/schedule/at/metrics/0/value", json!("much")), "\"NaN\""),
            (format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "invalid"),
        ] {
            let problem = Case::parse(json.as_bytes()).expect_err(words);
            assert!(problem.contains(words) && problem.len() < 500, "no {words:?} in {problem}");
            assert!(!problem.contains(char::is_control), "{problem:?}");
        }
        let rewarded = Record::Reward { at: at(), rollouts: Vec::new(), failed: 0 };
        let none = Case::parse(&case(rewarded).to_json().expect("JSON")).expect_err("no rollout");
        assert!(none.contains("rollout 0"), "{none}");
    }

    #[test]
    fn a_file_or_an_item_too_large_is_said_to_be() {
        let large = Record::Verifier(Attempt { response: "x".repeat(LARGEST), ..attempt() });
        assert!(matches!(case(large).to_json(), Err(CaseError::TooLarge { .. })));
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("large.json");
        std::fs::File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a file with a hole");
        assert!(matches!(Case::read(&path), Err(CaseError::TooLarge { .. })));
        assert!(matches!(Case::read(folder.path()), Err(CaseError::Read { .. })));
    }
}
