//! What runs inside a component: the one plugin value, its construction, and the calls of the host.

use std::marker::PhantomData;
use std::sync::Once;

use crate::bindings::plugin::interface::Description;
use crate::bindings::{annotator, filter, memory, mixture, plugin, reward, schedule, verifier};
use crate::{
    Annotator, Attempt, DataFilter, DataSource, Decision, Document, MixturePolicy, Plugin, PluginError, Progress,
    Reply, Request, Reward, RewardFunction, Rollout, RolloutSchedule, StepPlan, Verdict, Verifier,
};

/// Who a plugin says it is: its crate's name, version and description.
pub struct Identity {
    /// Name of the plugin's crate.
    pub name: &'static str,
    /// Semantic version of the plugin's crate.
    pub version: &'static str,
    /// Description of the plugin's crate, one line.
    pub summary: &'static str,
}

/// Where a component keeps its plugin; `export!` implements it on a type of its own.
pub trait Slot {
    /// The plugin's type.
    type Plugin: Plugin;
    /// Taken from the plugin crate's manifest.
    const IDENTITY: Identity;
    /// Lends the slot, empty before `configure`.
    fn lend<R>(use_it: impl FnOnce(&mut Option<Self::Plugin>) -> R) -> R;
}

/// The memory of a mixture policy. Two wrappers, because one `impl` cannot cover both stateful kinds.
pub struct MixtureMemory<S>(PhantomData<S>);

/// The memory of a rollout schedule.
pub struct ScheduleMemory<S>(PhantomData<S>);

/// Runs `call` on the configured plugin.
fn call<S: Slot, R>(call: impl FnOnce(&mut S::Plugin) -> Result<R, PluginError>) -> Result<R, PluginError> {
    S::lend(|slot| match slot {
        Some(plugin) => call(plugin),
        None => Err(PluginError::invalid_config(format!("`{}` was called before it was configured", S::IDENTITY.name))),
    })
}

/// Runs `call` on the configured plugin, for `items` answers; without one, each is refused.
fn each<S: Slot, R>(
    items: usize,
    answers: impl FnOnce(&mut S::Plugin) -> Vec<Result<R, PluginError>>,
) -> Vec<Result<R, PluginError>> {
    call::<S, _>(|plugin| Ok(answers(plugin)))
        .unwrap_or_else(|refusal| (0..items).map(|_| Err(refusal.clone())).collect())
}

/// One group's rewards. A wrong number is found here: in a batch, one group's surplus could hide another's lack.
fn score(plugin: &impl RewardFunction, at: &Progress, group: &[Rollout]) -> Vec<Result<Reward, PluginError>> {
    let refused = match plugin.score(at, group) {
        Ok(rewards) if rewards.len() == group.len() => return rewards.into_iter().map(Ok).collect(),
        Ok(rewards) => {
            PluginError::internal(format!("gave {} rewards for the {} rollouts of a group", rewards.len(), group.len()))
        }
        Err(refusal) => refusal,
    };
    group.iter().map(|_| Err(refused.clone())).collect()
}

/// A trap alone says only where; the panic's message says what.
fn log_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
    });
}

/// Reads a config so that an error says at which key it went wrong.
fn read_config<C: serde::de::DeserializeOwned>(config: &str) -> Result<C, PluginError> {
    // By way of a value, since the text is the host's own: a line and column in it would mean nothing to a person.
    let value: serde_json::Value = serde_json::from_str(config)
        .map_err(|error| PluginError::invalid_config(format!("the config is not JSON: {error}")))?;
    if !value.is_object() {
        return Err(PluginError::invalid_config("the config must be a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        PluginError::invalid_config(match path.as_str() {
            "." => error.into_inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        })
    })
}

impl<S: Slot> plugin::interface::Guest for S {
    fn describe() -> Description {
        log_panics();
        let schema = schemars::schema_for!(<S::Plugin as Plugin>::Config);
        Description {
            name: S::IDENTITY.name.to_owned(),
            version: S::IDENTITY.version.to_owned(),
            summary: S::IDENTITY.summary.to_owned(),
            config_schema: schema.as_value().to_string(),
        }
    }

    fn configure(config: String) -> Result<(), PluginError> {
        log_panics();
        let plugin = S::Plugin::new(read_config(&config)?)?;
        S::lend(|slot| *slot = Some(plugin));
        Ok(())
    }
}

impl<S: Slot<Plugin: Verifier>> verifier::interface::Guest for S {
    fn verify(attempts: Vec<Attempt>) -> Vec<Result<Verdict, PluginError>> {
        each::<S, _>(attempts.len(), |plugin| plugin.verify_batch(&attempts))
    }
}

impl<S: Slot<Plugin: RewardFunction>> reward::interface::Guest for S {
    fn score(at: Progress, rollouts: Vec<Rollout>) -> Vec<Result<Reward, PluginError>> {
        each::<S, _>(rollouts.len(), |plugin| {
            rollouts.chunk_by(|one, next| one.group == next.group).flat_map(|group| score(plugin, &at, group)).collect()
        })
    }
}

impl<S: Slot<Plugin: DataFilter>> filter::interface::Guest for S {
    fn filter(documents: Vec<Document>) -> Vec<Result<Decision, PluginError>> {
        each::<S, _>(documents.len(), |plugin| plugin.filter_batch(&documents))
    }
}

impl<S: Slot<Plugin: Annotator>> annotator::interface::Guest for S {
    fn ask(documents: Vec<Document>) -> Vec<Result<Option<Request>, PluginError>> {
        each::<S, _>(documents.len(), |plugin| plugin.ask_batch(&documents))
    }

    fn read(answered: Vec<(Document, Reply)>) -> Vec<Result<Decision, PluginError>> {
        each::<S, _>(answered.len(), |plugin| plugin.read_batch(&answered))
    }
}

impl<S: Slot<Plugin: MixturePolicy>> mixture::interface::Guest for S {
    fn weights(at: Progress, sources: Vec<DataSource>) -> Result<Vec<f64>, PluginError> {
        call::<S, _>(|plugin| plugin.weights(&at, &sources))
    }
}

impl<S: Slot<Plugin: RolloutSchedule>> schedule::interface::Guest for S {
    fn plan(at: Progress) -> Result<StepPlan, PluginError> {
        call::<S, _>(|plugin| plugin.plan(&at))
    }
}

impl<S: Slot<Plugin: MixturePolicy>> memory::interface::Guest for MixtureMemory<S> {
    fn save() -> Vec<u8> {
        S::lend(|slot| slot.as_ref().map(MixturePolicy::save)).unwrap_or_default()
    }

    fn restore(bytes: Vec<u8>) -> Result<(), PluginError> {
        call::<S, _>(|plugin| plugin.restore(&bytes))
    }
}

impl<S: Slot<Plugin: RolloutSchedule>> memory::interface::Guest for ScheduleMemory<S> {
    fn save() -> Vec<u8> {
        S::lend(|slot| slot.as_ref().map(RolloutSchedule::save)).unwrap_or_default()
    }

    fn restore(bytes: Vec<u8>) -> Result<(), PluginError> {
        call::<S, _>(|plugin| plugin.restore(&bytes))
    }
}
