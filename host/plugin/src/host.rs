//! The host: what loads and runs plugins, and how it is set up.

use std::path::Path;
use std::sync::Arc;

use crate::LoadError;
use crate::classifiers::Classifiers;
use crate::load::{Cache, Compiler};
use crate::sandbox::{EngineOptions, Engines};
use crate::watch::{INTERVAL, Profiler, Transcript};

/// Loads and runs plugins. Cheap to clone; clones share engine and compiled-code cache.
#[derive(Clone)]
pub struct Host {
    pub(crate) engines: Arc<Engines>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) compiler: Compiler,
    pub(crate) transcript: Option<Transcript>,
    pub(crate) profiler: Option<Profiler>,
    pub(crate) classifiers: Classifiers,
}

impl Host {
    /// Starts an engine, and a thread that ticks for as long as the host or a plugin of it lives.
    ///
    /// Compiled code is kept under `$OCTO_CACHE_DIR`, else `$XDG_CACHE_HOME/octo`, else `~/.cache/octo`; where none can
    /// be private and written, plugins are compiled anew each time.
    ///
    /// # Errors
    /// [`LoadError::Engine`] where the machine is not one that wasmtime supports.
    pub fn new() -> Result<Host, LoadError> {
        Host::start(Cache::open())
    }

    /// As [`Host::new`], with compiled code kept in `folder`, or not at all. The folder is made private to the user.
    ///
    /// # Errors
    /// [`LoadError::Engine`] where the machine is not one that wasmtime supports.
    pub fn with_cache_folder(folder: Option<&Path>) -> Result<Host, LoadError> {
        Host::start(folder.map_or_else(Cache::none, Cache::in_folder))
    }

    /// The same host, with plugins compiled by another program, which calls [`compile_if_asked`](crate::compile_if_asked)
    /// first. Without this it is the running program where that calls it, and otherwise the running process, uncapped.
    pub fn compiling_with(self, program: &Path) -> Host {
        Host { compiler: Compiler::Child(program.to_owned()), ..self }
    }

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

    /// The same host, with classifiers that the filters which it loads may ask by name, while they are configured and
    /// for each document. Without this there are none.
    pub fn with_classifiers(self, classifiers: Classifiers) -> Host {
        Host { classifiers, ..self }
    }

    fn start(cache: Cache) -> Result<Host, LoadError> {
        let engines = Engines::start(EngineOptions::default())?;
        Ok(Host {
            engines,
            cache: Arc::new(cache),
            compiler: Compiler::new(),
            transcript: None,
            profiler: None,
            classifiers: Classifiers::default(),
        })
    }
}
