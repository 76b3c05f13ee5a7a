//! From problems to judged responses, for all stages alike.
//!
//! [`prompts`] fills a stage's template with problems; [`rollouts`] generates responses chunk after chunk, while
//! `verification` judges the finished ones on a thread of its own; [`answering`] gives responses without any verdict.
//! `draws` gives responses their seeds where they are not those of a training step, and `texts` is what is read of them.

pub mod answering;
pub(crate) mod draws;
pub mod local_model;
pub mod prompts;
pub mod rollouts;
pub(crate) mod settings;
pub(crate) mod texts;
pub(crate) mod verification;
