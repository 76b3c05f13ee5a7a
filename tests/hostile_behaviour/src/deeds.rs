//! Misbehaviour that needs no answer: never ending, trapping, refusing and flooding the log.

use std::hint::black_box;

use octo_sdk::{PluginError, log};

use crate::answers::CONTROL_CHARACTERS;
use crate::{Config, Mode};

/// What to do when configured.
///
/// # Errors
/// In mode `configure-refuse`.
pub fn configure(config: &Config) -> Result<(), PluginError> {
    match config.mode {
        Mode::ConfigureSpin => spin(),
        Mode::ConfigureAllocate => allocate(),
        Mode::ConfigurePanic => panic!("asked to panic when configured"),
        Mode::ConfigureRefuse => Err(PluginError::invalid_config("mode: asked to refuse this config")),
        Mode::ConfigureLogFlood => {
            flood();
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What to do at the start of every call.
///
/// # Errors
/// In the modes that refuse.
pub fn misbehave(config: &Config) -> Result<(), PluginError> {
    match config.mode {
        Mode::Spin => spin(),
        Mode::Allocate => allocate(),
        Mode::Panic => panic!("asked to panic"),
        Mode::Unreachable => unreachable_instruction(),
        Mode::StackOverflow => {
            black_box(descend(black_box(1)));
            Ok(())
        }
        Mode::Refuse => Err(PluginError::unsupported("asked to refuse")),
        Mode::RefuseControlCharacters => Err(PluginError::invalid_input(CONTROL_CHARACTERS)),
        Mode::RefuseHuge => Err(PluginError::internal("x".repeat(config.huge()))),
        Mode::LogFlood => {
            flood();
            Ok(())
        }
        Mode::LogHuge => {
            log::warn(&"x".repeat(config.huge()));
            Ok(())
        }
        Mode::LogControlCharacters => {
            log::warn(CONTROL_CHARACTERS);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What an item asks for in any mode, so that one item of a batch can fail alone: `BOOM` panics, `SPIN` never ends,
/// `EAT` allocates without end, and `REFUSE` is refused.
///
/// # Errors
/// Of text that contains `REFUSE`.
pub fn read(text: &str) -> Result<(), PluginError> {
    if text.contains("BOOM") {
        panic!("an item asked to panic");
    }
    if text.contains("SPIN") {
        spin();
    }
    if text.contains("EAT") {
        allocate();
    }
    if text.contains("REFUSE") {
        return Err(PluginError::invalid_input("an item asked to be refused"));
    }
    Ok(())
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn allocate() -> ! {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1 << 16]);
        black_box(&taken);
    }
}

/// Needs the stack of every call until the last returns, so that it cannot become a loop.
#[allow(unconditional_recursion, reason = "the point of it")]
fn descend(depth: u64) -> u64 {
    let here = black_box([depth; 8]);
    let below = descend(black_box(depth + 1));
    below.wrapping_add(here.iter().sum())
}

fn unreachable_instruction() -> ! {
    #[cfg(target_arch = "wasm32")]
    std::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}

fn flood() {
    for line in 0..100_000 {
        log::info(&format!("line {line} of a flood"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use octo_sdk::ErrorKind;

    fn in_mode(mode: Mode) -> Config {
        Config { mode, bytes: Some(1_000) }
    }

    #[test]
    fn each_refusal_is_of_its_own_kind_and_good_is_good() {
        let kind = |mode| misbehave(&in_mode(mode)).err().map(|error| (error.kind, error.message.len()));
        assert_eq!(kind(Mode::Refuse).map(|(kind, _)| kind), Some(ErrorKind::Unsupported));
        assert_eq!(kind(Mode::RefuseHuge), Some((ErrorKind::Internal, 1_000)));
        assert_eq!(kind(Mode::Good), None);
        assert_eq!(kind(Mode::ConfigureRefuse), None);
        assert!(configure(&in_mode(Mode::ConfigureRefuse)).is_err());
        assert!(configure(&in_mode(Mode::Refuse)).is_ok());
    }

    #[test]
    fn one_item_can_fail_alone() {
        assert!(read("an ordinary answer").is_ok());
        assert!(read("please REFUSE this").is_err());
        assert!(std::panic::catch_unwind(|| read("BOOM")).is_err());
    }
}
