//! `--profile FILE`: where a plugin spends its time, for profiler.firefox.com.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use octo_data::atomic::AtomicFile;
use octo_plugin::{Host, Profiler};

use crate::terminal::Terminal;
use octo_run::figures::human_count;

/// A profile that is being taken, and its file. The file appears once the profile is whole.
pub struct GuestProfile {
    profiler: Profiler,
    file: AtomicFile,
}

impl GuestProfile {
    /// Starts the file, so that a place that can't be written is an error before the work and not after it, and makes rayon's
    /// pool one thread, since the stacks of several would be laid on top of each other.
    pub fn start(path: &Path) -> Result<GuestProfile> {
        rayon::ThreadPoolBuilder::new().num_threads(1).build_global().context("could not start the thread")?;
        Ok(GuestProfile { profiler: Profiler::new(), file: AtomicFile::create(path)? })
    }

    /// `host`, which now samples the plugin that it loads next.
    pub fn watch(&self, host: Host) -> Result<Host> {
        Ok(host.with_profiler(&self.profiler)?)
    }

    /// Writes the file, and says how much is in it.
    pub fn finish(mut self, terminal: &Terminal) -> Result<()> {
        let path = self.file.path().to_owned();
        let samples = self.profiler.write(&mut self.file).map_err(|error| anyhow!("{}: {error}", path.display()))?;
        self.file.commit()?;
        let note = match samples {
            0 => "the plugin was done before the first; give it more to do",
            _ => "about one a millisecond of the plugin's own work; open it at https://profiler.firefox.com",
        };
        terminal.say(format_args!("{} samples in {}: {note}", human_count(samples), path.display()));
        Ok(())
    }
}
