//! What a guest says: kept within bounds while it runs, and handed to the host's log once its call is over.
//!
//! A line is never written while a guest runs: a terminal or pipe that nobody reads would stop it in a host call, which
//! neither fuel nor the deadline ends. And since what is kept outlives a trap, so do a guest's last lines.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Limits;
use crate::contract::records::log::Level;
use crate::text::{LONGEST_LINE, for_people, short};
use crate::watch::Page;

/// What all instances together may log in one call of the host, in what one of them may: many batches would otherwise
/// fill a disk, each within its own limit.
const INSTANCES: u64 = 16;

/// Warnings and errors of one kind that are handed over; further ones are counted, and told when the plugin is done. A
/// plugin that panics would otherwise say the same for each of a million items.
const OF_A_KIND: u64 = 3;

/// Kinds that are told apart; what comes after these is one more.
const KINDS: usize = 64;

/// One instance's log, bounded in bytes and lines. Lines go to `tracing` under the target `octo_plugin::guest`.
pub(crate) struct GuestLog {
    plugin: String,
    bytes_left: u64,
    lines_left: u64,
    kept: Vec<(Level, String)>,
    /// Lines that came after the log's end.
    dropped: u64,
    said_so: bool,
    last_error: Option<String>,
    share: Arc<SharedLog>,
    page: Option<Page>,
}

impl GuestLog {
    pub(crate) fn new(plugin: &str, limits: &Limits, share: Arc<SharedLog>, page: Option<Page>) -> GuestLog {
        GuestLog {
            plugin: plugin.to_owned(),
            bytes_left: limits.log_bytes,
            lines_left: limits.log_lines,
            kept: Vec::new(),
            dropped: 0,
            said_so: false,
            last_error: None,
            share,
            page,
        }
    }

    /// Begins the log of another call, for an instance that lives on.
    pub(crate) fn begin(&mut self, limits: &Limits) {
        self.bytes_left = limits.log_bytes;
        self.lines_left = limits.log_lines;
        self.dropped = 0;
        self.said_so = false;
        // What was wrong in an earlier call says nothing about this one.
        self.last_error = None;
    }

    /// What the guest last said was wrong. The SDK logs a panic's message before the trap.
    pub(crate) fn last_words(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// A line that the guest printed.
    pub(crate) fn print(&mut self, line: &str) {
        self.write(Level::Info, line);
    }

    /// What the guest printed as errors. Its last words are the line that names an exception, as a Python traceback ends
    /// with; a runtime may have more to say after it.
    pub(crate) fn complain(&mut self, text: &str) {
        let names_an_exception = |line: &&str| {
            let name = line.split([':', ' ']).next().unwrap_or_default();
            name.ends_with("Error") || name.ends_with("Exception")
        };
        let words = text.lines().rev().find(names_an_exception);
        if let Some(words) = words.or_else(|| text.lines().rev().find(|line| !line.trim().is_empty())) {
            self.last_error = Some(short(words));
        }
        text.lines().for_each(|line| self.write(Level::Warn, line));
    }

    /// Takes a line, or drops it where the log is full.
    pub(crate) fn write(&mut self, level: Level, message: &str) {
        if matches!(level, Level::Error) {
            self.last_error = Some(short(message));
        }
        let bytes = message.len() as u64;
        if self.dropped > 0 || self.lines_left == 0 || bytes > self.bytes_left {
            // What follows is dropped even if it would fit, so that the log has one clear end.
            if self.dropped == 0 {
                self.page.iter().for_each(Page::log_cut);
            }
            self.dropped += 1;
            return;
        }
        self.bytes_left -= bytes;
        self.lines_left -= 1;
        let line = for_people(message, LONGEST_LINE.max(2048));
        self.page.iter().for_each(|page| page.line(level, &line));
        self.kept.push((level, line));
    }

    /// Hands over what was kept. Called when no guest code runs.
    pub(crate) fn hand_over(&mut self) {
        for (level, line) in self.kept.drain(..) {
            if self.share.is_new(level, &line) && self.share.take() {
                pass_on(level, &self.plugin, &line);
            }
        }
        if self.dropped > 0 && !self.said_so {
            self.said_so = true;
            if self.share.take() {
                pass_on(Level::Warn, &self.plugin, "log limit reached (`log_bytes`, `log_lines`); the rest is dropped");
            }
        }
    }
}

/// Writes a line to the host's log.
fn pass_on(level: Level, plugin: &str, line: &str) {
    match level {
        Level::Debug => tracing::debug!(target: "octo_plugin::guest", %plugin, "{line}"),
        Level::Info => tracing::info!(target: "octo_plugin::guest", %plugin, "{line}"),
        Level::Warn => tracing::warn!(target: "octo_plugin::guest", %plugin, "{line}"),
        Level::Error => tracing::error!(target: "octo_plugin::guest", %plugin, "{line}"),
    }
}

/// The lines that all instances of one plugin may still hand over in a call of the host.
pub(crate) struct SharedLog {
    plugin: String,
    most: u64,
    left: AtomicU64,
    dropped: AtomicU64,
    repeats: Mutex<Repeats>,
}

/// Warnings and errors by kind: the first of each, and how many there were.
#[derive(Default)]
struct Repeats(BTreeMap<(bool, String), Repeated>);

struct Repeated {
    line: String,
    times: u64,
}

impl Repeats {
    /// Counts a line, and says whether it is handed over.
    fn count(&mut self, is_error: bool, line: &str) -> bool {
        let mut kind = (is_error, kind_of(line));
        if self.0.len() >= KINDS && !self.0.contains_key(&kind) {
            kind = (is_error, String::new());
        }
        let repeated = self.0.entry(kind).or_insert_with(|| Repeated { line: line.to_owned(), times: 0 });
        repeated.times += 1;
        repeated.times <= OF_A_KIND
    }

    /// What was counted and not handed over, as lines, each with whether it is of errors.
    fn told(&self) -> Vec<(bool, String)> {
        let left_out = self.0.iter().filter(|(_, repeated)| repeated.times > OF_A_KIND);
        left_out
            .map(|((is_error, kind), Repeated { line, times })| {
                let more = times - OF_A_KIND;
                let lines = if more == 1 { "line" } else { "lines" };
                let like = match kind.as_str() {
                    "" => "of other kinds".to_owned(),
                    _ => format!("like {:?}", for_people(line, 100)),
                };
                (*is_error, format!("{more} more {lines} {like}; -v shows all"))
            })
            .collect()
    }
}

/// What lines of one kind have in common: their beginning, whatever its numbers are.
fn kind_of(line: &str) -> String {
    const LONGEST: usize = 120;
    let mut kind = String::new();
    for character in line.chars().take(LONGEST) {
        match character.is_ascii_digit() {
            true if kind.ends_with('#') => {}
            true => kind.push('#'),
            false => kind.push(character),
        }
    }
    kind
}

impl SharedLog {
    pub(crate) fn new(plugin: &str, limits: &Limits) -> Arc<SharedLog> {
        // Not fewer than a few, or the line that says that a log has ended would be lost itself.
        let most = limits.log_lines.saturating_mul(INSTANCES).max(INSTANCES);
        let (left, dropped) = (AtomicU64::new(most), AtomicU64::new(0));
        Arc::new(SharedLog { plugin: plugin.to_owned(), most, left, dropped, repeats: Mutex::default() })
    }

    /// Begins the log of one call of the host, which ends when the value is dropped. Which instances' lines come first
    /// depends on the threads; no result rests on it.
    pub(crate) fn for_a_call(&self) -> CallLog<'_> {
        self.left.store(self.most, Ordering::Relaxed);
        CallLog(self)
    }

    /// Whether a line is handed over: all are but warnings and errors that say once more what was said before, and these
    /// too where whoever reads the log asked for all that plugins say.
    fn is_new(&self, level: Level, line: &str) -> bool {
        let is_error = match level {
            Level::Debug | Level::Info => return true,
            Level::Warn => false,
            Level::Error => true,
        };
        tracing::enabled!(target: "octo_plugin::guest", tracing::Level::INFO)
            || self.repeats.lock().unwrap_or_else(PoisonError::into_inner).count(is_error, line)
    }

    fn take(&self) -> bool {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}

/// Says at the plugin's end what its log left out.
impl Drop for SharedLog {
    fn drop(&mut self) {
        let repeats = self.repeats.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (is_error, line) in repeats.told() {
            pass_on(if is_error { Level::Error } else { Level::Warn }, &self.plugin, &line);
        }
    }
}

/// Says at the end of a call what its instances together had too much to say.
pub(crate) struct CallLog<'s>(&'s SharedLog);

impl Drop for CallLog<'_> {
    fn drop(&mut self) {
        let dropped = self.0.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let line = format!("{dropped} more lines of this call are dropped, after {}", self.0.most);
            pass_on(Level::Warn, &self.0.plugin, &line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(limits: &Limits) -> GuestLog {
        GuestLog::new("plugin", limits, SharedLog::new("plugin", limits), None)
    }

    #[test]
    fn the_log_ends_at_its_bytes_and_keeps_the_last_error() {
        let mut log = log(&Limits { log_bytes: 10, ..Limits::default() });
        log.write(Level::Info, "12345678");
        log.write(Level::Error, "over\nthe limit");
        log.write(Level::Info, "1");
        assert_eq!((log.kept.len(), log.dropped), (1, 2), "what follows the end is dropped even where it would fit");
        assert_eq!(log.last_words(), Some("over the limit"));
    }

    #[test]
    fn the_last_words_of_a_traceback_are_its_exception() {
        let mut log = log(&Limits::default());
        log.complain("Traceback:\n  File \"a.py\", line 1\nValueError: oops\n\nthread panicked\n");
        assert_eq!(log.last_words(), Some("ValueError: oops"));
        log.complain("something else\n\n");
        assert_eq!(log.last_words(), Some("something else"));
    }

    #[test]
    fn empty_lines_are_bounded_too() {
        let mut log = log(&Limits { log_lines: 3, ..Limits::default() });
        for _ in 0..1000 {
            log.write(Level::Info, "");
        }
        assert_eq!((log.kept.len(), log.dropped), (3, 997));
        log.hand_over();
        log.write(Level::Info, "");
        assert!(log.kept.is_empty(), "handing over does not begin a new log");
    }

    #[test]
    fn a_stateful_plugin_that_logs_at_every_step_has_its_lines_at_every_step() {
        let limits = Limits { log_lines: 2, ..Limits::default() };
        let mut log = log(&limits);
        for _ in 0..3 {
            log.begin(&limits);
            (0..5).for_each(|_| log.write(Level::Info, "a step"));
            assert_eq!((log.kept.len(), log.dropped), (2, 3));
            log.hand_over();
        }
    }

    #[test]
    fn the_same_words_with_other_numbers_are_said_three_times_and_then_counted() {
        let mut repeats = Repeats::default();
        let said = |repeats: &mut Repeats, line: &str| repeats.count(true, line);
        let shown: Vec<bool> =
            (0..10).map(|item| said(&mut repeats, &format!("panicked at a.rs:1{item}: index {item}"))).collect();
        assert_eq!(shown, [true, true, true, false, false, false, false, false, false, false]);
        assert!(said(&mut repeats, "panicked at b.rs:1: index 7"), "another place is another kind");
        assert!(repeats.count(false, "panicked at a.rs:1: index 7"), "a warning is no error");
        assert_eq!(
            repeats.told(),
            [(true, "7 more lines like \"panicked at a.rs:10: index 0\"; -v shows all".to_owned())]
        );
    }

    #[test]
    fn lines_that_are_all_of_their_own_kind_are_bounded_too() {
        let mut repeats = Repeats::default();
        let name = |number: u64| {
            format!("{}{}", char::from(b'a' + (number / 26 % 26) as u8), char::from(b'a' + (number % 26) as u8))
        };
        let shown = (0..500).filter(|number| repeats.count(true, &name(*number))).count();
        assert_eq!(shown, KINDS + OF_A_KIND as usize);
        assert_eq!(repeats.told(), [(true, format!("{} more lines of other kinds; -v shows all", 500 - KINDS - 3))]);
    }

    #[test]
    fn all_instances_of_a_call_share_what_it_may_log_and_the_next_begins_anew() {
        let limits = Limits { log_lines: 2, ..Limits::default() };
        let shared = SharedLog::new("plugin", &limits);
        for _ in 0..2 {
            let call = shared.for_a_call();
            for _ in 0..100 {
                let mut log = GuestLog::new("plugin", &limits, Arc::clone(&shared), None);
                log.write(Level::Info, "one");
                log.hand_over();
            }
            assert_eq!(shared.dropped.load(Ordering::Relaxed), 100 - 2 * INSTANCES);
            drop(call);
            assert_eq!(shared.dropped.load(Ordering::Relaxed), 0);
        }
    }
}
