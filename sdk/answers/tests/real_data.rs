//! Agreement with labelled real data, where it is present.

mod shared_data;

use octo_answers::config::Preset;
use octo_answers::{Outcome, choices, judge};
use shared_data::{rows, text};

#[test]
fn real_model_responses_to_gsm8k_are_judged_as_labelled() {
    let (mut agreed, mut total) = (0, 0);
    for preset in [Preset::Gsm8k, Preset::MathVerify] {
        let rules = preset.rules();
        for row in rows("responses/gsm8k_model_solutions.jsonl") {
            let gold = [text(&row["ground_truth"])];
            for model in ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"] {
                let verdict = judge(&text(&row[model]["solution"]), &gold, &rules);
                total += 1;
                agreed += u32::from(row[model]["is_correct"].as_bool() == Some(verdict.outcome == Outcome::Correct));
            }
        }
    }
    assert!(f64::from(agreed) >= 0.998 * f64::from(total), "{agreed} of {total} agree");
}

#[test]
fn every_gold_is_itself_and_no_other() {
    let rules = Preset::MathVerify.rules();
    for (path, key) in [
        ("problems/gsm8k_test.jsonl", "answer"),
        ("problems/asdiv.jsonl", "answer"),
        ("problems/mawps.jsonl", "target"),
        ("problems/svamp.jsonl", "Answer"),
        ("problems/math500.jsonl", "answer"),
    ] {
        let golds: Vec<String> = rows(path)
            .iter()
            .map(|row| text(&row[key]))
            .map(|gold| gold.rsplit("####").next().unwrap_or_default().trim().to_string())
            .collect();
        for (index, gold) in golds.iter().enumerate() {
            let own = judge(&format!("So \\boxed{{{gold}}}."), std::slice::from_ref(gold), &rules);
            assert_eq!(own.outcome, Outcome::Correct, "{path}: {gold:?} is not itself: {}", own.reason);
            let other = &golds[(index * 7 + 13) % golds.len()];
            let number = |text: &str| text.split(' ').next().and_then(|n| n.replace(',', "").parse::<f64>().ok());
            let differ = match (number(gold), number(other)) {
                (Some(a), Some(b)) => a != b,
                _ => gold != other,
            };
            if differ {
                let crossed = judge(&format!("So \\boxed{{{other}}}."), std::slice::from_ref(gold), &rules);
                assert_ne!(crossed.outcome, Outcome::Correct, "{path}: {other:?} for {gold:?}: {}", crossed.reason);
            }
        }
    }
}

#[test]
fn solutions_of_math_lead_to_their_answer() {
    let rules = Preset::MathVerify.rules();
    for row in rows("problems/math500.jsonl") {
        let verdict = judge(&text(&row["solution"]), &[text(&row["answer"])], &rules);
        assert_eq!(verdict.outcome, Outcome::Correct, "{}: {}", row["answer"], verdict.reason);
    }
}

#[test]
fn reported_answers_are_judged_as_they_should_be() {
    let rules = Preset::MathVerify.rules();
    let (mut right, mut passed, mut total) = (0, 0, 0);
    for row in rows("reports/verifier.jsonl") {
        let (response, references) = (text(&row["response"]), [text(&row["reference"])]);
        let verdict = if row["plugin"] == "verifier_choice" {
            choices::judge(&response, &references, &choices::options(&text(&row["problem"])), &rules)
        } else {
            judge(&response, &references, &rules)
        };
        let (correct, expected) = (verdict.outcome == Outcome::Correct, text(&row["expected"]));
        let free = expected == "any-but-hang";
        total += 1;
        right += u32::from(free || (expected == "correct") == correct);
        passed += u32::from(!free && correct && expected != "correct");
    }
    assert!(100 * right >= 98 * total && passed <= 1, "{right} of {total} are right, {passed} wrong ones pass");
}
