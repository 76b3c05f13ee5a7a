use super::*;
use serde_json::json;

fn sound() -> Figures {
    Figures {
        varied_share: 0.5,
        response_length: 100.0,
        length_limit: 256,
        entropy: 0.5,
        policy_kl: Some(0.001),
        reference_kl: Some(0.002),
        mismatch_kl: Some(1e-9),
        ..Figures::default()
    }
}

/// Makes one figure bad.
type Breaks = fn(&mut Figures);

/// The names of the alarms that are up after each of some steps.
fn run(config: &AlarmConfig, steps: &[Figures]) -> Vec<Vec<&'static str>> {
    let mut state = AlarmState::default();
    let up = |(at, figures): (usize, &Figures)| state.watch(config, at as u64 + 1, figures);
    let names = |up: Vec<RaisedAlarm>| up.iter().map(|up| up.alarm.as_str()).collect();
    steps.iter().enumerate().map(up).map(names).collect()
}

#[test]
fn a_sound_run_is_silent() {
    let found = run(&AlarmConfig::default(), &[sound(); 40]);
    assert!(found.iter().all(Vec::is_empty), "{found:?}");
}

#[test]
fn each_figure_raises_its_own_alarm_after_the_patience_and_not_before() {
    let broken: [(&str, Breaks); 9] = [
        ("constant-reward", |at| at.varied_share = 0.0),
        ("failures", |at| at.failure_share = 0.21),
        ("truncated", |at| at.truncated_share = 0.8),
        ("length-jump", |at| at.response_length = 210.0),
        ("repetition", |at| at.repetition_share = 0.3),
        ("entropy-collapse", |at| at.entropy = 0.01),
        ("kl-jump", |at| at.policy_kl = Some(0.02)),
        ("kl-jump", |at| at.reference_kl = Some(0.03)),
        ("kl-jump", |at| at.mismatch_kl = Some(0.5)),
    ];
    for (name, breaks) in broken {
        let mut bad = sound();
        breaks(&mut bad);
        let mut steps = vec![sound(); 6];
        steps.extend(vec![bad; 12]);
        steps.push(sound());
        let found = run(&AlarmConfig::default(), &steps);
        let patience = if name == "constant-reward" { 10 } else { 3 };
        for (step, up) in found.iter().enumerate() {
            let expected: &[&str] = if (6 + patience - 1..18).contains(&step) { &[name] } else { &[] };
            assert_eq!(up, expected, "{name} at step {step}");
        }
    }
}

#[test]
fn one_bad_step_among_good_ones_raises_no_alarm() {
    let bad = Figures { truncated_share: 1.0, ..sound() };
    let steps: Vec<Figures> = (0..30).map(|step| if step % 3 == 2 { sound() } else { bad }).collect();
    assert!(run(&AlarmConfig::default(), &steps).iter().all(Vec::is_empty));
}

#[test]
fn a_stair_of_the_schedule_is_not_an_explosion() {
    let longer = Figures { response_length: 400.0, length_limit: 1024, ..sound() };
    let mut steps = vec![sound(); 12];
    steps.extend(vec![longer; 12]);
    assert!(run(&AlarmConfig::default(), &steps).iter().all(Vec::is_empty));
    // The same lengths under an old limit are one.
    let steps: Vec<Figures> = steps.into_iter().map(|at| Figures { length_limit: 1024, ..at }).collect();
    assert!(run(&AlarmConfig::default(), &steps).iter().any(|up| up == &["length-jump"]));
}

#[test]
fn a_figure_that_is_not_a_number_is_bad() {
    let bad = Figures { entropy: f64::NAN, mismatch_kl: Some(f64::NAN), ..sound() };
    let mut steps = vec![sound(); 6];
    steps.extend(vec![bad; 3]);
    assert_eq!(run(&AlarmConfig::default(), &steps).last().expect("a step"), &["entropy-collapse", "kl-jump"]);
}

#[test]
fn the_results_say_when_an_alarm_was_up_and_a_resumed_run_counts_on() {
    let (config, bad) = (AlarmConfig::default(), Figures { truncated_share: 1.0, ..sound() });
    let mut state = AlarmState::default();
    assert!(state.watch(&config, 1, &bad).is_empty() && state.watch(&config, 2, &bad).is_empty());
    let text = serde_json::to_string(&state).expect("writes");
    let mut state: AlarmState = serde_json::from_str(&text).expect("reads");
    let up = state.watch(&config, 3, &bad);
    assert_eq!((up.len(), up[0].steps, up[0].threshold), (1, 3, 0.75));
    assert!(up[0].message.contains("truncated") && up[0].message.contains("length limit"), "{}", up[0].message);
    state.watch(&config, 4, &bad);
    assert_eq!(json!(state.record()), json!({ "truncated": { "first": 3, "last": 4, "steps": 2 } }));
}

#[test]
fn what_is_off_is_silent_and_thresholds_are_checked() {
    let config = AlarmConfig { off: vec![AlarmName::Truncated], ..AlarmConfig::default() };
    let bad = Figures { truncated_share: 1.0, ..sound() };
    assert!(run(&config, &[bad; 9]).iter().all(Vec::is_empty));
    for (config, key) in [
        (AlarmConfig { failure_share: 1.5, ..AlarmConfig::default() }, "alarms.failure_share"),
        (AlarmConfig { length_jump: f64::NAN, ..AlarmConfig::default() }, "alarms.length_jump"),
        (AlarmConfig { patience: 0, ..AlarmConfig::default() }, "alarms.patience"),
        (AlarmConfig { stop: vec![AlarmName::Truncated], ..config }, "alarms.off"),
    ] {
        let message = config.check().expect_err(key).to_string();
        assert!(message.contains(key), "{message}");
    }
}
