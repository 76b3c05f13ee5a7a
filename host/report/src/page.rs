//! The page: figures first, then tables, samples and the lock.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::chart::{self, Axes, Series, escape};
use crate::run_folder::{Run, Stage};
use crate::tables;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--faint:#d9dce1;--soft:#f5f6f8;--grey:#666}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#16181b;--faint:#3a3e44;--soft:#212429;--grey:#a0a0a0}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:820px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem;margin-bottom:0}h2{font-size:1.2rem;margin-top:2.5rem}
svg{width:100%;height:auto;margin:.5rem 0}.title{font-weight:600;font-size:14px;fill:var(--ink)}.tick{font-size:11px;fill:var(--grey)}
.name{font-size:12px;font-weight:600}.grid{stroke:var(--faint)}
table{border-collapse:collapse;width:100%;margin:1rem 0;font-size:14px;display:block;overflow-x:auto}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--faint)}.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:#00855e;font-weight:600}.bad{color:#c04a00}code{font-size:12px}
pre{background:var(--soft);padding:.7rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;max-height:26rem}
mark{background:#0072b222;color:inherit}summary{cursor:pointer;font-weight:600;margin:.4rem 0}
.sample{border-left:3px solid var(--faint);padding-left:.8rem;margin:1rem 0}.note{color:var(--grey);font-size:14px}
";

/// The whole report.
pub fn html(run: &Run) -> String {
    let mut page = String::new();
    let name = escape(&run.name);
    let lock = |key: &str| escape(run.lock.get(key).and_then(Value::as_str).unwrap_or("unknown"));
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>{name}</title><style>{STYLE}</style><h1>{name}</h1><p class=note>Octo {}, {}, libtorch {}, on {}; seed {}</p>",
        lock("octo"),
        lock("engine"),
        lock("libtorch"),
        lock("device"),
        run.lock.get("seed").and_then(Value::as_u64).unwrap_or(0)
    );
    let rewards = [held_out(run), training_rewards(run), reward_parts(run), tables::alarms(run)];
    section(&mut page, "Reinforcement learning", &rewards);
    section(&mut page, "Before and after", &[tables::before_and_after(run)]);
    section(&mut page, "Mid-training", &[loss(run), held_out_loss(run), mixtures(run)]);
    section(&mut page, "Curation", &[tables::curation(run)]);
    section(&mut page, "Samples", &[tables::samples(run)]);
    section(&mut page, "Stages and lock", &[tables::stages_and_lock(run)]);
    page.push_str("</html>\n");
    page
}

fn section(page: &mut String, title: &str, parts: &[String]) {
    if parts.iter().any(|part| !part.is_empty()) {
        let _ = write!(page, "<h2>{title}</h2>{}", parts.concat());
    }
}

fn reinforced(run: &Run) -> impl Iterator<Item = (usize, &Stage)> {
    run.stages.iter().filter(|stage| stage.kind == "rl").enumerate()
}

/// Accuracy and response length over steps, set by set, every branch in one figure.
fn held_out(run: &Run) -> String {
    let mut sets = Vec::new();
    for set in reinforced(run).flat_map(|(_, stage)| stage.sets()) {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    sets.into_iter().map(|set| held_out_of(run, set)).collect()
}

fn held_out_of(run: &Run, set: Option<&str>) -> String {
    let series = |value: fn(&crate::HeldOut) -> f64| -> Vec<Series> {
        reinforced(run)
            .map(|(colour, stage)| Series {
                name: stage.name.clone(),
                points: stage.held_out_of(set).map(|at| (at.step, value(at))).collect(),
                colour,
            })
            .collect()
    };
    let of_set = set.map(|set| format!(": {set}")).unwrap_or_default();
    let titles = ["Held-out accuracy", "Mean response length on held-out problems (tokens)"];
    let [accuracy, length] = titles.map(|title| format!("{title}{of_set}"));
    let accuracy = Axes { title: &accuracy, x: "step", percent: true, from_zero: true };
    let length = Axes { title: &length, x: "step", percent: false, from_zero: true };
    let figure = chart::lines(&accuracy, &series(|at| at.accuracy), 300.0)
        + &chart::lines(&length, &series(|at| at.response_length), 240.0);
    if figure.is_empty() { figure } else { format!("<figure>{figure}</figure>") }
}

fn training_rewards(run: &Run) -> String {
    let series: Vec<Series> = reinforced(run)
        .map(|(colour, stage)| Series { name: stage.name.clone(), points: stage.curve("step", "reward"), colour })
        .collect();
    let axes = Axes { title: "Mean reward of the training rollouts", x: "step", percent: false, from_zero: true };
    chart::lines(&axes, &series, 240.0)
}

/// Every part of a reward that has several, one figure a stage: what of it a policy learned to please.
fn reward_parts(run: &Run) -> String {
    let mut html = String::new();
    for (_, stage) in reinforced(run) {
        let parts = |line: &Value| line.get("reward_parts").and_then(Value::as_object).cloned();
        let names: BTreeSet<String> =
            stage.steps.iter().filter_map(parts).flat_map(|map| map.into_iter().map(|(name, _)| name)).collect();
        if names.len() < 2 {
            continue;
        }
        let points = |name: &String| {
            let point =
                |line: &Value| Some((line.get("step")?.as_f64()?, line.get("reward_parts")?.get(name)?.as_f64()?));
            stage.steps.iter().filter_map(point).collect()
        };
        let series: Vec<Series> = names
            .iter()
            .enumerate()
            .map(|(colour, name)| Series { name: name.clone(), points: points(name), colour })
            .collect();
        let title = format!("Reward parts of {}", stage.name);
        let axes = Axes { title: &title, x: "step", percent: false, from_zero: true };
        html += &chart::lines(&axes, &series, 200.0);
    }
    html
}

/// Tokens that a stage's model had seen before the stage began.
fn tokens_before(run: &Run, stage: &Stage) -> f64 {
    let mut tokens = 0.0;
    let mut at = stage.initial;
    // `initial` always points to an earlier stage, so this ends.
    while let Some(index) = at {
        let before = &run.stages[index];
        tokens += before.curve("tokens", "loss").last().map(|point| point.0).unwrap_or(0.0);
        at = before.initial;
    }
    tokens
}

fn loss(run: &Run) -> String {
    let trained: Vec<&Stage> = run.stages.iter().filter(|stage| stage.kind == "midtrain").collect();
    let series: Vec<Series> = trained
        .iter()
        .enumerate()
        .map(|(colour, stage)| {
            let before = tokens_before(run, stage);
            let points =
                stage.curve("tokens", "loss").into_iter().map(|(tokens, loss)| (before + tokens, loss)).collect();
            Series { name: stage.name.clone(), points, colour }
        })
        .collect();
    let axes = Axes {
        title: "Loss (nats a token) against tokens seen by the model",
        x: "tokens",
        percent: false,
        from_zero: false,
    };
    chart::lines(&axes, &series, 280.0)
}

/// Loss on held-out documents of every mid-training stage that measured it.
fn held_out_loss(run: &Run) -> String {
    let measured = run.stages.iter().filter(|stage| stage.kind == "midtrain").enumerate();
    let series: Vec<Series> = measured
        .map(|(colour, stage)| {
            let before = tokens_before(run, stage);
            let points = stage.curve("tokens", "held_out_loss").into_iter();
            let points = points.map(|(tokens, loss)| (before + tokens, loss)).collect();
            Series { name: stage.name.clone(), points, colour }
        })
        .filter(|series: &Series| !series.points.is_empty())
        .collect();
    let axes = Axes { title: "Loss on held-out documents", x: "tokens", percent: false, from_zero: false };
    chart::lines(&axes, &series, 240.0)
}

/// Mixture weights over tokens, one figure a stage.
fn mixtures(run: &Run) -> String {
    let mut html = String::new();
    let trained: Vec<&Stage> = run.stages.iter().filter(|stage| stage.kind == "midtrain").collect();
    let weights = |line: &Value| line.get("mixture").and_then(Value::as_object).cloned();
    // A source keeps its colour from stage to stage.
    let lines = trained.iter().flat_map(|stage| stage.steps.iter());
    let names: BTreeSet<String> =
        lines.filter_map(weights).flat_map(|map| map.into_iter().map(|(name, _)| name)).collect();
    let names: Vec<String> = names.into_iter().collect();
    for stage in trained {
        let mut xs = Vec::new();
        let mut rows = Vec::new();
        for line in &stage.steps {
            if let (Some(tokens), Some(map)) = (line.get("tokens").and_then(Value::as_f64), weights(line)) {
                xs.push(tokens);
                rows.push(names.iter().map(|name| map.get(name).and_then(Value::as_f64).unwrap_or(0.0)).collect());
            }
        }
        let title = format!("Mixture weights of {}", stage.name);
        let axes = Axes { title: &title, x: "tokens of the stage", percent: true, from_zero: true };
        html += &chart::bands(&axes, &names, &xs, &rows, 170.0);
    }
    html
}
