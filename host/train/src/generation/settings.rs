//! Settings of generation that `rl` and `eval` share: their defaults, and what cannot work.

use octo_model::Precision;

use crate::error::TrainError;

pub(crate) fn max_prompt_tokens() -> usize {
    400
}
pub(crate) fn generation_batch() -> usize {
    256
}
pub(crate) fn generation_cache_gib() -> f64 {
    2.0
}

/// Refuses settings of generation that cannot work, naming the key.
pub(crate) fn check_generation(batch: usize, cache_gib: f64, min_p: f64, compute: Precision) -> Result<(), TrainError> {
    if batch == 0 {
        return Err(TrainError::config("generation_batch", "must be at least 1"));
    }
    if !(cache_gib.is_finite() && cache_gib > 0.0) {
        return Err(TrainError::config("generation_cache_gib", format!("{cache_gib} is not a positive number")));
    }
    if !(0.0..=1.0).contains(&min_p) {
        return Err(TrainError::config("min_p", format!("{min_p} is not between 0 and 1")));
    }
    if compute == Precision::Float16 {
        let message = "gradients underflow in `float16` without loss scaling, which is not implemented; use `bfloat16`";
        return Err(TrainError::config("compute", message));
    }
    Ok(())
}

/// `generation_cache_gib` in bytes.
pub(crate) fn cache_bytes(gib: f64) -> usize {
    (gib * f64::from(1 << 30)) as usize
}
