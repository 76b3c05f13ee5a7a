//! A call of the real program, and what came of it.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::binary::{plugins_folder, repository};
use crate::workdir::Workdir;

/// A call that can be added to before it runs.
#[derive(Debug)]
pub struct Call {
    command: Command,
    stdin: Vec<u8>,
    /// Held until the call has ended, where the call made it for itself.
    _workdir: Option<Workdir>,
}

/// `octo-host ARGUMENTS` in an empty folder of its own, with nothing on standard input.
pub fn octo_host(arguments: &[&str]) -> Call {
    let workdir = Workdir::new();
    let command = workdir.command(arguments);
    Call { _workdir: Some(workdir), ..Call::from(command) }
}

/// `octo-host --plugin NAME ARGUMENTS`, with a plugin that `make plugins` has built.
///
/// # Panics
/// Where the plugin is not built.
pub fn plugin(name: &str, arguments: &[&str]) -> Call {
    let file = plugins_folder().join(format!("{name}.wasm"));
    assert!(file.is_file(), "{} is missing: run `make plugins` first", file.display());
    octo_host(&[&["--plugin", name], arguments].concat())
}

impl From<Command> for Call {
    fn from(command: Command) -> Call {
        Call { command, stdin: Vec::new(), _workdir: None }
    }
}

impl Call {
    /// Sets what the program reads from standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Call {
        self.stdin = bytes.into();
        self
    }

    /// Sets a variable of the program's environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Call {
        self.command.env(name, value);
        self
    }

    /// With the compiler of guests that `make setup` chose for this repository, if it had to choose one.
    pub fn guest_toolchain(mut self) -> Call {
        let path = repository().join(".octo/guest-toolchain.env");
        let settings = std::fs::read_to_string(path).unwrap_or_default();
        for (name, value) in settings.lines().filter_map(|line| line.split_once('=')) {
            self.command.env(name, value.trim_matches('"'));
        }
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where the program cannot be started, or prints what is not UTF-8.
    pub fn run(mut self) -> Ended {
        let piped = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap_or_else(|error| panic!("{:?} does not start: {error}", self.command));
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        let bytes = self.stdin;
        // A call that refuses its arguments never reads, so an error here is none of the test.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        let output = child.wait_with_output().expect("our own child ends");
        writer.join().expect("the writing thread does not panic");
        Ended::from(output)
    }
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; none where a signal ended the program.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

impl Ended {
    /// Asserts the exit code, showing everything that was printed where it is another.
    #[track_caller]
    pub fn exits_with(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "\n{}", self.shown());
        self
    }

    /// Asserts that standard error has `text`. For facts of a run that goes well; an error is compared whole, with
    /// [`assert_shown!`](crate::assert_shown).
    #[track_caller]
    pub fn stderr_has(self, text: &str) -> Ended {
        assert!(self.stderr.contains(text), "standard error lacks {text:?}:\n{}", self.shown());
        self
    }

    /// Asserts that standard output has `text`.
    #[track_caller]
    pub fn stdout_has(self, text: &str) -> Ended {
        assert!(self.stdout.contains(text), "standard output lacks {text:?}:\n{}", self.shown());
        self
    }

    /// Without standard output, for a snapshot of what went wrong beside results that a test checks in another way.
    pub fn without_stdout(self) -> Ended {
        Ended { stdout: String::new(), ..self }
    }

    /// Everything a person would see: the exit code, and each stream that is not empty.
    pub fn shown(&self) -> String {
        let mut shown = format!("exit {}\n", self.code.map_or("by a signal".to_owned(), |code| code.to_string()));
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                shown += &format!("--- {name}\n{text}");
            }
        }
        shown
    }
}
