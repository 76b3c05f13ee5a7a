//! From a response to a verdict on its answer: finding the answer, reading it, comparing it, for verifiers to share.
//!
//! # How data flow
//!
//! ```text
//! response ── extract ──▶ text ── read ──▶ Expression ─┐
//!                                                      ├─ compare (with algebra) ──▶ Verdict
//! reference ─ extract ──▶ text ── read ──▶ Expression ─┘
//! ```
//!
//! [`judge()`] does all of it under [`Rules`](config::Rules): it finds the answer in a response, reads it and the references
//! from LaTeX or plain text into one expression tree, and applies the cheapest sound argument that can decide whether they
//! are equal.
//!
//! # Which file is which idea
//!
//! | folder | idea |
//! |---|---|
//! | [`config`] | what a recipe may choose: presets, tolerance, units, order of lists, and the rules that they resolve to |
//! | [`extract`] | where the answer is in a response: boxes and marks, phrases, the last formula or number |
//! | [`read`] | what a text says: `lexer`, `parser`, number words, units, choices and other words |
//! | [`expression`] | the tree that everything is read into, and its exact numbers |
//! | `algebra` | what an expression is worth: exactly, in normal form, by probing, worked out |
//! | [`compare`] | when two readings are equal: equations, lists, sets of reals, quantities, rounding, words |
//! | `judge` | the verdicts: [`judge()`] on mathematics, [`choices`], [`exact_text`] |
//! | [`work`] | the effort that one verdict may take |
//!
//! Who uses whom: `judge` uses all; `compare` uses `read` and `algebra`; `extract` asks `read` whether a text is
//! mathematics; `read` asks `algebra` what a number is worth; `algebra` knows `expression` alone. Whatever costs anything
//! spends from `work`.
//!
//! A verifier of its own kind takes the parts it needs: [`extract::answer`] alone, or [`choices`] and [`exact_text`], which
//! the plugins `verifier_choice` and `verifier_exact` are made of.
//!
//! Nothing is evaluated as code, there is no clock, and every step is bounded in depth, size and magnitude, so hostile
//! input ends as quickly as any other.
//!
//! ```
//! use octo_answers::{Outcome, config::Preset, judge};
//! let verdict = judge("So it is $\\boxed{\\frac{1}{2}}$.", &["0.5".into()], &Preset::MathVerify.rules());
//! assert_eq!(verdict.outcome, Outcome::Correct);
//! assert_eq!(verdict.reason, "box: same rational number");
//! ```

mod algebra;
pub mod compare;
pub mod config;
pub mod expression;
pub mod extract;
mod judge;
pub mod read;
pub mod work;

pub use extract::spans::{Span, boxes};
pub use judge::{choices, exact_text, judge};
pub use octo_sdk::{Outcome, Verdict};
pub use read::reads_as_mathematics;
