//! Weights that follow the training loss of each source, within bounds.
//!
//! The update is that of dynamic batch loading (Xia et al., "Sheared LLaMA", arXiv 2310.06694, algorithm 1): a share is
//! multiplied by the exponential of how far the source's loss lies above its reference.

mod bounded;

use std::collections::BTreeMap;

use bounded::{Bounds, bounded};
use octo_sdk::{DataSource, MixturePolicy, Plugin, PluginError, Progress};

/// Where shares begin, and how they follow the loss.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The shares to begin with, by source. Only their ratios count; 0 leaves a source out for good.
    #[schemars(extend("minProperties" = 1))]
    pub weights: BTreeMap<String, f64>,
    /// The loss that a source is expected to reach, in nats per token; 0 where none is given.
    #[serde(default)]
    pub reference: BTreeMap<String, f64>,
    /// How strongly a share follows its loss; 0 keeps the first shares.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub rate: f64,
    /// Steps between two updates.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1))]
    pub every: u64,
    /// How much of the running loss stays when a step's loss comes in: from 0 to below 1.
    #[serde(default = "smoothing")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub smoothing: f64,
    /// The least share of every source that is not left out.
    #[serde(default = "hundredth")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_share: f64,
    /// The largest share of every source.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_share: f64,
    /// Other bounds for some sources, by name.
    #[serde(default)]
    pub bounds: BTreeMap<String, Bounds>,
}

fn one() -> f64 {
    1.0
}
fn hundred() -> u64 {
    100
}
fn hundredth() -> f64 {
    0.01
}
fn smoothing() -> f64 {
    0.9
}

/// A mixture that follows the loss.
pub struct AdaptiveMixture {
    config: Config,
    memory: Option<Memory>,
}

/// The state that goes into checkpoints, as JSON.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    version: u32,
    /// The step asked for last; its losses are taken in.
    step: u64,
    /// How each source stands, by its name.
    sources: BTreeMap<String, Standing>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    share: f64,
    /// Running mean of its loss, once it had one.
    loss: Option<f64>,
}

/// The version of [`Memory`].
const MEMORY: u32 = 1;

impl Plugin for AdaptiveMixture {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        check(&config).map_err(PluginError::invalid_config)?;
        Ok(Self { config, memory: None })
    }
}

fn check(config: &Config) -> Result<(), String> {
    for (source, weight) in &config.weights {
        if !(0.0..=1e12).contains(weight) {
            return Err(format!("weights.{source} is {weight}; a weight must lie between 0 and 1e12"));
        }
    }
    if config.weights.values().all(|weight| *weight == 0.0) {
        return Err(
            "weights: at least one source needs a weight above 0, such as weights = { web = 0.7, qa = 0.3 }".into()
        );
    }
    for (source, loss) in &config.reference {
        if !(loss.is_finite() && *loss >= 0.0) {
            return Err(format!("reference.{source} is {loss}; a loss is 0 nats per token or more"));
        }
    }
    let ranges =
        [("rate", config.rate, 100.0), ("min_share", config.min_share, 1.0), ("max_share", config.max_share, 1.0)];
    for (key, value, most) in ranges {
        if !(0.0..=most).contains(&value) {
            return Err(format!("{key} is {value}; it must lie between 0 and {most}"));
        }
    }
    if !(0.0..1.0).contains(&config.smoothing) {
        return Err(format!("smoothing is {}; it must be at least 0 and below 1", config.smoothing));
    }
    if config.every == 0 {
        return Err("every is 0; updates are at least 1 step apart".into());
    }
    if config.min_share > config.max_share {
        return Err(format!("min_share is {}, above max_share, {}", config.min_share, config.max_share));
    }
    for (source, Bounds { min, max }) in &config.bounds {
        if !(0.0..=1.0).contains(min) || !(*min..=1.0).contains(max) {
            return Err(format!("bounds.{source} is {min} to {max}; bounds lie between 0 and 1, the least one first"));
        }
    }
    for (table, names) in [("reference", keys(&config.reference)), ("bounds", keys(&config.bounds))] {
        if let Some(name) = names.into_iter().find(|name| !config.weights.contains_key(*name)) {
            return Err(format!("{table}.{name} names a source that weights does not have"));
        }
    }
    Ok(())
}

fn keys<T>(map: &BTreeMap<String, T>) -> Vec<&String> {
    map.keys().collect()
}

impl MixturePolicy for AdaptiveMixture {
    fn weights(&mut self, at: &Progress, sources: &[DataSource]) -> Result<Vec<f64>, PluginError> {
        let mut memory = match self.memory.take() {
            Some(memory) => memory,
            None => self.begin(sources)?,
        };
        let outcome = self.advance(&mut memory, at, sources);
        self.memory = Some(memory);
        outcome
    }

    fn save(&self) -> Vec<u8> {
        self.memory.as_ref().map(|memory| serde_json::to_vec(memory).unwrap_or_default()).unwrap_or_default()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), PluginError> {
        if bytes.is_empty() {
            self.memory = None;
            return Ok(());
        }
        let refuse = |what: String| PluginError::invalid_input(format!("the memory in the checkpoint {what}"));
        let memory: Memory =
            serde_json::from_slice(bytes).map_err(|error| refuse(format!("is not of this plugin: {error}")))?;
        if memory.version != MEMORY {
            return Err(refuse(format!("is of version {}, and this plugin reads version {MEMORY}", memory.version)));
        }
        for (name, Standing { share, loss }) in &memory.sources {
            if !(0.0..=1.0).contains(share) || !loss.is_none_or(f64::is_finite) {
                return Err(refuse(format!("gives source `{name}` the share {share} and the loss {loss:?}")));
            }
        }
        self.memory = Some(memory);
        Ok(())
    }
}

impl AdaptiveMixture {
    fn begin(&self, sources: &[DataSource]) -> Result<Memory, PluginError> {
        let weights: Vec<f64> = sources
            .iter()
            .map(|source| {
                self.config.weights.get(&source.name).copied().ok_or_else(|| {
                    PluginError::invalid_input(format!(
                        "source `{}` has no weight; weights names {}. Add it there, with 0 to leave it out",
                        source.name,
                        listed(self.config.weights.keys())
                    ))
                })
            })
            .collect::<Result<_, _>>()?;
        let shares = self.bounded(&weights, sources)?;
        let standing = sources.iter().zip(shares);
        let standing = standing.map(|(source, share)| (source.name.clone(), Standing { share, loss: None }));
        Ok(Memory { version: MEMORY, step: u64::MAX, sources: standing.collect() })
    }

    fn advance(&self, memory: &mut Memory, at: &Progress, sources: &[DataSource]) -> Result<Vec<f64>, PluginError> {
        if memory.sources.len() != sources.len()
            || sources.iter().any(|source| !memory.sources.contains_key(&source.name))
        {
            return Err(PluginError::invalid_input(format!(
                "the sources are {}, and the shares so far are of {}",
                listed(sources.iter().map(|source| &source.name)),
                listed(memory.sources.keys())
            )));
        }
        // A step that is asked for twice, as after a failure, counts once.
        if memory.step != at.step {
            for source in sources {
                if let (Some(standing), Some(loss)) = (memory.sources.get_mut(&source.name), source.loss) {
                    let kept = self.config.smoothing;
                    standing.loss = Some(standing.loss.map_or(loss, |running| kept * running + (1.0 - kept) * loss));
                }
            }
            memory.step = at.step;
            if at.step > 0 && at.step.is_multiple_of(self.config.every) {
                self.update(memory, sources)?;
            }
        }
        Ok(sources
            .iter()
            .map(|source| memory.sources.get(&source.name).map_or(0.0, |standing| standing.share))
            .collect())
    }

    fn update(&self, memory: &mut Memory, sources: &[DataSource]) -> Result<(), PluginError> {
        let excess = |source: &DataSource| -> f64 {
            let reference = self.config.reference.get(&source.name).copied().unwrap_or(0.0);
            // A source that gave nothing yet has no loss, and keeps its place among the others.
            let loss = memory.sources.get(&source.name).and_then(|standing| standing.loss).unwrap_or(reference);
            self.config.rate * (loss - reference).max(0.0)
        };
        let excesses: Vec<f64> = sources.iter().map(excess).collect();
        // Only ratios count: taking the largest off keeps every exponential at 1 or below.
        let largest = excesses.iter().copied().fold(0.0, f64::max);
        let grown: Vec<f64> = sources
            .iter()
            .zip(excesses)
            .map(|(source, excess)| {
                memory.sources.get(&source.name).map_or(0.0, |standing| standing.share) * (excess - largest).exp()
            })
            .collect();
        let shares = self.bounded(&grown, sources)?;
        for (source, share) in sources.iter().zip(shares) {
            if let Some(standing) = memory.sources.get_mut(&source.name) {
                standing.share = share;
            }
        }
        Ok(())
    }

    /// Shares in the ratios of `weights`, as far as the bounds allow. A source whose config has weight 0 stays out.
    fn bounded(&self, weights: &[f64], sources: &[DataSource]) -> Result<Vec<f64>, PluginError> {
        let bounds: Vec<Bounds> = sources
            .iter()
            .map(|source| {
                if self.config.weights.get(&source.name) == Some(&0.0) {
                    return Bounds { min: 0.0, max: 0.0 };
                }
                let general = Bounds { min: self.config.min_share, max: self.config.max_share };
                self.config.bounds.get(&source.name).copied().unwrap_or(general)
            })
            .collect();
        bounded(weights, &bounds).map_err(|what| {
            PluginError::invalid_input(format!(
                "no mixture of {} keeps the bounds: {what}. Change min_share, max_share or bounds",
                listed(sources.iter().map(|source| &source.name))
            ))
        })
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

octo_sdk::export!(mixture: AdaptiveMixture);

#[cfg(test)]
mod tests;
