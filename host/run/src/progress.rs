//! What a person sees of a run: one line for each stage at work.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use octo_curate::units::Shard;
use octo_plugin::for_terminal;

use crate::figures::human_duration;

/// Whether nothing but failures is shown.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on no progress is shown and no line written, but for stages that fail.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Has `bar` drawn anew every `interval`, by a thread of its own. Where the system refuses threads it is drawn whenever it
/// changes, and no more.
pub fn tick(bar: &ProgressBar, interval: Duration) {
    // The bar's own thread panics where it is refused, so whether one may be had is tried before.
    if std::thread::Builder::new().spawn(|| ()).is_ok_and(|thread| thread.join().is_ok()) {
        bar.enable_steady_tick(interval);
    }
}

/// The lines of all stages at work. On a terminal they are redrawn in place; elsewhere only what is resumed and how stages end is written.
pub struct Board {
    bars: MultiProgress,
    silent: bool,
}

/// The line of one stage.
#[derive(Clone)]
pub struct Line {
    name: String,
    bar: ProgressBar,
    bars: MultiProgress,
    started: Instant,
    /// When a line of progress is next due where none is drawn; none where there shall be none at all.
    log: Option<Arc<Mutex<LogPace>>>,
}

/// Lines of progress in a log: seldom enough to be read, often enough to see that a stage lives.
struct LogPace {
    due: Instant,
    /// When and at which share progress was first reported in this call.
    first: Option<(Instant, f64)>,
}

/// Time to a stage's first line of progress in a log, and between two.
const FIRST_LOG_LINE: Duration = Duration::from_secs(10);
const BETWEEN_LOG_LINES: Duration = Duration::from_secs(60);

impl Default for Board {
    fn default() -> Board {
        Board::new()
    }
}

impl Board {
    /// A board on standard error.
    pub fn new() -> Board {
        if is_quiet() {
            return Board::silent();
        }
        Board { bars: MultiProgress::new(), silent: false }
    }

    /// A board that draws nothing.
    pub fn silent() -> Board {
        Board { bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()), silent: true }
    }

    /// A line for the stage `name`, new or resumed.
    pub fn begin(&self, name: &str, resumed: bool) -> Line {
        let bar = self.bars.add(ProgressBar::new(1000));
        if let Ok(style) = ProgressStyle::with_template("{prefix:<14} {bar:24} {percent:>3}%  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(for_terminal(name).into_owned());
        tick(&bar, Duration::from_millis(500));
        let started = Instant::now();
        let pace = LogPace { due: started + FIRST_LOG_LINE, first: None };
        let log = (self.bars.is_hidden() && !self.silent).then(|| Arc::new(Mutex::new(pace)));
        let line = Line { name: name.to_owned(), bar, bars: self.bars.clone(), started, log };
        if resumed {
            line.write("resumes where it stopped");
        }
        line
    }
}

impl Line {
    /// One progress line, and which share is done (0 to 1).
    pub fn report(&self, message: &str, share: f64) {
        self.bar.set_position((share.clamp(0.0, 1.0) * 1000.0) as u64);
        self.bar.set_message(for_terminal(message).into_owned());
        if let Some(log) = &self.log {
            let line = log.lock().unwrap_or_else(PoisonError::into_inner).line(Instant::now(), message, share);
            line.iter().for_each(|line| self.write(line));
        }
    }

    /// Seconds since it began.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// The stage is done.
    pub fn done(&self) {
        self.write(&format!("done in {:.1} s", self.seconds()));
        self.bar.finish_and_clear();
    }

    /// A shard of the stage's work is done, and other shards are left.
    pub fn shard_done(&self, shard: Shard, left: usize) {
        let others = if left == 1 { "1 shard is left".to_owned() } else { format!("{left} shards are left") };
        self.write(&format!("shard {shard} is done in {:.1} s; {others}", self.seconds()));
        self.bar.finish_and_clear();
    }

    /// The stage was stopped, and resumes from what it keeps or begins again.
    pub fn stopped(&self, resumes: bool) {
        self.write(if resumes { "stopped at a checkpoint" } else { "stopped; it begins again with the next call" });
        self.bar.finish_and_clear();
    }

    /// The stage failed; the run's error says how.
    pub fn failed(&self) {
        self.put("failed");
        self.bar.finish_and_clear();
    }

    /// Writes a message on the stage on a line of its own.
    pub(crate) fn write(&self, what: &str) {
        if !is_quiet() {
            self.put(what);
        }
    }

    fn put(&self, what: &str) {
        let text = format!("{}: {what}", self.name);
        let text = for_terminal(&text);
        if self.bars.is_hidden() {
            // Whoever reads it may have gone away, which is not the run's affair.
            let _ = writeln!(std::io::stderr(), "{text}");
        } else {
            let _ = self.bars.println(text);
        }
    }
}

impl LogPace {
    /// `45%  step 120/260  loss 3.21  eta 2m 05s`, where a line is due.
    fn line(&mut self, now: Instant, message: &str, share: f64) -> Option<String> {
        let (since, from) = *self.first.get_or_insert((now, share));
        if now < self.due {
            return None;
        }
        self.due = now + BETWEEN_LOG_LINES;
        let percent = 100.0 * share.clamp(0.0, 1.0);
        // What an earlier call has done says nothing of the speed of this one.
        let eta = match now.duration_since(since).mul_f64(((1.0 - share) / (share - from)).clamp(0.0, 1e6)) {
            // Loops that know the time that is left say it themselves.
            _ if share <= from || message.contains("eta ") => String::new(),
            left => format!("  eta {}", human_duration(left)),
        };
        Some(format!("{percent:.0}%  {message}{eta}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_a_line_now_and_then_with_the_time_that_is_left() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut pace = LogPace { due: after(10), first: None };
        assert_eq!(pace.line(after(1), "step 50/100", 0.5), None);
        assert_eq!(pace.line(after(11), "step 60/100", 0.6).as_deref(), Some("60%  step 60/100  eta 40.00s"));
        assert_eq!(pace.line(after(12), "step 61/100", 0.61), None);
        assert_eq!(
            pace.line(after(75), "step 50/100", 0.5).as_deref(),
            Some("50%  step 50/100"),
            "no progress, no guess"
        );
    }
}
