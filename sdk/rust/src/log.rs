//! Lines for the run's log, shown with the plugin's name. Natively they go to stderr.
//!
//! The host caps their length and number and removes control characters.

/// Writes a line for the plugin's author.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes a line for whoever reads the run's log.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes a line about something that the run survives and a person should know.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Writes a line about something that spoils results.
pub fn error(message: &str) {
    write(Level::Error, message);
}

#[cfg(target_arch = "wasm32")]
use crate::bindings::services::log::{Level, log as write};

#[cfg(not(target_arch = "wasm32"))]
enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

#[cfg(not(target_arch = "wasm32"))]
fn write(level: Level, message: &str) {
    let level = match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    eprintln!("{level}: {message}");
}
