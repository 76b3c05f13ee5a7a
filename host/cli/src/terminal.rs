//! What `octo-host` says on stderr: lines, progress while stderr is a terminal, and what Ctrl-C does.
//!
//! Results go to stdout and never through here.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;

/// Standard error. Progress is drawn while it is a terminal; otherwise only whole lines are written.
#[derive(Clone)]
pub struct Terminal {
    bars: Option<MultiProgress>,
}

impl Terminal {
    /// The process's standard error.
    pub fn stderr() -> Terminal {
        Terminal { bars: std::io::stderr().is_terminal().then(MultiProgress::new) }
    }

    /// Writes one line, above the progress if there is any. A closed stderr is not an error.
    pub fn say(&self, line: impl Display) {
        let line = line.to_string();
        if let Some(bars) = &self.bars
            && bars.println(&line).is_ok()
        {
            return;
        }
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// Progress without a known end: `Verifying 12,000 attempts  3,140/s`.
    pub fn counter(&self, verb: &str, noun: &str) -> Progress {
        let style = ProgressStyle::with_template(&format!("{{spinner}} {verb} {{human_pos}} {noun}  {{per_sec:.dim}}"));
        self.progress(ProgressBar::new_spinner(), style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
    }

    /// Progress of which the share done is known: `Tokenising ####....  45%  1,204,112 tokens/s  eta 12s`.
    pub fn gauge(&self, verb: &str) -> Progress {
        let style =
            ProgressStyle::with_template(&format!("{verb} {{bar:24}} {{percent:>3}}%  {{msg:.dim}}  eta {{eta}}"));
        self.progress(ProgressBar::new(GAUGE), style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }

    fn progress(&self, bar: ProgressBar, style: ProgressStyle) -> Progress {
        let Some(bars) = &self.bars else {
            return Progress { bar: ProgressBar::hidden() };
        };
        let bar = bars.add(bar.with_style(style));
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress { bar }
    }
}

/// Positions of a gauge.
const GAUGE: u64 = 10_000;

/// One line of progress. Gone from the screen when dropped; nothing at all where stderr is not a terminal.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Sets a gauge to `share` (0 to 1) and the message after it.
    pub fn set(&self, share: f64, message: String) {
        self.bar.set_position((share.clamp(0.0, 1.0) * GAUGE as f64) as u64);
        self.bar.set_message(message);
    }

    /// Moves a counter on.
    pub fn add(&self, items: u64) {
        self.bar.inc(items);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The signal of a file over its size limit, SIGXFSZ, by its number on Linux and the BSDs.
const FILE_SIZE_LIMIT: i32 = 25;

/// The signal that has stopped the process's work; 0 before one has.
static STOPPED_BY: AtomicU8 = AtomicU8::new(0);

/// The exit code of work that was stopped: 130 after Ctrl-C, 143 after SIGTERM, as shells give it.
pub fn stopped() -> ExitCode {
    match STOPPED_BY.load(Ordering::SeqCst) {
        0 => ExitCode::FAILURE,
        signal => ExitCode::from(128 + signal),
    }
}

/// Turns Ctrl-C and SIGTERM into a flag that is raised once; work stops at its next good place. Ctrl-C once more ends
/// the process at once: everything is written to temporary names, so even that loses only unfinished work.
pub fn stop_on_signals() -> Result<Arc<AtomicBool>> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the thread that waits for Ctrl-C")?;
    let (mut interrupt, mut terminate, _file_size) = {
        let _entered = runtime.enter();
        // A file over its size limit is then an error of the write, which says which file, and not the process's end.
        let file_size = signal(SignalKind::from_raw(FILE_SIZE_LIMIT))?;
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, file_size)
    };
    let stop = Arc::new(AtomicBool::new(false));
    let raised = stop.clone();
    let wait = move || {
        runtime.block_on(async move {
            let number = tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
            };
            STOPPED_BY.store(number.as_raw_value() as u8, Ordering::SeqCst);
            raised.store(true, Ordering::SeqCst);
            Terminal::stderr().say("stopping at the next good place; Ctrl-C again stops at once");
            interrupt.recv().await;
            std::process::exit(128 + SignalKind::interrupt().as_raw_value());
        });
    };
    let waits = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
    waits.context("could not start the thread that waits for Ctrl-C")?;
    Ok(stop)
}

/// Sends the host's and the plugins' log to stderr: warnings and errors, or what OCTO_LOG asks for (`info`, `debug`,
/// `octo_plugin=debug`). `default` is for whoever did not ask.
pub fn start_log(default: &str) {
    let filter = EnvFilter::try_from_env("OCTO_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .init();
}

/// The process's exit code. An error is printed with its causes; a reader that has gone away (`| head`) is not an error.
pub fn exit_code(outcome: Result<ExitCode>) -> ExitCode {
    let error = match outcome {
        Ok(code) => return code,
        Err(error) => error,
    };
    if error.downcast_ref::<ReaderGone>().is_some() {
        return ExitCode::SUCCESS;
    }
    let terminal = Terminal::stderr();
    terminal.say(format_args!("error: {error}"));
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Many error types repeat their cause in their own words.
        if !said.contains(&cause) {
            terminal.say(format_args!("  because: {cause}"));
        }
        said = cause;
    }
    ExitCode::FAILURE
}

/// Whoever read our stdout has closed it.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct ReaderGone;

/// Writes a result to standard output.
///
/// # Errors
/// [`ReaderGone`], or why it cannot be written.
pub fn print(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).map_err(stdout_error)
}

/// Gives a failed write to stdout its meaning.
pub fn stdout_error(error: std::io::Error) -> anyhow::Error {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        ReaderGone.into()
    } else {
        anyhow::Error::new(error).context("could not write to standard output")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_stdout_is_told_from_other_failures() {
        let gone = stdout_error(std::io::ErrorKind::BrokenPipe.into());
        assert!(gone.downcast_ref::<ReaderGone>().is_some());
        assert!(stdout_error(std::io::ErrorKind::StorageFull.into()).downcast_ref::<ReaderGone>().is_none());
    }
}
