//! Every stage with its key and time, every plugin with its digest, and the lock itself.

use std::fmt::Write;

use crate::ReportError;
use crate::chart::escape;
use crate::run_folder::Run;
use crate::summary::Summary;

/// The section.
pub(crate) fn html(run: &Run, _: &mut Summary) -> Result<String, ReportError> {
    let mut html = String::from(
        "<table><thead><tr><th>stage</th><th>kind</th><th>key</th><th>state</th><th class=n>seconds</th></tr></thead><tbody>",
    );
    for stage in &run.stages {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td class=n>{}</td></tr>",
            escape(&stage.name),
            escape(&stage.lock.kind),
            escape(&stage.lock.key),
            if stage.lock.done { "done" } else { "not done" },
            stage.lock.seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default()
        );
    }
    html.push_str("</tbody></table><table><thead><tr><th>plugin role</th><th>plugin</th><th>version</th><th>kind</th><th>digest</th></tr></thead><tbody>");
    for (role, plugin) in &run.lock.plugins {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            escape(role),
            escape(&plugin.name),
            escape(&plugin.version),
            escape(&plugin.kind),
            escape(&plugin.digest)
        );
    }
    html.push_str("</tbody></table>");
    let _ = write!(
        html,
        "<details><summary>run.lock.json</summary><pre>{}</pre></details>",
        escape(&serde_json::to_string_pretty(&run.lock).unwrap_or_default())
    );
    Ok(html)
}
