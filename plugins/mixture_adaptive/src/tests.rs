use super::*;
use octo_sdk::ErrorKind;

fn mixture(config: serde_json::Value) -> Result<AdaptiveMixture, String> {
    let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
    AdaptiveMixture::new(config).map_err(|error| error.message)
}

fn source(name: &str, loss: Option<f64>) -> DataSource {
    DataSource { name: name.into(), tokens_available: 1_000, tokens_seen: 0, loss }
}

fn at(step: u64) -> Progress {
    Progress { stage: "mid".into(), step, total_steps: 99, tokens: 0, total_tokens: 0, metrics: vec![] }
}

fn two() -> serde_json::Value {
    serde_json::json!({ "weights": { "web": 3.0, "qa": 1.0 }, "reference": { "web": 2.0, "qa": 1.0 }, "every": 2,
        "smoothing": 0.0, "min_share": 0.1, "max_share": 0.8 })
}

fn asked(plugin: &mut AdaptiveMixture, step: u64, web: f64, qa: f64) -> Vec<f64> {
    plugin.weights(&at(step), &[source("web", Some(web)), source("qa", Some(qa))]).expect("weights")
}

#[test]
fn a_share_grows_by_the_exponential_of_its_loss_above_the_reference_at_every_update() {
    let mut plugin = mixture(two()).expect("valid");
    assert!((asked(&mut plugin, 0, 9.0, 9.0)[0] - 0.75).abs() < 1e-12, "the first shares");
    assert!((asked(&mut plugin, 1, 2.0, 1.5)[0] - 0.75).abs() < 1e-12, "no update yet");
    // qa lies 0.5 above its reference, web 0.2 below: that counts as 0.
    let shares = asked(&mut plugin, 2, 1.8, 1.5);
    let qa = 0.25 * 0.5f64.exp();
    assert!((shares[1] - qa / (0.75 + qa)).abs() < 1e-9, "{shares:?}");
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn shares_never_leave_their_bounds() {
    let mut plugin = mixture(two()).expect("valid");
    for step in 0..40 {
        asked(&mut plugin, step, 2.0, 9.0);
    }
    let shares = asked(&mut plugin, 40, 2.0, 9.0);
    assert!((shares[1] - 0.8).abs() < 1e-9 && (shares[0] - 0.2).abs() < 1e-9, "{shares:?}");
    for step in 41..120 {
        asked(&mut plugin, step, 9.0, 1.0);
    }
    let shares = asked(&mut plugin, 120, 9.0, 1.0);
    assert!((shares[0] - 0.8).abs() < 1e-9, "{shares:?}");
    let mut own = two();
    own["bounds"] = serde_json::json!({ "qa": { "min": 0.0, "max": 0.3 } });
    own["max_share"] = 1.0.into();
    let mut plugin = mixture(own).expect("valid");
    for step in 0..40 {
        asked(&mut plugin, step, 2.0, 9.0);
    }
    assert!((asked(&mut plugin, 40, 2.0, 9.0)[1] - 0.3).abs() < 1e-9);
}

#[test]
fn a_resumed_run_makes_the_same_updates() {
    let mut config = two();
    config["smoothing"] = 0.7.into();
    let losses = |step: u64| (2.0 + (step * 7 % 5) as f64 / 3.0, 1.0 + (step * 3 % 7) as f64 / 5.0);
    let mut whole = mixture(config.clone()).expect("valid");
    for cut in [0, 1, 2, 7] {
        let mut before = mixture(config.clone()).expect("valid");
        for step in 0..cut {
            asked(&mut before, step, losses(step).0, losses(step).1);
        }
        let mut resumed = mixture(config.clone()).expect("valid");
        resumed.restore(&before.save()).expect("its own memory");
        for step in cut..15 {
            let expected = asked(&mut before, step, losses(step).0, losses(step).1);
            assert_eq!(asked(&mut resumed, step, losses(step).0, losses(step).1), expected, "step {step} from {cut}");
        }
        assert_eq!(resumed.save(), before.save());
    }
    // Asked twice for one step, as after a failure, it answers the same and remembers it once.
    let first = asked(&mut whole, 4, 3.0, 3.0);
    let memory = whole.save();
    assert_eq!(asked(&mut whole, 4, 9.0, 0.0), first);
    assert_eq!(whole.save(), memory);
}

#[test]
fn a_memory_that_is_not_its_own_is_refused_and_changes_nothing() {
    let mut plugin = mixture(two()).expect("valid");
    asked(&mut plugin, 0, 2.0, 1.0);
    let own = plugin.save();
    let text = String::from_utf8(own.clone()).expect("JSON");
    for other in [
        "7".to_owned(),
        "\u{0}".to_owned(),
        text.replace("\"version\":1", "\"version\":2"),
        text.replace("0.75", "1.5"),
        text.replace("\"step\"", "\"steps\""),
    ] {
        assert_ne!(other, text);
        let error = plugin.restore(other.as_bytes()).expect_err("not its own");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert_eq!(plugin.save(), own);
    }
    let error = plugin.weights(&at(1), &[source("web", None), source("books", None)]).expect_err("other sources");
    assert!(error.message.contains("`books`") && error.message.contains("`qa`"), "{}", error.message);
    assert_eq!(plugin.save(), own);
}

#[test]
fn sources_left_out_stay_out_and_those_without_a_loss_keep_their_place() {
    let config = serde_json::json!({ "weights": { "web": 1.0, "qa": 1.0, "code": 0.0 }, "every": 1, "rate": 0.5 });
    let mut plugin = mixture(config).expect("valid");
    let sources = [source("web", None), source("qa", None), source("code", Some(50.0))];
    for step in 0..5 {
        let shares = plugin.weights(&at(step), &sources).expect("weights");
        assert_eq!(shares[2], 0.0);
        assert!((shares[0] - 0.5).abs() < 1e-9, "{shares:?}");
    }
}

#[test]
fn bounds_that_these_sources_cannot_keep_are_an_error_at_the_first_step() {
    let config = serde_json::json!({ "weights": { "web": 1.0, "qa": 1.0 }, "min_share": 0.6 });
    let mut plugin = mixture(config).expect("valid by itself");
    let error = plugin.weights(&at(0), &[source("web", None), source("qa", None)]).expect_err("1.2 of 1");
    assert!(error.message.contains("1.2") && error.message.contains("`web`, `qa`"), "{}", error.message);
    let error = plugin.weights(&at(0), &[source("wbe", None)]).expect_err("unknown");
    assert!(error.message.contains("`wbe`"), "{}", error.message);
}

#[test]
fn senseless_configs_are_refused_by_the_name_of_their_key() {
    for (key, value) in [
        ("weights", serde_json::json!({ "web": 0.0 })),
        ("weights.web", serde_json::json!({ "web": -1.0 })),
        ("reference.web", serde_json::json!({ "web": -0.5 })),
        ("reference.books", serde_json::json!({ "books": 0.5 })),
        ("bounds.books", serde_json::json!({ "books": { "min": 0.0, "max": 1.0 } })),
        ("bounds.web", serde_json::json!({ "web": { "min": 0.5, "max": 0.2 } })),
        ("rate", (-1.0).into()),
        ("every", 0.into()),
        ("smoothing", 1.0.into()),
        ("min_share", 0.9.into()),
        ("max_share", 1.5.into()),
    ] {
        let mut config = two();
        config[key.split('.').next().expect("a key")] = value;
        let error = mixture(config.clone()).err().expect("senseless");
        assert!(error.contains(key), "{config}: {error}");
    }
    assert!(mixture(serde_json::json!({ "weights": { "web": 1.0 }, "wieghts": 1 })).is_err());
}
