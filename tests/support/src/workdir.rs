//! A working folder of a test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binary::octo_host_path;
use crate::call::{Call, Ended};
use crate::environment;

/// A temporary folder, with the means to call `octo-host` in it. It is removed when this is dropped.
#[derive(Debug)]
pub struct Workdir {
    folder: tempfile::TempDir,
}

impl Default for Workdir {
    fn default() -> Self {
        Workdir::new()
    }
}

impl Workdir {
    /// A fresh, empty folder.
    ///
    /// # Panics
    /// Where no temporary folder can be made.
    pub fn new() -> Workdir {
        Workdir { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A path in the folder, as text for a command line or a recipe.
    ///
    /// # Panics
    /// Where the system's temporary folder is not UTF-8.
    pub fn path_text(&self, name: &str) -> String {
        self.path(name).to_str().expect("temporary paths are UTF-8").to_owned()
    }

    /// Writes a file, with the folders above it, and returns its path.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        }
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// Reads a file as text.
    ///
    /// # Panics
    /// Where it cannot be read.
    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// `octo-host ARGUMENTS` in this folder, not started, for tests that kill it or share its pipes.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(octo_host_path());
        command.args(arguments).current_dir(self.folder()).stdin(Stdio::null());
        environment::clear(&mut command);
        command
    }

    /// `octo-host ARGUMENTS` in this folder, for tests that add input or variables before it runs.
    pub fn call(&self, arguments: &[&str]) -> Call {
        Call::from(self.command(arguments))
    }

    /// Runs `octo-host ARGUMENTS` in this folder to its end, with nothing on standard input.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.call(arguments).run()
    }
}
