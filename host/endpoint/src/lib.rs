//! Language models that answer requests: the trait [`LanguageModel`], the server as one of them ([`Endpoint`]), and a cache
//! by which no finished call is repeated ([`Cache`], [`Desk`]).
//!
//! # How data flow
//!
//! ```text
//! requests ──▶ Desk ──not in the cache──▶ LanguageModel: Endpoint ──▶ Gate ─▶ Ledger ─▶ Pace ─▶ Http ──▶ server
//!               │ ▲                                        ▲                                      │
//!               │ └──────── Cache ◀── each answer, at once ─┼── Answer ◀───────────────────────────┤
//!               ▼                                          └── Backoff ◀── Trouble ◀──────────────┘
//!      answers in order
//! ```
//!
//! 1. A [`Request`] with the model's name has a [`Key`]: a digest of all that decides the answer.
//! 2. [`Desk::answers`] looks every key up, and gives what is missing to the model as one batch.
//! 3. [`Endpoint`] calls side by side. A call waits for its turn, for room in the budget, and for its place in the minute.
//! 4. What goes wrong is a [`Trouble`], which says whether another try can help. A request without an answer is a
//!    [`NoAnswer`] of its own and never an empty text; what no request would survive is a [`Halt`].
//! 5. Every answer is in the cache before anybody sees it.
//!
//! # Which file is which idea
//!
//! | file | what it has |
//! |---|---|
//! | `request.rs` | [`Request`], [`Sampling`], [`Key`] |
//! | `answer.rs` | [`Answer`], read from a server's body |
//! | `model.rs` | [`LanguageModel`], [`NoAnswer`], [`Halt`] |
//! | `settings.rs` | [`Settings`] of a server |
//! | `secret.rs` | [`ApiKey`], which is written nowhere |
//! | `endpoint.rs` | [`Endpoint`]: many calls |
//! | `http.rs` | one try of one call |
//! | `trouble.rs` | [`Trouble`]: what goes wrong with a try, and what is next |
//! | `backoff.rs` | [`Backoff`]: waits between tries |
//! | `pace.rs` | [`Rates`]: limits per minute |
//! | `budget.rs` | [`Budget`], [`Prices`], [`Spending`] |
//! | `cache.rs` | [`Cache`]: answers on disk |
//! | `desk.rs` | [`Desk`]: a model with its cache |

mod answer;
mod backoff;
mod budget;
mod cache;
mod desk;
mod endpoint;
mod http;
mod model;
mod pace;
mod request;
mod secret;
mod settings;
mod trouble;

pub use answer::{Answer, Finish, Usage};
pub use backoff::Backoff;
pub use budget::{Budget, Exhausted, Prices, Spending};
pub use cache::{Cache, CacheError};
pub use desk::Desk;
pub use endpoint::{Endpoint, Tally};
pub use model::{Deliver, Halt, LanguageModel, NoAnswer};
pub use pace::Rates;
pub use request::{Key, Message, Prompt, Request, Role, Sampling};
pub use secret::ApiKey;
pub use settings::{Settings, Timeouts};
pub use trouble::{Next, Trouble};
