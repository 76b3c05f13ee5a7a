//! A plugin under test: three items through its kind's function or an annotator's second one, or its memory saved or
//! restored.

use octo_plugin::types::{Document, FinishReason, Reply};
use octo_plugin::{Failure, Kind, LoadedPlugin};

use crate::guests::{attempt, document, progress, rollout, source};
use crate::table::Export;

/// The answers to three items, in words.
pub type Results = Vec<Result<String, Failure>>;

/// Asks the export of a plugin that has loaded.
pub fn ask(plugin: LoadedPlugin, export: Export, item: Option<&str>, memory: Option<&[u8]>) -> Results {
    match (plugin, export) {
        (LoadedPlugin::Mixture(mut plugin), Export::Save) => vec![saved(plugin.save())],
        (LoadedPlugin::Schedule(mut plugin), Export::Save) => vec![saved(plugin.save())],
        (LoadedPlugin::Mixture(mut plugin), Export::Restore) => {
            vec![plugin.restore(memory.unwrap_or(&[0; 8])).map(|()| "restored".to_owned())]
        }
        (LoadedPlugin::Schedule(mut plugin), Export::Restore) => {
            vec![plugin.restore(memory.unwrap_or(&[0; 4])).map(|()| "restored".to_owned())]
        }
        (LoadedPlugin::Annotator(annotator), Export::Read) => {
            let answered = [answered("DROP"), answered(item.unwrap_or("REWRITE")), answered("NOTE")];
            in_words(annotator.read(&answered), |decision| format!("{decision:?}"))
        }
        (plugin, _) => three(plugin, item),
    }
}

fn saved(memory: Result<Vec<u8>, Failure>) -> Result<String, Failure> {
    memory.map(|memory| format!("saved {} bytes", memory.len()))
}

/// A document and what a model said about it.
fn answered(reply: &str) -> (Document, Reply) {
    (document("a", "a text"), Reply { text: reply.to_owned(), finish: FinishReason::Stop })
}

/// Three items, of which the second says `item`.
fn three(plugin: LoadedPlugin, item: Option<&str>) -> Results {
    let second = |ordinary| item.unwrap_or(ordinary);
    match plugin {
        LoadedPlugin::Verifier(verifier) => {
            let answers = verifier.verify(&[attempt("2"), attempt(second("3")), attempt("4")]);
            in_words(answers, |verdict| format!("{:?}: {}", verdict.outcome, verdict.reason))
        }
        LoadedPlugin::Reward(reward) => {
            let rollouts = [rollout(0, 1, "2"), rollout(1, 1, second("2")), rollout(2, 1, "2")];
            in_words(reward.score(&progress("rl", 1), &rollouts), |reward| format!("{reward:?}"))
        }
        LoadedPlugin::Filter(filter) => {
            let documents = [document("a", "DROP"), document("b", second("REWRITE")), document("c", "NOTE")];
            in_words(filter.filter(&documents), |decision| format!("{decision:?}"))
        }
        LoadedPlugin::Annotator(annotator) => {
            let documents = [document("a", "one"), document("b", second("SKIP")), document("c", "three")];
            in_words(annotator.ask(&documents), |request| match request {
                Some(request) => format!("{} messages, {:?}", request.messages.len(), request.messages[1].content),
                None => "nothing to ask".to_owned(),
            })
        }
        LoadedPlugin::Mixture(mut mixture) => {
            let sources = [source("prose"), source("math")];
            let stages = ["base", second("base"), "base"].into_iter().zip(0..);
            let weights = stages.map(|(stage, step)| mixture.weights(&progress(stage, step), &sources));
            in_words(weights.collect(), |weights| format!("{weights:?}"))
        }
        LoadedPlugin::Schedule(mut schedule) => {
            let stages = ["rl", second("rl"), "rl"].into_iter().zip(0..);
            let plans = stages.map(|(stage, step)| schedule.plan(&progress(stage, step)));
            in_words(plans.collect(), |plan| format!("{plan:?}"))
        }
    }
}

fn in_words<T>(answers: Vec<Result<T, Failure>>, words: impl Fn(T) -> String) -> Results {
    answers.into_iter().map(|answer| answer.map(&words)).collect()
}

/// The plugin of `tests/hostile_plugin` of a kind.
pub fn built_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Verifier => "hostile_plugin",
        Kind::Reward => "hostile_reward",
        Kind::Filter => "hostile_filter",
        Kind::Annotator => "hostile_annotator",
        Kind::Mixture => "hostile_mixture",
        Kind::Schedule => "hostile_schedule",
    }
}

/// The function of a kind, as the contract calls it.
pub fn function(kind: Kind) -> &'static str {
    match kind {
        Kind::Verifier => "verify",
        Kind::Reward => "score",
        Kind::Filter => "filter",
        Kind::Annotator => "ask",
        Kind::Mixture => "weights",
        Kind::Schedule => "plan",
    }
}
