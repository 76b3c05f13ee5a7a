//! What a recipe may choose: where to look for the answer and when two answers count as the same.
//!
//! Public graders contradict one another (one refuses a reordered list that another accepts), so these are policies,
//! not truths. A preset fixes all of them; a key given beside it overrides that one policy.

use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration object of the plugin. `{}` is the `math-verify` preset.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The policies to start from.
    pub preset: Preset,
    /// Rules of extraction in order of precedence; the first that finds an answer decides.
    pub extraction: Option<Vec<ExtractionRule>>,
    /// How `<think>` blocks are read.
    pub thinking: Option<ThinkingRule>,
    /// How far two numbers may lie apart.
    pub tolerance: Option<Tolerance>,
    /// A decimal written to at least this many places equals an exact value that rounds to it. Absent: never.
    pub rounded_decimal_places: Option<u32>,
    /// What a percent sign means.
    pub percent: Option<PercentRule>,
    /// What units of measurement mean.
    pub units: Option<UnitRule>,
    /// Whether the order of a list such as `1, 2, 3` matters. Tuples are always ordered, sets never.
    pub list_order: Option<ListOrder>,
    /// Whether an inequality in one variable equals the interval of its solutions.
    pub inequality_as_interval: Option<bool>,
    /// Only this many bytes at the end of a response are searched.
    pub max_response_bytes: Option<usize>,
    /// A longer answer is compared as text only.
    pub max_answer_bytes: Option<usize>,
}

/// A named set of policies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Boxes first, then phrases, then the last expression; lists in any order; six decimal places.
    #[default]
    MathVerify,
    /// `####` and `A:` lines first, then phrases, boxes and the last number.
    Gsm8k,
    /// The last box only; lists in the order given; no rounding.
    Hendrycks,
    /// Boxes, phrases and the last number, with a relative tolerance of 1e-4, for base models in mid-training.
    Octothinker,
}

/// One way to find the answer in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExtractionRule {
    /// The last `\boxed` or `\fbox`, joined with its neighbours where several answers are boxed in one sentence.
    Boxed,
    /// What follows the last `####` on its line.
    HashMarks,
    /// What follows the last "final answer is" or "final answer:".
    FinalAnswerIs,
    /// What follows the last "answer is".
    AnswerIs,
    /// What follows the last `Answer:`, or `A:` at the start of a line.
    AnswerLine,
    /// The last `<answer>` element.
    AnswerTag,
    /// The last text in bold (`**42**`).
    Bold,
    /// The whole response, where it is one line and reads as mathematics.
    Bare,
    /// The last formula between mathematics delimiters, or the last number, whichever comes later.
    LastExpression,
    /// The last number.
    LastNumber,
}

/// How `<think>` blocks are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ThinkingRule {
    /// Only what follows the last `</think>` is searched; a `<think>` that is never closed leaves no answer.
    AfterClosing,
    /// As above, and a response without `</think>` has no answer.
    Required,
    /// The tags are nothing special.
    Ignored,
}

/// How far two numbers may lie apart and still be the same.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Tolerance {
    /// Not at all: exact arithmetic decides wherever it can.
    Exact,
    /// By `value` times the size of the reference.
    Relative {
        /// The fraction of the reference, such as 0.0001.
        value: f64,
    },
    /// By `value`.
    Absolute {
        /// The distance, in the units of the reference.
        value: f64,
    },
}

/// What a percent sign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PercentRule {
    /// `28%` equals both 0.28 and 28.
    Either,
    /// `28%` equals 0.28 only.
    Fraction,
    /// `28%` equals 28 only.
    Number,
}

/// What units of measurement mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnitRule {
    /// Units are dropped.
    Ignore,
    /// Where both answers name a unit, it must be the same one.
    Match,
}

/// Whether the order of a list matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListOrder {
    /// Any order will do; repeated elements count.
    Any,
    /// The order of the reference.
    Same,
}

/// Every policy resolved: what the rest of the verifier reads.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Rules of extraction in order of precedence.
    pub extraction: Vec<ExtractionRule>,
    /// How `<think>` blocks are read.
    pub thinking: ThinkingRule,
    /// How far two numbers may lie apart.
    pub tolerance: Tolerance,
    /// Places from which a rounded decimal is accepted.
    pub rounded_decimal_places: Option<u32>,
    /// What a percent sign means.
    pub percent: PercentRule,
    /// What units mean.
    pub units: UnitRule,
    /// Whether the order of a list matters.
    pub list_order: ListOrder,
    /// Whether an inequality equals the interval of its solutions.
    pub inequality_as_interval: bool,
    /// Bytes of a response that are searched, from its end.
    pub max_response_bytes: usize,
    /// Bytes beyond which an answer is text only.
    pub max_answer_bytes: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Preset::MathVerify.policy()
    }
}

impl Preset {
    /// The policies of the preset.
    pub fn policy(self) -> Policy {
        use ExtractionRule::*;
        let base = Policy {
            extraction: vec![
                Boxed,
                HashMarks,
                FinalAnswerIs,
                AnswerIs,
                AnswerLine,
                AnswerTag,
                Bare,
                Bold,
                LastExpression,
            ],
            thinking: ThinkingRule::AfterClosing,
            tolerance: Tolerance::Exact,
            rounded_decimal_places: Some(6),
            percent: PercentRule::Either,
            units: UnitRule::Ignore,
            list_order: ListOrder::Any,
            inequality_as_interval: true,
            max_response_bytes: 32_768,
            max_answer_bytes: 4_096,
        };
        match self {
            Preset::MathVerify => base,
            Preset::Gsm8k => Policy {
                extraction: vec![HashMarks, AnswerLine, FinalAnswerIs, AnswerIs, Boxed, AnswerTag, Bare, LastNumber],
                ..base
            },
            Preset::Hendrycks => Policy {
                extraction: vec![Boxed],
                rounded_decimal_places: None,
                percent: PercentRule::Number,
                list_order: ListOrder::Same,
                inequality_as_interval: false,
                ..base
            },
            Preset::Octothinker => Policy {
                extraction: vec![Boxed, FinalAnswerIs, AnswerIs, HashMarks, AnswerLine, Bare, LastExpression],
                tolerance: Tolerance::Relative { value: 1e-4 },
                ..base
            },
        }
    }
}

impl Config {
    /// Resolves the preset and its overrides, or says which value cannot be used.
    pub fn policy(&self) -> Result<Policy, String> {
        let mut policy = self.preset.policy();
        if let Some(rules) = &self.extraction {
            if rules.is_empty() {
                return Err("`extraction` is empty: name at least one rule, such as \"boxed\"".into());
            }
            policy.extraction = rules.clone();
        }
        if let Some(tolerance) = self.tolerance {
            let (Tolerance::Relative { value } | Tolerance::Absolute { value }) = tolerance else {
                policy.tolerance = tolerance;
                return self.rest(policy);
            };
            if !value.is_finite() || value < 0.0 {
                return Err(format!("`tolerance.value` is {value}: it must be a finite number of at least 0"));
            }
            policy.tolerance = tolerance;
        }
        self.rest(policy)
    }

    fn rest(&self, mut policy: Policy) -> Result<Policy, String> {
        if let Some(places) = self.rounded_decimal_places {
            policy.rounded_decimal_places = Some(places);
        }
        policy.thinking = self.thinking.unwrap_or(policy.thinking);
        policy.percent = self.percent.unwrap_or(policy.percent);
        policy.units = self.units.unwrap_or(policy.units);
        policy.list_order = self.list_order.unwrap_or(policy.list_order);
        policy.inequality_as_interval = self.inequality_as_interval.unwrap_or(policy.inequality_as_interval);
        policy.max_response_bytes = self.max_response_bytes.unwrap_or(policy.max_response_bytes);
        policy.max_answer_bytes = self.max_answer_bytes.unwrap_or(policy.max_answer_bytes);
        if policy.max_answer_bytes > 65_536 {
            return Err(format!(
                "`max_answer_bytes` is {}: at most 65536 keeps every verdict quick",
                policy.max_answer_bytes
            ));
        }
        Ok(policy)
    }
}
