//! What a person sees of a run: the plan as a table, and one line a stage at work.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::plan::Plan;
use super::store::{State, Store};
use crate::recipe::Recipe;

/// `--dry-run`: every stage in the order it would run, with what it waits for.
pub fn plan(recipe: &Recipe, plan: &Plan, store: &Store) -> String {
    let width = recipe.stages.iter().map(|stage| stage.name.len()).max().unwrap_or(5).max(5);
    let mut text = format!("{:<width$}  {:<9}  {:<9}  {:<24}  inputs\n", "stage", "kind", "state", "key");
    for planned in &plan.stages {
        let stage = &recipe.stages[planned.index];
        let state = match store.state(stage.kind, &planned.key) {
            State::Done => "done",
            State::Begun => "begun",
            State::ToDo => "to do",
        };
        let after: Vec<&str> =
            planned.after.iter().map(|before| recipe.stages[plan.stages[*before].index].name.as_str()).collect();
        let inputs = if after.is_empty() { "-".to_owned() } else { after.join(", ") };
        text += &format!("{:<width$}  {:<9}  {state:<9}  {:<24}  {inputs}\n", stage.name, stage.kind, planned.key);
    }
    text += "\n";
    for (role, plugin) in &plan.plugins {
        text += &format!("plugin {role} = {} {} ({})\n", plugin.name, plugin.version, plugin.digest);
    }
    for (file, digest) in &plan.files {
        text += &format!("input {file} ({digest})\n");
    }
    let missing = plan.missing();
    if !missing.is_empty() {
        let count = missing.len();
        text += &format!("\n{count} inputs are missing, so nothing can run yet, and keys above are provisional:\n");
        for (path, wanted) in missing {
            text += &format!("missing {} ({})\n", path.display(), wanted.join(", "));
        }
    }
    text
}

/// Seconds for people: `50 s`, `3 min`, `7.5 h`, `12.3 days`.
#[cfg(feature = "train")]
pub fn spell(seconds: f64) -> String {
    match seconds {
        few if few < 120.0 => format!("{few:.0} s"),
        some if some < 7200.0 => format!("{:.0} min", some / 60.0),
        many if many < 172_800.0 => format!("{:.1} h", many / 3600.0),
        long => format!("{:.1} days", long / 86_400.0),
    }
}

/// The lines of all stages at work. On a terminal they are redrawn in place; elsewhere only begin and end are told.
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

impl Board {
    pub fn new() -> Board {
        Board { bars: MultiProgress::new() }
    }

    /// A board that shows nothing.
    #[cfg(feature = "train")]
    pub fn silent() -> Board {
        Board { bars: MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden()) }
    }

    pub fn begin(&self, name: &str, continued: bool) -> Line {
        let bar = self.bars.add(ProgressBar::new(1000));
        if let Ok(style) = ProgressStyle::with_template("{prefix:<14} {bar:24} {percent:>3}%  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        let line = Line { name: name.to_owned(), bar, bars: self.bars.clone(), started: Instant::now() };
        if continued {
            line.tell("goes on from where it stopped");
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

    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub fn done(&self) {
        self.tell(&format!("done in {:.1} s", self.seconds()));
        self.bar.finish_and_clear();
    }

    pub fn stopped(&self) {
        self.tell("stopped at a checkpoint");
        self.bar.finish_and_clear();
    }

    pub fn failed(&self) {
        self.tell("failed");
        self.bar.finish_and_clear();
    }

    fn tell(&self, what: &str) {
        let text = format!("{}: {what}", self.name);
        if self.bars.is_hidden() {
            eprintln!("{text}");
        } else {
            let _ = self.bars.println(text);
        }
    }
}
