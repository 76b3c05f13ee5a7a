//! What every engine is: something that answers requests. A server is one ([`Endpoint`](crate::Endpoint)); a model that
//! this program runs itself is another, in the crate that has tensors.

use std::fmt;
use std::sync::atomic::AtomicBool;

use crate::answer::Answer;
use crate::budget::Exhausted;
use crate::cache::CacheError;
use crate::request::Request;

/// A language model that answers requests.
///
/// An engine takes a whole batch, so that one that computes itself can fill its own batches, and hands out each answer as
/// soon as it has it, so that none is lost where the process is killed in the middle. It does not run on the rayon pool of
/// its caller: a pool that waits takes up other work, which may wait for an answer of this very call.
pub trait LanguageModel: Sync {
    /// The model's name in the keys of answers: what is another model has another name. That of a server is the name it is
    /// asked under; that of a model folder has the folder's digest.
    fn name(&self) -> &str;

    /// Answers `requests`. `deliver` is called once for each that is done, with its index, in any order and from any thread;
    /// an error of it halts the engine. Where `stop` is raised no further request is begun; what is under way may still be
    /// delivered.
    ///
    /// # Errors
    /// What kept it from going through all requests. What was delivered before holds.
    fn answer(&self, requests: &[Request], stop: &AtomicBool, deliver: &Deliver<'_>) -> Result<(), Halt>;
}

/// Takes an answer, or why there is none, with the index of its request.
pub type Deliver<'a> = dyn Fn(usize, Result<Answer, NoAnswer>) -> Result<(), Halt> + Sync + 'a;

/// Why one request has no answer. Others may have one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NoAnswer {
    /// What went wrong with the last try, as a sentence about the engine ("it …").
    pub why: String,
    /// How often it was tried.
    pub tries: u32,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoAnswer { why, tries } = self;
        let times = if *tries == 1 { "try" } else { "tries" };
        write!(out, "the model gave no answer in {tries} {times}: {why}")
    }
}

/// Why an engine ended before it had gone through all requests.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Halt {
    /// The stop flag was raised.
    #[error("stopped before the last answer")]
    Stopped,
    /// The next call could exceed the budget.
    #[error("{0}")]
    Budget(Exhausted),
    /// The engine refuses all requests: the key, the model's name or the address is wrong.
    #[error("{url} refuses requests: {why}")]
    Refused {
        /// The endpoint.
        url: String,
        /// What it said.
        why: String,
    },
    /// Many requests in a row had no answer whatever was tried.
    #[error("{url} seems to be gone: {requests} requests in a row had no answer, and of the last one {why}")]
    Gone {
        /// The endpoint.
        url: String,
        /// How many.
        requests: u32,
        /// The last trouble.
        why: String,
    },
    /// An answer could not be kept.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Another fault of the engine.
    #[error("{0}")]
    Engine(String),
}
