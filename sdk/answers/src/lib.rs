//! From a response to a verdict on its answer: extraction, parsing and equivalence, for verifiers to share.
//!
//! [`judge`] does all three under a [`Policy`](config::Policy): it finds the answer in a response ([`extract`]), reads
//! it and the references from LaTeX or plain text into one expression tree ([`reading`]), and applies the cheapest
//! sound rule that can tell whether they are equal ([`equivalence`]). A verifier of its own kind takes the parts it
//! needs: [`extract::answer`] alone, or [`choices`] and [`exact_text`], which the plugins `verifier_choice` and
//! `verifier_exact` are made of.
//!
//! Nothing is evaluated as code, there is no clock, and every step is bounded in depth, size and magnitude, so hostile
//! input ends as quickly as any other.
//!
//! ```
//! use octo_answers::{Outcome, config::Preset, judge};
//! let verdict = judge("So it is $\\boxed{\\frac{1}{2}}$.", &["0.5".into()], &Preset::MathVerify.policy());
//! assert_eq!(verdict.outcome, Outcome::Correct);
//! assert_eq!(verdict.reason, "box: same rational number");
//! ```

mod algebra;
pub mod choices;
mod combinations;
mod complex;
pub mod config;
mod described_sets;
mod divisors;
mod ellipsis;
pub mod equivalence;
mod exact;
pub mod exact_text;
pub mod expression;
pub mod extract;
pub mod extraction;
mod judge;
mod lexer;
mod measures;
mod numeral_words;
mod numerals;
mod numeric;
mod operators;
mod parse;
mod parse_atoms;
mod parse_postfix;
mod parse_products;
pub mod reading;
mod real_sets;
mod relations;
mod rounding;
mod search;
mod spans;
mod structures;
pub mod text;
mod tokens;
mod units;
mod wording;
mod words;
pub mod work;

pub use judge::judge;
pub use octo_sdk::{Outcome, Verdict};
pub use spans::{Span, boxes};

/// Whether a text is mathematics in the grammar of this crate, and no sentence.
pub fn reads_as_mathematics(text: &str) -> bool {
    reading::is_mathematics(&extract::strip_delimiters(text), lexer::Comma::Thousands)
}
