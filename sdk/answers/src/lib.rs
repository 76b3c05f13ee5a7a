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

#[path = "algebra/normal_form.rs"]
mod algebra;
#[path = "judge/choices.rs"]
pub mod choices;
#[path = "compare/combinations.rs"]
mod combinations;
#[path = "algebra/complex.rs"]
mod complex;
pub mod config;
#[path = "read/sets_in_words.rs"]
mod described_sets;
#[path = "algebra/divisors.rs"]
mod divisors;
#[path = "compare/ellipsis.rs"]
mod ellipsis;
#[path = "compare.rs"]
pub mod equivalence;
#[path = "expression/rational.rs"]
mod exact;
#[path = "judge/exact_text.rs"]
pub mod exact_text;
pub mod expression;
pub mod extract;
#[path = "extract/config.rs"]
pub mod extraction;
mod judge;
#[path = "read/lexer.rs"]
mod lexer;
#[path = "read/units.rs"]
mod measures;
#[path = "read/number_words.rs"]
mod numeral_words;
#[path = "read/lexer/numbers.rs"]
mod numerals;
#[path = "algebra/probe.rs"]
mod numeric;
#[path = "algebra/closed_form.rs"]
mod operators;
#[path = "read/parser.rs"]
mod parse;
#[path = "read/parser/atoms.rs"]
mod parse_atoms;
#[path = "read/parser/postfix.rs"]
mod parse_postfix;
#[path = "read/parser/products.rs"]
mod parse_products;
#[path = "read.rs"]
pub mod reading;
#[path = "compare/real_sets.rs"]
mod real_sets;
#[path = "compare/relations.rs"]
mod relations;
#[path = "compare/rounding.rs"]
mod rounding;
#[path = "extract/search.rs"]
mod search;
#[path = "extract/spans.rs"]
mod spans;
#[path = "compare/collections.rs"]
mod structures;
#[path = "read/words.rs"]
pub mod text;
#[path = "read/tokens.rs"]
mod tokens;
mod units;
#[path = "compare/words.rs"]
mod wording;
#[path = "read/lexer/letters.rs"]
mod words;
pub mod work;

pub use judge::judge;
pub use octo_sdk::{Outcome, Verdict};
pub use spans::{Span, boxes};

/// Whether a text is mathematics in the grammar of this crate, and no sentence.
pub fn reads_as_mathematics(text: &str) -> bool {
    reading::is_mathematics(&extract::strip_delimiters(text), lexer::Comma::Thousands)
}
