//! The funnel: documents from stage to stage, in all and by year, and what each filter did.

use std::collections::BTreeSet;
use std::fmt::Write;

use octo_record::Statistics;

use super::Row;
use crate::chart::escape;
use crate::figures::{bytes, count, percent};

/// Reasons that are named beside a stage.
const REASONS: usize = 4;
/// Years that have a column of their own; of more, the first ones are shown together.
const YEARS: usize = 12;

/// Stages in their order, with what each read and kept.
pub(super) fn html(rows: &[Row<'_>]) -> String {
    let mut html = String::from(
        "<table><thead><tr><th>stage</th><th>kind</th><th class=n>read</th><th class=n>kept</th><th class=n>share</th><th class=n>text</th><th>most of the others</th></tr></thead><tbody>",
    );
    for row in rows {
        let passed = row.flow.passed();
        let share = if passed.read == 0 { 0.0 } else { passed.kept as f64 / passed.read as f64 };
        let text = match (passed.tokens, passed.bytes_kept) {
            (Some(tokens), _) => format!("{} tokens", count(tokens)),
            (None, Some(size)) => bytes(size),
            (None, None) => String::new(),
        };
        let mut reasons = row.flow.reasons();
        let others: u64 = reasons.split_off(reasons.len().min(REASONS)).iter().map(|(_, count)| count).sum();
        if others > 0 {
            reasons.push(("others".to_owned(), others));
        }
        let reasons: Vec<String> =
            reasons.iter().map(|(reason, number)| format!("{} {}", escape(reason), count(*number))).collect();
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}<div class=bar style=\"width:{:.1}%\"></div></td><td class=n>{text}</td><td>{}</td></tr>",
            escape(&row.stage.name),
            escape(&row.stage.lock.kind),
            count(passed.read),
            count(passed.kept),
            percent(share),
            100.0 * share,
            reasons.join(", ")
        );
    }
    html.push_str("</tbody></table>");
    let failed: u64 = rows.iter().map(|row| row.flow.passed().failed).sum();
    if failed > 0 {
        let _ = write!(
            html,
            "<p class=note>{} {} in dead letters: a filter failed on them, which says nothing about them.</p>",
            count(failed),
            if failed == 1 { "document lies" } else { "documents lie" }
        );
    }
    html
}

/// Documents kept by year, a column each.
pub(super) fn by_year(rows: &[Row<'_>]) -> String {
    let kept: Vec<_> = rows.iter().map(|row| row.flow.years()).collect();
    let years: BTreeSet<&String> = kept.iter().flat_map(|years| years.keys()).collect();
    let years: Vec<&String> = years.into_iter().collect();
    if years.len() < 2 {
        return String::new();
    }
    let together = years.len().saturating_sub(YEARS);
    let (first, own) = years.split_at(if together > 0 { together + 1 } else { 0 });
    let mut html = String::from("<details><summary>Documents kept by year</summary><table><thead><tr><th>stage</th>");
    if let (Some(from), Some(to)) = (first.first(), first.last()) {
        let _ = write!(html, "<th class=n>{} to {}</th>", escape(from), escape(to));
    }
    own.iter().for_each(|year| {
        let _ = write!(html, "<th class=n>{}</th>", escape(year));
    });
    html.push_str("</tr></thead><tbody>");
    for (row, kept) in rows.iter().zip(&kept) {
        let of = |year: &&String| kept.get(*year).copied().unwrap_or(0);
        let _ = write!(html, "<tr><td>{}</td>", escape(&row.stage.name));
        if !first.is_empty() {
            let _ = write!(html, "<td class=n>{}</td>", count(first.iter().map(of).sum()));
        }
        own.iter().for_each(|year| {
            let _ = write!(html, "<td class=n>{}</td>", count(of(year)));
        });
        html.push_str("</tr>");
    }
    html + "</tbody></table></details>"
}

/// What every filter of a stage decided.
pub(super) fn filters(stage: &str, statistics: &Statistics) -> String {
    // As a value its keys are sorted, which is how a person looks for one.
    let text = serde_json::to_value(statistics).and_then(|value| serde_json::to_string_pretty(&value));
    format!(
        "<details><summary>{}: what the filters did</summary><pre>{}</pre></details>",
        escape(stage),
        escape(&text.unwrap_or_default())
    )
}
