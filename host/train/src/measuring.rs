//! What is measured of a run and of the machine that it runs on.
//!
//! [`tally`] counts what came of a set of rollouts, with the help of `repetition`, in the words of [`verdicts`];
//! [`step_log`] is a file that records go to; [`hardware`] knows what the machine can do at most and what the process
//! has taken.

pub mod hardware;
pub(crate) mod repetition;
pub mod step_log;
pub mod tally;
pub mod verdicts;
