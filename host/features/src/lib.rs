//! One feature set of third-party crates for the whole workspace. Holds no code.
//!
//! Cargo builds a dependency with the features that the packages on the command line ask for, so `-p octo-plugin`
//! and `--workspace` would each build wasmtime (6 to 13 minutes) for themselves. Every host crate depends on this
//! one, whose manifest asks for the union, so that all of them share what is built.
