//! Misbehaviour that needs no answer: never ending, trapping, refusing and flooding the log.

use std::hint::black_box;

use octo_sdk::{PluginError, log};

use crate::answers::CONTROL_CHARACTERS;
use crate::{Config, Export, Mode};

/// What to do at the start of `now`, where the config means that export.
///
/// # Errors
/// In the modes that refuse.
pub fn misbehave(config: &Config, now: Export) -> Result<(), PluginError> {
    if config.at == now { deed(config.mode, config.huge()) } else { Ok(()) }
}

/// What any export can do. `huge` is the size of what the huge modes make.
pub(crate) fn deed(mode: Mode, huge: usize) -> Result<(), PluginError> {
    match mode {
        Mode::Spin => spin(),
        Mode::Allocate => allocate(),
        Mode::Panic => panic!("asked to panic"),
        Mode::Unreachable => unreachable_instruction(),
        Mode::StackOverflow => {
            black_box(descend(black_box(1)));
        }
        Mode::Refuse => return Err(PluginError::unsupported("asked to refuse")),
        Mode::RefuseControlCharacters => return Err(PluginError::invalid_input(CONTROL_CHARACTERS)),
        Mode::RefuseHuge => return Err(PluginError::internal("x".repeat(huge))),
        Mode::LogFlood => (0..10_000).for_each(|line| log::info(&format!("line {line} of a flood"))),
        Mode::LogEmptyLines => (0..10_000).for_each(|_| log::info("")),
        Mode::LogForEver => loop {
            log::info("");
        },
        Mode::LogHuge => log::warn(&"x".repeat(huge)),
        Mode::LogControlCharacters => log::warn(CONTROL_CHARACTERS),
        _ => {}
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use octo_sdk::ErrorKind;

    #[test]
    fn each_refusal_is_of_its_own_kind_and_good_is_good() {
        let kind = |mode| deed(mode, 1_000).err().map(|error| (error.kind, error.message.len()));
        assert_eq!(kind(Mode::Refuse).map(|(kind, _)| kind), Some(ErrorKind::Unsupported));
        assert_eq!(kind(Mode::RefuseHuge), Some((ErrorKind::Internal, 1_000)));
        assert_eq!(kind(Mode::Good), None);
    }

    #[test]
    fn only_the_export_that_is_meant_misbehaves() {
        let config = Config { mode: Mode::Refuse, at: Export::Configure, bytes: None };
        assert!(misbehave(&config, Export::Configure).is_err());
        assert!(misbehave(&config, Export::Call).is_ok());
    }

    #[test]
    fn one_item_can_fail_alone() {
        assert!(read("an ordinary answer").is_ok());
        assert!(read("please REFUSE this").is_err());
        assert!(std::panic::catch_unwind(|| read("BOOM")).is_err());
    }
}
