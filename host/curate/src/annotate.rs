//! Asks a language model about documents: an annotator says what, an engine of `octo-endpoint` answers, the annotator
//! reads the answer and decides.
//!
//! ```text
//! documents ──▶ ask ──▶ Desk: cache, then the model ──▶ read ──▶ decisions
//!                │                    │                   │
//!                └── nothing to ask   └── no answer       └── cannot be read: asked again with the next seed,
//!                    (kept)               (dead letter)       as often as the recipe says (then a dead letter)
//! ```
//!
//! - A document without an answer is a failure ([`FailureKind::NoReply`]) and goes to the dead letters. It is never given a
//!   score, and never kept in silence. Its failure is not in the cache, so that whoever runs the stage again asks it again.
//! - Where the model cannot go on ([`Halt`]: the stop flag, the budget, a server that is gone) the pipeline ends and keeps
//!   nothing of the chunk; the answers that came are in the cache, and the next call begins with them.
//! - What is decided depends on the document and the answer to its request. It does not depend on the order or the number of
//!   calls at once.
//!
//! Memory: the documents of the chunks at work, their requests and their answers.
//!
//! | file | what it has |
//! |---|---|
//! | `annotate.rs` | [`Annotation`], a [`Filter`]; [`Annotates`], which it asks |
//! | `annotate/estimate.rs` | [`Estimate`]: what a stage will ask, guessed from its first documents |

mod estimate;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use octo_data::DataError;
use octo_endpoint::{
    Answer, Cache, Desk, Finish, Halt, LanguageModel, Message, NoAnswer, Prompt, Request, Role, Sampling,
};
use octo_plugin::types::{self, Decision, Document};
use octo_plugin::{Failure, FailureKind};
use octo_record::Statistics;
use serde_json::{Map, Value};

use crate::filter::Filter;
use crate::pipeline::{CurateError, Options, curate_with};

pub use estimate::Estimate;

/// What to ask about documents, and what the answers say. Both may depend on one document alone, never on its neighbours.
pub trait Annotates: Sync {
    /// A request, nothing or a failure per document, in their order. A document with nothing to ask is kept as it is.
    fn ask(&self, documents: &[Document]) -> Vec<Result<Option<Request>, Failure>>;

    /// A decision or failure per document and the answer to its request, in their order.
    fn read(&self, answered: Vec<(Document, Answer)>) -> Vec<Result<Decision, Failure>>;
}

impl Annotates for octo_plugin::Annotator {
    fn ask(&self, documents: &[Document]) -> Vec<Result<Option<Request>, Failure>> {
        let asked = octo_plugin::Annotator::ask(self, documents);
        asked.into_iter().map(|asked| asked.map(|request| request.map(to_request))).collect()
    }

    fn read(&self, answered: Vec<(Document, Answer)>) -> Vec<Result<Decision, Failure>> {
        let replies = answered.into_iter().map(|(document, answer)| (document, to_reply(answer)));
        octo_plugin::Annotator::read(self, &replies.collect::<Vec<_>>())
    }
}

fn to_request(request: types::Request) -> Request {
    let types::Request { messages, max_tokens, temperature, top_p, stop } = request;
    let message = |message: types::Message| Message {
        role: match message.role {
            types::Role::System => Role::System,
            types::Role::User => Role::User,
            types::Role::Assistant => Role::Assistant,
        },
        content: message.content,
    };
    let sampling = Sampling { max_tokens, temperature, top_p, stop, ..Sampling::default() };
    Request { prompt: Prompt::Chat(messages.into_iter().map(message).collect()), sampling }
}

/// An answer that neither the model nor the limit on its tokens ended, such as one that a server filtered, is not whole.
fn to_reply(answer: Answer) -> types::Reply {
    let finish = match answer.finish {
        Finish::Stop => types::FinishReason::Stop,
        Finish::Length | Finish::Other(_) => types::FinishReason::Length,
    };
    types::Reply { text: answer.text, finish }
}

/// What a recipe says of the requests that an annotator makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asking {
    /// The most tokens of an answer, whatever the annotator asks for.
    pub max_tokens: Option<u32>,
    /// The temperature, in place of the annotator's.
    pub temperature: Option<f64>,
    /// The share of probability, in place of the annotator's.
    pub top_p: Option<f64>,
    /// The seed of the first request about a document.
    pub seed: Option<u64>,
    /// Further keys of requests.
    pub extra: Map<String, Value>,
    /// How often a document is asked again, with the next seed, where its answer cannot be read.
    pub ask_again: u32,
}

impl Asking {
    /// The annotator's request as it is asked in the given round, counted from 0.
    pub fn apply(&self, mut request: Request, round: u32) -> Request {
        let sampling = &mut request.sampling;
        sampling.max_tokens = sampling.max_tokens.min(self.max_tokens.unwrap_or(u32::MAX));
        sampling.temperature = self.temperature.unwrap_or(sampling.temperature);
        sampling.top_p = self.top_p.unwrap_or(sampling.top_p);
        let own = self.seed.or(sampling.seed);
        sampling.seed = if round == 0 { own } else { Some(own.unwrap_or(0).wrapping_add(u64::from(round))) };
        sampling.extra.extend(self.extra.clone());
        request
    }
}

/// Why documents could not be annotated to the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotateError {
    /// The model did not go on. What it answered is in the cache.
    #[error(transparent)]
    Halted(#[from] Halt),
    /// The pipeline ended.
    #[error(transparent)]
    Curate(#[from] CurateError),
}

/// How far the documents are, at any moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnnotationStanding {
    /// Documents decided on.
    pub decided: u64,
    /// Documents without an answer.
    pub without_answer: u64,
    /// Requests whose answer was in the cache.
    pub from_cache: u64,
}

/// Documents, an annotator and a model at work. As a [`Filter`] it may stand in a pipeline with others.
pub struct Annotation<'a> {
    annotator: &'a dyn Annotates,
    desk: Desk<'a>,
    asking: Asking,
    stop: &'a AtomicBool,
    halt: Mutex<Option<Halt>>,
    decided: AtomicU64,
    without_answer: AtomicU64,
}

impl<'a> Annotation<'a> {
    /// Of this annotator and model, whose answers are kept in `cache`. `stop` ends it, and is raised where the model does not
    /// go on, so that the pipeline ends too.
    pub fn new(
        annotator: &'a dyn Annotates,
        model: &'a dyn LanguageModel,
        cache: &'a Cache,
        asking: Asking,
        stop: &'a AtomicBool,
    ) -> Annotation<'a> {
        Annotation {
            annotator,
            desk: Desk::new(model, cache),
            asking,
            stop,
            halt: Mutex::default(),
            decided: AtomicU64::new(0),
            without_answer: AtomicU64::new(0),
        }
    }

    /// How far it is.
    pub fn standing(&self) -> AnnotationStanding {
        AnnotationStanding {
            decided: self.decided.load(Ordering::Relaxed),
            without_answer: self.without_answer.load(Ordering::Relaxed),
            from_cache: self.desk.from_cache(),
        }
    }

    /// Annotates the documents of `inputs`, as [`curate_with`] does with this as its one filter, of the given role.
    ///
    /// # Errors
    /// [`AnnotateError`].
    pub fn run(
        &self,
        inputs: &[PathBuf],
        role: &str,
        out: &Path,
        options: &Options,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Statistics, AnnotateError> {
        let ended = curate_with(inputs, &[(role.to_owned(), self)], out, options, self.stop, progress);
        match self.halt.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A pipeline that ends for want of decisions ends for this.
            Some(Halt::Stopped) => Err(AnnotateError::Curate(CurateError::Stopped)),
            Some(halt) => Err(AnnotateError::Halted(halt)),
            None => Ok(ended?),
        }
    }

    /// The decisions on `documents`.
    fn decide(&self, documents: &[Document]) -> Result<Vec<Result<Decision, Failure>>, Halt> {
        let short = |given: usize| {
            Halt::Engine(format!("the annotator gave {given} results for {} documents", documents.len()))
        };
        let asked = self.annotator.ask(documents);
        if asked.len() != documents.len() {
            return Err(short(asked.len()));
        }
        let mut open: Vec<(usize, Request)> = Vec::new();
        let mut decisions: Vec<Result<Decision, Failure>> = Vec::with_capacity(documents.len());
        for (index, asked) in asked.into_iter().enumerate() {
            decisions.push(match asked {
                Ok(None) => Ok(Decision::Keep),
                Ok(Some(request)) => {
                    open.push((index, request));
                    Err(no_reply("it was not asked"))
                }
                Err(failure) => Err(failure),
            });
        }
        for round in 0..=self.asking.ask_again {
            if open.is_empty() {
                break;
            }
            let requests: Vec<Request> =
                open.iter().map(|(_, request)| self.asking.apply(request.clone(), round)).collect();
            let (mut answered, mut readers) = (Vec::new(), Vec::new());
            for ((index, request), answer) in open.into_iter().zip(self.desk.answers(&requests, self.stop)?) {
                match answer {
                    Ok(answer) => {
                        answered.push((documents[index].clone(), answer));
                        readers.push((index, request));
                    }
                    Err(NoAnswer { .. }) if decided_before(&decisions[index]) => {}
                    Err(none) => decisions[index] = Err(no_reply(&none.to_string())),
                }
            }
            let read = self.annotator.read(answered);
            if read.len() != readers.len() {
                return Err(short(read.len()));
            }
            open = Vec::new();
            for ((index, request), decision) in readers.into_iter().zip(read) {
                if decision.is_err() {
                    open.push((index, request));
                }
                decisions[index] = decision;
            }
        }
        Ok(decisions)
    }
}

/// Whether an earlier round had an answer, which could not be read: that says more than that a later one had none.
fn decided_before(decision: &Result<Decision, Failure>) -> bool {
    !matches!(decision, Err(Failure { kind: FailureKind::NoReply, .. }))
}

fn no_reply(message: &str) -> Failure {
    Failure { kind: FailureKind::NoReply, message: octo_plugin::for_people(message, 400) }
}

impl Filter for Annotation<'_> {
    /// No decision at all where the model does not go on: the pipeline then keeps nothing of the chunk.
    fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
        let decided = if self.stop.load(Ordering::Relaxed) { Err(Halt::Stopped) } else { self.decide(documents) };
        match decided {
            Ok(decisions) => {
                let without = decisions
                    .iter()
                    .filter(|decision| matches!(decision, Err(Failure { kind: FailureKind::NoReply, .. })))
                    .count();
                self.decided.fetch_add(decisions.len() as u64, Ordering::Relaxed);
                self.without_answer.fetch_add(without as u64, Ordering::Relaxed);
                decisions
            }
            Err(halt) => {
                self.stop.store(true, Ordering::Relaxed);
                let mut first = self.halt.lock().unwrap_or_else(PoisonError::into_inner);
                // That others were stopped since is no news.
                if first.is_none() || matches!(*first, Some(Halt::Stopped)) {
                    *first = Some(halt);
                }
                Vec::new()
            }
        }
    }
}

/// The first documents of `path`, at most `most`.
///
/// # Errors
/// A file that cannot be read.
fn first_documents(path: &Path, most: usize) -> Result<Vec<Document>, DataError> {
    let documents = octo_data::jsonl::read_documents(path)?;
    // A line that is not a document is for the stage to name.
    Ok(documents.take(most).filter_map(Result::ok).map(crate::filter::to_plugin).collect())
}
