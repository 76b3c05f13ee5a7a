//! A difference as text, and as JSON.

use std::fmt::Write;

use octo_plugin::for_people;
use octo_run::figures::human_count;
use serde::Serialize;

use super::difference::Difference;
use super::verdict_file::VerdictFile;

/// Problems that the text names of each kind; JSON has all.
const SHOWN: usize = 20;
/// The most bytes of a problem's name that the text shows.
const NAME_SHOWN: usize = 60;

#[derive(Serialize)]
struct Written<'a> {
    a: &'a str,
    b: &'a str,
    key: &'a str,
    #[serde(flatten)]
    difference: &'a Difference,
}

/// As an object on one line.
pub fn json(a: &VerdictFile, b: &VerdictFile, difference: &Difference) -> String {
    let written = Written { a: &a.name, b: &b.name, key: &a.key, difference };
    // Numbers, and texts that are Unicode: nothing in it can fail to be written.
    serde_json::to_string(&written).unwrap_or_default() + "\n"
}

/// As a table, the difference and the names of what flipped.
pub fn text(a: &VerdictFile, b: &VerdictFile, difference: &Difference) -> String {
    let mut text = String::new();
    let several = difference.attempts != [difference.problems; 2];
    for (letter, file, side) in [("A", a, 0), ("B", b, 1)] {
        let attempts = human_count(difference.attempts[side]);
        let of = if several { format!("{attempts} attempts at ") } else { String::new() };
        let (problems, accuracy) = (human_count(difference.problems), 100.0 * difference.accuracy[side]);
        let name = for_people(&file.name, NAME_SHOWN);
        let _ = writeln!(text, "{letter}  {accuracy:5.1}% of {of}{problems} problems  {name}");
    }
    let count = |ids: &[String]| human_count(ids.len() as u64);
    let (gained, lost) = (count(&difference.gained), count(&difference.lost));
    if let (Some(both), Some(neither)) = (difference.both, difference.neither) {
        let (both, neither) = (human_count(both), human_count(neither));
        let _ = writeln!(text, "\n{:<12}{:>12}{:>12}", "", "B correct", "B not");
        let _ = writeln!(text, "{:<12}{both:>12}{lost:>12}", "A correct");
        let _ = writeln!(text, "{:<12}{gained:>12}{neither:>12}\n", "A not");
    } else {
        let _ = writeln!(text, "\nB is better on {gained} problems and worse on {lost}\n");
    }
    let points = 100.0 * difference.difference;
    let _ = write!(text, "B - A  {points:+.1} points");
    if let Some(interval) = difference.interval {
        let _ = write!(text, ", 95% interval {:+.1} to {:+.1}", 100.0 * interval.low, 100.0 * interval.high);
    }
    let _ = writeln!(text, "\nMcNemar's exact test on the {} that differ: p = {}", plural(difference), p(difference.p));
    for (what, ids) in [("gained", &difference.gained), ("lost", &difference.lost)] {
        if !ids.is_empty() {
            let _ = writeln!(text, "{what}: {}", named(ids));
        }
    }
    text
}

fn plural(difference: &Difference) -> String {
    match difference.gained.len() + difference.lost.len() {
        1 => "1 problem".to_owned(),
        more => format!("{} problems", human_count(more as u64)),
    }
}

/// Three digits, or a power of ten below what they show.
fn p(value: f64) -> String {
    if value >= 0.001 { format!("{value:.3}") } else { format!("{value:.1e}") }
}

/// What to say of problems that only one file has.
pub fn left_out(file: &str, key: &str, only: &[String]) -> String {
    let count = human_count(only.len() as u64);
    format!("left out, since only {} has them: {count}, by {key}: {}", for_people(file, NAME_SHOWN), named(only))
}

fn named(ids: &[String]) -> String {
    let shown: Vec<String> = ids.iter().take(SHOWN).map(|id| for_people(id, NAME_SHOWN)).collect();
    let more = ids.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {} more", human_count(more as u64)) } else { String::new() };
    shown.join(", ") + &more
}
