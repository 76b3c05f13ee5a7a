//! Checks of the amounts that a recipe gives for responses.

use octo_sdk::PluginError;

/// Larger rewards only train worse, and sums of parts below this are always finite.
pub const LARGEST: f64 = 1e6;

/// Refuses a value that is not between `-LARGEST` and `LARGEST`, by the name of its key.
///
/// # Errors
/// An invalid config that names `key`.
pub fn check(key: &str, value: f64) -> Result<(), PluginError> {
    if value.is_nan() || value.abs() > LARGEST {
        return refuse(format!("{key} is {value}; it must lie between -{LARGEST} and {LARGEST}"));
    }
    Ok(())
}

/// Refuses what [`check`] refuses and any value below 0, for an amount that is subtracted for a fault.
///
/// # Errors
/// An invalid config that names `key`.
pub fn check_penalty(key: &str, value: f64) -> Result<(), PluginError> {
    check(key, value)?;
    if value < 0.0 {
        return refuse(format!("{key} is {value}; it is subtracted, so it must be 0 or more"));
    }
    Ok(())
}

/// The refusal of a config.
///
/// # Errors
/// Always.
pub fn refuse<T>(message: String) -> Result<T, PluginError> {
    Err(PluginError::invalid_config(message))
}
