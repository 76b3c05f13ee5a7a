//! Clusters of duplicates by size, and the largest to read.

use std::fmt::Write;

use octo_record::DuplicateClusters;

use crate::chart::escape;
use crate::figures::{bytes, count};

/// Clusters that are shown.
const CLUSTERS: usize = 10;

/// How many clusters there are of which size, and the largest.
pub(super) fn html(stage: &str, found: &DuplicateClusters) -> String {
    if found.clusters == 0 {
        return String::new();
    }
    let mut html = format!(
        "<details><summary>{}: {} clusters of {} documents; {} exact copies and {} near-duplicates went</summary><table><thead><tr><th>size</th><th class=n>clusters</th><th class=n>documents</th></tr></thead><tbody>",
        escape(stage),
        count(found.clusters),
        count(found.clustered),
        count(found.exact_duplicates),
        count(found.near_duplicates)
    );
    for sizes in &found.sizes {
        let size = if sizes.from == sizes.to { count(sizes.from) } else { format!("{} to {}", sizes.from, sizes.to) };
        let _ = write!(
            html,
            "<tr><td>{size}</td><td class=n>{}</td><td class=n>{}</td></tr>",
            count(sizes.clusters),
            count(sizes.documents)
        );
    }
    html.push_str("</tbody></table>");
    for cluster in found.largest.iter().take(CLUSTERS) {
        let _ =
            write!(html, "<div class=sample><p>cluster {} of {} documents</p>", cluster.cluster, count(cluster.size));
        for document in &cluster.documents {
            let _ = write!(
                html,
                "<p class=note>{}, {}</p><pre>{}</pre>",
                escape(document.url.as_deref().unwrap_or(&document.id)),
                bytes(document.text_bytes),
                escape(&document.beginning)
            );
        }
        html.push_str("</div>");
    }
    html + "</details>"
}
