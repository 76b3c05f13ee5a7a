//! Whatever bytes a guest returns, what the host passes on is within the contract.
//!
//! The first byte of an input names the kind and the version of the contract, the second the number of items; the rest
//! is what the guest returns, from [`copying::AREA`] on.
#![no_main]

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::{Corpus, fuzz_target};
use octo_plugin::types::{Decision, Field, FinishReason, Progress, Reply};
use octo_plugin::{Failure, Host, LoadedPlugin};

#[path = "../src/copying.rs"]
mod copying;
#[path = "../../host/plugin/tests/guests/mod.rs"]
mod guests;

static PLUGINS: LazyLock<Mutex<Vec<LoadedPlugin>>> = LazyLock::new(|| {
    let host = Host::with_cache_folder(None).expect("a supported machine");
    Mutex::new(copying::FORMS.iter().map(|form| form.load(&host)).collect())
});

/// A name that things are counted by.
fn name(name: &str) {
    assert!(!name.trim().is_empty() && name.len() <= 200 && !name.contains(char::is_control), "{name:?}");
}

fn failed(failure: &Failure) {
    let Failure { message, .. } = failure;
    assert!(!message.contains(char::is_control) && message.len() < 2000, "{message:?}");
}

fn fields(fields: &[Field]) {
    let limits = copying::limits();
    assert!(fields.len() as u64 <= limits.returned_list_items);
    for field in fields {
        name(&field.name);
        assert!(field.value.len() as u64 <= limits.returned_string_bytes);
    }
    assert_eq!(fields.iter().map(|field| &field.name).collect::<BTreeSet<_>>().len(), fields.len());
}

fn each<T>(answers: &[Result<T, Failure>], items: usize, check: impl Fn(&T)) {
    assert_eq!(answers.len(), items);
    for answer in answers {
        match answer {
            Ok(value) => check(value),
            Err(failure) => failed(failure),
        }
    }
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let [form, items, answer @ ..] = bytes else { return Corpus::Reject };
    if answer.len() > copying::LONGEST {
        return Corpus::Reject;
    }
    let items = 1 + usize::from(items % 4);
    let text = copying::as_text(answer);
    let limits = copying::limits();
    let mut plugins = PLUGINS.lock().expect("one input at a time");
    let plugins = plugins.as_mut_slice();
    let form = usize::from(*form) % plugins.len();
    match &mut plugins[form] {
        LoadedPlugin::Verifier(verifier) => {
            let answers = verifier.verify(&vec![guests::attempt(&text); items]);
            each(&answers, items, |verdict| {
                let extracted = verdict.extracted.as_deref().unwrap_or_default();
                assert!(extracted.len() as u64 <= limits.returned_string_bytes);
                assert!(verdict.reason.len() as u64 <= limits.returned_string_bytes + 3);
                assert!(!verdict.reason.contains(char::is_control), "{:?}", verdict.reason);
            });
        }
        LoadedPlugin::Reward(reward) => {
            let answers = reward.score(&guests::progress("rl", 3), &vec![guests::rollout(0, 5, &text); items]);
            each(&answers, items, |reward| {
                assert!(reward.total.is_finite() && reward.parts.len() as u64 <= limits.returned_list_items);
                for part in &reward.parts {
                    name(&part.name);
                    assert!(part.value.is_finite());
                }
            });
        }
        LoadedPlugin::Filter(filter) => {
            let answers = filter.filter(&vec![guests::document("a", &text); items]);
            each(&answers, items, |decision| match decision {
                Decision::Keep => {}
                Decision::Drop(reason) => name(reason),
                Decision::Annotate(added) => fields(added),
                Decision::Rewrite(rewritten) => {
                    fields(&rewritten.fields);
                    assert!(rewritten.text.len() as u64 <= limits.hostcall_bytes);
                }
            });
        }
        LoadedPlugin::Annotator(annotator) => {
            let documents = vec![guests::document("a", &text); items];
            each(&annotator.ask(&documents), items, |request| {
                let Some(request) = request else { return };
                assert!(!request.messages.is_empty() && request.messages.len() as u64 <= limits.returned_list_items);
                let bytes: usize = request.messages.iter().map(|message| message.content.len()).sum();
                assert!(bytes as u64 <= limits.hostcall_bytes && request.max_tokens > 0);
                assert!(request.temperature.is_finite() && request.temperature >= 0.0, "{request:?}");
                assert!(request.top_p > 0.0 && request.top_p <= 1.0, "{request:?}");
                assert!(request.stop.iter().all(|stop| !stop.is_empty()), "{request:?}");
            });
            let reply = Reply { text: text.clone(), finish: FinishReason::Stop };
            let answered: Vec<_> = documents.into_iter().map(|document| (document, reply.clone())).collect();
            each(&annotator.read(&answered), items, |decision| match decision {
                Decision::Keep => {}
                Decision::Drop(reason) => name(reason),
                Decision::Annotate(added) => fields(added),
                Decision::Rewrite(rewritten) => fields(&rewritten.fields),
            });
        }
        LoadedPlugin::Mixture(mixture) => {
            let at = Progress { stage: text, ..guests::progress("", 3) };
            let shares = mixture.weights(&at, &vec![guests::source("web"); items]);
            let saved = mixture.save();
            each(&[shares], 1, |shares| {
                assert_eq!(shares.len(), items);
                assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
            });
            each(&[saved], 1, |saved| assert!(saved.len() as u64 <= limits.hostcall_bytes));
        }
        LoadedPlugin::Schedule(schedule) => {
            let at = Progress { stage: text, ..guests::progress("", 3) };
            each(&[schedule.plan(&at)], 1, |plan| {
                assert!(plan.max_response_tokens > 0);
                assert!(plan.temperature.is_finite() && plan.temperature >= 0.0, "{plan:?}");
                assert!(plan.top_p > 0.0 && plan.top_p <= 1.0, "{plan:?}");
            });
        }
    }
    Corpus::Keep
});
