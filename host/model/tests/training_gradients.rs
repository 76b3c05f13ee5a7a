//! Chunked losses, recomputed blocks and packed documents give the gradients of the plain ones.

use std::path::Path;

use octo_model::{
    Documents, Model, ModelConfig, NextTokenOptions, Precision, ResponseBatch, backward_in_chunks, next_token_backward,
    next_token_backward_with, response_backward, response_backward_with, token_log_probabilities,
};
use tch::{Device, Kind, Tensor};

fn model(tied: bool) -> Model {
    let config: ModelConfig = serde_json::from_value(serde_json::json!({
        "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": tied,
    }))
    .unwrap();
    Model::random(&config, 1, Device::Cpu).unwrap()
}

fn take_gradients(model: &Model) -> Vec<Tensor> {
    model
        .parameters()
        .iter()
        .map(|(_, tensor)| {
            let gradient = tensor.grad().copy();
            tensor.shallow_clone().zero_grad();
            gradient
        })
        .collect()
}

fn assert_alike(model: &Model, found: &[Tensor], wanted: &[Tensor]) {
    for (((name, _), found), wanted) in model.parameters().iter().zip(found).zip(wanted) {
        let scale = wanted.abs().max().double_value(&[]);
        let difference = (found - wanted).abs().max().double_value(&[]);
        assert!(scale > 0.0, "{name} has a gradient");
        assert!(difference <= 1e-4 * scale, "{name}: {difference} of {scale}");
    }
}

#[test]
fn next_token_training_has_the_gradients_of_cross_entropy() {
    for tied in [true, false] {
        let model = model(tied);
        let tokens = Tensor::from_slice(&(0..42_i64).map(|n| n * 37 % 64).collect::<Vec<_>>()).view([2, 21]);
        let losses = next_token_backward(&model, &tokens, 1.0 / 40.0);
        let found = take_gradients(&model);

        let logits = model.forward(&tokens.narrow(1, 0, 20)).flatten(0, 1);
        let mean = logits.cross_entropy_for_logits(&tokens.narrow(1, 1, 20).flatten(0, 1));
        mean.backward();
        assert_eq!(losses.size(), [2, 20]);
        let difference = losses.mean(Kind::Float).double_value(&[]) - mean.double_value(&[]);
        assert!(difference.abs() < 1e-5, "{difference}");
        assert_alike(&model, &found, &take_gradients(&model));
    }
}

#[test]
fn response_training_has_the_gradients_of_weighted_log_probabilities_whatever_the_chunk() {
    let prompts: [&[u32]; 3] = [&[1, 2, 3], &[4, 5, 6, 7, 8], &[9]];
    let responses: [&[u32]; 3] =
        [&[10, 11, 12, 13, 14, 15, 16, 17, 18, 19], &[20], &[21, 22, 23, 24, 25, 26, 27, 28, 29]];
    let temperature = 0.8;
    for chunk in [1, 7, 20, 1000] {
        let model = model(true);
        let batch = ResponseBatch::new(&prompts, &responses, Device::Cpu).unwrap();
        assert_eq!(batch.lengths, [10, 1, 9]);
        let weights: Vec<f32> = (0..20).map(|n| (n as f32 - 8.0) / 5.0).collect();
        let weights = Tensor::from_slice(&weights);
        let mut covered = 0;
        let hidden = model.hidden(&batch.tokens);
        let hidden = hidden.flatten(0, 1).index_select(0, &batch.positions);
        let sum = backward_in_chunks(&model, &hidden, &batch.targets, temperature, true, chunk, &mut |range, part| {
            assert!(range.start == covered && range.len() <= chunk);
            covered = range.end;
            assert!(!part.entropy.as_ref().unwrap().requires_grad());
            let weights = weights.narrow(0, range.start as i64, range.len() as i64);
            (&part.log_probabilities * weights).sum(Kind::Float)
        });
        assert_eq!((sum.kind(), sum.device(), sum.dim()), (Kind::Double, Device::Cpu, 0));
        let sum = sum.double_value(&[]);
        assert_eq!(covered, 20);
        let found = take_gradients(&model);

        // Row by row, without filling, by the plain forward pass.
        let mut wanted = Tensor::zeros([], (Kind::Float, Device::Cpu));
        let mut place = 0;
        for (prompt, response) in prompts.iter().zip(responses) {
            let row: Vec<i64> = prompt.iter().chain(response).map(|&token| i64::from(token)).collect();
            let logits = model.forward(&Tensor::from_slice(&row).unsqueeze(0)) / temperature;
            let all = logits.log_softmax(-1, Kind::Float).select(0, 0);
            for (offset, &token) in response.iter().enumerate() {
                let weight = weights.double_value(&[place]);
                let position = (prompt.len() + offset - 1) as i64;
                wanted += all.select(0, position).select(0, i64::from(token)) * weight;
                place += 1;
            }
        }
        wanted.backward();
        assert!((sum - wanted.double_value(&[])).abs() < 1e-3 * wanted.double_value(&[]).abs());
        assert_alike(&model, &found, &take_gradients(&model));
    }
}

#[test]
fn entropy_of_a_flat_distribution_is_the_logarithm_of_the_vocabulary() {
    let model = model(true);
    tch::no_grad(|| {
        let (_, norm) = model.parameters().iter().find(|(name, _)| name == "model.norm.weight").unwrap();
        let _ = norm.shallow_clone().zero_();
    });
    let batch = ResponseBatch::new(&[&[1], &[2, 3]], &[&[4, 5], &[6]], Device::Cpu).unwrap();
    let flat = token_log_probabilities(&model, &batch, 1.0, true);
    let expected = 64_f64.ln();
    for index in 0..3 {
        assert!((flat.entropy.as_ref().unwrap().double_value(&[index]) - expected).abs() < 1e-5);
        assert!((flat.log_probabilities.double_value(&[index]) + expected).abs() < 1e-5);
    }
}

#[test]
fn a_loss_that_masks_everything_is_zero_and_harmless() {
    let model = model(true);
    let batch = ResponseBatch::new(&[&[1, 2]], &[&[3]], Device::Cpu).unwrap();
    let zero = response_backward(&model, &batch, 1.0, false, &mut |_, _| Tensor::from(0.0_f32));
    assert_eq!(zero.double_value(&[]), 0.0);
    let empty = ResponseBatch::new(&[&[1, 2]], &[&[]], Device::Cpu).unwrap();
    let nothing = response_backward(&model, &empty, 1.0, false, &mut |_, _| unreachable!());
    assert_eq!(nothing.double_value(&[]), 0.0);
    assert!(ResponseBatch::new(&[&[]], &[&[1]], Device::Cpu).is_err());
}

/// One model of each family, with weights large enough that attention matters.
fn families() -> Vec<(&'static str, Model)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/families");
    ["llama3.2", "llama-biases", "qwen2.5", "qwen3"]
        .map(|name| (name, Model::load(&folder.join(name), Device::Cpu).unwrap()))
        .into()
}

fn tokens(rows: i64, width: i64) -> Tensor {
    Tensor::from_slice(&(0..rows * width).map(|n| (n * n + 3 * n) * 37 % 95).collect::<Vec<i64>>()).view([rows, width])
}

#[track_caller]
fn assert_close(model: &Model, found: &[Tensor], wanted: &[Tensor], tolerance: f64) {
    for (((name, _), found), wanted) in model.parameters().iter().zip(found).zip(wanted) {
        let scale = wanted.abs().max().double_value(&[]);
        let difference = (found - wanted).abs().max().double_value(&[]);
        assert!(scale > 0.0, "{name} has a gradient");
        assert!(difference <= tolerance * scale, "{name}: {difference} of {scale}");
    }
}

#[test]
fn blocks_computed_a_second_time_change_no_gradient() {
    for (_, model) in families() {
        let tokens = tokens(2, 33);
        let losses = next_token_backward(&model, &tokens, 1.0 / 64.0);
        let kept = take_gradients(&model);
        let options = NextTokenOptions { recompute: true, segments: None };
        let again = next_token_backward_with(&model, &tokens, 1.0 / 64.0, &options).unwrap();
        assert_eq!(losses, again);
        assert_close(&model, &take_gradients(&model), &kept, 1e-6);

        let batch = ResponseBatch::new(&[&[1, 2, 3], &[4]], &[&[5, 6], &[7, 8, 9, 10]], Device::Cpu).unwrap();
        let mut gradients = [false, true].map(|recompute| {
            let mut loss = |_: std::ops::Range<usize>, part: &octo_model::TokenStatistics| {
                part.log_probabilities.square().sum(Kind::Float)
            };
            let _ = response_backward_with(&model, &batch, 0.9, false, recompute, &mut loss);
            take_gradients(&model)
        });
        let kept = std::mem::take(&mut gradients[0]);
        assert_close(&model, &gradients[1], &kept, 1e-6);
    }
}

#[test]
fn packed_documents_are_as_if_each_were_alone() {
    // A document may begin with a row and end with it, have one token, and share its number with a later one.
    let lengths = [[9_i64, 1, 14, 5], [3, 20, 2, 4]];
    let width = 29;
    let segments: Vec<i64> = lengths
        .iter()
        .flat_map(|row| row.iter().zip([3, 8, 3, 1]).flat_map(|(&length, number)| vec![number; length as usize]))
        .collect();
    let segments = Tensor::from_slice(&segments).view([2, width]);
    for (name, model) in families() {
        let tokens = tokens(2, width);
        let documents = Documents::new(&segments, Device::Cpu).unwrap();
        let together = tch::no_grad(|| model.hidden_of_documents(&tokens, &documents));
        let (mut wanted, mut losses_wanted) = (Vec::new(), Vec::new());
        for (row, lengths) in (0_i64..).zip(&lengths) {
            let mut start = 0;
            for &length in lengths {
                let document = tokens.narrow(0, row, 1).narrow(1, start, length);
                wanted.push(tch::no_grad(|| model.hidden(&document)).squeeze_dim(0));
                if length > 1 {
                    let losses = next_token_backward(&model, &document, 0.02);
                    losses_wanted.extend(Vec::<f32>::try_from(losses.view(-1)).unwrap());
                }
                start += length;
                // Its first token is predicted by nobody.
                losses_wanted.push(0.0);
            }
            losses_wanted.pop();
        }
        let difference = (together.flatten(0, 1) - Tensor::cat(&wanted, 0)).abs().max().double_value(&[]);
        assert!(difference <= 1e-5, "{name}: {difference}");
        let gradients = take_gradients(&model);
        for recompute in [false, true] {
            let options = NextTokenOptions { recompute, segments: Some(&segments) };
            let losses = next_token_backward_with(&model, &tokens, 0.02, &options).unwrap();
            assert_eq!(losses.size(), [2, width - 1]);
            let difference = (losses.view(-1) - Tensor::from_slice(&losses_wanted)).abs().max().double_value(&[]);
            assert!(difference <= 1e-5, "{name}: {difference}");
            assert_close(&model, &take_gradients(&model), &gradients, 1e-5);
        }
    }
}

#[test]
fn segments_of_another_shape_are_refused_and_nothing_to_predict_is_harmless() {
    let model = model(true);
    let tokens = tokens(1, 4).remainder(64);
    let short = Tensor::zeros([1, 3], (Kind::Int64, Device::Cpu));
    let options = NextTokenOptions { recompute: false, segments: Some(&short) };
    let error = next_token_backward_with(&model, &tokens, 1.0, &options).unwrap_err().to_string();
    assert!(error.contains("[1, 3]") && error.contains("[1, 4]"), "{error}");

    let apart = Tensor::from_slice(&[0_i64, 1, 2, 3]).view([1, 4]);
    for recompute in [false, true] {
        let options = NextTokenOptions { recompute, segments: Some(&apart) };
        let losses = next_token_backward_with(&model, &tokens, 1.0, &options).unwrap();
        assert_eq!(losses, Tensor::zeros([1, 3], (Kind::Float, Device::Cpu)));
    }
}

#[test]
fn bf16_arithmetic_leaves_gradients_of_fp32_parameters_in_fp32_and_near() {
    for (name, model) in families() {
        let tokens = tokens(2, 33);
        let _ = next_token_backward(&model, &tokens, 1.0 / 64.0);
        let wanted = take_gradients(&model);
        let model = model.compute_in(Precision::BFloat16);
        for recompute in [false, true] {
            let options = NextTokenOptions { recompute, segments: None };
            let _ = next_token_backward_with(&model, &tokens, 1.0 / 64.0, &options).unwrap();
            for (((parameter, _), found), wanted) in model.parameters().iter().zip(take_gradients(&model)).zip(&wanted)
            {
                assert_eq!(found.kind(), Kind::Float);
                let share = (&found - wanted).norm().double_value(&[]) / wanted.norm().double_value(&[]);
                assert!(share < 0.1, "{name}, {parameter}: {share}");
            }
        }
    }
}
