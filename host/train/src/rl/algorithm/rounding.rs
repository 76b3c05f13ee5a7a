//! What of a difference is rounding.
//!
//! Advantages are differences. Where all that differs is how numbers were rounded, dividing by their deviation, and
//! AdamW's division after it, make a full update of nothing: a gradient of 1e-9 moves every weight as far as one of 1.
//! So each number that advantages are taken from comes with a bound on its rounding ([`Rounded`]), and numbers that one
//! common value could have been rounded to are equal ([`differ`]). What lies beyond the bounds is left exactly as it
//! is, however small.
//!
//! Bounds are relative to what was summed and to the precision that it was computed in:
//!
//! - **A reward** is a sum in f64. Its bound is [`OF_SUM`] (2⁻⁴⁶, about 1.4e-14) of the sum of its parts' magnitudes.
//! - **A divergence in the reward** is a sum over tokens of what a KL estimator makes of two log-probabilities,
//!   computed in the precision of the passes. How far rounding moves those is not assumed but measured at every step:
//!   it is the train–inference mismatch, which compares two computations on the same weights and tokens
//!   ([`PassNoise`]). Its share of the sum is carried through the estimator to first and second order
//!   ([`KlEstimator::penalty`]).
//!
//! A group whose rewards differ by more than their own rounding is never taken for equal, however coarse the divergence
//! beside them is.

use super::loss::KlEstimator;

/// Rounding of a sum in f64, relative to the magnitudes that were added: 64 terms, each rounded when it is computed and
/// when it is added.
pub const OF_SUM: f64 = 64.0 * f64::EPSILON;

/// Standard deviations of a sum of independent errors that are counted as rounding.
const DEVIATIONS: f64 = 6.0;

/// A number with a bound on how far rounding has moved it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounded {
    /// The number.
    pub value: f64,
    /// The exact number is not further away than this.
    pub bound: f64,
}

impl Rounded {
    /// A sum in f64 of terms whose magnitudes add up to `magnitude`.
    pub fn sum(value: f64, magnitude: f64) -> Rounded {
        Rounded { value, bound: OF_SUM * magnitude.max(value.abs()) }
    }

    /// The number less another one.
    pub fn less(self, other: Rounded) -> Rounded {
        let value = self.value - other.value;
        Rounded { value, bound: self.bound + other.bound + f64::EPSILON * value.abs() }
    }
}

/// Whether no single value is within the bounds of all `numbers`. One that is not a number differs from every other, so
/// that it is seen and not taken for silence.
pub fn differ(numbers: impl IntoIterator<Item = Rounded>) -> bool {
    let (mut highest_floor, mut lowest_ceiling, mut count) = (f64::NEG_INFINITY, f64::INFINITY, 0);
    for Rounded { value, bound } in numbers {
        if !(value.is_finite() && bound.is_finite()) {
            return true;
        }
        highest_floor = highest_floor.max(value - bound);
        lowest_ceiling = lowest_ceiling.min(value + bound);
        count += 1;
    }
    count > 1 && highest_floor > lowest_ceiling
}

/// How far log-probabilities of the same tokens under the same weights are from each other, in nats: what rounding in
/// the passes does, in whatever precision they run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PassNoise {
    /// Root of the mean square.
    pub deviation: f64,
    /// The largest, in magnitude.
    pub largest: f64,
}

/// What a KL term takes from the reward of a response.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Penalty {
    /// What it takes at each token.
    pub of_tokens: Vec<f64>,
    /// Bound on the rounding of their sum, and of the sum of any of them in a row.
    pub bound: f64,
}

impl Penalty {
    /// All that is taken from the response.
    pub fn total(&self) -> Rounded {
        Rounded { value: self.of_tokens.iter().sum(), bound: self.bound }
    }
}

impl KlEstimator {
    /// What this estimate, times `coefficient`, takes from each token, from log-probabilities under the policy and the
    /// reference that passes of this `noise` found.
    ///
    /// In f64: in f32, k3 of a distance of 1e-6 would be all cancellation. With f the estimate of a distance d, an
    /// error e of d moves it by f′e + f″e² ÷ 2. Summed over independent errors, the first is within six deviations of
    /// √Σf′² × deviation, the second within six deviations of T × deviation² (the variance of e² is at most deviation²
    /// × largest²), and a single worst token comes on top of both.
    pub fn penalty(self, coefficient: f64, policy: &[f32], reference: &[f32], noise: PassNoise) -> Penalty {
        let mut of_tokens = Vec::with_capacity(policy.len());
        let (mut squared_slopes, mut steepest, mut curvature, mut magnitude) = (0.0, 0.0f64, 0.0f64, 0.0);
        for (policy, reference) in policy.iter().zip(reference) {
            let distance = f64::from(*policy) - f64::from(*reference);
            let (value, slope, bend) = match self {
                KlEstimator::K1 => (distance, 1.0, 0.0),
                KlEstimator::K2 => (distance * distance / 2.0, distance, 1.0),
                KlEstimator::K3 => ((-distance).exp_m1() + distance, -(-distance).exp_m1(), (-distance).exp()),
            };
            of_tokens.push(coefficient * value);
            squared_slopes += slope * slope;
            steepest = steepest.max(slope.abs());
            curvature = curvature.max(bend);
            magnitude += (coefficient * value).abs();
        }
        let PassNoise { deviation, largest } = noise;
        let tokens = of_tokens.len() as f64;
        let first = DEVIATIONS * deviation * f64::sqrt(squared_slopes) + largest * steepest;
        let second =
            tokens * deviation * deviation + DEVIATIONS * largest * deviation * tokens.sqrt() + largest * largest;
        let of_passes = coefficient.abs() * (first + curvature * second / 2.0);
        Penalty { of_tokens, bound: of_passes + OF_SUM * magnitude }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_the_same_parts_in_another_order_are_equal_and_what_is_beyond_rounding_is_not() {
        let (one, other) = (0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1);
        assert_ne!(one, other, "the test needs numbers that round differently");
        assert!(!differ([one, other].map(|sum| Rounded::sum(sum, 0.6))));
        // Parts that cancel leave what their own size was rounded to.
        let left = 1e6 + 0.1 - 1e6;
        assert_ne!(left, 0.1);
        assert!(!differ([Rounded::sum(left, 2e6), Rounded::sum(0.1, 0.1)]));
        // A part in 10¹² is far above rounding, at any scale.
        for scale in [1e-30, 1.0, 1e30] {
            assert!(differ([1.0, 1.0 + 1e-12].map(|sum| Rounded::sum(scale * sum, scale))), "{scale}");
            assert!(!differ([1.0, 1.0 + 1e-15].map(|sum| Rounded::sum(scale * sum, scale))), "{scale}");
        }
    }

    #[test]
    fn nothing_and_one_number_do_not_differ_and_what_is_not_a_number_does() {
        let one = Rounded::sum(1.0, 1.0);
        assert!(!differ([]) && !differ([one]) && !differ([one, one]));
        assert!(differ([one, Rounded { value: f64::NAN, bound: 0.0 }]));
        assert!(differ([one, Rounded { value: 1.0, bound: f64::NAN }]));
    }

    /// Log-probabilities that are rounded as passes of `noise` round them: no two alike, none further than its largest.
    fn rounded(exact: &[f32], noise: PassNoise, seed: usize) -> Vec<f32> {
        let wave = |at: usize| ((at * 37 + seed * 101) as f64 * 0.7).sin() * std::f64::consts::SQRT_2;
        exact.iter().enumerate().map(|(at, p)| (f64::from(*p) + noise.deviation * wave(at)) as f32).collect()
    }

    #[test]
    fn a_policy_that_is_its_reference_pays_no_more_than_the_bound_and_one_that_has_moved_does() {
        // What fp32 passes of the demo measure, and what bf16 ones may.
        for noise in [PassNoise { deviation: 3e-7, largest: 6e-6 }, PassNoise { deviation: 0.02, largest: 0.3 }] {
            for length in [1, 5, 50, 2000] {
                let exact: Vec<f32> = (0..length).map(|at| -0.5 - (at % 7) as f32).collect();
                for estimator in [KlEstimator::K1, KlEstimator::K2, KlEstimator::K3] {
                    let penalty = |shift: f32, seed: usize| {
                        let policy: Vec<f32> = exact.iter().map(|p| p + shift).collect();
                        estimator.penalty(0.05, &rounded(&policy, noise, seed), &exact, noise)
                    };
                    let same = (0..8).map(|seed| penalty(0.0, seed).total());
                    assert!(!differ(same.clone()), "{estimator:?}, {length} tokens, {noise:?}");
                    // Moved by a hundred deviations: 3e-5 nats where passes are fp32.
                    let moved = penalty(100.0 * noise.deviation as f32, 9).total();
                    assert!(differ(same.chain([moved])), "{estimator:?}, {length} tokens, {noise:?}");
                }
            }
        }
    }

    #[test]
    fn penalties_are_the_estimates_in_f64() {
        let noise = PassNoise::default();
        let taken =
            |estimator: KlEstimator, distance: f32| estimator.penalty(0.5, &[distance], &[0.0], noise).of_tokens;
        for distance in [-1.5f32, -1e-6, 0.0, 1e-6, 2.0] {
            let d = f64::from(distance);
            assert_eq!(taken(KlEstimator::K1, distance), [0.5 * d]);
            assert_eq!(taken(KlEstimator::K2, distance), [0.25 * d * d]);
            let k3 = if d.abs() > 1e-3 { (-d).exp() - 1.0 + d } else { d * d / 2.0 - d * d * d / 6.0 };
            let found = taken(KlEstimator::K3, distance)[0];
            assert!((found - 0.5 * k3).abs() <= 1e-9 * k3.abs(), "{distance}: {found}");
        }
        assert_eq!(KlEstimator::K3.penalty(0.5, &[-1.0], &[-1.0], noise).total(), Rounded { value: 0.0, bound: 0.0 });
    }
}
