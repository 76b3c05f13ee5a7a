//! Statistics of verdicts: how sure an accuracy is, what several attempts at a problem say, and whether two sets of
//! verdicts differ.
//!
//! Intervals have a coverage of 95 %. The golden numbers are those of scipy and statsmodels, by
//! `tests/golden/make_statistics.py`.
//!
//! | file | what it has |
//! |---|---|
//! | `attempts.rs` | pass@k and maj@k of one problem |
//! | `intervals.rs` | Wilson's interval of a share, the interval of a mean, Tango's interval of a paired difference |
//! | `exact_test.rs` | McNemar's exact test |

mod attempts;
mod exact_test;
mod intervals;

pub use attempts::{MOST_ATTEMPTS_CHOSEN_FROM, majority_at, pass_at, powers_of_two};
pub use exact_test::mcnemar_exact;
pub use intervals::{Interval, mean_interval, paired_difference_interval, wilson_interval};

/// ln(n!), by the table of the first ones and Stirling's series.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|factor| (factor as f64).ln()).sum();
    }
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + series
}

#[cfg(test)]
mod tests;
