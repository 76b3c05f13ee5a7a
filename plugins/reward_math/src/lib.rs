//! Reward for a correct, finished and well-formed answer.
