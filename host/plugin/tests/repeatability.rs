//! The same bytes out, however the reference plugins are run: on any number of threads, in batches of any size, with a
//! cold or a warm cache, compiled here or in a child, for the first time or the thousandth; and where a limit cuts, on
//! the same items. Items are drawn as models and crawls make them, and are real ones too where `OCTO_SHARED` has them.

#[path = "guests/built.rs"]
mod built;
#[path = "guests/classifying.rs"]
mod classifying;
#[path = "guests/drawn.rs"]
mod drawn;
mod guests;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use guests::{kinds, progress, source};
use octo_plugin::types::{Attempt, DataSource, Document, Field, FinishReason, Reply, Rollout};
use octo_plugin::{Failure, FailureKind, Host, Limits, LoadedPlugin};
use proptest::prelude::*;
use serde_json::{Value, json};

/// How a plugin is run, in everything that must not matter.
#[derive(Clone, Copy, Debug)]
struct Way {
    threads: usize,
    batch_items: u64,
    cache: Cache,
    /// Calls that came before on the same plugin.
    before: usize,
}

#[derive(Clone, Copy, Debug)]
enum Cache {
    /// Compiled in a child, into a folder that was empty.
    Cold,
    /// Read from a folder that another host has filled.
    Warm,
    /// Compiled in this process, and not kept.
    None,
}

const PLAIN: Way = Way { threads: 1, batch_items: 64, cache: Cache::Warm, before: 0 };

fn ways() -> impl Strategy<Value = Way> {
    let caches = prop_oneof![8 => Just(Cache::Warm), 1 => Just(Cache::Cold), 1 => Just(Cache::None)];
    (prop::sample::select(vec![1, 2, 8]), 1u64..200, caches, 0usize..3)
        .prop_map(|(threads, batch_items, cache, before)| Way { threads, batch_items, cache, before })
}

fn loaded(name: &str, config: &Value, limits: &Limits, cache: Cache) -> LoadedPlugin {
    static WARM: OnceLock<Host> = OnceLock::new();
    let (folder, host);
    let host = match cache {
        Cache::Warm => WARM.get_or_init(built::host),
        Cache::Cold => {
            folder = tempfile::tempdir().expect("folder");
            host = Host::with_cache_folder(Some(folder.path()))
                .expect("a supported machine")
                .compiling_with(Path::new(env!("CARGO_BIN_EXE_octo-compile")));
            &host
        }
        Cache::None => {
            host = guests::host();
            &host
        }
    };
    let host = host.clone().with_classifiers(classifying::named("math", classifying::Digits::default()));
    built::load(&host, name, config, limits).expect(name)
}

/// Items through one plugin in one way. What comes out is compared as text, which distinguishes -0 from 0 and keeps every digit.
fn run(name: &str, config: &Value, items: &Items, limits: &Limits, way: Way) -> Vec<Result<String, Failure>> {
    let limits = Limits { batch_items: way.batch_items, ..limits.clone() };
    let plugin = loaded(name, config, &limits, way.cache);
    let call: Box<dyn Fn() -> Vec<Result<String, Failure>> + Sync> = match (plugin, items) {
        (LoadedPlugin::Verifier(plugin), Items::Attempts(items)) => Box::new(move || in_words(plugin.verify(items))),
        (LoadedPlugin::Reward(plugin), Items::Rollouts(items)) => {
            Box::new(move || in_words(plugin.score(&progress("rl", 3), items)))
        }
        (LoadedPlugin::Filter(plugin), Items::Documents(items)) => Box::new(move || in_words(plugin.filter(items))),
        (LoadedPlugin::Annotator(plugin), Items::Documents(items)) => Box::new(move || in_words(plugin.ask(items))),
        (LoadedPlugin::Annotator(plugin), Items::Answered(items)) => Box::new(move || in_words(plugin.read(items))),
        _ => panic!("{name} is of another kind"),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(way.threads).build().expect("threads");
    pool.install(|| {
        for _ in 0..way.before {
            call();
        }
        call()
    })
}

fn in_words<T: std::fmt::Debug>(answers: Vec<Result<T, Failure>>) -> Vec<Result<String, Failure>> {
    answers.into_iter().map(|answer| answer.map(|answer| format!("{answer:?}"))).collect()
}

enum Items {
    Attempts(Vec<Attempt>),
    Rollouts(Vec<Rollout>),
    Documents(Vec<Document>),
    Answered(Vec<(Document, Reply)>),
}

/// The plugins that judge items, and items for each.
fn judges(seed: u64) -> [(&'static str, Value, Items); 20] {
    let paying = |salt: u64| Items::Rollouts(drawn::rollouts(seed ^ salt, 120));
    [
        ("verifier_math", json!({}), Items::Attempts(drawn::attempts(seed, 120))),
        ("verifier_exact", json!({}), Items::Attempts(drawn::attempts(seed, 120))),
        ("verifier_choice", json!({}), Items::Attempts(drawn::choices(seed, 120))),
        ("reward_outcome", json!({"incorrect": -1.0, "no_answer": -0.5}), paying(0)),
        ("reward_format", json!({"variant": "v4"}), paying(1)),
        ("reward_overlong", json!({"limit": 1500, "buffer": 1000}), paying(2)),
        ("reward_repetition", json!({"loop_penalty": 0.5, "free_share": 0.1}), paying(3)),
        ("reward_cosine_length", json!({"limit": 1500}), paying(4)),
        ("filter_heuristics", json!({}), Items::Documents(drawn::documents(seed, 60))),
        ("filter_classifier", json!({"threshold": 0.01}), Items::Documents(pages(seed))),
        ("filter_refined", json!({"min_length_share": 0.0}), Items::Documents(rewritten(seed))),
        ("annotator_math_score", json!({"max_characters": 500}), Items::Documents(pages(seed))),
        ("annotator_math_score", json!({"min_score": 2}), Items::Answered(answered(seed))),
        ("annotator_refine", json!({"max_characters": 500}), Items::Documents(pages(seed))),
        ("annotator_refine", json!({}), Items::Answered(answered(seed))),
        ("filter_heuristics", json!({"preset": "gopher"}), Items::Documents(drawn::documents(seed, 60))),
        ("filter_heuristics", json!({"preset": "c4"}), Items::Documents(drawn::documents(seed, 60))),
        ("filter_heuristics", json!({"preset": "fineweb"}), Items::Documents(drawn::documents(seed, 60))),
        ("filter_heuristics", json!({"preset": "mathematics"}), Items::Documents(drawn::documents(seed, 60))),
        ("filter_math_score", json!({}), Items::Documents(drawn::documents(seed, 60))),
    ]
}

/// Documents of which none is empty.
fn pages(seed: u64) -> Vec<Document> {
    let page = |document: Document| Document { text: format!("Page 7 of $a+b=12$. {}", document.text), ..document };
    drawn::documents(seed, 60).into_iter().map(page).collect()
}

/// Documents that carry the text of another, as rewritings of it.
fn rewritten(seed: u64) -> Vec<Document> {
    let original = |page: Document| Field { name: "original_text".to_owned(), value: page.text };
    let originals = pages(seed ^ 1).into_iter().map(original);
    pages(seed).into_iter().zip(originals).map(|(page, original)| Document { fields: vec![original], ..page }).collect()
}

/// Documents with replies of which each states one score.
fn answered(seed: u64) -> Vec<(Document, Reply)> {
    let reply = |(page, said): (Document, Document)| {
        let text = format!("{}\n\nScore: {}", said.text.replace("Page 7", "Page"), said.text.len() % 6);
        (page, Reply { text, finish: FinishReason::Stop })
    };
    pages(seed).into_iter().zip(pages(seed ^ 2)).map(reply).collect()
}

/// The stateful plugins, with a config for `sources`.
fn stateful(sources: &[DataSource]) -> [(&'static str, Value); 7] {
    let weights: serde_json::Map<String, Value> =
        sources.iter().zip(1..).map(|(source, weight)| (source.name.clone(), json!(weight))).collect();
    let stairs = json!({"stairs": [{"step": 0, "tokens": 32}, {"step": 7, "tokens": 64}, {"step": 31, "tokens": 96}]});
    let adaptive = json!({"start": 32, "most": 4096, "grow": {"metric": "loss", "above": 2.0}});
    [
        ("mixture_static", json!({"weights": weights})),
        ("mixture_stages", json!({"stages": {"*": [{"weights": weights}]}})),
        ("mixture_adaptive", json!({"weights": weights})),
        ("schedule_staircase", stairs),
        ("schedule_adaptive", adaptive),
        ("hostile_mixture", json!({})),
        ("hostile_schedule", json!({})),
    ]
}

#[test]
fn no_reference_plugin_is_forgotten_here() {
    let judges = judges(0).map(|(name, ..)| name);
    let stateful = stateful(&[]).map(|(name, _)| name);
    let here: BTreeSet<&str> = judges.into_iter().chain(stateful).collect();
    let forgotten: Vec<String> =
        built::reference_plugins().into_iter().filter(|name| !here.contains(name.as_str())).collect();
    assert!(forgotten.is_empty(), "add to `judges` or `stateful`: {forgotten:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_way_a_plugin_is_run_changes_nothing(seed in any::<u64>(), way in ways()) {
        for (name, config, items) in judges(seed) {
            let plain = run(name, &config, &items, &Limits::default(), PLAIN);
            prop_assert!(plain.iter().all(Result::is_ok), "{name}: {plain:?}");
            prop_assert_eq!(&plain, &run(name, &config, &items, &Limits::default(), way), "{}", name);
        }
    }

    /// At a limit that about half of the items are over, where a batch's boundaries would show first.
    #[test]
    fn where_a_limit_cuts_it_cuts_the_same_items(seed in any::<u64>(), way in ways()) {
        for (name, config, items) in judges(seed) {
            let limits = Limits { fuel_per_item: fuel_that_cuts_half(name, &config, &items), ..Limits::default() };
            let plain = kinds(&run(name, &config, &items, &limits, Way { batch_items: 1, ..PLAIN }));
            let cut = plain.iter().filter(|kind| **kind == Some(FailureKind::Fuel)).count();
            prop_assert!(cut > 0 && cut < plain.len(), "{name}: {cut} of {} are cut", plain.len());
            prop_assert_eq!(&plain, &kinds(&run(name, &config, &items, &limits, way)), "{}", name);
        }
    }

    /// A stateful plugin that was saved and restored at any step gives the bytes of one that ran through.
    #[test]
    fn a_plugin_restored_at_any_step_resumes_exactly(seed in any::<u64>(), stop in 0u64..40, way in ways()) {
        let sources = drawn::sources(seed);
        for (name, config) in stateful(&sources) {
            let fresh = |cache| Stateful(loaded(name, &config, &Limits::default(), cache));
            let mut straight = fresh(Cache::Warm);
            let expected: Vec<_> = (0..40).map(|step| straight.step(step, &sources)).collect();
            prop_assert!(expected.iter().all(Result::is_ok), "{name}: {expected:?}");

            let mut first = fresh(way.cache);
            let mut found: Vec<_> = (0..stop).map(|step| first.step(step, &sources)).collect();
            let memory = first.save();
            let mut second = fresh(Cache::Warm);
            second.restore(&memory);
            prop_assert_eq!(&second.save(), &memory, "{}: memory changes by being restored", name);
            found.extend((stop..40).map(|step| second.step(step, &sources)));
            prop_assert_eq!(&found, &expected, "{}", name);
            prop_assert_eq!(second.save(), straight.save(), "{}", name);
        }
    }
}

/// A limit that cuts some items and not others: the best of a bisection for half of them.
fn fuel_that_cuts_half(name: &str, config: &Value, items: &Items) -> u64 {
    let (mut low, mut high) = (1_000u64, 100_000_000);
    while high - low > low / 10 {
        let fuel = low.isqrt() * high.isqrt();
        let limits = Limits { fuel_per_item: fuel, ..Limits::default() };
        let answers = run(name, config, items, &limits, Way { batch_items: 1, threads: 2, ..PLAIN });
        match answers.iter().filter(|answer| answer.is_err()).count() * 2 {
            cut if cut.abs_diff(answers.len()) <= answers.len() / 2 => return fuel,
            cut if cut > answers.len() => low = fuel,
            _ => high = fuel,
        }
    }
    high
}

/// A stateful plugin of either kind.
struct Stateful(LoadedPlugin);

impl Stateful {
    fn step(&mut self, step: u64, sources: &[DataSource]) -> Result<String, Failure> {
        match &mut self.0 {
            LoadedPlugin::Mixture(plugin) => plugin.weights(&progress("base", step), sources).map(|w| format!("{w:?}")),
            LoadedPlugin::Schedule(plugin) => plugin.plan(&progress("rl", step)).map(|plan| format!("{plan:?}")),
            _ => panic!("not a stateful plugin"),
        }
    }

    fn save(&mut self) -> Vec<u8> {
        match &mut self.0 {
            LoadedPlugin::Mixture(plugin) => plugin.save(),
            LoadedPlugin::Schedule(plugin) => plugin.save(),
            _ => panic!("not a stateful plugin"),
        }
        .expect("saves")
    }

    fn restore(&mut self, memory: &[u8]) {
        match &mut self.0 {
            LoadedPlugin::Mixture(plugin) => plugin.restore(memory),
            LoadedPlugin::Schedule(plugin) => plugin.restore(memory),
            _ => panic!("not a stateful plugin"),
        }
        .expect("restores");
    }
}

#[test]
fn the_thousandth_call_answers_as_the_first() {
    let verifier = loaded("verifier_math", &json!({}), &Limits::default(), Cache::Warm).into_verifier().expect("kind");
    let attempts = drawn::attempts(7, 8);
    let first = verifier.verify(&attempts);
    for call in 2..=1000 {
        assert_eq!(verifier.verify(&attempts), first, "call {call}");
    }
    let sources = [source("prose"), source("math")];
    let mut mixture = Stateful(loaded(
        "mixture_static",
        &json!({"weights": {"prose": 1, "math": 2}}),
        &Limits::default(),
        Cache::Warm,
    ));
    let first = mixture.step(0, &sources);
    for call in 2..=1000 {
        assert_eq!(mixture.step(0, &sources), first, "call {call}");
    }
}

#[test]
fn real_responses_are_judged_alike_however_it_is_done() {
    let Some(attempts) = drawn::real_attempts(1500) else { return };
    let items = Items::Attempts(attempts);
    let (config, limits) = (json!({}), Limits::default());
    let plain = run("verifier_math", &config, &items, &limits, PLAIN);
    for (threads, batch_items) in [(2, 7), (8, 256), (1, 1)] {
        let way = Way { threads, batch_items, cache: Cache::None, before: 0 };
        assert!(run("verifier_math", &config, &items, &limits, way) == plain, "{way:?}");
    }
}
