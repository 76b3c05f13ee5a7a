//! One feature set of third-party crates for the whole workspace. Holds no code.
//!
//! Cargo builds a dependency with the features that the packages on the command line ask for, so `-p octo-plugin`
//! and `--workspace` would each build wasmtime (6 to 13 minutes) for themselves. Every host crate but `octo-record`
//! depends on this one, whose manifest asks for the union, so that all of them share what is built.
//!
//! The union is written by [cargo-hakari](https://docs.rs/cargo-hakari): `make hakari` after a change of any dependency,
//! and `.ci/run` checks it where the tool is installed. `.config/hakari.toml` says which crates stay out of it.
//!
//! What it buys, in third-party crates that cargo builds a second time after `cargo build --release --workspace`
//! (counted in cargo's unit graphs; `test --workspace` builds none again in any of the three):
//!
//! | command | without this crate | with a list kept by hand | generated |
//! |---|---|---|---|
//! | `build -p octo-plugin` | 55, wasmtime's compiler among them | 11 | 0 |
//! | `test -p octo-plugin` | 46, wasmtime's compiler among them | 13 | 0 |
//! | `test -p octo-host` | 39, wasmtime's compiler among them | 0 | 0 |
//! | `test -p octo-train` | 11, wasmtime among them | 0 | 0 |
//! | `test -p octo-data` | 47 | 24 | 0 |
//! | `test -p octo-model` | 58 | 32 | 0 |
//! | `test -p octo-report` | 16 | 27 | 0 |
//! | `test -p octo-tests` | 11 | 24 | 0 |
