//! `octo-host` as a command among others: how much it says, to whom, and what it leaves running. Needs the plugins of
//! `make plugins`.

mod descriptions;
mod ends;
mod loudness;
mod terminals;
