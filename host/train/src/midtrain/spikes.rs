//! Which updates are skipped: those whose loss or gradient is not finite, or jumps out of what was usual.
//!
//! The rule for jumps is that of OLMo-core's `SkipStepOptimizer`: a step is a spike if its loss, or its gradient norm
//! before clipping, lies more than `sigma` standard deviations above the mean of the last 128 steps. Nothing is judged
//! before 64 steps are known. Spikes enter the window like any other step, so a loss that has really moved to another
//! level (another mixture, say) is taken for usual after a few steps: four at most in a row where sigma is 6.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Steps that mean and deviation are taken over.
const WINDOW: usize = 128;
/// Steps that must be known before one is judged.
const ENOUGH: usize = WINDOW / 2;

/// Losses and gradient norms of the last steps: part of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecentSteps {
    losses: VecDeque<f64>,
    norms: VecDeque<f64>,
}

impl RecentSteps {
    /// Why the update of a step is to be skipped, where it is, and takes the step into the window. With a `sigma` of 0
    /// only what is not finite is refused.
    pub fn refuse(&mut self, loss: f64, norm: f64, sigma: f64) -> Option<String> {
        if !(loss.is_finite() && norm.is_finite()) {
            return Some(format!("loss {loss}, gradient norm {norm}: not finite"));
        }
        let mut reason = None;
        for (name, value, window) in [("loss", loss, &mut self.losses), ("gradient norm", norm, &mut self.norms)] {
            if let Some((mean, deviation)) = usual(window)
                && sigma > 0.0
                && value - mean > sigma * deviation
            {
                reason.get_or_insert_with(|| {
                    format!("{name} {value:.4} against {mean:.4} ± {deviation:.4} of the {} steps before", window.len())
                });
            }
            window.push_back(value);
            if window.len() > WINDOW {
                window.pop_front();
            }
        }
        reason
    }
}

/// Mean and standard deviation (of a sample) of a window that is full enough.
fn usual(window: &VecDeque<f64>) -> Option<(f64, f64)> {
    if window.len() < ENOUGH {
        return None;
    }
    let count = window.len() as f64;
    let mean = window.iter().sum::<f64>() / count;
    let variance = window.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Some((mean, variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of losses between 1.9 and 2.1 and of norms between 0.9 and 1.1.
    fn settled() -> RecentSteps {
        let mut recent = RecentSteps::default();
        for step in 0..WINDOW {
            let wave = 0.1 * (step as f64).sin();
            assert_eq!(recent.refuse(2.0 + wave, 1.0 + wave, 6.0), None, "step {step}");
        }
        recent
    }

    #[test]
    fn a_jump_of_loss_or_norm_is_refused_and_a_fall_is_not() {
        assert!(settled().refuse(4.0, 1.0, 6.0).expect("a spike").contains("loss 4.0"));
        assert!(settled().refuse(2.0, 9.0, 6.0).expect("a spike").contains("gradient norm 9.0"));
        assert_eq!(settled().refuse(0.1, 0.1, 6.0), None);
        // Six deviations of a wave of 0.1 are 0.42.
        assert_eq!(settled().refuse(2.4, 1.4, 6.0), None);
    }

    #[test]
    fn without_a_sigma_only_what_is_not_finite_is_refused() {
        assert_eq!(settled().refuse(400.0, 1.0, 0.0), None);
        for (loss, norm) in [(f64::NAN, 1.0), (2.0, f64::INFINITY)] {
            let mut recent = settled();
            assert!(recent.refuse(loss, norm, 0.0).expect("not finite").contains("not finite"));
            assert_eq!(recent, settled(), "what is not finite must not enter the window");
        }
    }

    #[test]
    fn a_new_level_is_usual_after_four_steps() {
        let mut recent = settled();
        let refused = (0..20).take_while(|_| recent.refuse(3.5, 1.0, 6.0).is_some()).count();
        assert!((1..=4).contains(&refused), "{refused} steps in a row");
    }

    #[test]
    fn nothing_is_judged_before_enough_is_known() {
        let mut recent = RecentSteps::default();
        for _ in 0..ENOUGH {
            assert_eq!(recent.refuse(2.0, 1.0, 6.0), None);
        }
        assert!(recent.refuse(2.5, 1.0, 6.0).is_some(), "a flat window makes any rise a spike");
    }
}
