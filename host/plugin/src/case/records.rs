//! The contract's records as JSON. `remote` makes the compiler ask for every field that a version of the contract adds.

use serde::{Deserialize, Serialize};

use super::exact;
use crate::bindings::types::{
    Attempt, DataSource, Document, Field, FinishReason, Metric, Outcome, Progress, Rollout, Verdict,
};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Field", deny_unknown_fields)]
pub(super) struct FieldForm {
    name: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Attempt", deny_unknown_fields)]
pub(super) struct AttemptForm {
    problem: String,
    response: String,
    references: Vec<String>,
    #[serde(with = "fields")]
    fields: Vec<Field>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome", rename_all = "kebab-case")]
pub(super) enum OutcomeForm {
    Correct,
    Incorrect,
    NoAnswer,
    Unparsable,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", deny_unknown_fields)]
pub(super) struct VerdictForm {
    #[serde(with = "OutcomeForm")]
    outcome: Outcome,
    extracted: Option<String>,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "FinishReason", rename_all = "kebab-case")]
pub(super) enum FinishReasonForm {
    Stop,
    Length,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Rollout", deny_unknown_fields)]
pub(super) struct RolloutForm {
    #[serde(with = "AttemptForm")]
    attempt: Attempt,
    #[serde(with = "VerdictForm")]
    verdict: Verdict,
    group: u32,
    tokens: u32,
    #[serde(with = "FinishReasonForm")]
    finish: FinishReason,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Document", deny_unknown_fields)]
pub(super) struct DocumentForm {
    id: String,
    text: String,
    url: Option<String>,
    source: String,
    year: Option<u16>,
    #[serde(with = "fields")]
    fields: Vec<Field>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Metric", deny_unknown_fields)]
pub(super) struct MetricForm {
    name: String,
    #[serde(with = "exact::double")]
    value: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Progress", deny_unknown_fields)]
pub(super) struct ProgressForm {
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
pub(super) struct DataSourceForm {
    name: String,
    tokens_available: u64,
    tokens_seen: u64,
    #[serde(with = "exact::optional_double")]
    loss: Option<f64>,
}

/// Lists, which `remote` alone does not reach into.
macro_rules! list {
    ($module:ident, $type:ident, $form:literal) => {
        pub(super) mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use super::*;

            #[derive(Deserialize)]
            struct Owned(#[serde(with = $form)] $type);

            #[derive(Serialize)]
            struct Borrowed<'r>(#[serde(with = $form)] &'r $type);

            pub(crate) fn serialize<S: Serializer>(records: &[$type], serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(records.iter().map(Borrowed))
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<$type>, D::Error> {
                Ok(Vec::<Owned>::deserialize(deserializer)?.into_iter().map(|owned| owned.0).collect())
            }
        }
    };
}

list!(fields, Field, "FieldForm");
list!(metrics, Metric, "MetricForm");
list!(rollouts, Rollout, "RolloutForm");
list!(sources, DataSource, "DataSourceForm");
