//! What the schedule remembers, as bytes in every checkpoint.

use octo_sdk::PluginError;

/// First bytes of a memory, with the version of its layout.
const MARK: &[u8; 8] = b"adaptiv1";

/// The limit that holds, and for how many steps in a row its conditions have held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub tokens: u32,
    pub growing: u32,
    pub shrinking: u32,
}

impl Memory {
    pub(crate) fn starting_at(tokens: u32) -> Memory {
        Memory { tokens, growing: 0, shrinking: 0 }
    }

    /// Counts one step's conditions. Where both hold, they cancel.
    pub(crate) fn count(&mut self, grow: bool, shrink: bool) {
        self.growing = if grow && !shrink { self.growing.saturating_add(1) } else { 0 };
        self.shrinking = if shrink && !grow { self.shrinking.saturating_add(1) } else { 0 };
    }

    /// The mark and three numbers, little-endian.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        for number in [self.tokens, self.growing, self.shrinking] {
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Memory, PluginError> {
        let numbers: Option<Vec<u32>> = bytes
            .strip_prefix(MARK)
            .filter(|rest| rest.len() == 12)
            .map(|rest| rest.chunks_exact(4).filter_map(|four| four.try_into().ok()).map(u32::from_le_bytes).collect());
        match numbers.as_deref() {
            Some([tokens, growing, shrinking]) => {
                Ok(Memory { tokens: *tokens, growing: *growing, shrinking: *shrinking })
            }
            _ => Err(PluginError::invalid_input(format!(
                "the checkpoint holds {} bytes that are not a memory of schedule_adaptive: it was written with another plugin",
                bytes.len()
            ))),
        }
    }
}
