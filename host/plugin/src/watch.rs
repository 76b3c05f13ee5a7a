//! How a host watches what its guests do. All off by default: it costs time and memory, and parses what guests wrote.
//!
//! | file | what it has |
//! |---|---|
//! | `watch/transcript.rs` | [`Transcript`]: log, fuel and frames of watched calls |
//! | `watch/profile.rs` | [`Profiler`]: where a guest spends its time |

mod profile;
mod transcript;

use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) use profile::INTERVAL;
pub use profile::{ProfileError, Profiler};
pub(crate) use transcript::Page;
pub use transcript::{Frame, FuelUse, InstanceRecord, LogLine, Transcript};

use crate::Host;

/// How the instances of one plugin are watched.
#[derive(Clone)]
pub(crate) struct Watch {
    /// Time between ticks of the engine, which deadlines count in.
    pub tick: Duration,
    pub transcript: Option<Transcript>,
    pub profiler: Option<Profiler>,
}

impl Watch {
    /// The way that `host` asks for, for a plugin that it loads.
    pub(crate) fn of(host: &Host, engine: &Engine, name: &str, component: &Component) -> wasmtime::Result<Watch> {
        let mut profiler = host.profiler.clone();
        if let Some(begun) = &profiler
            && !begun.begin(engine, name, component)?
        {
            profiler = None;
        }
        Ok(Watch { tick: host.engines.options.tick, transcript: host.transcript.clone(), profiler })
    }
}
