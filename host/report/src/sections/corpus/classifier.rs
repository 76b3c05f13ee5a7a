//! How well a classifier finds what it should, by threshold and by year.

use std::fmt::Write;

use octo_record::{ClassifierFigures, ClassifierReport, ThresholdPoint};

use crate::chart::{self, Axes, Series, escape};
use crate::figures::{count, percent};

/// Curves of thresholds, and figures in all and by year.
pub(super) fn html(stage: &str, report: &ClassifierReport) -> String {
    let Some(overall) = &report.overall else { return String::new() };
    let curve = |name: &str, colour: usize, value: &dyn Fn(&ThresholdPoint) -> Option<f64>| Series {
        name: name.to_owned(),
        points: overall.curve.iter().filter_map(|point| Some((point.threshold, value(point)?))).collect(),
        colour,
    };
    let series = [
        curve("precision", 0, &|point| point.precision),
        curve("recall", 1, &|point| point.recall),
        curve("kept", 2, &|point| Some(point.kept)),
    ];
    let title = format!("{stage}: thresholds, on {} sites held out", count(report.sites_held_out));
    let axes = Axes { title: &title, x: "probability", percent: true, from_zero: true };
    let mut html = chart::lines(&axes, &series, 240.0);
    let _ = write!(
        html,
        "<table><thead><tr><th>held out, threshold {}</th><th class=n>positive</th><th class=n>negative</th><th class=n>precision</th><th class=n>recall</th><th class=n>F1</th><th class=n>average precision</th></tr></thead><tbody>",
        report.threshold
    );
    row(&mut html, "all", overall);
    report.quantised.iter().for_each(|figures| row(&mut html, "quantised", figures));
    report.years.iter().for_each(|(year, figures)| row(&mut html, year, figures));
    html + "</tbody></table>"
}

fn row(html: &mut String, name: &str, figures: &ClassifierFigures) {
    let share = |value: Option<f64>| value.map(percent).unwrap_or_default();
    let _ = write!(
        html,
        "<tr><td>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
        escape(name),
        count(figures.documents.positive),
        count(figures.documents.negative),
        share(figures.precision),
        share(figures.recall),
        share(figures.f1),
        share(figures.average_precision)
    );
}
