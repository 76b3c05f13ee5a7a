//! Write Octo plugins in Rust: one trait per kind and one macro.
