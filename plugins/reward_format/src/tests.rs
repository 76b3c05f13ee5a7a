//! The paper's variants case by case, and what must hold for every response.

use super::*;
use octo_rewards::samples::{OUTCOMES, progress, rollout};
use octo_sdk::FinishReason;
use proptest::prelude::*;
use serde_json::json;

fn reward(config: serde_json::Value) -> Result<FormatReward, String> {
    let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
    FormatReward::new(config).map_err(|error| error.message)
}

fn one(config: serde_json::Value, outcome: Outcome, response: &str) -> Reward {
    let plugin = reward(config).expect("valid");
    let rewards = plugin.score(&progress(), &[rollout(outcome, 10, FinishReason::Stop, response)]);
    rewards.expect("a reward each").remove(0)
}

const GOOD: &str = "So it is \\boxed{2}.";
const NO_BOX: &str = "So it is 2.";
const TWO_BOXES: &str = "So it is \\boxed{2}, that is, \\boxed{2}.";

fn looping() -> String {
    format!("So it is \\boxed{{2}}.\n{}", "Solution\n".repeat(6))
}

/// Written down from the conditions of the paper's code: the verdict's amount (+1, else −1; −0.5 in v2), replaced by
/// the fault's where there is one.
#[test]
fn the_papers_variants_pay_what_its_code_pays() {
    let looping = looping();
    for (variant, response, correct, wrong) in [
        ("v2.wformat", GOOD, 1.0, -0.5),
        ("v2.wformat", NO_BOX, -1.0, -1.0),
        ("v2.wformat", TWO_BOXES, -1.0, -1.0),
        ("v2.wformat", &looping, -1.0, -1.0),
        ("v3.repeatpenalty", GOOD, 1.0, -1.0),
        ("v3.repeatpenalty", NO_BOX, -1.0, -1.0),
        ("v3.repeatpenalty", TWO_BOXES, 1.0, -1.0),
        ("v3.repeatpenalty", &looping, -2.0, -2.0),
        ("v4", GOOD, 1.0, -1.0),
        ("v4", NO_BOX, -1.0, -1.0),
        ("v4", TWO_BOXES, -2.0, -2.0),
        ("v4", &looping, -2.0, -2.0),
        ("penalty", GOOD, 0.0, 0.0),
        ("penalty", TWO_BOXES, -1.0, -1.0),
    ] {
        let config = json!({ "variant": variant });
        assert_eq!(one(config.clone(), Outcome::Correct, response).total, correct, "{variant}: {response}");
        assert_eq!(one(config, Outcome::Incorrect, response).total, wrong, "{variant}: {response}");
    }
}

#[test]
fn the_defects_of_the_papers_code_are_not_here() {
    let v2 = || json!({ "variant": "v2.wformat" });
    // Its pattern finds no box of four braces deep, and pays −1.
    assert_eq!(one(v2(), Outcome::Correct, "\\boxed{a{b{c{d{e}}}}}").total, 1.0);
    // Its dot stops at line ends, so a repeated line passes.
    assert_eq!(one(v2(), Outcome::Correct, &looping()).total, -1.0);
    // A box within a box is one box; one that was cut off does not count.
    assert_eq!(one(v2(), Outcome::Correct, "\\boxed{\\boxed{2}}").total, 1.0);
    assert_eq!(one(v2(), Outcome::NoAnswer, "\\boxed{2").total, -1.0);
    // Base models open with an empty box: that is not an answer in a box, and does not count beside another.
    assert_eq!(one(v2(), Outcome::NoAnswer, "\\boxed{}").total, -1.0);
    assert_eq!(one(json!({ "variant": "v4" }), Outcome::Correct, "\\boxed{ } so \\boxed{2}").total, 1.0);
    assert_eq!(one(json!({ "variant": "v4" }), Outcome::Correct, "\\boxed{2}, put in \\boxed{} as asked").total, 1.0);
}

#[test]
fn the_lowest_fault_decides_and_is_the_part_that_shows_it() {
    let config = json!({ "no_box": -0.5, "many_boxes": -3.0, "repetition": -2.0 });
    let found = one(config, Outcome::Correct, &format!("{TWO_BOXES} {}", "wait, no. ".repeat(9)));
    assert_eq!(found.total, -3.0);
    let shown: Vec<_> = found.parts.iter().map(|part| (part.name.as_str(), part.value)).collect();
    assert_eq!(shown, [("outcome", 0.0), ("no_box", 0.0), ("many_boxes", -3.0), ("repetition", 0.0)]);
}

#[test]
fn senseless_configs_are_refused_by_the_name_of_their_key() {
    for (config, key) in [
        (json!({ "wrong": 1.0 }), "wrong"),
        (json!({ "no_box": 0.5 }), "no_box"),
        (json!({ "variant": "v2.wformat", "many_boxes": 0.0 }), "many_boxes"),
        (json!({ "repetition": -2e6 }), "repetition"),
        (json!({ "correct": 2e6 }), "correct"),
        (json!({ "repeated_characters": 0 }), "repeated_characters"),
        (json!({ "repeated_times": 2 }), "repeated_times"),
        (json!({ "variant": "v5" }), "unknown variant `v5`"),
        (json!({ "boxes": 1 }), "unknown field `boxes`"),
    ] {
        let error = reward(config.clone()).err().expect("senseless");
        assert!(error.starts_with(key), "{config}: {error}");
    }
}

fn responses() -> impl Strategy<Value = String> {
    let piece =
        prop::sample::select(vec!["\\boxed{", "}", "{", "2", "\\boxed{4}", "wait, no. ", "\n", "so ", "é", "\\"]);
    (prop::collection::vec(piece, 0..60), 0usize..8).prop_map(|(pieces, times)| {
        let once = pieces.concat();
        format!("{once}{}", once.repeat(times))
    })
}

proptest! {
    #[test]
    fn a_reward_is_one_of_its_amounts_and_a_correct_answer_never_gets_less(response in responses()) {
        for variant in ["penalty", "v2.wformat", "v3.repeatpenalty", "v4"] {
            let totals = OUTCOMES.map(|outcome| {
                let found = one(json!({ "variant": variant }), outcome, &response);
                assert_eq!(found.parts.iter().map(|part| part.value).sum::<f64>(), found.total);
                found.total
            });
            prop_assert!(totals.iter().all(|total| [1.0, 0.0, -0.5, -1.0, -2.0].contains(total)), "{:?}", totals);
            prop_assert!(totals.iter().all(|total| totals[0] >= *total), "{:?}", totals);
        }
    }
}
