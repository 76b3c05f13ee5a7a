//! Runs the `octo-host` that was built beside the tests, as its user would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// `target/release/octo-host`, or whatever profile the tests were built with.
///
/// # Panics
/// Where it has not been built: `make test` builds it first.
pub fn octo_host() -> PathBuf {
    let exe = std::env::current_exe().expect("a test has a path");
    let folder = exe.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let host = folder.join("octo-host");
    assert!(host.is_file(), "{} is missing: run `make build plugins` first", host.display());
    host
}

/// Real problems and responses, where they are: `OCTO_SHARED`, or `../shared` beside the repository.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("OCTO_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => root().join("../shared"),
    };
    let full = folder.join(path);
    if full.exists() {
        return Some(full);
    }
    eprintln!("SKIPPED: {} is not here; set OCTO_SHARED to the folder that holds it", full.display());
    None
}

/// A folder of its own with the means to call `octo-host` in it.
pub struct Bench {
    /// Removed when the bench is dropped.
    pub folder: tempfile::TempDir,
}

impl Default for Bench {
    fn default() -> Self {
        Bench::new()
    }
}

impl Bench {
    /// A fresh folder.
    ///
    /// # Panics
    /// Where no temporary folder can be made.
    pub fn new() -> Bench {
        Bench { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A path in the bench.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the bench.
    ///
    /// # Panics
    /// Where it can't be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the bench can be written to");
        path
    }

    /// `octo-host ARGUMENTS`, not started, in the bench's folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(octo_host());
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs `octo-host ARGUMENTS` to its end.
    ///
    /// # Panics
    /// Where it can't be started.
    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::from(self.command(arguments).output().expect("octo-host starts"))
    }

    /// Digests of a stage's outputs, from `done.json`.
    ///
    /// # Panics
    /// Where the stage is not done.
    pub fn outputs(&self, run: &str, stage: &str) -> serde_json::Value {
        let path = self.path(run).join("stages").join(stage).join("done.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let done: serde_json::Value = serde_json::from_str(&text).expect("done.json is JSON");
        done["outputs"].clone()
    }
}

/// What a call of `octo-host` said.
pub struct Said {
    /// Exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// Asserts the exit code, showing what was said where it differs.
    #[track_caller]
    pub fn code(self, wanted: i32) -> Said {
        assert_eq!(self.code, Some(wanted), "\nstdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that standard error has `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Said {
        assert!(self.err.contains(text), "stderr lacks {text:?}:\n{}", self.err);
        self
    }
}
