//! The traits that a plugin implements: [`Plugin`] and one kind.

use crate::{
    Attempt, DataSource, Decision, Document, PluginError, Progress, Reply, Request, Reward, Rollout, StepPlan, Verdict,
};

/// A value made from the recipe's config; every plugin is one.
///
/// Verifiers, rewards, filters and annotators are made anew for each batch, so that a result depends on its batch alone; mixtures
/// and schedules are stateful, and live as long as the stage does.
pub trait Plugin: Sized {
    /// What a recipe may set. Its doc comments become the descriptions of the schema that `octo-host plugin inspect`
    /// prints and that the host validates a recipe against, so use `#[serde(default, deny_unknown_fields)]`.
    type Config: serde::de::DeserializeOwned + schemars::JsonSchema;

    /// Checks what the schema cannot say and builds the plugin.
    ///
    /// # Errors
    /// [`PluginError::invalid_config`] for a config that makes no sense, naming the key and what it should be.
    fn new(config: Self::Config) -> Result<Self, PluginError>;
}

/// Judges responses against accepted answers.
pub trait Verifier: Plugin {
    /// Judges one response. A wrong or missing answer is a [`Verdict`], never an error.
    ///
    /// # Errors
    /// Only where no verdict is possible: an attempt the plugin cannot read, or a defect of the plugin.
    fn verify(&self, attempt: &Attempt) -> Result<Verdict, PluginError>;

    /// Judges a batch: one verdict or refusal per attempt, in order. Override it where work can be shared within a batch.
    fn verify_batch(&self, attempts: &[Attempt]) -> Vec<Result<Verdict, PluginError>> {
        attempts.iter().map(|attempt| self.verify(attempt)).collect()
    }
}

/// Turns verdicts into the numbers that reinforcement learning maximises.
pub trait RewardFunction: Plugin {
    /// Scores a group, the rollouts of one prompt: one reward per rollout, in order. Totals and parts are finite.
    ///
    /// # Errors
    /// Where the group cannot be scored; other groups are not touched.
    fn score(&self, at: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError>;
}

/// Keeps, annotates, rewrites or drops documents.
pub trait DataFilter: Plugin {
    /// Decides on one document.
    ///
    /// # Errors
    /// Only where no decision is possible; the document then goes to the dead letters, not to the dropped ones.
    fn filter(&self, document: &Document) -> Result<Decision, PluginError>;

    /// Decides on a batch: one decision or refusal per document, in order. Override it to call [`crate::classify`] once
    /// per batch.
    fn filter_batch(&self, documents: &[Document]) -> Vec<Result<Decision, PluginError>> {
        documents.iter().map(|document| self.filter(document)).collect()
    }
}

/// Asks a language model about documents, and decides on each by the reply.
///
/// The host has the model and makes the calls between the two: neither method sees it, and what one learns the other has
/// only in the document and the config.
pub trait Annotator: Plugin {
    /// What to ask about one document; nothing, and the document is kept as it is.
    ///
    /// # Errors
    /// Only where the document cannot be asked about; it then goes to the dead letters.
    fn ask(&self, document: &Document) -> Result<Option<Request>, PluginError>;

    /// What the reply says about the document.
    ///
    /// # Errors
    /// Where the reply cannot be used: it holds no answer, several, or one that is out of range. The document then goes
    /// to the dead letters, and can be asked about again; a guess would stay in the corpus.
    fn read(&self, document: &Document, reply: &Reply) -> Result<Decision, PluginError>;

    /// Asks about a batch: one request, nothing or a refusal per document, in order.
    fn ask_batch(&self, documents: &[Document]) -> Vec<Result<Option<Request>, PluginError>> {
        documents.iter().map(|document| self.ask(document)).collect()
    }

    /// Reads the replies to a batch: one decision or refusal each, in order.
    fn read_batch(&self, answered: &[(Document, Reply)]) -> Vec<Result<Decision, PluginError>> {
        answered.iter().map(|(document, reply)| self.read(document, reply)).collect()
    }
}

/// Decides which share of a training step each data source provides.
pub trait MixturePolicy: Plugin {
    /// One weight per source, in order; the host normalises them. Finite, not negative, not all zero.
    ///
    /// # Errors
    /// Where the plugin does not know what to do with these sources.
    fn weights(&mut self, at: &Progress, sources: &[DataSource]) -> Result<Vec<f64>, PluginError>;

    /// What the plugin remembers, stored in every checkpoint. Nothing, unless overridden.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes back what [`MixturePolicy::save`] returned, possibly from another release of this plugin.
    ///
    /// # Errors
    /// Where the bytes are not of a memory this plugin understands. Unless overridden: where there are any.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), PluginError> {
        refuse_memory(bytes)
    }
}

/// Decides how long responses may be and how they are sampled, step by step.
pub trait RolloutSchedule: Plugin {
    /// The plan of the step that `at` names. The host clamps it to the recipe's hard limits.
    ///
    /// # Errors
    /// Where the schedule has no plan for this step.
    fn plan(&mut self, at: &Progress) -> Result<StepPlan, PluginError>;

    /// What the plugin remembers, stored in every checkpoint. Nothing, unless overridden.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes back what [`RolloutSchedule::save`] returned, possibly from another release of this plugin.
    ///
    /// # Errors
    /// Where the bytes are not of a memory this plugin understands. Unless overridden: where there are any.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), PluginError> {
        refuse_memory(bytes)
    }
}

/// A plugin without a memory that is given one belongs to another checkpoint; resuming silently would not repeat it.
fn refuse_memory(bytes: &[u8]) -> Result<(), PluginError> {
    if bytes.is_empty() {
        return Ok(());
    }
    Err(PluginError::invalid_input(format!(
        "the checkpoint holds {} bytes of memory, but this plugin remembers nothing: it was written with another plugin",
        bytes.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    struct Forgetful;

    impl Plugin for Forgetful {
        type Config = std::collections::BTreeMap<String, u8>;
        fn new(_: Self::Config) -> Result<Self, PluginError> {
            Ok(Forgetful)
        }
    }

    impl RolloutSchedule for Forgetful {
        fn plan(&mut self, _: &Progress) -> Result<StepPlan, PluginError> {
            Err(PluginError::unsupported("no plan"))
        }
    }

    #[test]
    fn a_plugin_without_memory_refuses_the_memory_of_another() {
        let mut schedule = Forgetful;
        assert_eq!(schedule.restore(&RolloutSchedule::save(&Forgetful)), Ok(()));
        let error = schedule.restore(&[1, 2, 3]).expect_err("three bytes of another plugin");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert!(error.message.contains("3 bytes"), "{error}");
    }
}
