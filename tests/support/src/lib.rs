//! What the tests of all crates share. Nothing here is linked into a program that users run.
//!
//! A test of the command calls the `octo-host` that was built beside it, in an empty folder, with an environment that
//! is the same on every machine, and compares all of what it printed with a snapshot that stands in the test:
//!
//! ```no_run
//! use octo_test_support::{Workdir, assert_shown};
//!
//! let workdir = Workdir::new();
//! workdir.write("r.toml", "name = \"x\"\n");
//! assert_shown!(workdir.run(&["run", "r.toml"]), @"exit 1 …");
//! ```
//!
//! A call flows through the files like this: [`binary`] finds the program and the plugins, [`environment`] takes out
//! what would change its behaviour, [`workdir`] is where it runs, [`call`] starts it and collects what it printed, and
//! [`snapshot`] hides what differs between machines and moments before it is compared.
//!
//! A test that needs data which not every machine has asks [`shared()`] for it, and says through [`skipping`] that it did
//! not run: the line reaches the terminal although the test passes, and `make test` lists all of them at its end.

pub mod binary;
pub mod call;
pub mod environment;
pub mod shared;
pub mod skipping;
pub mod snapshot;
pub mod workdir;

pub use binary::{octo_host_path, plugins_folder, repository};
pub use call::{Call, Ended, octo_host, plugin};
pub use shared::shared;
pub use skipping::skip;
pub use workdir::Workdir;

/// For [`assert_shown!`], so that a crate which uses it need not depend on `insta` itself.
#[doc(hidden)]
pub use insta;
