//! How well models predict texts: bits per byte by setting, every seed a point, with the interval of the mean.
//!
//! Stages whose names differ in nothing but an end such as `-s1` or `-s2` are seeds of one setting.

use std::collections::BTreeMap;
use std::fmt::Write;

use octo_record::{PerplexityResults, TextPerplexity, layout};

use super::readable;
use crate::ReportError;
use crate::chart::{self, Axes, Group, escape};
use crate::figures::count;
use crate::run_folder::{Run, Stage};
use crate::summary::Summary;

/// The section.
pub(crate) fn html(run: &Run, summary: &mut Summary) -> Result<String, ReportError> {
    let mut found: Vec<(&Stage, PerplexityResults)> = Vec::new();
    for stage in run.of_kind(PerplexityResults::KIND) {
        let results = readable(stage.record(layout::RESULTS), stage, summary)?;
        found.extend(results.map(|results| (stage, results)));
    }
    let mut texts: BTreeMap<&str, Vec<(&Stage, &TextPerplexity)>> = BTreeMap::new();
    for (stage, results) in &found {
        for (text, measured) in &results.texts {
            texts.entry(text).or_default().push((stage, measured));
        }
    }
    Ok(texts.iter().map(|(text, measured)| one_text(text, measured)).collect())
}

fn one_text(text: &str, measured: &[(&Stage, &TextPerplexity)]) -> String {
    let mut groups: Vec<Group> = Vec::new();
    let mut sorted: Vec<_> = measured.to_vec();
    sorted.sort_by(|one, other| one.0.name.cmp(&other.0.name));
    for (stage, found) in &sorted {
        let name = setting(&stage.name);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.values.push(found.bits_per_byte),
            None => groups.push(Group { name: name.to_owned(), values: vec![found.bits_per_byte] }),
        }
    }
    let title = format!("Bits per byte on {text}");
    let axes = Axes { title: &title, x: "", percent: false, from_zero: false };
    let mut html = chart::groups(&axes, &groups, 240.0);
    let _ = write!(
        html,
        "<details><summary>{}</summary><table><thead><tr><th>stage</th><th class=n>bits per byte</th><th class=n>95% over documents</th><th class=n>documents</th><th class=n>bytes</th></tr></thead><tbody>",
        escape(&title)
    );
    for (stage, found) in &sorted {
        let interval = found.bits_per_byte_low.zip(found.bits_per_byte_high);
        let _ = write!(
            html,
            "<tr><td>{}</td><td class=n>{:.4}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
            escape(&stage.name),
            found.bits_per_byte,
            interval.map(|(low, high)| format!("{low:.4} to {high:.4}")).unwrap_or_default(),
            count(found.documents),
            count(found.bytes)
        );
    }
    html + "</tbody></table></details>"
}

/// The name of a setting: a stage's, without the seed at its end.
fn setting(stage: &str) -> &str {
    match stage.rsplit_once("-s") {
        Some((setting, seed)) if !seed.is_empty() && seed.bytes().all(|byte| byte.is_ascii_digit()) => setting,
        _ => stage,
    }
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn a_seed_at_the_end_of_a_name_is_none_of_its_setting() {
        assert_eq!(
            ["measured-0.4-s12", "measured-all", "measured-s", "x-s1-2", "short-steps"].map(setting),
            ["measured-0.4", "measured-all", "measured-s", "x-s1-2", "short-steps"]
        );
    }
}
