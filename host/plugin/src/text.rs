//! Texts that more than one part needs: fit for people, or the same on every machine.
//!
//! | file | what it has |
//! |---|---|
//! | `for_people.rs` | [`for_people()`]: text of a guest, made fit for a terminal, a log or an error message; [`for_terminal()`]: several lines of anybody |
//! | `canonical_json.rs` | [`canonical_json()`]: one text for one value |
//! | `nearest.rs` | [`nearest()`]: the known name that a misspelt one is nearest to |

mod canonical_json;
mod for_people;
mod nearest;

pub use canonical_json::canonical_json;
pub(crate) use for_people::{LONGEST_LINE, short};
pub use for_people::{for_people, for_terminal};
pub use nearest::nearest;
