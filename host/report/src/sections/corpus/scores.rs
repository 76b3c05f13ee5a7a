//! How often documents have which score.

use octo_record::{Scores, Statistics};

use crate::chart::{Axes, columns};

/// Columns of a figure, at most.
const COLUMNS: i32 = 40;

/// A figure for every numeric field that the stage's filters added.
pub(super) fn html(stage: &str, statistics: &Statistics) -> String {
    statistics.scores.iter().map(|(field, scores)| figure(stage, field, scores)).collect()
}

fn figure(stage: &str, field: &str, scores: &Scores) -> String {
    let (Some((low, _)), Some((high, _))) = (scores.counts.first_key_value(), scores.counts.last_key_value()) else {
        return String::new();
    };
    // Counts are put together until the figure has few enough columns, and always a whole number of them in one unit.
    let together = [1, 2, 4, 10, 20, 40, 100, 200].into_iter().find(|width| (high - low) / width < COLUMNS);
    let together = together.unwrap_or(400);
    let width = f64::from(together) * Scores::WIDTH;
    let first = low.div_euclid(together);
    let mut heights = vec![0.0; (high.div_euclid(together) - first + 1) as usize];
    for (value, count) in &scores.counts {
        heights[(value.div_euclid(together) - first) as usize] += *count as f64;
    }
    let title = format!("{stage}: documents by {field}");
    let axes = Axes { title: &title, x: field, percent: false, from_zero: true };
    columns(&axes, f64::from(first) * width, width, &heights, 180.0)
}
