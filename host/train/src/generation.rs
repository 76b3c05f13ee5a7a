//! From problems to judged responses, for all stages alike.
//!
//! [`prompts`] fills a stage's template with problems; [`rollouts`] generates responses chunk after chunk, while
//! `verification` judges the finished ones on a thread of its own; [`answering`] gives responses without any verdict.

pub mod answering;
pub mod prompts;
pub mod rollouts;
pub(crate) mod settings;
pub(crate) mod verification;
