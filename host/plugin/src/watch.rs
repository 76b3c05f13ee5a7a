//! How a host watches what its guests do. All off by default: it costs time and memory, and parses what guests wrote.

use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine::{EngineOptions, Engines};
use crate::profile::{INTERVAL, Profiler};
use crate::transcript::Transcript;
use crate::{Host, LoadError};

impl Host {
    /// The same host, which also reads the debug information that plugins kept, so that a [`Transcript`] has source
    /// lines. Failures and results stay as they are.
    ///
    /// Off by default: debug information is the guest's to write, and its parsers run on the host, where neither fuel nor
    /// a deadline ends them. Switch it on to look into one item that a person waits for, not to serve.
    ///
    /// # Errors
    /// [`LoadError::Engine`] where the machine is not one that wasmtime supports.
    pub fn with_source_lines(self) -> Result<Host, LoadError> {
        let options = EngineOptions { source_lines: true, ..self.engines.options };
        Ok(Host { engines: Engines::start(options)?, ..self })
    }

    /// The same host, which also writes down what guests do.
    pub fn with_transcript(self, transcript: &Transcript) -> Host {
        Host { transcript: Some(transcript.clone()), ..self }
    }

    /// The same host, with the first plugin it loads sampled about once a millisecond. Run it on one thread: samples of
    /// several would be laid on top of each other.
    ///
    /// # Errors
    /// [`LoadError::Engine`] where the machine is not one that wasmtime supports.
    pub fn with_profiler(self, profiler: &Profiler) -> Result<Host, LoadError> {
        let options = EngineOptions { tick: INTERVAL, ..self.engines.options };
        Ok(Host { engines: Engines::start(options)?, profiler: Some(profiler.clone()), ..self })
    }
}

/// How the instances of one plugin are watched.
#[derive(Clone)]
pub(crate) struct Watch {
    /// Time between ticks of the engine, which deadlines count in.
    pub tick: Duration,
    pub transcript: Option<Transcript>,
    pub profiler: Option<Profiler>,
}

impl Watch {
    /// As `host` asks, for a plugin that it loads.
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
