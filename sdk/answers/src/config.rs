//! What a recipe may choose: where to look for the answer and when two answers count as the same.
//!
//! Public graders contradict one another (one refuses a reordered list that another accepts), so these are rules to
//! choose, not truths. A preset fixes all of them; a key given beside it overrides that one rule. [`Config`] is what a
//! recipe writes, [`Rules`] is what the rest of the crate reads.

pub use crate::extract::{Extraction, ExtractionConfig, ExtractionRule, ThinkingRule};
use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration object of the plugin. `{}` is the `math-verify` preset.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The set of rules to start from.
    pub preset: Preset,
    /// Rules of extraction in order of precedence; the first that finds an answer decides.
    pub extraction: Option<Vec<ExtractionRule>>,
    /// Only the last box counts: short for `extraction = ["boxed"]`.
    pub boxed_only: bool,
    /// How `<think>` blocks are read.
    pub thinking: Option<ThinkingRule>,
    /// What closes the reasoning, where it is not `</think>`.
    pub thinking_ends: Option<String>,
    /// How far two numbers may differ.
    pub tolerance: Option<Tolerance>,
    /// Which numbers the tolerance applies to.
    pub tolerance_for: Option<ToleranceFor>,
    /// A decimal written to at least this many places equals an exact value that rounds to it. Absent: never.
    pub rounded_decimal_places: Option<u32>,
    /// A decimal reference with at least this many significant digits equals an exact answer that it states to its last
    /// digit; a decimal answer to an exact reference needs one digit more. Absent where `rounded_decimal_places` is
    /// given: never.
    pub stated_digits: Option<u32>,
    /// What a percent sign means.
    pub percent: Option<PercentRule>,
    /// What units of measurement mean.
    pub units: Option<UnitRule>,
    /// Whether the order of a list such as `1, 2, 3` matters. Tuples are always ordered, sets never.
    pub list_order: Option<ListOrder>,
    /// Whether a fraction must be in lowest terms.
    pub fractions: Option<FractionRule>,
    /// Whether capital and small letters differ in words. In variables they always do.
    pub letter_case: Option<LetterCase>,
    /// Whether an inequality in one variable answers a reference that is the interval of its solutions. An interval
    /// always answers an inequality.
    pub inequality_as_interval: Option<bool>,
    /// Whether a set in braces equals the list of its elements.
    pub list_as_set: Option<bool>,
    /// Whether an answer that restates the problem as a sum, a product, an integral or a limit is worked out. In a
    /// reference it always is.
    pub unevaluated_answers: Option<bool>,
    /// Whether `\gcd(a, b)` and `\lcm(a, b)` are those of polynomials, where variables have no common divisor.
    pub polynomial_divisors: Option<bool>,
    /// Only this many bytes at the end of a response are searched.
    pub max_response_bytes: Option<usize>,
    /// A longer answer is compared as text only.
    pub max_answer_bytes: Option<usize>,
}

/// A named set of rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Boxes first, then phrases, then the last expression; lists in any order; rounded decimals.
    #[default]
    MathVerify,
    /// `####` and `A:` lines first, then phrases, boxes and the last number.
    Gsm8k,
    /// The last box, or a response that is nothing but a formula; lists in the order given; no rounding.
    Hendrycks,
    /// Boxes, phrases and the last number, with a relative tolerance of 1e-4, for base models in mid-training.
    Octothinker,
    /// As `math-verify`, and a decimal equals what lies within 1% of it: for references that textbooks rounded.
    Rounded,
}

/// How far two numbers may differ and still be the same.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Tolerance {
    /// Not at all; exact arithmetic decides wherever it can.
    Exact,
    /// By at most `value` times the size of the reference.
    Relative {
        /// The fraction of the reference, such as 0.0001.
        value: f64,
    },
    /// By at most `value`.
    Absolute {
        /// The distance, in the units of the reference.
        value: f64,
    },
}

/// Which numbers a tolerance applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToleranceFor {
    /// Pairs of which at least one is written as a decimal, and so may be rounded: 1001 is never 1000.
    Decimals,
    /// Every pair.
    All,
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
    /// Where both answers name a unit that is known, values are converted; every other unit is dropped.
    Known,
    /// Where both answers name a unit, it must be the same one.
    Match,
    /// Where both name a unit, values are converted: 1.5 m is 150 cm, and never 150 kg.
    Convert,
    /// As `convert`, and an answer must name a unit where its reference does.
    Require,
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

/// Whether a fraction must be in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FractionRule {
    /// `2/4` equals `1/2`.
    Any,
    /// `2/4` is not an answer to `1/2`.
    Reduced,
}

/// Whether capital and small letters differ in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LetterCase {
    /// "East" is "east".
    Ignored,
    /// "East" is not "east".
    Significant,
}

/// Every rule resolved: what the rest of the crate reads.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Where the answer is looked for.
    pub extraction: Extraction,
    /// How far two numbers may differ.
    pub tolerance: Tolerance,
    /// Which numbers the tolerance applies to.
    pub tolerance_for: ToleranceFor,
    /// Decimal places from which a rounded decimal is accepted.
    pub rounded_decimal_places: Option<u32>,
    /// Significant digits from which a decimal reference states an exact answer.
    pub stated_digits: Option<u32>,
    /// What a percent sign means.
    pub percent: PercentRule,
    /// What units mean.
    pub units: UnitRule,
    /// Whether the order of a list matters.
    pub list_order: ListOrder,
    /// Whether a fraction must be in lowest terms.
    pub fractions: FractionRule,
    /// Whether letters' case matters in words.
    pub letter_case: LetterCase,
    /// Whether an inequality equals the interval of its solutions.
    pub inequality_as_interval: bool,
    /// Whether a set equals the list of its elements.
    pub list_as_set: bool,
    /// Whether sums, integrals and limits in an answer are worked out.
    pub unevaluated_answers: bool,
    /// Whether common divisors of formulas are those of polynomials.
    pub polynomial_divisors: bool,
    /// Bytes beyond which an answer is text only.
    pub max_answer_bytes: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Preset::MathVerify.rules()
    }
}

impl Preset {
    /// The rules of the preset.
    pub fn rules(self) -> Rules {
        use ExtractionRule::*;
        let base = Rules {
            extraction: Extraction::default(),
            tolerance: Tolerance::Exact,
            tolerance_for: ToleranceFor::Decimals,
            rounded_decimal_places: Some(6),
            stated_digits: Some(3),
            percent: PercentRule::Either,
            units: UnitRule::Known,
            list_order: ListOrder::Any,
            fractions: FractionRule::Any,
            letter_case: LetterCase::Ignored,
            inequality_as_interval: true,
            list_as_set: true,
            unevaluated_answers: false,
            polynomial_divisors: false,
            max_answer_bytes: 4_096,
        };
        let looks_in = |rules: &[ExtractionRule]| Extraction { rules: rules.to_vec(), ..Extraction::default() };
        match self {
            Preset::MathVerify => base,
            Preset::Gsm8k => Rules {
                extraction: looks_in(&[
                    HashMarks,
                    AnswerLine,
                    FinalAnswerIs,
                    AnswerIs,
                    Boxed,
                    AnswerTag,
                    Bare,
                    LastNumber,
                ]),
                ..base
            },
            Preset::Hendrycks => Rules {
                // A bare formula is what its function gets once the box is taken off.
                extraction: looks_in(&[Boxed, Bare]),
                rounded_decimal_places: None,
                stated_digits: None,
                percent: PercentRule::Number,
                units: UnitRule::Ignore,
                list_order: ListOrder::Same,
                inequality_as_interval: false,
                ..base
            },
            Preset::Octothinker => Rules {
                extraction: looks_in(&[Boxed, FinalAnswerIs, AnswerIs, HashMarks, AnswerLine, Bare, LastExpression]),
                tolerance: Tolerance::Relative { value: 1e-4 },
                ..base
            },
            Preset::Rounded => Rules { tolerance: Tolerance::Relative { value: 0.01 }, ..base },
        }
    }
}

impl Config {
    /// Resolves the preset and its overrides.
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub fn rules(&self) -> Result<Rules, String> {
        let mut rules = self.preset.rules();
        let extraction = ExtractionConfig {
            rules: self.extraction.clone(),
            boxed_only: self.boxed_only,
            thinking: self.thinking,
            thinking_ends: self.thinking_ends.clone(),
            max_response_bytes: self.max_response_bytes,
        };
        rules.extraction =
            extraction.over(rules.extraction).map_err(|message| message.replace("`rules`", "`extraction`"))?;
        if let Some(tolerance) = self.tolerance {
            tolerance.check()?;
            rules.tolerance = tolerance;
        }
        if let Some(places) = self.rounded_decimal_places {
            rules.rounded_decimal_places = Some(places);
            rules.stated_digits = None;
        }
        rules.stated_digits = self.stated_digits.or(rules.stated_digits);
        rules.tolerance_for = self.tolerance_for.unwrap_or(rules.tolerance_for);
        rules.percent = self.percent.unwrap_or(rules.percent);
        rules.units = self.units.unwrap_or(rules.units);
        rules.list_order = self.list_order.unwrap_or(rules.list_order);
        rules.fractions = self.fractions.unwrap_or(rules.fractions);
        rules.letter_case = self.letter_case.unwrap_or(rules.letter_case);
        rules.inequality_as_interval = self.inequality_as_interval.unwrap_or(rules.inequality_as_interval);
        rules.list_as_set = self.list_as_set.unwrap_or(rules.list_as_set);
        rules.unevaluated_answers = self.unevaluated_answers.unwrap_or(rules.unevaluated_answers);
        rules.polynomial_divisors = self.polynomial_divisors.unwrap_or(rules.polynomial_divisors);
        rules.max_answer_bytes = self.max_answer_bytes.unwrap_or(rules.max_answer_bytes);
        if rules.max_answer_bytes > 65_536 {
            return Err(format!(
                "`max_answer_bytes` is {}: at most 65536 keeps every verdict quick",
                rules.max_answer_bytes
            ));
        }
        Ok(rules)
    }
}

impl Tolerance {
    /// Checks the value.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check(self) -> Result<(), String> {
        match self {
            Tolerance::Relative { value } | Tolerance::Absolute { value } if !value.is_finite() || value < 0.0 => {
                Err(format!("`tolerance.value` is {value}: it must be a finite number of at least 0"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a value is within the tolerance of the one wanted.
    pub fn allows(self, wanted: f64, given: f64) -> bool {
        let distance = (wanted - given).abs();
        match self {
            Tolerance::Exact => distance == 0.0,
            Tolerance::Relative { value } => distance <= value * wanted.abs(),
            Tolerance::Absolute { value } => distance <= value,
        }
    }
}
