//! Cases: an item on which a plugin failed, with all that is needed to fail on it again, as one JSON file.
//!
//! | file | what it has |
//! |---|---|
//! | `case.rs` | [`Case`]: the file, read and written; [`CaseSetup`]: what the cases of one plugin have in common |
//! | `record.rs` | [`Record`]: the item, and [`Answer`]: what a plugin answers to it; one variant per kind each |
//! | `contract_records.rs` | the contract's records as JSON |
//! | `exact_values.rs` | doubles and bytes as JSON, exactly |
//! | `replay.rs` | [`replay()`]: a case run again |

mod case;
mod contract_records;
mod exact_values;
mod record;
mod replay;

pub use case::{Case, CaseError, CaseSetup, Origin};
pub use record::{Answer, Memory, Record};
pub use replay::{Replayed, replay};
