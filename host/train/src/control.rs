//! How a caller watches a stage and stops it.
//!
//! There is one way to stop: the caller sets [`Control::stop`], work looks at it between two things that it would not
//! do by halves and gives back [`Stoppable::Stopped`], and the stage ends with [`Finished::Stopped`]. There is one way
//! to report: a line and a fraction, with the time left from a [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Takes a stage's progress: a line for people and the fraction done, 0 to 1.
pub type Report = dyn Fn(&str, f64) + Send + Sync;

/// A caller's hold on a running stage.
#[derive(Clone)]
pub struct Control {
    /// Set to true to ask the stage to checkpoint and return [`Finished::Stopped`] after the step in hand.
    pub stop: Arc<AtomicBool>,
    /// Called about once per step.
    pub report: Arc<Report>,
}

impl Control {
    /// A control that nobody watches or stops.
    pub fn silent() -> Control {
        Control { stop: Arc::new(AtomicBool::new(false)), report: Arc::new(|_, _| {}) }
    }

    /// Whether the caller has asked the stage to stop.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// How a stage ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// Everything is written; calling again returns at once.
    Done,
    /// Asked to stop; a checkpoint is written where the stage keeps them, and calling again resumes from it.
    Stopped,
}

/// What a part of a stage gives back that can be asked to stop.
#[derive(Debug)]
#[must_use = "a part that was stopped has no result, and its stage must end"]
pub enum Stoppable<T> {
    /// Its result.
    Done(T),
    /// It was asked to stop before it had one.
    Stopped,
}

/// Estimates the time left from the steps of this call alone, since a resumed stage did not do the earlier ones.
pub(crate) struct Clock {
    started: Instant,
    first: u64,
    total: u64,
}

impl Clock {
    /// Starts at step `first` of `total`.
    pub(crate) fn start(first: u64, total: u64) -> Clock {
        Clock { started: Instant::now(), first, total }
    }

    /// "eta 3m10s" after `done` steps, counted from the stage's start.
    pub(crate) fn eta(&self, done: u64) -> String {
        let here = done.saturating_sub(self.first);
        if here == 0 {
            return "eta ?".to_owned();
        }
        let left = self.total.saturating_sub(done) as f64;
        format!("eta {}", duration(self.started.elapsed().mul_f64(left / here as f64)))
    }
}

/// A duration in the two largest of its units: `59s`, `3m10s`, `2h01m`.
fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelled_for_people() {
        assert_eq!(duration(Duration::from_secs(59)), "59s");
        assert_eq!(duration(Duration::from_secs(190)), "3m10s");
        assert_eq!(duration(Duration::from_secs(7260)), "2h01m");
    }
}
