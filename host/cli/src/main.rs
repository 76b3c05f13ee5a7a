//! The octo-host command.
fn main() {}
