//! Shares of sum 1 within bounds.

/// The least and the largest share of a source.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The least.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min: f64,
    /// The largest.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max: f64,
}

/// Shares of sum 1, each within its bounds, and in the ratios of `weights` between those at no bound.
///
/// They are `weights` times one scale, cut to the bounds; the sum grows with the scale, so halving finds it. The error
/// says why there are no such shares.
pub fn bounded(weights: &[f64], bounds: &[Bounds]) -> Result<Vec<f64>, String> {
    // Sums of shares that people write, such as 10 times 0.1, miss 1 by a rounding.
    const SLACK: f64 = 1e-9;
    let least: f64 = bounds.iter().map(|bounds| bounds.min).sum();
    let most: f64 = bounds.iter().map(|bounds| bounds.max).sum();
    if least > 1.0 + SLACK {
        return Err(format!("the least shares sum to {least}, more than 1"));
    }
    if most < 1.0 - SLACK {
        return Err(format!("the largest shares sum to {most}, less than 1"));
    }
    // A weight that has shrunk to nothing would never grow again.
    let weights: Vec<f64> = weights.iter().map(|weight| weight.max(f64::MIN_POSITIVE * 1e20)).collect();
    let cut = |scale: f64| -> Vec<f64> {
        weights.iter().zip(bounds).map(|(weight, bounds)| (weight * scale).clamp(bounds.min, bounds.max)).collect()
    };
    // Above the scale at which the smallest weight alone would fill the mixture, every share is at its largest.
    let smallest = weights.iter().copied().fold(f64::INFINITY, f64::min);
    let (mut low, mut high) = (0.0f64, 2.0 / smallest);
    for _ in 0..2000 {
        // By the exponent while the two are far apart, so that 600 powers of ten take as many steps as one.
        let middle = if low > 0.0 && high / low > 4.0 { low.sqrt() * high.sqrt() } else { low + (high - low) / 2.0 };
        if middle <= low || middle >= high {
            break;
        }
        if cut(middle).iter().sum::<f64>() < 1.0 { low = middle } else { high = middle }
    }
    Ok(cut(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weights: &[f64], bounds: &[(f64, f64)]) -> Result<Vec<f64>, String> {
        let bounds: Vec<Bounds> = bounds.iter().map(|(min, max)| Bounds { min: *min, max: *max }).collect();
        bounded(weights, &bounds)
    }

    fn near(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn bounds_that_do_not_bind_leave_the_ratios_alone() {
        near(&shares(&[1.0, 3.0], &[(0.0, 1.0), (0.0, 1.0)]).expect("shares"), &[0.25, 0.75]);
        near(&shares(&[1e-12, 3e-12], &[(0.1, 0.9), (0.1, 0.9)]).expect("shares"), &[0.25, 0.75]);
    }

    #[test]
    fn what_a_bound_takes_or_gives_is_shared_by_the_others_in_their_ratios() {
        near(&shares(&[8.0, 1.0, 1.0], &[(0.0, 0.5), (0.0, 1.0), (0.0, 1.0)]).expect("shares"), &[0.5, 0.25, 0.25]);
        near(&shares(&[0.0, 3.0, 1.0], &[(0.2, 1.0), (0.0, 1.0), (0.0, 1.0)]).expect("shares"), &[0.2, 0.6, 0.2]);
        // One bound pushes another source to its own.
        near(&shares(&[90.0, 9.0, 1.0], &[(0.0, 0.3), (0.0, 0.5), (0.0, 1.0)]).expect("shares"), &[0.3, 0.5, 0.2]);
    }

    #[test]
    fn weights_of_any_size_end_in_shares_of_sum_one() {
        for weights in [[1e-300, 1.0, 1e300], [0.0, 0.0, 5.0], [1e12, 1e12, 1e-12]] {
            let found = shares(&weights, &[(0.05, 0.6); 3]).expect("shares");
            assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{weights:?}: {found:?}");
            assert!(found.iter().all(|share| (0.05..=0.6).contains(share)), "{found:?}");
        }
    }

    #[test]
    fn bounds_that_no_shares_keep_are_refused_with_their_sum() {
        assert!(shares(&[1.0, 1.0], &[(0.6, 1.0), (0.6, 1.0)]).expect_err("too much").contains("1.2"));
        assert!(shares(&[1.0, 1.0], &[(0.0, 0.3), (0.0, 0.3)]).expect_err("too little").contains("0.6"));
        assert!(shares(&[1.0; 10], &[(0.1, 0.1); 10]).is_ok());
    }
}
