//! Mixture policies: one weight per data source.

use wasmtime::Store;

use super::stateful::{Stateful, stateful_methods};
use super::{PluginKind, returned};
use crate::cases::{Answer, Record};
use crate::contract::records::types::{DataSource, Progress};
use crate::contract::world::{CallResult, world};
use crate::failure::Failure;
use crate::sandbox::{Blueprint, Guest};
use crate::text::short;

world!(
    stateful
    /// A mixture policy of any version of the contract.
    MixtureWorld { MixtureReady, "octo:plugin/mixture-plugin", MixturePlugin, MixturePluginPre }
    in V0_1 = v0_1, V0_2 = v0_2, V0_3 = v0_3
);

impl MixtureWorld {
    fn weights(&self, store: &mut Store<Guest>, at: &Progress, sources: &[DataSource]) -> CallResult<Vec<f64>> {
        match self {
            Self::V0_1(world) => world.octo_plugin_mixture_policy().call_weights(store, at, sources),
            Self::V0_2(world) => world.octo_plugin_mixture_policy().call_weights(store, at, sources),
            Self::V0_3(world) => world.octo_plugin_mixture_policy().call_weights(store, at, sources),
        }
    }
}

/// A loaded mixture policy. Stateful: it remembers from call to call, and its memory goes into checkpoints.
pub struct MixturePolicy {
    stateful: Stateful<MixtureWorld>,
}

impl MixturePolicy {
    /// The share of each source, in order: not negative, and of sum 1.
    ///
    /// # Errors
    /// The call's failure. The plugin's memory is then as it was before the call.
    pub fn weights(&mut self, at: &Progress, sources: &[DataSource]) -> Result<Vec<f64>, Failure> {
        self.stateful.call(
            |world, store| world.weights(store, at, sources),
            |weights: Vec<f64>| shares(sources, &weights),
            |memory| Record::Mixture { memory, at: at.clone(), sources: sources.to_vec() },
        )
    }
}

stateful_methods!(MixturePolicy);

impl PluginKind for MixturePolicy {
    type World = MixtureWorld;
    const INTERFACE: &'static str = "mixture-policy";

    fn new(plugin: Blueprint<MixtureWorld>) -> MixturePolicy {
        MixturePolicy { stateful: Stateful::new(plugin) }
    }

    fn blueprint(&self) -> &Blueprint<MixtureWorld> {
        &self.stateful.plugin
    }

    fn blueprint_mut(&mut self) -> &mut Blueprint<MixtureWorld> {
        &mut self.stateful.plugin
    }

    fn answer(mut self, record: &Record) -> Option<Result<Answer, Failure>> {
        let Record::Mixture { memory, at, sources } = record else { return None };
        let restored = self.stateful.restore_if_any(memory);
        Some(restored.and_then(|()| self.weights(at, sources)).map(Answer::Shares))
    }
}

/// Weights as shares of sum 1, where they can be.
fn shares(sources: &[DataSource], weights: &[f64]) -> Result<Vec<f64>, Failure> {
    if weights.len() != sources.len() {
        return Err(Failure::invalid_output(format!("gave {} weights for {} sources", weights.len(), sources.len())));
    }
    for (source, weight) in sources.iter().zip(weights) {
        let what = format!("the weight of source {:?}", short(&source.name));
        returned::finite(&what, *weight)?;
        if *weight < 0.0 {
            return Err(Failure::invalid_output(format!("{what} is {weight}; weights are not negative")));
        }
    }
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(Failure::invalid_output("all weights are 0, so there is nothing to train on"));
    }
    // By the largest first: the sum of weights near the largest double would not be finite.
    let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
    Ok(weights.iter().map(|weight| weight / largest / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(count: usize) -> Vec<DataSource> {
        let source = |index| DataSource { name: format!("s{index}"), tokens_available: 1, tokens_seen: 0, loss: None };
        (0..count).map(source).collect()
    }

    #[test]
    fn weights_become_shares_of_one_even_at_the_edges_of_doubles() {
        assert_eq!(shares(&sources(2), &[1.0, 3.0]), Ok(vec![0.25, 0.75]));
        assert_eq!(shares(&sources(2), &[f64::MAX, f64::MAX]), Ok(vec![0.5, 0.5]));
        assert_eq!(shares(&sources(2), &[0.0, f64::MIN_POSITIVE]), Ok(vec![0.0, 1.0]));
    }

    #[test]
    fn weights_that_are_not_a_mixture_are_refused() {
        for weights in
            [&[][..], &[1.0], &[1.0, 1.0, 1.0], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0], &[-1.0, 2.0], &[0.0, 0.0]]
        {
            assert!(shares(&sources(2), weights).is_err(), "{weights:?}");
        }
    }
}
