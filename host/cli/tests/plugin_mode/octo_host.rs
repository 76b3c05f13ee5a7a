//! Runs the real binary.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A call of octo-host, to be made.
pub struct Call {
    command: Command,
    stdin: Vec<u8>,
}

/// What came of a call.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A call with these arguments, and nothing on standard input.
pub fn octo_host(arguments: &[&str]) -> Call {
    let mut command = Command::new(env!("CARGO_BIN_EXE_octo-host"));
    command.args(arguments).env_remove("OCTO_LOG").env_remove("OCTO_PLUGIN_PATH").env_remove("RUST_BACKTRACE");
    // clap wraps its help to the terminal's width.
    command.env("COLUMNS", "100").env("NO_COLOR", "1");
    Call { command, stdin: Vec::new() }
}

/// A call of plugin mode, with the reference plugin `name`.
pub fn plugin(name: &str, arguments: &[&str]) -> Call {
    let file = plugins().join(format!("{name}.wasm"));
    assert!(file.is_file(), "{} is missing: run `make plugins` first", file.display());
    octo_host(&[&["--plugin", name], arguments].concat())
}

/// Where a build of the repository puts the plugins: `plugins` beside the folder of the binary.
pub fn plugins() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_octo-host")).parent().and_then(Path::parent).expect("target folder");
    folder.join("plugins")
}

impl Call {
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Call {
        self.stdin = text.into();
        self
    }

    /// With the compiler of guests that setup chose for the workspace at `root`, if it had to choose one.
    pub fn guest_toolchain(mut self, root: &Path) -> Call {
        let settings = std::fs::read_to_string(root.join(".octo/guest-toolchain.env")).unwrap_or_default();
        for (name, value) in settings.lines().filter_map(|line| line.split_once('=')) {
            self.command.env(name, value.trim_matches('"'));
        }
        self
    }

    pub fn run(mut self) -> Ended {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("octo-host starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let text = self.stdin;
        // A call that refuses its arguments never reads.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&text)));
        let output = child.wait_with_output().expect("octo-host ends");
        writer.join().expect("written");
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ended {
    /// Everything a person would see, for snapshots.
    pub fn shown(&self) -> String {
        let code = self.code.map_or("killed".to_owned(), |code| code.to_string());
        format!("exit {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

/// The text of a path.
pub fn path_text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Compares with a snapshot, without what changes between machines and moments.
#[macro_export]
macro_rules! assert_shown {
    ($ended:expr) => {
        insta::with_settings!({
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => vec![
                (r"in (\d+ms|\d+\.\d\ds) \([\d,]+/s\)", "in [time] ([rate]/s)"),
                (r"sha256:[0-9a-f]{64}", "sha256:[digest]"),
                (r"fuel      [\d,]+ of [\d,]+", "fuel      [some] of [its limit]"),
                (r"deeds\.rs:\d+:\d+", "deeds.rs:[place]"),
                // What is inlined into what is the compiler's business.
                (r" in [^:\n]+(::[^:\n]+)+(:[^: \n]+)*: panicked", " in [functions]: panicked"),
                (r"where     [^\n]+\n(          [^(\n][^\n]*\n)*", "where     [functions]\n"),
                (r"(default limits [^\n]*\n)(  \w+ +\S+\n)+", "$1  [limits]\n"),
                (r"size      [\d,]+ bytes", "size      [some] bytes"),
                (r"/[^ ,;:)]*/(target/\S+/)?plugins/", "[plugins]/"),
                (r"/[^ ,;:)]*/\.tmp\w+/", "[folder]/"),
            ]
        }, { insta::assert_snapshot!($ended.shown()) })
    };
}
