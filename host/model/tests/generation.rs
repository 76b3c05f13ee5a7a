//! The generation engine: cache, slots, stops, seeds.

use octo_model::key_value_cache::KeyValueCache;
use octo_model::{Engine, Finish, Model, ModelConfig, Response, ResponseBatch, Sampling, token_log_probabilities};
use tch::{Device, Kind, Tensor};

/// A small model with weights large enough that its distributions are far from flat.
fn model() -> Model {
    let config: ModelConfig = serde_json::from_str(
        r#"{"vocab_size": 48, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
            "tie_word_embeddings": true, "max_position_embeddings": 512}"#,
    )
    .unwrap();
    let model = Model::random(&config, 3, Device::Cpu).unwrap();
    let _no_grad = tch::no_grad_guard();
    for (name, tensor) in model.parameters() {
        if tensor.dim() == 2 {
            let factor = if name.contains("embed") { 15.0 } else { 8.0 };
            let _ = tensor.shallow_clone().g_mul_scalar_(factor);
        }
    }
    model
}

fn sampling(max_response_tokens: usize, temperature: f64) -> Sampling {
    Sampling { temperature, end_tokens: vec![0], ..Sampling::new(max_response_tokens) }
}

/// Token n is the n-th letter from 'A' on, save 1, which is a new line.
fn letters(tokens: &[u32]) -> String {
    tokens.iter().map(|&token| if token == 1 { '\n' } else { char::from(b'A' + token as u8) }).collect()
}

fn run(model: &Model, prompts: &[Vec<u32>], seeds: &[u64], sampling: &Sampling) -> Vec<Response> {
    run_with(&Engine::new(model, &letters), prompts, seeds, sampling)
}

fn run_with(engine: &Engine<'_>, prompts: &[Vec<u32>], seeds: &[u64], sampling: &Sampling) -> Vec<Response> {
    engine.generate(prompts, seeds, sampling, &mut |_, _| ()).unwrap()
}

fn prompts() -> Vec<Vec<u32>> {
    (0..9_u32).map(|row| (0..3 + row % 4).map(|place| 2 + (row * 7 + place * 5) % 40).collect()).collect()
}

/// What a full forward pass, without cache or batch, would choose.
fn greedy_without_cache(model: &Model, prompt: &[u32], count: usize) -> Vec<u32> {
    let _no_grad = tch::no_grad_guard();
    let mut tokens: Vec<i64> = prompt.iter().map(|&token| i64::from(token)).collect();
    for _ in 0..count {
        let logits = model.forward(&Tensor::from_slice(&tokens).unsqueeze(0));
        let token = logits.select(1, tokens.len() as i64 - 1).argmax(-1, false).int64_value(&[0]);
        tokens.push(token);
        if token == 0 {
            break;
        }
    }
    tokens[prompt.len()..].iter().map(|&token| token as u32).collect()
}

#[test]
fn greedy_text_is_that_of_the_model_without_cache_or_batch() {
    let model = model();
    // Longer than one reserve of the cache, so that it has to grow.
    let responses = run(&model, &prompts(), &[0; 9], &sampling(150, 0.0));
    for (prompt, response) in prompts().iter().zip(&responses) {
        assert_eq!(response.tokens, greedy_without_cache(&model, prompt, 150));
    }
}

/// The same response, up to the rounding of its log-probabilities: which kernel computes a row of a matrix product
/// depends on the row's place in the batch and on libtorch's threads.
#[track_caller]
fn assert_alike(one: &Response, other: &Response) {
    assert_eq!((&one.tokens, one.finish), (&other.tokens, other.finish));
    let differences = one.log_probabilities.iter().zip(&other.log_probabilities).map(|(a, b)| (a - b).abs());
    assert!(differences.fold(0.0, f32::max) < 1e-4, "{one:?}\n{other:?}");
}

#[test]
fn a_response_depends_on_its_seed_and_not_on_its_batch() {
    let model = model();
    // Three rollouts of each prompt, of lengths far apart.
    let prompts: Vec<Vec<u32>> = prompts().into_iter().flat_map(|prompt| vec![prompt; 3]).collect();
    let seeds: Vec<u64> = (100..127).collect();
    let settings = Sampling { end_tokens: vec![0, 5, 9], ..sampling(90, 1.0) };
    let engine = || Engine::new(&model, &letters);
    let together = run_with(&engine(), &prompts, &seeds, &settings);
    let lengths: Vec<usize> = together.iter().map(|response| response.tokens.len()).collect();
    assert!(lengths.contains(&90) && lengths.iter().any(|&length| length < 10), "{lengths:?}");
    assert_eq!(together, run_with(&engine(), &prompts, &seeds, &settings), "repeatable to the bit");

    for slots in [1, 2, 5, 8, 26] {
        let responses = run_with(&engine().slots(slots), &prompts, &seeds, &settings);
        together.iter().zip(&responses).for_each(|(one, other)| assert_alike(one, other));
    }
    // In another order, and with so little room for keys and values that responses give up their slots and are read
    // again.
    let order: Vec<usize> = (0..27).map(|index| index * 10 % 27).collect();
    let ordered = |all: &[Vec<u32>]| order.iter().map(|&index| all[index].clone()).collect::<Vec<_>>();
    let ordered_seeds: Vec<u64> = order.iter().map(|&index| seeds[index]).collect();
    let per_token = KeyValueCache::bytes_per_token(model.config(), Kind::Float);
    for tokens in [1, 300, 800] {
        let engine = engine().slots(16).cache_bytes(per_token * tokens);
        let responses = run_with(&engine, &ordered(&prompts), &ordered_seeds, &settings);
        order.iter().zip(&responses).for_each(|(&index, other)| assert_alike(&together[index], other));
    }
    // Rollouts of one prompt differ by their seeds, and agree with one seed.
    let same = vec![prompts[0].clone(); 8];
    let rollouts = run(&model, &same, &[1, 2, 3, 4, 5, 6, 7, 1], &sampling(40, 1.0));
    assert_alike(&rollouts[0], &rollouts[7]);
    assert!(rollouts[1..7].iter().all(|rollout| rollout.tokens != rollouts[0].tokens));
}

#[test]
fn recorded_log_probabilities_are_those_that_training_computes() {
    let model = model();
    let seeds: Vec<u64> = (0..9).collect();
    for (temperature, scored_at) in [(1.0, 1.0), (0.7, 0.7), (0.0, 1.0)] {
        let settings = Sampling { top_p: 0.9, ..sampling(30, temperature) };
        let responses = run(&model, &prompts(), &seeds, &settings);
        let prompts = prompts();
        let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
        let tokens: Vec<&[u32]> = responses.iter().map(|response| response.tokens.as_slice()).collect();
        let batch = ResponseBatch::new(&prompts, &tokens, Device::Cpu).unwrap();
        let scored = token_log_probabilities(&model, &batch, scored_at, false).log_probabilities;
        let recorded: Vec<f32> = responses.iter().flat_map(|response| response.log_probabilities.clone()).collect();
        assert_eq!(recorded.len(), batch.token_count());
        let difference = (scored - Tensor::from_slice(&recorded)).abs().max().double_value(&[]);
        assert!(difference < 1e-4, "{temperature}: {difference}");
    }
}

#[test]
fn end_tokens_and_stop_texts_end_a_response_and_stay_in_it() {
    let model = model();
    let seeds: Vec<u64> = (0..64).collect();
    let prompt = vec![prompts()[1].clone(); 64];
    let free = run(&model, &prompt, &seeds, &Sampling { end_tokens: Vec::new(), ..sampling(40, 1.0) });
    assert!(free.iter().all(|response| response.tokens.len() == 40 && response.finish == Finish::Length));

    // End at a token, and at a text of two tokens, that the free responses are known to hold.
    let end = free[0].tokens[20];
    let stop = letters(&free[1].tokens[10..12]);
    let settings = Sampling { end_tokens: vec![end], stop: vec![stop.clone()], ..sampling(40, 1.0) };
    let stopped = run(&model, &prompt, &seeds, &settings);
    let mut both = [0; 2];
    for (free, stopped) in free.iter().zip(&stopped) {
        let by_token = free.tokens.iter().position(|&token| token == end).map(|place| place + 1);
        let by_text = letters(&free.tokens).find(&stop).map(|place| place + 2);
        match by_token.into_iter().chain(by_text).min() {
            None => assert_alike(free, stopped),
            Some(length) => {
                assert_eq!(stopped.tokens, free.tokens[..length]);
                assert_eq!(stopped.log_probabilities.len(), length);
                assert_eq!(stopped.finish, Finish::Stop);
                both[usize::from(Some(length) == by_text)] += 1;
            }
        }
    }
    assert!(both.iter().all(|&count| count > 0), "both kinds of ending were under test: {both:?}");
}

#[test]
fn a_stop_text_may_be_the_name_of_a_special_token() {
    let model = model();
    let prompt = vec![prompts()[1].clone(); 32];
    let seeds: Vec<u64> = (0..32).collect();
    let free = run(&model, &prompt, &seeds, &Sampling { end_tokens: Vec::new(), ..sampling(40, 1.0) });
    let special = free[0].tokens[12];
    // Without names, the special token has no text.
    let plain = move |tokens: &[u32]| letters(&tokens.iter().copied().filter(|t| *t != special).collect::<Vec<_>>());
    let named = move |tokens: &[u32]| -> String {
        tokens.iter().map(|&t| if t == special { "<|im_end|>".to_owned() } else { letters(&[t]) }).collect()
    };
    let stops = Sampling { end_tokens: Vec::new(), stop: vec!["<|im_end|>".to_owned()], ..sampling(40, 1.0) };
    let unseen = run_with(&Engine::new(&model, &plain), &prompt, &seeds, &stops);
    assert_eq!(unseen, free);
    let stopped = run_with(&Engine::new(&model, &plain).decode_special(&named), &prompt, &seeds, &stops);
    for (free, stopped) in free.iter().zip(&stopped) {
        let place = free.tokens.iter().position(|&token| token == special);
        let expected = place.map_or(&free.tokens[..], |place| &free.tokens[..=place]);
        assert_eq!(stopped.tokens, expected);
        assert_eq!(stopped.finish, if place.is_some() { Finish::Stop } else { Finish::Length });
    }
    assert!(stopped.iter().any(|response| response.finish == Finish::Length), "both were under test");
}

#[test]
fn a_response_can_be_cut_at_the_models_context() {
    let model = model();
    let free = Sampling { end_tokens: Vec::new(), ..sampling(usize::MAX, 1.0) };
    let prompts: Vec<Vec<u32>> = [3, 500, 511].map(|length| (0..length).map(|n| 2 + n % 40).collect()).to_vec();
    let engine = || Engine::new(&model, &letters).cut_at_context();
    for slots in [1, 3] {
        let responses = run_with(&engine().slots(slots), &prompts, &[1, 2, 3], &free);
        let lengths: Vec<usize> = responses.iter().map(|response| response.tokens.len()).collect();
        assert_eq!(lengths, [509, 12, 1]);
        assert!(responses.iter().all(|response| response.finish == Finish::Length));
        // What fits is as it is without the cut.
        let short = run(&model, &prompts[..1], &[1], &Sampling { max_response_tokens: 509, ..free.clone() });
        assert_alike(&short[0], &responses[0]);
    }
    let error = engine().generate(&[vec![1; 512]], &[1], &free, &mut |_, _| ()).unwrap_err().to_string();
    assert!(error.contains("prompt 0 has 512 tokens"), "{error}");
}

#[test]
fn every_response_is_told_once_when_it_is_complete() {
    let model = model();
    let seeds: Vec<u64> = (0..9).collect();
    let mut finished: Vec<Option<Response>> = vec![None; 9];
    let settings = Sampling { end_tokens: vec![0, 5, 9, 13], ..sampling(60, 1.0) };
    let mut on_finished = |index: usize, response: &Response| {
        assert!(finished[index].replace(response.clone()).is_none(), "{index} was given twice");
    };
    let responses =
        Engine::new(&model, &letters).slots(4).generate(&prompts(), &seeds, &settings, &mut on_finished).unwrap();
    let finished: Vec<Response> = finished.into_iter().map(Option::unwrap).collect();
    assert_eq!(finished, responses);
}

#[test]
fn prompts_that_cannot_be_used_are_refused_by_number() {
    let model = model();
    let refused = |prompts: &[Vec<u32>], seeds: &[u64], count: usize| {
        let engine = Engine::new(&model, &letters);
        engine.generate(prompts, seeds, &sampling(count, 1.0), &mut |_, _| ()).unwrap_err().to_string()
    };
    assert!(refused(&[vec![1]], &[], 4).contains("1 prompts and 0 seeds"));
    assert!(refused(&[vec![1], vec![]], &[1, 2], 4).contains("prompt 1 is empty"));
    assert!(refused(&[vec![1, 48]], &[1], 4).contains("token 48"));
    assert!(refused(&[vec![1; 500]], &[1], 13).contains("max_position_embeddings = 512"));
    assert!(refused(&[vec![1; 500]], &[1], usize::MAX).contains("max_position_embeddings"));
    assert!(run(&model, &[], &[], &sampling(4, 1.0)).is_empty());
}

#[test]
fn a_model_that_diverged_is_told_not_sampled_from() {
    let model = model();
    tch::no_grad(|| {
        let (_, norm) = model.parameters().iter().find(|(name, _)| name == "model.norm.weight").unwrap();
        let _ = norm.shallow_clone().fill_(f64::NAN);
    });
    let engine = Engine::new(&model, &letters);
    let error = engine.generate(&[vec![1]], &[1], &sampling(4, 1.0), &mut |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("not finite"), "{error}");
}
