//! A staircase of response lengths over training steps.
