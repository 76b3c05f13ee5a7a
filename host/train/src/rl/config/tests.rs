use super::*;
use crate::rl::algorithm::loss::ImportanceRatio;

fn config(extra: serde_json::Value) -> Result<RlConfig, serde_json::Error> {
    let mut config = serde_json::json!({ "prompt": "{problem}" });
    extra.as_object().expect("an object").iter().for_each(|(key, value)| config[key] = value.clone());
    serde_json::from_value(config)
}

#[test]
fn what_is_left_out_is_as_octothinker_has_it() {
    let config = config(serde_json::json!({})).expect("only the prompt is needed");
    config.check().expect("works");
    assert_eq!((config.prompts_per_step, config.rollouts_per_prompt, config.updates()), (128, 16, 2));
    assert_eq!((config.learning_rate, config.gradient_clip, config.kl_coefficient), (1e-6, 1.0, 0.0));
    assert_eq!((config.max_prompt_tokens, config.max_response_tokens), (400, 4096));
    assert_eq!(config.failed_rollouts, FailedRollouts::Mask);
    let (loss, algorithm) = (config.policy_loss(), config.algorithm());
    assert_eq!((loss.ratio, loss.clip_low, loss.clip_high), (ImportanceRatio::Token, 0.2, 0.2));
    assert_eq!((algorithm.aggregation, algorithm.scale), (Aggregation::Token, Some(AdvantageScale::Grpo)));
    assert!(!algorithm.dynamic_sampling && config.drop_solved == 0 && config.importance_cap.is_none());
}

#[test]
fn an_algorithm_brings_its_own_defaults_and_the_recipe_has_the_last_word() {
    let dapo = config(serde_json::json!({ "algorithm": "dapo" })).expect("reads");
    assert_eq!((dapo.policy_loss().clip_low, dapo.policy_loss().clip_high), (0.2, 0.28));
    assert!(dapo.algorithm().dynamic_sampling);
    let set = serde_json::json!({ "algorithm": "dapo", "clip": 0.1, "clip_high": 0.5, "dynamic_sampling": false,
        "aggregation": "sequence", "advantage": "mean-centred" });
    let set = config(set).expect("reads");
    set.check().expect("works");
    assert_eq!((set.policy_loss().clip_low, set.policy_loss().clip_high), (0.1, 0.5));
    let algorithm = set.algorithm();
    assert_eq!(algorithm.scale, Some(AdvantageScale::MeanCentred));
    assert!(!algorithm.dynamic_sampling && algorithm.aggregation == Aggregation::Sequence);
}

#[test]
fn settings_that_cannot_work_are_refused_by_key() {
    for (extra, key) in [
        (serde_json::json!({ "updates_per_step": 129 }), "updates_per_step"),
        (serde_json::json!({ "updates_per_step": 3, "prompts_per_step": 4 }), "updates_per_step"),
        (serde_json::json!({ "clip": 0.0 }), "clip"),
        (serde_json::json!({ "clip_low": 1.5 }), "clip_low"),
        (serde_json::json!({ "importance_cap": -1.0 }), "importance_cap"),
        (serde_json::json!({ "importance_cap": 2.0, "old_log_probabilities": "sampled" }), "importance_cap"),
        (serde_json::json!({ "algorithm": "rloo", "advantage": "grpo" }), "advantage"),
        (serde_json::json!({ "kl_coefficient": -1.0 }), "kl_coefficient"),
        (serde_json::json!({ "sampling_rounds": 0 }), "sampling_rounds"),
        (serde_json::json!({ "alarms": { "truncated_share": 2.0 } }), "alarms.truncated_share"),
        (serde_json::json!({ "beta2": 1.0 }), "beta2"),
        (serde_json::json!({ "min_p": 1.5 }), "min_p"),
        (serde_json::json!({ "generation_batch": 0 }), "generation_batch"),
        (serde_json::json!({ "generation_cache_gib": 0.0 }), "generation_cache_gib"),
        (serde_json::json!({ "compute": "float16" }), "compute"),
    ] {
        let message = config(extra).expect("reads").check().expect_err(key).to_string();
        assert!(message.contains(key), "{message}");
    }
    let message = config(serde_json::json!({ "clip_ratio": 0.2 })).expect_err("no such key").to_string();
    assert!(message.contains("clip_ratio") && message.contains("`clip`"), "{message}");
    let message = config(serde_json::json!({ "algorithm": "ppo" })).expect_err("no such one").to_string();
    assert!(message.contains("ppo") && message.contains("reinforce-plus-plus"), "{message}");
}

#[test]
fn updates_are_as_many_as_were_asked_for_or_refused() {
    for prompts in 1..200 {
        let own = config(serde_json::json!({ "prompts_per_step": prompts })).expect("reads");
        own.check().expect("what is not set always comes out");
        assert!(own.prompts_per_update() <= PROMPTS_PER_UPDATE);
    }
    let set = config(serde_json::json!({ "prompts_per_step": 130, "updates_per_step": 3 })).expect("reads");
    set.check().expect("44, 44 and 42");
    let set = config(serde_json::json!({ "prompts_per_step": 4, "updates_per_step": 3 })).expect("reads");
    assert_eq!(
        set.check().expect_err("2 and 2 are two").to_string(),
        "config key `updates_per_step`: 4 prompts do not make 3 updates: with 2 prompts each they make 2; use 2, or a \
         number that divides `prompts_per_step`"
    );
}

#[test]
fn what_works_and_is_hardly_meant_is_warned_of_by_key() {
    let keys = |extra: serde_json::Value| {
        let warnings = config(extra).expect("reads").warnings();
        warnings.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(keys(serde_json::json!({})), [""; 0]);
    for estimator in ["k2", "k3"] {
        assert_eq!(keys(serde_json::json!({ "kl_coefficient": 0.1, "kl_estimator": estimator })), [""; 0]);
    }
    let in_loss = serde_json::json!({ "kl_coefficient": 0.1, "kl_estimator": "k1" });
    assert_eq!(keys(in_loss), ["kl_estimator"]);
    let in_reward = serde_json::json!({ "kl_coefficient": 0.1, "kl_estimator": "k1", "kl_place": "reward" });
    assert_eq!(keys(in_reward), [""; 0]);
    let nowhere = serde_json::json!({ "kl_estimator": "k1", "kl_place": "reward" });
    assert_eq!(keys(nowhere), ["kl_estimator", "kl_place"]);
}
