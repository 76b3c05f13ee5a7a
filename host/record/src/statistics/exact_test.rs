//! McNemar's exact test.

use super::ln_factorial;

/// The two-sided p-value of McNemar's exact test (1947): the chance that `better + worse` pairs that differ, each as likely
/// to differ in one direction as in the other, fall at least as unevenly as they do. 1 where no pair differs.
pub fn mcnemar_exact(better: u64, worse: u64) -> f64 {
    let pairs = better.saturating_add(worse);
    let fewer = better.min(worse);
    if better == worse {
        return 1.0;
    }
    let ways = ln_factorial(pairs) - ln_factorial(fewer) - ln_factorial(pairs - fewer);
    let mut term = (ways - pairs as f64 * std::f64::consts::LN_2).exp();
    let mut tail = 0.0;
    // From the largest term downwards; each is smaller than the one before.
    for count in (0..=fewer).rev() {
        tail += term;
        if term <= tail * f64::EPSILON * 1e-3 {
            break;
        }
        term *= count as f64 / (pairs - count + 1) as f64;
    }
    (2.0 * tail).min(1.0)
}
