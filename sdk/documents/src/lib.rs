//! What plugins on documents share: cuts at good places, replies of models, and the facts of a text that a rewriting
//! must not lose.
//!
//! | file | what it has |
//! |---|---|
//! | `cut.rs` | [`centre()`] and [`beginning()`]: part of a long text, cut where its lines or sentences end |
//! | `reply.rs` | [`answer()`]: a model's reply without its thoughts and its fence |
//! | `facts.rs` | [`Facts`]: the numbers and formulas of a text, how many another text kept, and their JSON |
//! | `numbers.rs`, `formulas.rs` | how numbers and formulas are found and written in one way |

mod cut;
mod facts;
mod formulas;
mod numbers;
mod reply;

pub use cut::{beginning, centre};
pub use facts::{Facts, Kept};
pub use reply::answer;
