//! The length limit that a reward is measured by.
//!
//! A schedule changes how long a response may be from step to step. A penalty that starts at a fixed length would then
//! punish nothing at first, or everything at last; so the host reports the limit of the step as the
//! metric [`LENGTH_LIMIT`], and a recipe fixes one only where it means to.

use octo_sdk::{FinishReason, PluginError, Progress, Rollout};

/// The metric by which the host reports how many tokens a response of this step may have.
pub const LENGTH_LIMIT: &str = "length_limit";

/// The limit of a step, in tokens: `fixed`, or else the one that the host reports.
///
/// # Errors
/// An invalid input where there is neither, or where the host's is not a count of tokens.
pub fn tokens(fixed: Option<u32>, at: &Progress) -> Result<u32, PluginError> {
    if let Some(fixed) = fixed {
        return Ok(fixed);
    }
    let reported = at.metrics.iter().find(|metric| metric.name == LENGTH_LIMIT).ok_or_else(|| {
        PluginError::invalid_input(format!(
            "there is no metric `{LENGTH_LIMIT}` with the limit of step {}; set `limit` in the config, in tokens",
            at.step
        ))
    })?;
    if !(reported.value >= 1.0 && reported.value <= f64::from(u32::MAX)) {
        return Err(PluginError::invalid_input(format!(
            "the metric `{LENGTH_LIMIT}` is {}, which is not a count of tokens",
            reported.value
        )));
    }
    Ok(reported.value as u32)
}

/// Whether a response ran into its limit: it was cut off, by this limit or a lower one of the step, or is longer.
#[must_use]
pub fn exceeded(rollout: &Rollout, limit: u32) -> bool {
    rollout.finish == FinishReason::Length || rollout.tokens > limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{progress, rollout};
    use octo_sdk::{Metric, Outcome};

    #[test]
    fn a_fixed_limit_goes_before_the_steps_and_one_of_both_is_needed() {
        let mut at = progress();
        let error = tokens(None, &at).expect_err("neither");
        assert!(error.message.contains("length_limit") && error.message.contains("`limit`"), "{error}");
        at.metrics =
            vec![Metric { name: "clipped".into(), value: 0.5 }, Metric { name: LENGTH_LIMIT.into(), value: 4096.0 }];
        assert_eq!(tokens(None, &at), Ok(4096));
        assert_eq!(tokens(Some(64), &at), Ok(64));
        for bad in [f64::NAN, 0.0, -5.0, f64::INFINITY] {
            at.metrics = vec![Metric { name: LENGTH_LIMIT.into(), value: bad }];
            assert!(tokens(None, &at).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_response_that_stops_at_its_limit_has_not_exceeded_it() {
        let with = |tokens, finish| rollout(Outcome::Correct, tokens, finish, "");
        assert!(!exceeded(&with(10, FinishReason::Stop), 10));
        assert!(exceeded(&with(11, FinishReason::Stop), 10));
        assert!(exceeded(&with(4, FinishReason::Length), 10));
    }
}
