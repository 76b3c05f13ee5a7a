//! What a recipe may choose about where an answer is looked for.

use schemars::JsonSchema;
use serde::Deserialize;

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
    /// The last text in square brackets (`[42]`).
    SquareBrackets,
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
    /// Only what follows the last `</think>` is searched; a response without one has no answer.
    Required,
    /// The tags are nothing special.
    Ignored,
}

/// The keys of a config that say where an answer is looked for; absent ones keep the plugin's default.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExtractionConfig {
    /// Rules in order of precedence; the first that finds an answer decides.
    pub rules: Option<Vec<ExtractionRule>>,
    /// Only the last box counts: short for `rules = ["boxed"]`.
    pub boxed_only: bool,
    /// How `<think>` blocks are read.
    pub thinking: Option<ThinkingRule>,
    /// What closes the reasoning, where it is not `</think>`.
    pub thinking_ends: Option<String>,
    /// Only this many bytes at the end of a response are searched.
    pub max_response_bytes: Option<usize>,
}

/// Where an answer is looked for, resolved.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// Rules in order of precedence.
    pub rules: Vec<ExtractionRule>,
    /// How `<think>` blocks are read.
    pub thinking: ThinkingRule,
    /// What closes the reasoning.
    pub thinking_ends: String,
    /// Bytes of a response that are searched, from its end.
    pub max_response_bytes: usize,
}

impl Default for Extraction {
    /// Boxes first, then phrases, then the last expression.
    fn default() -> Self {
        use ExtractionRule::*;
        Self {
            rules: vec![Boxed, HashMarks, FinalAnswerIs, AnswerIs, AnswerLine, AnswerTag, Bare, Bold, LastExpression],
            thinking: ThinkingRule::AfterClosing,
            thinking_ends: "</think>".into(),
            max_response_bytes: 32_768,
        }
    }
}

impl ExtractionConfig {
    /// Lays these keys over a default.
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub fn over(&self, mut extraction: Extraction) -> Result<Extraction, String> {
        if let Some(rules) = &self.rules {
            if rules.is_empty() {
                return Err("`rules` is empty: name at least one rule, such as \"boxed\"".into());
            }
            if self.boxed_only {
                return Err("`boxed_only` and `rules` contradict each other: give one of them".into());
            }
            extraction.rules = rules.clone();
        }
        if self.boxed_only {
            extraction.rules = vec![ExtractionRule::Boxed];
        }
        if let Some(ends) = &self.thinking_ends {
            if ends.trim().is_empty() {
                return Err("`thinking_ends` is empty: give the text that closes the reasoning".into());
            }
            extraction.thinking_ends = ends.clone();
        }
        extraction.thinking = self.thinking.unwrap_or(extraction.thinking);
        extraction.max_response_bytes = self.max_response_bytes.unwrap_or(extraction.max_response_bytes);
        Ok(extraction)
    }
}
