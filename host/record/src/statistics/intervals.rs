//! Intervals with a coverage of 95 %.

use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// From where to where a quantity may lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
}

/// Wilson's score interval of a share (1927, "Probable inference, the law of succession, and statistical inference"),
/// for `successes` of `trials` that do not depend on each other. None without trials.
pub fn wilson_interval(successes: u64, trials: u64) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let (n, share) = (trials as f64, successes as f64 / trials as f64);
    let scale = 1.0 + Z * Z / n;
    let middle = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends the limit is the end itself, which rounding would miss.
    let low = if successes == 0 { 0.0 } else { middle - half };
    let high = if successes == trials { 1.0 } else { middle + half };
    Some(Interval { low, high })
}

/// The interval of a mean of `values` that do not depend on each other, by the normal distribution and the standard error
/// of the mean. None for fewer than two values.
pub fn mean_interval(values: &[f64]) -> Option<Interval> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let half = Z * (squares / (n - 1.0) / n).sqrt();
    Some(Interval { low: mean - half, high: mean + half })
}

/// Tango's score interval of the difference between two shares of the same `pairs` (1998, "Equivalence test and confidence
/// interval for the difference in proportions for the paired-sample design"). `better` pairs succeed only in the first
/// sample and `worse` only in the second, so the difference is (better − worse) ÷ pairs. It agrees with McNemar's test in
/// its asymptotic form: that rejects exactly where the interval leaves out 0. None without pairs.
pub fn paired_difference_interval(better: u64, worse: u64, pairs: u64) -> Option<Interval> {
    if pairs == 0 || better.checked_add(worse).is_none_or(|discordant| discordant > pairs) {
        return None;
    }
    let estimate = (better as f64 - worse as f64) / pairs as f64;
    let score = |difference: f64| score(better as f64, worse as f64, pairs as f64, difference);
    // The statistic falls as the supposed difference rises; it is Z at the lower limit and −Z at the upper.
    let limit = |end: f64, target: f64| {
        let (mut inside, mut outside) = (estimate, end);
        for _ in 0..200 {
            let middle = f64::midpoint(inside, outside);
            if score(middle).abs() < target { inside = middle } else { outside = middle }
        }
        f64::midpoint(inside, outside)
    };
    let low = if estimate <= -1.0 { -1.0 } else { limit(-1.0, Z) };
    let high = if estimate >= 1.0 { 1.0 } else { limit(1.0, Z) };
    Some(Interval { low, high })
}

/// The score statistic of the hypothesis that the shares differ by `difference`.
fn score(better: f64, worse: f64, pairs: f64, difference: f64) -> f64 {
    let a = 2.0 * pairs;
    let b = -better - worse + (2.0 * pairs - better + worse) * difference;
    let c = -worse * difference * (1.0 - difference);
    // The most likely share of pairs that succeed only in the second sample.
    let only_second = ((b * b - 4.0 * a * c).max(0.0).sqrt() - b) / (2.0 * a);
    let variance = pairs * (2.0 * only_second + difference * (1.0 - difference));
    let distance = better - worse - pairs * difference;
    if distance == 0.0 {
        0.0
    } else if variance <= 0.0 {
        distance.signum() * f64::INFINITY
    } else {
        distance / variance.sqrt()
    }
}
