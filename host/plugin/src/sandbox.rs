//! The sandbox: one instance of a plugin, with everything that bounds it. Nothing else ever runs guest code.
//!
//! | file | what it has |
//! |---|---|
//! | `limits.rs` | [`Limits`]: what a plugin may use, and a table of where each limit is enforced |
//! | `engine.rs` | the WebAssembly engine, its settings with their reasons, and the clock that deadlines count in |
//! | `blueprint.rs` | [`Blueprint`]: a loaded plugin, from which fresh instances are made |
//! | `instance.rs` | [`Sandbox`], **the isolation boundary**: an instance with its store, fuel, deadline and counted memory |
//! | `services.rs` | what the host offers to guests: a log, and classifiers |
//! | `wasi.rs` | WASI for plugins in Python and JavaScript, locked down |
//! | `guest_log.rs` | what guests log, within bounds |

mod blueprint;
pub(crate) mod engine;
mod guest_log;
mod instance;
mod limits;
pub(crate) mod services;
pub(crate) mod wasi;

pub(crate) use blueprint::Blueprint;
pub use engine::ENGINE_VERSION;
pub(crate) use engine::{EngineOptions, Engines};
pub(crate) use guest_log::SharedLog;
pub(crate) use instance::{Fuel, Guest, Sandbox, setup_fuel};
pub use limits::Limits;
pub(crate) use limits::size;
pub(crate) use wasi::Refused;
