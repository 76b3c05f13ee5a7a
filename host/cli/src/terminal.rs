//! What `octo-host` says: lines and progress on stderr, tables and texts on stdout, and what Ctrl-C does.
//!
//! This is where text leaves for a person's terminal. Names of columns, metrics and files, and what plugins and models
//! say, are other people's: all that is written here loses what could drive a terminal or hide
//! (`octo_plugin::for_terminal`). Records of JSON go to stdout by themselves, as data.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use octo_plugin::for_terminal;
use tracing_subscriber::EnvFilter;

use crate::arguments::Loudness;

/// Whether nothing but errors is said (`-q`).
static QUIET: AtomicBool = AtomicBool::new(false);

/// Standard error. Progress is drawn while it is a terminal; otherwise only whole lines are written.
#[derive(Clone)]
pub struct Terminal {
    bars: Option<MultiProgress>,
}

impl Terminal {
    /// The process's standard error.
    pub fn stderr() -> Terminal {
        let drawn = std::io::stderr().is_terminal() && !QUIET.load(Ordering::Relaxed);
        Terminal { bars: drawn.then(MultiProgress::new) }
    }

    /// Writes one line, above the progress if there is any; nothing with `-q`. A closed stderr is not an error.
    pub fn say(&self, line: impl Display) {
        if !QUIET.load(Ordering::Relaxed) {
            self.complain(line);
        }
    }

    /// Writes one line of an error, which `-q` shows too.
    pub fn complain(&self, line: impl Display) {
        let line = line.to_string();
        let line = for_terminal(&line);
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
        octo_run::progress::tick(&bar, Duration::from_millis(120));
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
        self.bar.set_message(for_terminal(&message).into_owned());
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

/// Turns Ctrl-C and SIGTERM into a flag that is raised once; work stops at its next good place. Either of them once more
/// ends the process at once: everything is written to temporary names, so even that loses only unfinished work.
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
            let mut next = async || {
                tokio::select! {
                    _ = interrupt.recv() => SignalKind::interrupt(),
                    _ = terminate.recv() => SignalKind::terminate(),
                }
                .as_raw_value()
            };
            STOPPED_BY.store(next().await as u8, Ordering::SeqCst);
            raised.store(true, Ordering::SeqCst);
            Terminal::stderr().say("stopping at the next good place; Ctrl-C again stops at once");
            std::process::exit(128 + next().await);
        });
    };
    let waits = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
    waits.context("could not start the thread that waits for Ctrl-C")?;
    Ok(stop)
}

/// Sends the host's and the plugins' log to stderr, and says how much of all else goes there: with `-q` errors, with
/// `-v` what plugins log and what the host does, with `-vv` details too; with neither, warnings and errors, or what
/// OCTO_LOG asks for (`info`, `debug`, `octo_plugin=debug`). A command that `shows_log` of plugins itself has none of it
/// here, unless OCTO_LOG asks for it.
pub fn start(loudness: Loudness, shows_log: bool) {
    if loudness.quiet {
        QUIET.store(true, Ordering::Relaxed);
        octo_run::progress::be_quiet();
    }
    let asked = match (loudness.quiet, loudness.verbose) {
        (true, _) => Some("error"),
        (false, 0) => None,
        (false, 1) => Some("warn,octo=info"),
        (false, _) => Some("warn,octo=debug"),
    };
    let variable = || EnvFilter::try_from_env("OCTO_LOG").ok();
    let filter = asked.is_none().then(variable).flatten().unwrap_or_else(|| {
        let level = asked.unwrap_or("warn");
        EnvFilter::new(if shows_log { format!("{level},octo_plugin::guest=off") } else { level.to_owned() })
    });
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
    terminal.complain(format_args!("error: {error}"));
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Many error types repeat their cause in their own words.
        if !said.contains(&cause) {
            terminal.complain(format_args!("  because: {cause}"));
        }
        said = cause;
    }
    ExitCode::FAILURE
}

/// Prints what clap has to say: the help, the version, or what is wrong with the arguments. The exit code goes with it.
pub fn usage(error: &clap::Error) -> ExitCode {
    let plain = error.render().to_string();
    match for_terminal(&plain) {
        // With clap's colours, where there is somebody to see them. A reader that has gone away is not an error.
        Cow::Borrowed(_) => drop(error.print()),
        // An argument that would drive the terminal: a file's name that a pattern of the shell has found.
        Cow::Owned(clean) => drop(std::io::stderr().write_all(clean.as_bytes())),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Whoever read our stdout has closed it.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct ReaderGone;

/// Writes a result for people to standard output: a table, a summary, a page.
///
/// # Errors
/// [`ReaderGone`], or why it cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    out.write_all(for_terminal(text).as_bytes()).and_then(|()| out.flush()).map_err(stdout_error)
}

/// Writes a result that programs read too to standard output: as it is, but for a terminal.
///
/// # Errors
/// [`ReaderGone`], or why it cannot be written.
pub fn print_data(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    out.write_all(for_stdout(text).as_bytes()).and_then(|()| out.flush()).map_err(stdout_error)
}

/// `text` as it goes to standard output: without what drives a terminal where that is one, else as it is.
pub fn for_stdout(text: &str) -> Cow<'_, str> {
    if std::io::stdout().is_terminal() { for_terminal(text) } else { Cow::Borrowed(text) }
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
