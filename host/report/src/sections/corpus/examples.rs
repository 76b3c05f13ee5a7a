//! Documents to read: beside each other some that a stage kept and some that it dropped or failed on.

use std::collections::BTreeMap;
use std::fmt::Write;

use octo_record::{Became, DocumentExample, layout};

use crate::ReportError;
use crate::chart::escape;
use crate::run_folder::Stage;
use crate::sections::whole;
use crate::summary::Summary;

/// Reasons that are shown, the commonest by name first.
const REASONS: usize = 12;
/// Documents of each.
const EACH: usize = 2;

/// The stage's examples; empty where it keeps none.
pub(super) fn html(stage: &Stage, summary: &mut Summary) -> Result<String, ReportError> {
    let examples: Vec<DocumentExample> = whole(stage.lines(layout::EXAMPLES)?, stage, layout::EXAMPLES, summary);
    let (kept, gone): (Vec<_>, Vec<_>) = examples.iter().partition(|example| example.became == Became::Kept);
    if examples.is_empty() {
        return Ok(String::new());
    }
    let mut by_reason: BTreeMap<String, Vec<&DocumentExample>> = BTreeMap::new();
    for example in gone {
        let by = example.by.as_deref().unwrap_or_default();
        let reason = example.reason.as_deref().unwrap_or_default();
        by_reason.entry(format!("{by}: {reason}")).or_default().push(example);
    }
    let mut html =
        format!("<details><summary>{}: documents to read</summary><div class=sides><div>", escape(&stage.name));
    html.push_str("<h3 class=good>kept</h3>");
    let most = EACH * by_reason.len().clamp(1, REASONS);
    kept.iter().take(most).for_each(|example| shown(&mut html, example));
    html.push_str("</div><div>");
    for (reason, examples) in by_reason.iter().take(REASONS) {
        let _ = write!(html, "<h3 class=bad>{}</h3>", escape(reason));
        examples.iter().take(EACH).for_each(|example| shown(&mut html, example));
    }
    Ok(html + "</div></div></details>")
}

fn shown(html: &mut String, example: &DocumentExample) {
    let place = example.url.as_deref().unwrap_or(&example.id);
    let year = example.year.map(|year| format!(", {year}")).unwrap_or_default();
    let fields: Vec<String> = example.fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let _ = write!(
        html,
        "<div class=sample><p class=note>{}{year}</p><pre>{}{}</pre><p class=note>{}</p></div>",
        escape(place),
        escape(&example.text),
        if example.cut { " …" } else { "" },
        escape(&fields.join("; "))
    );
}
