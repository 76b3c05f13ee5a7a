//! Rewards, filters, annotators, mixtures and schedules.

use octo_test_support::{Workdir, assert_shown, plugin};
use serde_json::{Value, json};

use crate::attempts::lines;

fn answers(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn total(answer: &Value) -> f64 {
    answer["total"].as_f64().unwrap_or_else(|| panic!("no total in {answer}"))
}

#[test]
fn a_rollout_is_rewarded_by_its_verdict_in_any_of_its_forms() {
    let rollouts = lines(&[
        json!({"id": 1, "response": "\\boxed{1}", "reference": "1", "verdict": {"outcome": "correct", "extracted": "1", "reason": "same"}}),
        json!({"id": 2, "response": "\\boxed{1}", "reference": "1", "verdict": "correct"}),
        json!({"id": 3, "response": "\\boxed{2}", "reference": "1", "verdict": "incorrect", "group": null}),
        json!({"id": 4, "response": "\\boxed{2}", "reference": "1", "verdict": "wrong"}),
        json!({"id": 5, "response": "\\boxed{2}", "reference": "1"}),
        json!({"id": 6, "response": "\\boxed{2}", "reference": "1", "verdict": "incorrect", "finish": "eos"}),
    ]);
    let ended = plugin("reward_outcome", &[]).stdin(rollouts).run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let found = answers(&ended.stdout);
    assert_eq!(found.len(), 3, "{}", ended.stdout);
    assert!(total(&found[0]) == total(&found[1]) && total(&found[1]) > total(&found[2]), "{}", ended.stdout);
    for answer in &found {
        let parts = answer["parts"].as_object().expect("parts");
        assert!(!parts.is_empty() && parts.values().all(Value::is_number), "{answer}");
    }
    assert_shown!(ended.without_stdout(), @r#"
    exit 1
    --- stderr
    stdin, line 4: the verdict's outcome is "wrong"; it is one of correct, incorrect, no-answer, unparsable
    stdin, line 5: `verdict` is missing; the columns are id, reference, response; --map names another column; --verifier finds it
    stdin, line 6: `finish` is "eos"; it is "stop" or "length"
    Scored 3 rollouts in [time] ([rate]/s)
      bad rows             3   50.0%
    error: 3 of 6 rows could not be read
    "#);
}

#[test]
fn several_rewards_add_up_by_weight_and_name_their_parts() {
    let rollouts = lines(&[
        json!({"response": "\\boxed{1}", "reference": "1", "verdict": "correct", "tokens": 75}),
        json!({"response": "1", "reference": "1", "verdict": "incorrect", "tokens": 10, "finish": "length"}),
    ]);
    let several = |more: &[&str]| {
        let base = ["--config", "{}", "--plugin", "reward_overlong:0.5", "--config", r#"{"limit": 100, "buffer": 50}"#];
        plugin("reward_outcome", &[&base, more].concat()).stdin(rollouts.clone()).run()
    };
    let ended = several(&[]);
    assert_eq!(
        ended.stdout,
        "{\"line\":1,\"total\":0.75,\"parts\":{\"reward_outcome.outcome\":1.0,\"reward_overlong.overlong\":-0.5}}\n\
         {\"line\":2,\"total\":-0.5,\"parts\":{\"reward_outcome.outcome\":0.0,\"reward_overlong.overlong\":-1.0}}\n",
        "{}",
        ended.stderr
    );
    assert_shown!(several(&["--plugin", "verifier_math"]), @"
    exit 1
    --- stderr
    error: only rewards add up and have weights; verifier_math is a verifier
    ");
    assert_shown!(several(&["--config", "{}"]), @"
    exit 1
    --- stderr
    error: there are 3 --config for 2 --plugin
    ");
    assert_shown!(several(&["--plugin", "reward_outcome"]), @r#"
    exit 1
    --- stderr
    error: --plugin: the reward "reward_outcome" is there twice; give it one weight
    "#);
}

#[test]
fn a_rollout_that_one_reward_fails_on_has_no_total_and_the_case_saved_is_that_plugins() {
    let workdir = Workdir::new();
    let rollouts = lines(&[json!({"response": "\\boxed{1}", "reference": "1", "verdict": "correct", "tokens": 75})]);
    // Without a limit in its config or the metrics, the penalty refuses.
    let save = ["--save-failures", &workdir.path_text("")];
    let arguments = ["--config", "{}", "--plugin", "reward_overlong", "--config", r#"{"buffer": 50}"#];
    let ended = plugin("reward_outcome", &[&arguments[..], &save].concat()).stdin(rollouts).run();
    let answer = answers(&ended.stdout).remove(0);
    assert_eq!(answer["failure"], "plugin-error", "{}", ended.stderr);
    assert!(answer["message"].as_str().expect("words").starts_with("reward `reward_overlong`: "), "{answer}");
    let saved: Vec<_> = std::fs::read_dir(workdir.folder()).expect("a folder").flatten().collect();
    let case = std::fs::read_to_string(saved[0].path()).expect("a case");
    assert!(saved.len() == 1 && case.contains("reward_overlong.wasm"), "{case}");
}

#[test]
fn missing_verdicts_are_found_by_the_verifier_that_is_named() {
    let rollouts = lines(&[
        json!({"response": "\\boxed{1}", "reference": "1", "verdict": "incorrect"}),
        json!({"response": "\\boxed{1}", "reference": "1"}),
        json!({"response": "\\boxed{2}", "reference": "1"}),
    ]);
    let ended = plugin("reward_outcome", &["--verifier", "verifier_math"]).stdin(rollouts).run();
    let totals: Vec<f64> = answers(&ended.stdout).iter().map(total).collect();
    assert_eq!(totals.len(), 3, "{}", ended.stderr);
    assert!(totals[1] > totals[0] && totals[2] == totals[0], "{totals:?}");
}

#[test]
fn the_rollouts_of_a_group_must_be_in_a_row() {
    let rollout = |group: u32, step: u32| json!({"response": "\\boxed{1}", "reference": "1", "verdict": "correct", "group": group, "step": step});
    let ended = plugin("reward_outcome", &[])
        .stdin(lines(&[rollout(0, 0), rollout(1, 0), rollout(0, 0), rollout(0, 1), rollout(1, 1)]))
        .run();
    let lines: Vec<u64> = answers(&ended.stdout).iter().filter_map(|answer| answer["line"].as_u64()).collect();
    assert_eq!(lines, [1, 2, 4, 5], "{}", ended.stderr);
    assert_shown!(ended.without_stdout(), @"
    exit 1
    --- stderr
    stdin, line 3: group 0 has rollouts after another group began; the rollouts of a group must be in a row (a new step may use its number again)
    Scored 4 rollouts in [time] ([rate]/s)
      bad rows             1   20.0%
    error: 1 of 5 rows could not be read
    ");
}

#[test]
fn a_document_is_decided_on_under_any_name_of_its_text() {
    let prose = "The committee met on Tuesday to discuss the new bridge. Several members asked how the work would be \
                 paid for, and the engineer explained that most of the money had already been set aside. He added that \
                 the old one was not going to last another winter, because the timber had begun to rot where it meets \
                 the stone. Nobody disagreed with this, but an elderly farmer wanted to know whether his sheep could \
                 still cross while the builders were there. It was decided that a path should be left open on the \
                 northern side until the first frost, and that the village would hear in good time if anything changed.";
    let documents = lines(&[
        json!({"id": "prose", "body": prose, "year": 2024}),
        json!({"id": "noise", "body": "click here", "year": "2024"}),
        json!({"id": "none", "year": 2024}),
    ]);
    let ended = plugin("filter_heuristics", &["--map", "text=body"]).stdin(documents).run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let found = answers(&ended.stdout);
    assert_eq!(found.len(), 2, "{}", ended.stdout);
    assert_ne!(found[0]["decision"], "drop", "{}", found[0]);
    assert_eq!(found[1]["decision"], "drop", "{}", found[1]);
    assert!(found[1]["reason"].is_string() && found[1].get("text").is_none(), "{}", found[1]);
    assert_shown!(ended.without_stdout(), @"
    exit 1
    --- stderr
    stdin, line 3: `text` (column `body`) is missing; the columns are id, year
    Filtered 2 documents in [time] ([rate]/s)
      keep                 1   33.3%
      annotate             0    0.0%
      rewrite              0    0.0%
      drop                 1   33.3%
      bad rows             1   33.3%
    error: 1 of 3 rows could not be read
    ");
}

#[test]
fn an_annotator_asks_about_a_document_and_decides_where_the_reply_stands_beside_it() {
    let documents = lines(&[
        json!({"id": "asked", "text": "one", "note": "a field"}),
        json!({"id": "not", "text": "SKIP"}),
        json!({"id": "read", "text": "two", "reply": "DROP"}),
        json!({"id": "cut", "text": "three", "reply": "NOTE", "finish": "length"}),
        json!({"id": "odd", "text": "four", "reply": "NOTE", "finish": "eos"}),
    ]);
    let ended = plugin("hostile_annotator", &[]).stdin(documents).run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "one"}]);
    let request = json!({"messages": messages, "max_tokens": 16, "temperature": 0.5, "top_p": 1.0});
    assert_eq!(
        answers(&ended.stdout),
        [
            json!({"line": 1, "id": "asked", "request": request}),
            json!({"line": 2, "id": "not", "request": null}),
            json!({"line": 3, "id": "read", "decision": "drop", "reason": "asked-for"}),
            json!({"line": 4, "id": "cut", "decision": "annotate", "fields": {"note": "seen"}}),
        ]
    );
    assert!(
        ended.stderr.contains("stdin, line 5: `finish` is \"eos\"; it is \"stop\" or \"length\""),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_mixture_answers_with_weights_by_name_that_sum_to_one() {
    let sources =
        json!([{"name": "web", "tokens_available": 10}, {"name": "books", "tokens-available": 10, "loss": 2.5}]);
    let records = lines(&[
        json!({"step": 0, "sources": sources.clone()}),
        json!({"step": 1, "sources": sources, "metrics": {"loss": 2.0}}),
        json!({"step": 2}),
        json!({"step": 3, "sources": [{"nam": "web"}]}),
        json!({"step": "third", "sources": []}),
    ]);
    let ended = plugin("mixture_static", &["--config", r#"{"weights": {"web": 3, "books": 1}}"#]).stdin(records).run();
    assert_eq!(
        ended.stdout,
        "{\"line\":1,\"weights\":{\"web\":0.75,\"books\":0.25}}\n{\"line\":2,\"weights\":{\"web\":0.75,\"books\":0.25}}\n",
        "{}",
        ended.stderr
    );
    assert_shown!(ended.without_stdout(), @r#"
    exit 1
    --- stderr
    stdin, line 3: `sources` is missing: a list of {name, tokens_available, tokens_seen, loss}
    stdin, line 4: source 1: unknown field `nam`, expected one of `name`, `tokens-available`, `tokens_available`, `tokens-seen`, `tokens_seen`, `loss`
    stdin, line 5: `step` is "third", not a number that it can be
    Mixed 2 steps in [time] ([rate]/s)
      bad rows             3   60.0%
    error: 3 of 5 rows could not be read
    "#);
}

#[test]
fn a_schedule_answers_with_a_plan_for_each_step() {
    let workdir = Workdir::new();
    let stairs = r#"{"stairs": [{"step": 0, "tokens": 32}, {"step": 20, "tokens": 64}]}"#;
    let config = workdir.write("stairs.json", stairs);
    let ended = plugin("schedule_staircase", &["--config", &format!("@{}", config.display())])
        .stdin(lines(&[json!({"step": 19, "total_steps": 40}), json!({"step": 20}), json!([20])]))
        .run();
    assert_eq!(
        ended.stdout,
        "{\"line\":1,\"max_response_tokens\":32,\"temperature\":1.0,\"top_p\":1.0}\n\
         {\"line\":2,\"max_response_tokens\":64,\"temperature\":1.0,\"top_p\":1.0}\n",
        "{}",
        ended.stderr
    );
    assert_shown!(ended.without_stdout(), @"
    exit 1
    --- stderr
    stdin, line 3: a record is a JSON object; this is a list
    Planned 2 steps in [time] ([rate]/s)
      bad rows             1   33.3%
    error: 1 of 3 rows could not be read
    ");
}
