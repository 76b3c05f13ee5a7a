use super::*;
use serde_json::Value;

fn tensor(value: &Value) -> Tensor {
    let data: Vec<f32> =
        value["data"].as_array().expect("data").iter().map(|x| x.as_f64().expect("a number") as f32).collect();
    let shape: Vec<i64> =
        value["shape"].as_array().expect("shape").iter().map(|x| x.as_i64().expect("a length")).collect();
    Tensor::from_slice(&data).view(shape.as_slice())
}

fn with_gradients(parameters: &[(String, Tensor)], gradients: &Value) {
    crate::optimizer::clip::clear_gradients(parameters);
    for (name, parameter) in parameters {
        (parameter * tensor(&gradients[name])).sum(Kind::Float).backward();
    }
}

fn golden() -> (Value, AdamWConfig, f64) {
    let golden: Value = serde_json::from_str(include_str!("../../../tests/golden/adamw.json")).expect("golden file");
    let number = |key: &str| golden[key].as_f64().expect("a number");
    let config = AdamWConfig {
        beta1: number("beta1"),
        beta2: number("beta2"),
        epsilon: number("epsilon"),
        weight_decay: number("weight_decay"),
        decay_embeddings: false,
    };
    let rate = number("learning_rate");
    (golden, config, rate)
}

fn initial(golden: &Value) -> Vec<(String, Tensor)> {
    ["matrix", "norm", "model.embed_tokens.weight"]
        .map(|name| (name.to_owned(), tensor(&golden["initial"][name]).set_requires_grad(true)))
        .into()
}

#[test]
fn a_hundred_updates_are_those_of_torch_to_one_in_a_million() {
    let (golden, config, rate) = golden();
    let parameters = initial(&golden);
    let mut optimiser = AdamW::new(&parameters, config);
    for step in golden["steps"].as_array().expect("steps") {
        with_gradients(&parameters, &step["gradients"]);
        optimiser.step(&parameters, rate);
        for (name, parameter) in parameters.iter().filter(|_| step.get("after").is_some()) {
            let distance = (parameter - tensor(&step["after"][name])).abs().max().double_value(&[]);
            assert!(distance < 1e-6, "{name} is off by {distance} after step {}", optimiser.steps());
        }
    }
    assert_eq!(optimiser.steps(), 100);
}

#[test]
fn a_scale_from_the_device_acts_as_scaled_gradients_do() {
    let (golden, config, rate) = golden();
    let (scaled, plain) = (initial(&golden), initial(&golden));
    let (mut left, mut right) = (AdamW::new(&scaled, config), AdamW::new(&plain, config));
    for step in golden["steps"].as_array().expect("steps").iter().take(10) {
        with_gradients(&scaled, &step["gradients"]);
        left.step_scaled(&scaled, rate, Some(&Tensor::from(0.125f32)));
        with_gradients(&plain, &step["gradients"]);
        for (_, parameter) in &plain {
            let _ = parameter.grad().g_mul_scalar_(0.125);
        }
        right.step(&plain, rate);
    }
    for ((name, left), (_, right)) in scaled.iter().zip(&plain) {
        let distance = (left - right).abs().max().double_value(&[]);
        assert!(distance < 1e-6, "{name}: {distance}");
    }
}

#[test]
fn the_fused_kernel_and_the_plain_formula_agree() {
    let (golden, config, rate) = golden();
    for scale in [None, Some(Tensor::from(0.3f32))] {
        let (fused, plain) = (initial(&golden), initial(&golden));
        let (mut left, mut right) = (AdamW::new(&fused, config), AdamW::new(&plain, config));
        for step in golden["steps"].as_array().expect("steps") {
            with_gradients(&fused, &step["gradients"]);
            left.steps += 1;
            tch::no_grad(|| left.fused(&fused, rate, scale.as_ref())).expect("the CPU has a fused kernel");
            with_gradients(&plain, &step["gradients"]);
            right.steps += 1;
            tch::no_grad(|| right.plain(&plain, rate, scale.as_ref()));
        }
        for ((name, left), (_, right)) in fused.iter().zip(&plain) {
            let distance = (left - right).abs().max().double_value(&[]);
            assert!(distance < 1e-6, "{name}: {distance}");
        }
    }
}

#[test]
fn embeddings_decay_by_choice_and_norms_never() {
    let decays = |name: &str, dimensions, decay_embeddings| {
        let config = AdamWConfig { decay_embeddings, weight_decay: 0.1, ..golden().1 };
        config.decay_of(name, dimensions) > 0.0
    };
    for choice in [true, false] {
        assert!(decays("model.layers.0.mlp.up_proj.weight", 2, choice));
        assert!(!decays("model.norm.weight", 1, choice) && !decays("model.layers.0.self_attn.q_proj.bias", 1, choice));
        assert_eq!(decays("model.embed_tokens.weight", 2, choice), choice);
        assert_eq!(decays("lm_head.weight", 2, choice), choice);
    }
}

#[test]
fn a_snapshot_stays_what_it_was() {
    let (golden, config, rate) = golden();
    let parameters = initial(&golden);
    let mut optimiser = AdamW::new(&parameters, config);
    let gradients = &golden["steps"][0]["gradients"];
    with_gradients(&parameters, gradients);
    optimiser.step(&parameters, rate);
    let snapshot = optimiser.snapshot();
    let before = optimiser.moments[0].first.copy();
    optimiser.step(&parameters, rate);
    assert!(snapshot.moments[0].first.equal(&before) && !optimiser.moments[0].first.equal(&before));
    assert_eq!((snapshot.steps(), optimiser.steps()), (1, 2));
}

#[test]
fn saved_state_resumes_to_the_same_bits() {
    let (golden, config, rate) = golden();
    let steps = &golden["steps"].as_array().expect("steps")[..8];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("optimizer.safetensors");
    let (straight, resumed) = (initial(&golden), initial(&golden));
    let mut optimiser = AdamW::new(&straight, config);
    let mut interrupted = AdamW::new(&resumed, config);
    for (index, step) in steps.iter().enumerate() {
        with_gradients(&straight, &step["gradients"]);
        optimiser.step(&straight, rate);
        if index == 3 {
            interrupted.save(&path).expect("saves");
            interrupted = AdamW::load(&path, &resumed, config).expect("loads");
        }
        with_gradients(&resumed, &step["gradients"]);
        interrupted.step(&resumed, rate);
    }
    for ((_, left), (_, right)) in straight.iter().zip(&resumed) {
        assert!(left.equal(right));
    }
}

#[test]
fn state_of_another_model_is_refused_by_name() {
    let (golden, config, _) = golden();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("optimizer.safetensors");
    AdamW::new(&initial(&golden), config).save(&path).expect("saves");
    let other = vec![("matrix".to_owned(), Tensor::zeros([2, 2], (Kind::Float, tch::Device::Cpu)))];
    let message = AdamW::load(&path, &other, config).err().expect("another shape").to_string();
    assert!(message.contains("matrix.first_moment") && message.contains("[2, 2]"), "{message}");
    std::fs::write(&path, b"not a tensor file").expect("written");
    assert!(AdamW::load(&path, &other, config).is_err());
}

#[test]
fn narrow_weights_keep_small_updates_in_a_master_copy() {
    let weights = Tensor::ones([2, 2], (Kind::BFloat16, tch::Device::Cpu)).set_requires_grad(true);
    let parameters = vec![("w".to_owned(), weights)];
    let config = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.0, decay_embeddings: true };
    let mut optimiser = AdamW::new(&parameters, config);
    for _ in 0..100 {
        crate::optimizer::clip::clear_gradients(&parameters);
        parameters[0].1.sum(Kind::Float).backward();
        optimiser.step(&parameters, 1e-3);
    }
    // One step of 1e-3 is below half a bf16 unit at 1.0, so without the copy nothing would move.
    let moved = parameters[0].1.to_kind(Kind::Float).mean(Kind::Float).double_value(&[]);
    assert!((moved - 0.9).abs() < 5e-3, "moved to {moved}");
}
