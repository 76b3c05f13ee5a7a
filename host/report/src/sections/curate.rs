//! Curation: what the filters kept and dropped, and why.

use std::fmt::Write;

use octo_record::{Statistics, layout};

use super::readable;
use crate::ReportError;
use crate::chart::escape;
use crate::run_folder::Run;
use crate::summary::Summary;

/// The section.
pub(crate) fn html(run: &Run, summary: &mut Summary) -> Result<String, ReportError> {
    let mut html = String::new();
    for stage in run.of_kind(Statistics::KIND) {
        let statistics: Option<Statistics> = readable(stage.record(layout::STATISTICS), stage, summary)?;
        let Some(statistics) = statistics else { continue };
        // As a value its keys are sorted, which is how a person looks for one.
        let text = serde_json::to_value(&statistics).and_then(|value| serde_json::to_string_pretty(&value));
        let _ = write!(
            html,
            "<details><summary>{}: what the filters did</summary><pre>{}</pre></details>",
            escape(&stage.name),
            escape(&text.unwrap_or_default())
        );
    }
    Ok(html)
}
