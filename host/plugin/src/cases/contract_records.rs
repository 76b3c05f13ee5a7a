//! The contract's records as JSON. `remote` makes the compiler ask for every field that a version of the contract adds.

use serde::{Deserialize, Serialize};

use super::exact_values;
use crate::contract::records::types::{
    Attempt, DataSource, Document, Field, FinishReason, Metric, Outcome, Progress, Reply, Rollout, Verdict,
};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Field", deny_unknown_fields)]
pub(super) struct FieldJson {
    name: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Attempt", deny_unknown_fields)]
pub(super) struct AttemptJson {
    problem: String,
    response: String,
    references: Vec<String>,
    #[serde(with = "fields")]
    fields: Vec<Field>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome", rename_all = "kebab-case")]
pub(super) enum OutcomeJson {
    Correct,
    Incorrect,
    NoAnswer,
    Unparsable,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", deny_unknown_fields)]
pub(super) struct VerdictJson {
    #[serde(with = "OutcomeJson")]
    outcome: Outcome,
    extracted: Option<String>,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "FinishReason", rename_all = "kebab-case")]
pub(super) enum FinishReasonJson {
    Stop,
    Length,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Rollout", deny_unknown_fields)]
pub(super) struct RolloutJson {
    #[serde(with = "AttemptJson")]
    attempt: Attempt,
    #[serde(with = "VerdictJson")]
    verdict: Verdict,
    group: u32,
    tokens: u32,
    #[serde(with = "FinishReasonJson")]
    finish: FinishReason,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Document", deny_unknown_fields)]
pub(super) struct DocumentJson {
    id: String,
    text: String,
    url: Option<String>,
    source: String,
    year: Option<u16>,
    #[serde(with = "fields")]
    fields: Vec<Field>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reply", deny_unknown_fields)]
pub(super) struct ReplyJson {
    text: String,
    #[serde(with = "FinishReasonJson")]
    finish: FinishReason,
}

/// Replies that may be absent.
pub(super) mod optional_reply {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::*;

    #[derive(Deserialize)]
    struct Owned(#[serde(with = "ReplyJson")] Reply);

    #[derive(Serialize)]
    struct Borrowed<'r>(#[serde(with = "ReplyJson")] &'r Reply);

    pub(crate) fn serialize<S: Serializer>(reply: &Option<Reply>, serializer: S) -> Result<S::Ok, S::Error> {
        reply.as_ref().map(Borrowed).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reply>, D::Error> {
        Ok(Option::<Owned>::deserialize(deserializer)?.map(|owned| owned.0))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Metric", deny_unknown_fields)]
pub(super) struct MetricJson {
    name: String,
    #[serde(with = "exact_values::double")]
    value: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Progress", deny_unknown_fields)]
pub(super) struct ProgressJson {
    stage: String,
    step: u64,
    total_steps: u64,
    tokens: u64,
    total_tokens: u64,
    #[serde(with = "metrics")]
    metrics: Vec<Metric>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DataSource", deny_unknown_fields)]
pub(super) struct DataSourceJson {
    name: String,
    tokens_available: u64,
    tokens_seen: u64,
    #[serde(with = "exact_values::optional_double")]
    loss: Option<f64>,
}

/// Lists, which `remote` alone does not reach into.
macro_rules! list {
    ($module:ident, $type:ident, $json:literal) => {
        pub(super) mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use super::*;

            #[derive(Deserialize)]
            struct Owned(#[serde(with = $json)] $type);

            #[derive(Serialize)]
            struct Borrowed<'r>(#[serde(with = $json)] &'r $type);

            pub(crate) fn serialize<S: Serializer>(records: &[$type], serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(records.iter().map(Borrowed))
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<$type>, D::Error> {
                Ok(Vec::<Owned>::deserialize(deserializer)?.into_iter().map(|owned| owned.0).collect())
            }
        }
    };
}

list!(fields, Field, "FieldJson");
list!(metrics, Metric, "MetricJson");
list!(rollouts, Rollout, "RolloutJson");
list!(sources, DataSource, "DataSourceJson");
