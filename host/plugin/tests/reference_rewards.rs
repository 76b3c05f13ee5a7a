//! The reference rewards in the sandbox: added up by weight, and within the default fuel on the worst of responses.

#[path = "guests/built.rs"]
mod built;
mod guests;

use guests::{kinds, progress, rollout};
use octo_plugin::types::{Metric, Progress, Rollout};
use octo_plugin::{FailureKind, Limits, RewardFunction, RewardSum, RewardTerm};
use serde_json::{Value, json};

fn reward(name: &str, config: Value) -> RewardFunction {
    let plugin = built::load(&built::host(), name, &config, &Limits::default()).expect(name);
    plugin.into_reward().expect("a reward function")
}

fn term(name: &str, weight: f64, function: RewardFunction) -> RewardTerm {
    RewardTerm { name: name.into(), weight, function }
}

fn with_limit(limit: f64) -> Progress {
    let mut at = progress("rl", 3);
    at.metrics.push(Metric { name: "length_limit".into(), value: limit });
    at
}

#[test]
fn a_sum_pays_the_weighted_totals_and_keeps_every_part_in_its_own_units() {
    let rollouts = [rollout(0, 60, "so it is \\boxed{2}"), rollout(0, 90, "so it is \\boxed{2}")];
    let terms = || {
        vec![
            term("outcome", 2.0, reward("reward_outcome", json!({}))),
            term("overlong", 0.5, reward("reward_overlong", json!({"buffer": 40}))),
            term("watched", 0.0, reward("reward_format", json!({"no_box": -4.0}))),
        ]
    };
    let sum = RewardSum::new(terms()).expect("a sum");
    let at = with_limit(100.0);
    let paid: Vec<_> = sum.score(&at, &rollouts).into_iter().map(|found| found.expect("paid")).collect();
    // 60 tokens reach the buffer of 40 before 100, 90 are three quarters into it.
    assert_eq!(paid.iter().map(|found| found.total).collect::<Vec<_>>(), [2.0, 2.0 - 0.5 * 0.75]);
    let parts: Vec<_> = paid[1].parts.iter().map(|part| (part.name.as_str(), part.value)).collect();
    assert_eq!(parts[..2], [("outcome.outcome", 1.0), ("overlong.overlong", -0.75)]);
    assert!(parts[2..].iter().all(|(name, value)| name.starts_with("watched.") && *value == 0.0), "{parts:?}");

    // Each term as it would have been alone, and a sum that is one function renames nothing.
    let alone = reward("reward_outcome", json!({})).score(&at, &rollouts);
    assert_eq!(sum.score_each(&at, &rollouts)[0], alone);
    assert_eq!(RewardSum::from(reward("reward_outcome", json!({}))).score(&at, &rollouts), alone);
}

#[test]
fn a_rollout_that_fails_in_one_term_has_no_total_and_the_failure_names_it() {
    // No limit in the config and none in the metrics: the penalty refuses, though the outcome is known.
    let sum = RewardSum::new(vec![
        term("outcome", 1.0, reward("reward_outcome", json!({}))),
        term("overlong", 0.5, reward("reward_overlong", json!({"buffer": 40}))),
    ])
    .expect("a sum");
    let rollouts = [rollout(0, 60, "\\boxed{2}"), rollout(1, 90, "\\boxed{2}")];
    let found = sum.score(&progress("rl", 3), &rollouts);
    assert_eq!(kinds(&found), [Some(FailureKind::PluginError); 2]);
    for failure in found {
        let message = failure.expect_err("no total").message;
        assert!(message.starts_with("reward `overlong`: invalid input") && message.contains("`limit`"), "{message}");
    }

    // And only that rollout, where only that one fails.
    let short = Limits { fuel_per_item: 3_000_000, ..Limits::default() };
    let costly = built::load(&built::host(), "reward_repetition", &json!({}), &short).expect("loads");
    let sum = RewardSum::new(vec![
        term("outcome", 1.0, reward("reward_outcome", json!({}))),
        term("repetition", 1.0, costly.into_reward().expect("a reward function")),
    ])
    .expect("a sum");
    let long = "some words of every kind ".repeat(4_000);
    let found = sum.score(&progress("rl", 3), &[rollout(0, 9, "fine"), rollout(1, 9, &long), rollout(2, 9, "fine")]);
    assert_eq!(kinds(&found), [None, Some(FailureKind::Fuel), None]);
    assert!(found[1].as_ref().expect_err("fuel").message.starts_with("reward `repetition`: "), "{found:?}");
}

/// Responses of 100 kB made to be slow: one character, two words, rules of dashes, braces that never close, loops that
/// end one copy short, words that never repeat, and Thue–Morse, on which polynomial hashes collide.
fn worst() -> Vec<(&'static str, String)> {
    const SIZE: usize = 100_000;
    let filled = |piece: &str| piece.repeat(SIZE / piece.len());
    let passage: String = (0..397).map(|index: usize| char::from(b'a' + (index * index % 23) as u8)).collect();
    vec![
        ("one character", filled("a")),
        ("two words", filled("a b ")),
        ("dashes", filled("-")),
        ("open braces", filled("{")),
        ("open boxes", filled("\\boxed{")),
        ("boxes", filled("\\boxed{2} ")),
        ("one copy short", (0..SIZE / 1_600).map(|index| format!("{}|{index} ", passage.repeat(4))).collect()),
        ("numbers", (0..).map(|number: u32| format!("{number} ")).take(SIZE / 6).collect()),
        (
            "Thue-Morse",
            (0..SIZE as u32).map(|index| if index.count_ones().is_multiple_of(2) { 'a' } else { 'b' }).collect(),
        ),
        ("wide characters", filled("數")),
    ]
}

#[test]
fn responses_of_100_kb_are_scored_within_the_default_fuel_and_the_rewards_bounds() {
    let repetition = json!({"ngram": 40, "loop_penalty": 1.0});
    let characters = json!({"ngram": 100, "unit": "characters", "loop_penalty": 1.0, "repeated_characters": 1});
    for (name, config, bounds) in [
        ("reward_outcome", json!({}), 0.0..=1.0),
        ("reward_format", json!({"variant": "v4"}), -2.0..=1.0),
        ("reward_overlong", json!({"buffer": 40, "limit": 1000}), -1.0..=0.0),
        ("reward_repetition", repetition, -2.0..=0.0),
        ("reward_repetition", characters, -2.0..=0.0),
        ("reward_cosine_length", json!({"limit": 1000}), -1.0..=1.0),
    ] {
        let function = reward(name, config);
        for (what, response) in worst() {
            let found = function.score(&progress("rl", 3), &[rollout(0, 900, &response)]).remove(0);
            let found = found.unwrap_or_else(|failure| panic!("{name} on {what}: {failure}"));
            assert!(bounds.contains(&found.total), "{name} on {what}: {}", found.total);
        }
    }
}

#[test]
fn time_is_linear_in_the_response() {
    let costly = |fuel: u64| {
        let limits = Limits { fuel_per_item: fuel, ..Limits::default() };
        let config = json!({"loop_penalty": 1.0});
        let plugin = built::load(&built::host(), "reward_repetition", &config, &limits).expect("loads");
        plugin.into_reward().expect("a reward function")
    };
    // Four times the response within four times the fuel, and half as much again for what grows by a logarithm.
    let scored = |fuel: u64, response: &str| {
        let rollouts: [Rollout; 1] = [rollout(0, 9, response)];
        costly(fuel).score(&progress("rl", 3), &rollouts).remove(0).is_ok()
    };
    for (what, whole) in worst() {
        let quarter: String = whole.chars().take(whole.chars().count() / 4).collect();
        let enough = (0..40).map(|power| 200_000u64 << power).find(|fuel| scored(*fuel, &quarter)).expect("some fuel");
        assert!(
            scored(enough * 6, &whole),
            "{what}: a quarter needs at most {enough}, the whole more than six times that"
        );
    }
}
