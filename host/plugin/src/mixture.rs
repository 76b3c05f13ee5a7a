//! Mixture policies: one weight a data source.

use crate::bindings::MixtureWorld;
use crate::bindings::types::{DataSource, Progress};
use crate::blueprint::Blueprint;
use crate::case::Record;
use crate::contract::Contract;
use crate::describe::Description;
use crate::failure::Failure;
use crate::guest_text::short;
use crate::policy::Policy;
use crate::returned;

/// A loaded mixture policy. It remembers from call to call; its memory goes into checkpoints.
pub struct MixturePolicy {
    pub(crate) policy: Policy<MixtureWorld>,
}

impl MixturePolicy {
    pub(crate) fn new(plugin: Blueprint<MixtureWorld>) -> MixturePolicy {
        MixturePolicy { policy: Policy::new(plugin) }
    }

    /// What the plugin says about itself.
    pub fn description(&self) -> &Description {
        &self.policy.plugin.description
    }

    /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.policy.plugin.digest
    }

    /// The version of the contract that it was built for.
    pub fn contract(&self) -> Contract {
        self.policy.plugin.contract
    }

    /// The share of each source, in order: not negative, and of sum 1.
    ///
    /// # Errors
    /// The call's failure. The policy's memory is then as it was before the call.
    pub fn weights(&mut self, at: &Progress, sources: &[DataSource]) -> Result<Vec<f64>, Failure> {
        self.policy.call(
            |world, store| world.weights(store, at, sources),
            |weights: Vec<f64>| shares(sources, &weights),
            |memory| Record::Mixture { memory, at: at.clone(), sources: sources.to_vec() },
        )
    }

    /// What the policy remembers as of the last call that succeeded or the last restored memory; none before either. Unlike
    /// [`save`](Self::save) it asks the plugin nothing.
    pub fn memory(&self) -> Option<&[u8]> {
        self.policy.memory()
    }

    /// The policy's memory, for a checkpoint.
    ///
    /// # Errors
    /// The failure of the plugin's `save`.
    pub fn save(&mut self) -> Result<Vec<u8>, Failure> {
        self.policy.save()
    }

    /// Goes on from the memory of a checkpoint.
    ///
    /// # Errors
    /// The plugin's refusal or failure. The policy is then as it was.
    pub fn restore(&mut self, memory: &[u8]) -> Result<(), Failure> {
        self.policy.restore(memory)
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
    fn weights_that_are_no_mixture_are_refused() {
        for weights in
            [&[][..], &[1.0], &[1.0, 1.0, 1.0], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0], &[-1.0, 2.0], &[0.0, 0.0]]
        {
            assert!(shares(&sources(2), weights).is_err(), "{weights:?}");
        }
    }
}
