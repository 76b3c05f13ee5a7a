//! How a caller watches a stage and stops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Hears of progress: a line for people and the fraction done, 0 to 1.
pub type Report = dyn Fn(&str, f64) + Send + Sync;

/// A caller's hold on a running stage.
#[derive(Clone)]
pub struct Control {
    /// Set to true to ask the stage to checkpoint and return [`Finished::Stopped`] after the step in hand.
    pub stop: Arc<AtomicBool>,
    /// Called about once a step.
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
    /// Asked to stop; a checkpoint is written where the stage keeps them, and calling again continues.
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
        format!("eta {}", spell(self.started.elapsed().mul_f64(left / here as f64)))
    }
}

fn spell(duration: Duration) -> String {
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
        assert_eq!(spell(Duration::from_secs(59)), "59s");
        assert_eq!(spell(Duration::from_secs(190)), "3m10s");
        assert_eq!(spell(Duration::from_secs(7260)), "2h01m");
    }
}
