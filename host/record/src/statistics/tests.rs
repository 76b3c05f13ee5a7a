use serde_json::Value;

use super::*;

/// Calls `check` with every case of `name`; there are `count`.
fn golden(name: &str, count: usize, check: impl Fn(&Value)) {
    let all: Value = serde_json::from_str(include_str!("../../tests/golden/statistics.json")).unwrap();
    let cases = all[name].as_array().unwrap();
    assert_eq!(cases.len(), count, "cases of {name}");
    cases.iter().for_each(check);
}

fn whole(case: &Value, key: &str) -> u64 {
    case[key].as_u64().unwrap()
}

#[track_caller]
fn close(found: f64, case: &Value, key: &str, tolerance: f64) {
    let expected = case[key].as_f64().unwrap();
    assert!((found - expected).abs() <= tolerance, "{key} of {case}: {found}");
}

#[test]
fn wilson_agrees_with_statsmodels() {
    golden("wilson", 9, |case| {
        let found = wilson_interval(whole(case, "successes"), whole(case, "trials")).unwrap();
        close(found.low, case, "low", 1e-14);
        close(found.high, case, "high", 1e-14);
    });
    assert_eq!(wilson_interval(0, 0), None);
}

#[test]
fn the_exact_test_agrees_with_statsmodels() {
    golden("exact", 11, |case| {
        let (better, worse) = (whole(case, "better"), whole(case, "worse"));
        close(mcnemar_exact(better, worse), case, "p", 1e-10);
        assert_eq!(mcnemar_exact(better, worse).to_bits(), mcnemar_exact(worse, better).to_bits());
    });
}

#[test]
fn the_paired_interval_agrees_with_the_likelihood() {
    golden("tango", 9, |case| {
        let found =
            paired_difference_interval(whole(case, "better"), whole(case, "worse"), whole(case, "pairs")).unwrap();
        // The golden side finds its maximum numerically.
        close(found.low, case, "low", 1e-7);
        close(found.high, case, "high", 1e-7);
    });
    assert_eq!(paired_difference_interval(0, 0, 0), None);
    assert_eq!(paired_difference_interval(3, 3, 5), None);
}

#[test]
fn the_interval_of_a_mean_agrees_with_scipy() {
    golden("mean", 2, |case| {
        let values: Vec<f64> = serde_json::from_value(case["values"].clone()).unwrap();
        let found = mean_interval(&values).unwrap();
        close(found.low, case, "low", 1e-12);
        close(found.high, case, "high", 1e-12);
    });
    assert_eq!(mean_interval(&[0.5]), None);
}

#[test]
fn pass_at_k_agrees_with_counting_every_choice() {
    golden("pass_at", 9, |case| {
        let found = pass_at(whole(case, "correct"), whole(case, "attempts"), whole(case, "k")).unwrap();
        close(found, case, "value", 1e-12);
    });
    assert_eq!(pass_at(1, 3, 4), None);
    assert_eq!(pass_at(1, 3, 0), None);
}

#[test]
fn maj_at_k_agrees_with_counting_every_choice() {
    golden("majority_at", 15, |case| {
        let wrong: Vec<u64> = serde_json::from_value(case["wrong"].clone()).unwrap();
        let found = majority_at(whole(case, "correct"), &wrong, whole(case, "silent"), whole(case, "k")).unwrap();
        close(found, case, "value", 1e-12);
    });
    assert_eq!(majority_at(1, &[1], 0, 3), None);
    assert_eq!(majority_at(300, &[1], 0, 8), None, "too many to choose from");
    assert_eq!(majority_at(300, &[1], 0, 301), Some(1.0));
}

#[test]
fn the_largest_number_of_attempts_stays_finite_and_of_one_attempt_the_majority_is_the_attempt() {
    for k in powers_of_two(256) {
        let found = majority_at(100, &[56, 50, 30, 10, 4, 1, 1], 4, k).unwrap();
        assert!((0.39..=1.0).contains(&found), "{k}: {found}");
        if k == 1 {
            assert!((found - 100.0 / 256.0).abs() < 1e-12);
        }
    }
    assert_eq!(powers_of_two(256).len(), 9);
    assert_eq!(powers_of_two(6), [1, 2, 4, 6]);
    assert!(powers_of_two(0).is_empty());
}
