//! What a mid-training stage will take: steps, memory and time, before it runs.

use std::collections::BTreeMap;
use std::path::Path;

use octo_model::ModelConfig;
use octo_record::MidtrainRecord;
use octo_record::layout::METRICS;
use octo_run::PlannedRun;
use octo_run::recipe::source::Source;
use octo_run::recipe::stage::Stage;
use octo_run::store::Standing;
use octo_train::hardware;
use octo_train::memory_estimate::MemoryEstimate;
use octo_train::midtrain::MidtrainConfig;
use serde_json::Value;

use super::Midtrain;
use crate::kinds::forecast_figures::{in_words, parameters};
use crate::kinds::known_model::shape_of;

/// Share of the device's peak that is assumed where no run was measured: what torchtitan's eager mode reaches with an
/// 8B Llama on H100s is 0.33; this leaves room for less.
const ASSUMED_UTILISATION: f64 = 0.3;
/// What a dry run far from any GPU assumes.
const H100: f64 = 989.0;
/// Bytes of tokens in memory above which a stage is pointed at shards: of a billion tokens.
const LARGE: f64 = 4.0 * (1u64 << 30) as f64;
/// What compressed text has of its own size, about.
const COMPRESSED: f64 = 4.0;

/// One line for every mid-training stage, and what is not known of it.
pub fn text(run: &PlannedRun, stages: &[&Stage]) -> String {
    let measured = measured(run);
    let width = stages.iter().map(|stage| stage.name.len()).max().unwrap_or(8).max(8);
    let mut text = format!(
        "\n{:<width$}  {:>16}  {:>9}  {:>11}  {:>9}  {:<24}  time\n",
        "midtrain", "tokens", "steps", "parameters", "memory", "rate"
    );
    let mut total = Some(0.0);
    for stage in stages {
        let Some(Midtrain { config, .. }) = midtrain(stage) else { continue };
        let shape = shape_of(run, stage);
        let tokens = config.steps() * config.tokens_per_step();
        let (parameters, memory) = match &shape {
            Ok(shape) => {
                let bytes = MemoryEstimate::of(shape, config).total();
                (parameters(shape.parameter_count()), format!("{:.1} GiB", bytes / f64::from(1 << 30)))
            }
            Err(_) => ("?".to_owned(), "?".to_owned()),
        };
        let seconds = seconds(config, tokens, &shape, measured.get(&stage.name));
        total = match (&seconds, total) {
            (Ok((seconds, _)), Some(total)) => Some(total + seconds),
            _ => None,
        };
        let time = match seconds {
            Ok((seconds, basis)) => format!("{} ({basis})", in_words(seconds)),
            Err(reason) => format!("? ({reason})"),
        };
        text += &format!(
            "{:<width$}  {tokens:>16}  {:>9}  {parameters:>11}  {memory:>9}  {:<24}  {time}\n",
            stage.name,
            config.steps(),
            rates(config)
        );
    }
    if let Some(total) = total.filter(|total| *total > 0.0) {
        text += &format!("all mid-training one after the other: {}\n", in_words(total));
    }
    text += "memory: weights, gradients, optimiser and activations of one forward pass, without the copy that a \
             checkpoint in the background takes on the host\n";
    text + &documents(run, stages)
}

/// `1e-5`, or `1e-5 -> 1e-6 cosine`.
fn rates(config: &MidtrainConfig) -> String {
    let rate = config.rate();
    match (rate.at(config.steps()), rate.peak) {
        (last, peak) if last == peak => format!("{peak:e}"),
        (last, peak) => {
            let shape = serde_json::to_value(config.decay_shape).ok();
            let shape = shape.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            format!("{peak:e} -> {last:.3e} {shape}")
        }
    }
}

fn midtrain(stage: &Stage) -> Option<&Midtrain> {
    stage.work_of()
}

/// What the documents of data files take as tokens in memory, stage by stage, where it is worth a line.
fn documents(run: &PlannedRun, stages: &[&Stage]) -> String {
    let mut text = String::new();
    for stage in stages {
        let of_documents = |slot: &str| slot.starts_with("sources.") || slot.starts_with("held_out");
        let slots = stage.inputs.iter().map(|(slot, _)| slot).filter(|slot| of_documents(slot));
        let paths = slots.filter_map(|slot| run.input_path(stage, slot).ok());
        let bytes: f64 = paths.map(|path| tokens_in_memory(&path)).sum();
        if bytes < f64::from(1 << 30) {
            continue;
        }
        text += &format!(
            "{}: its data files take about {:.1} GiB of host memory as tokens, on every rank{}\n",
            stage.name,
            bytes / f64::from(1 << 30),
            match bytes > LARGE {
                true => "; `octo-host tokenize` makes token shards of them, which take next to none",
                false => "",
            }
        );
    }
    text
}

/// Bytes that the documents of a data file take as tokens: a token has 4 bytes in memory, and stands for about as many of
/// text. Folders of token shards stay on disk.
fn tokens_in_memory(path: &Path) -> f64 {
    let Some(data) = std::fs::metadata(path).ok().filter(|data| data.is_file()) else { return 0.0 };
    let plain = path.extension().is_some_and(|kind| kind == "jsonl");
    data.len() as f64 * if plain { 1.0 } else { COMPRESSED }
}

/// Seconds, and what they follow from.
fn seconds(
    config: &MidtrainConfig,
    tokens: u64,
    shape: &Result<ModelConfig, String>,
    measured: Option<&f64>,
) -> Result<(f64, String), String> {
    if let Some(speed) = measured {
        return Ok((tokens as f64 / speed, format!("by {speed:.0} tokens/s, measured")));
    }
    let shape = shape.as_ref().map_err(Clone::clone)?;
    let known = config.peak_teraflops.or_else(|| hardware::peak_teraflops(&config.device));
    let (peak, whose) = match known {
        Some(peak) => (peak, "one device"),
        None if config.device.starts_with("cuda") => (H100, "one H100, as no GPU is here"),
        None => return Err("no earlier run to go by; peak_teraflops would give an estimate".to_owned()),
    };
    let operations = shape.training_flops_per_token(config.context) as f64 * tokens as f64;
    let seconds = operations / (peak * 1e12 * ASSUMED_UTILISATION);
    Ok((seconds, format!("on {whose}, at an assumed {:.0}% of {peak} TFLOP/s", 100.0 * ASSUMED_UTILISATION)))
}

/// Tokens a second of stages that have run, here or in a stage like it: the median of the last steps.
fn measured(run: &PlannedRun) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for planned in &run.plan.stages {
        let stage = &run.recipe.stages[planned.index];
        if midtrain(stage).is_none() {
            continue;
        }
        let folder = match run.store.standing(stage.kind, &planned.key) {
            Standing::ToDo => continue,
            Standing::Done => run.store.folder(stage.kind, &planned.key),
            Standing::Begun => run.store.working_folder(stage.kind, &planned.key),
        };
        if let Some(speed) = median_speed(&folder.join(METRICS)) {
            found.insert(stage.name.clone(), speed);
        }
    }
    // A branch costs what the stage before it costs, where model and batch are alike.
    let alike = |left: &Midtrain, right: &Midtrain| {
        let shape = |m: &Midtrain| {
            (m.config.context, m.config.sequences_per_step, m.config.sequences_per_forward, m.config.device.clone())
        };
        shape(left) == shape(right)
    };
    for planned in &run.plan.stages {
        let stage = &run.recipe.stages[planned.index];
        let Some(own) = midtrain(stage) else { continue };
        if let Some(Source::Stage { stage: name, .. }) = stage.input("initial")
            && !found.contains_key(&stage.name)
            && let Some(speed) = found.get(name).copied()
            && let Some(before) = run.recipe.stages.iter().find(|other| other.name == *name).and_then(midtrain)
            && alike(own, before)
        {
            found.insert(stage.name.clone(), speed);
        }
    }
    found
}

fn median_speed(metrics: &Path) -> Option<f64> {
    let records = octo_record::read_lines::<MidtrainRecord>(&std::fs::read(metrics).ok()?).records;
    let speed = |record: &MidtrainRecord| match record {
        MidtrainRecord::Step(step) => Some(step.tokens_per_second),
        MidtrainRecord::Start(_) => None,
    };
    let mut speeds: Vec<f64> = records.iter().rev().take(100).filter_map(speed).collect();
    speeds.sort_by(f64::total_cmp);
    speeds.get(speeds.len() / 2).copied().filter(|speed| *speed > 0.0)
}
