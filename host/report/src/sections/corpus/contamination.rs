//! Rows of benchmarks that documents have, by benchmark, with examples to read.

use std::fmt::Write;

use octo_record::Contamination;

use crate::chart::escape;
use crate::figures::{count, percent};

/// Examples of each benchmark.
const EXAMPLES: usize = 5;

/// Hits by benchmark.
pub(super) fn html(stage: &str, found: &Contamination) -> String {
    let mut html = format!(
        "<details{}><summary>{}: {} of {} documents have rows of benchmarks in them (rules {}, action {})</summary><table><thead><tr><th>benchmark</th><th class=n>rows</th><th class=n>compared</th><th class=n>rows hit</th><th class=n>documents</th></tr></thead><tbody>",
        if found.contaminated > 0 { " open" } else { "" },
        escape(stage),
        count(found.contaminated),
        count(found.documents),
        escape(&found.rules),
        escape(&found.action)
    );
    for (name, benchmark) in &found.benchmarks {
        let _ = write!(
            html,
            "<tr><td>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
            escape(name),
            count(benchmark.rows),
            count(benchmark.rows_indexed),
            count(benchmark.rows_hit),
            count(benchmark.documents_hit)
        );
    }
    html.push_str("</tbody></table>");
    for (name, benchmark) in &found.benchmarks {
        for example in benchmark.examples.iter().take(EXAMPLES) {
            let _ = write!(
                html,
                "<div class=sample><p class=note>{} has {} of {} {}</p><pre>{}</pre></div>",
                escape(example.url.as_deref().unwrap_or(&example.id)),
                percent(example.score),
                escape(name),
                escape(&example.row),
                escape(&example.text)
            );
        }
    }
    html + "</details>"
}
