//! What a person sees of a run: one line for each stage at work.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use octo_data::DataError;
use octo_plugin::for_people;

/// The lines of all stages at work. On a terminal they are redrawn in place; elsewhere only what is resumed and how stages end is written.
pub struct Board {
    bars: MultiProgress,
}

/// The line of one stage.
#[derive(Clone)]
pub struct Line {
    name: String,
    bar: ProgressBar,
    bars: MultiProgress,
    started: Instant,
}

impl Default for Board {
    fn default() -> Board {
        Board::new()
    }
}

impl Board {
    /// A board on standard error.
    pub fn new() -> Board {
        Board { bars: MultiProgress::new() }
    }

    /// A board that draws nothing.
    pub fn silent() -> Board {
        Board { bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()) }
    }

    /// A line for the stage `name`, new or resumed.
    pub fn begin(&self, name: &str, resumed: bool) -> Line {
        let bar = self.bars.add(ProgressBar::new(1000));
        if let Ok(style) = ProgressStyle::with_template("{prefix:<14} {bar:24} {percent:>3}%  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        let line = Line { name: name.to_owned(), bar, bars: self.bars.clone(), started: Instant::now() };
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
        self.bar.set_message(message.to_owned());
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

    /// The stage was stopped, and resumes from what it keeps or begins again.
    pub fn stopped(&self, resumes: bool) {
        self.write(if resumes { "stopped at a checkpoint" } else { "stopped; it begins again with the next call" });
        self.bar.finish_and_clear();
    }

    /// The stage failed; the run's error says how.
    pub fn failed(&self) {
        self.write("failed");
        self.bar.finish_and_clear();
    }

    fn write(&self, what: &str) {
        let text = format!("{}: {what}", self.name);
        if self.bars.is_hidden() {
            eprintln!("{text}");
        } else {
            let _ = self.bars.println(text);
        }
    }
}

/// Bytes of a message on a bad row that are shown: it may quote all of the row's columns.
const LONGEST_ERROR: usize = 500;
/// Rows that are named before the others are only counted.
const NAMED: u64 = 20;

/// Warns of rows that are left out, the first of them one by one.
#[derive(Default)]
pub struct SkippedRows {
    rows: Cell<u64>,
}

impl SkippedRows {
    /// Counts a row, and warns of it unless there were too many to read.
    pub fn add(&self, error: &DataError) {
        self.rows.set(self.rows.get() + 1);
        if self.rows.get() <= NAMED {
            tracing::warn!("skipped {}", for_people(&error.to_string(), LONGEST_ERROR));
        }
        if self.rows.get() == NAMED {
            tracing::warn!("further bad rows are counted in manifest.json and not named");
        }
    }
}

/// `12345` as `12,345`.
pub fn human_count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A duration as a person would say it: `85ms`, `3.21s`, `4m 05s`, `2h 07m`, `3d 04h`.
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{:.2}s", duration.as_secs_f64()),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 7, 999, 1000, 12_345, 1_234_567].map(human_count),
            ["0", "7", "999", "1,000", "12,345", "1,234,567"]
        );
    }

    #[test]
    fn durations_change_unit_with_size() {
        let written = [85, 3_210, 245_000, 7_620_000, 273_600_000].map(|ms| human_duration(Duration::from_millis(ms)));
        assert_eq!(written, ["85ms", "3.21s", "4m 05s", "2h 07m", "3d 04h"]);
    }
}
