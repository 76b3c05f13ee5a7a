//! The report's tables: before and after, stages, plugins, samples.

use std::fmt::Write;

use serde_json::Value;

use crate::chart::escape;
use crate::run_folder::{Run, Stage};

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// A stage's name, with that of the set where it has one.
pub(crate) fn named(stage: &Stage, set: Option<&str>) -> String {
    set.map(|set| format!("{} {set}", stage.name)).unwrap_or_else(|| stage.name.clone())
}

/// Alarms that were up during reinforcement learning.
pub fn alarms(run: &Run) -> String {
    let mut rows = String::new();
    for stage in &run.stages {
        for (name, [first, last, steps]) in stage.alarms() {
            let _ = write!(
                rows,
                "<tr><td>{}</td><td class=bad>{}</td><td class=n>{first}</td><td class=n>{last}</td><td class=n>{steps}</td></tr>",
                escape(&stage.name),
                escape(name)
            );
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<table><thead><tr><th>stage</th><th>alarm</th><th class=n>first step</th><th class=n>last step</th><th class=n>steps</th></tr></thead><tbody>{rows}</tbody></table>"
    )
}

/// Held-out accuracy before and after reinforcement learning, and what the evaluation stages found.
pub fn before_and_after(run: &Run) -> String {
    let mut rows = String::new();
    let reinforced = run.stages.iter().filter(|stage| stage.kind == "rl");
    for (stage, set) in reinforced.flat_map(|stage| stage.sets().into_iter().map(move |set| (stage, set))) {
        let (Some(first), Some(last)) = (stage.held_out_of(set).next(), stage.held_out_of(set).next_back()) else {
            continue;
        };
        let points = 100.0 * (last.accuracy - first.accuracy);
        let from = stage.initial.map(|index| run.stages[index].name.as_str()).unwrap_or("a given model");
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td class=n>{:.1}%</td><td class=n>{:.1}%</td><td class=\"n {}\">{points:+.1}</td><td class=n>{:.0}</td><td class=n>{:.0}</td></tr>",
            escape(&named(stage, set)),
            escape(from),
            100.0 * first.accuracy,
            100.0 * last.accuracy,
            if points >= 10.0 { "good" } else { "" },
            first.response_length,
            last.response_length
        );
    }
    let mut html = String::new();
    if !rows.is_empty() {
        let _ = write!(
            html,
            "<table><thead><tr><th>stage</th><th>starts from</th><th class=n>before</th><th class=n>after</th><th class=n>points</th><th class=n>tokens before</th><th class=n>tokens after</th></tr></thead><tbody>{rows}</tbody></table>"
        );
    }
    let evaluations: Vec<&Stage> =
        run.stages.iter().filter(|stage| stage.kind == "eval" && stage.results.is_some()).collect();
    if !evaluations.is_empty() {
        html.push_str("<table><thead><tr><th>evaluation</th><th>model of</th><th class=n>problems</th><th class=n>accuracy</th><th class=n>response tokens</th><th>outcomes</th></tr></thead><tbody>");
        for stage in evaluations {
            let of = stage.initial.map(|index| run.stages[index].name.as_str()).unwrap_or("a given model");
            let _ = write!(
                html,
                "<tr><td>{}</td><td>{}</td><td class=n>{:.0}</td><td class=n>{:.1}%</td><td class=n>{:.0}</td><td>{}</td></tr>",
                escape(&stage.name),
                escape(of),
                stage.result("problems").unwrap_or(0.0),
                100.0 * stage.result("accuracy").unwrap_or(0.0),
                stage.result("response_length").unwrap_or(0.0),
                counts(stage.results.as_ref())
            );
        }
        html.push_str("</tbody></table>");
    }
    html
}

/// `correct 61, no-answer 3; fuel 1`: outcomes, then failures.
fn counts(results: Option<&Value>) -> String {
    let part = |key: &str| -> String {
        let counts = results.and_then(|results| results.get(key)).and_then(Value::as_object);
        let parts: Vec<String> = counts
            .into_iter()
            .flatten()
            .filter(|(_, count)| count.as_u64() != Some(0))
            .map(|(name, count)| format!("{} {count}", escape(name)))
            .collect();
        parts.join(", ")
    };
    let (outcomes, failures) = (part("outcomes"), part("failures"));
    if failures.is_empty() { outcomes } else { format!("{outcomes}; failed: {failures}") }
}

/// What curation kept and dropped, by reason.
pub fn curation(run: &Run) -> String {
    let mut html = String::new();
    for stage in run.stages.iter().filter(|stage| stage.kind == "curate") {
        let Some(results) = &stage.results else { continue };
        let _ = write!(
            html,
            "<details><summary>{}: what the filters did</summary><pre>{}</pre></details>",
            escape(&stage.name),
            escape(&serde_json::to_string_pretty(results).unwrap_or_default())
        );
    }
    html
}

/// Every stage with its key and time, and every plugin with its digest.
pub fn stages_and_lock(run: &Run) -> String {
    let mut html = String::from(
        "<table><thead><tr><th>stage</th><th>kind</th><th>key</th><th>state</th><th class=n>seconds</th></tr></thead><tbody>",
    );
    for stage in &run.stages {
        let done = stage.lock.get("done").and_then(Value::as_bool) == Some(true);
        let seconds = stage.lock.get("seconds").and_then(Value::as_f64).map(|s| format!("{s:.1}")).unwrap_or_default();
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td class=n>{seconds}</td></tr>",
            escape(&stage.name),
            escape(&stage.kind),
            escape(text(&stage.lock, "key")),
            if done { "done" } else { "not done" }
        );
    }
    html.push_str("</tbody></table><table><thead><tr><th>plugin role</th><th>plugin</th><th>version</th><th>kind</th><th>digest</th></tr></thead><tbody>");
    for (role, plugin) in run.lock.get("plugins").and_then(Value::as_object).into_iter().flatten() {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            escape(role),
            escape(text(plugin, "name")),
            escape(text(plugin, "version")),
            escape(text(plugin, "kind")),
            escape(text(plugin, "digest"))
        );
    }
    html.push_str("</tbody></table>");
    let _ = write!(
        html,
        "<details><summary>run.lock.json</summary><pre>{}</pre></details>",
        escape(&serde_json::to_string_pretty(&run.lock).unwrap_or_default())
    );
    html
}

/// Some responses of every stage that kept samples, each with its verdict.
pub fn samples(run: &Run) -> String {
    let mut html = String::new();
    for stage in run.stages.iter().filter(|stage| !stage.samples.is_empty()) {
        let _ = write!(html, "<details><summary>{}</summary>", escape(&stage.name));
        for sample in &stage.samples {
            let failure = text(sample, "failure");
            let outcome = if failure.is_empty() { text(sample, "outcome") } else { failure };
            let references: Vec<&str> = sample
                .get("references")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let step =
                sample.get("step").and_then(Value::as_u64).map(|step| format!("step {step}, ")).unwrap_or_default();
            let _ = write!(
                html,
                "<div class=sample><p><b class=\"{}\">{}</b> {step}{} tokens, ended by {}. {}</p><pre>{}<mark>{}</mark></pre><p>reference: {}</p></div>",
                if outcome == "correct" { "good" } else { "bad" },
                escape(outcome),
                sample.get("tokens").and_then(Value::as_u64).unwrap_or(0),
                escape(text(sample, "finish")),
                escape(text(sample, "reason")),
                escape(text(sample, "problem")),
                escape(text(sample, "response")),
                escape(&references.join(" or "))
            );
        }
        html.push_str("</details>");
    }
    html
}
