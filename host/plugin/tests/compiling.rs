//! Compilation in a child: its code is the same, and a component that takes more than its caps costs an error.

mod guests;

use std::path::Path;
use std::time::{Duration, Instant};

use guests::{attempts, bomb, encode, load, obedient_verifier, tight};
use octo_plugin::{Host, Limits, LoadError};

const COMPILER: &str = env!("CARGO_BIN_EXE_octo-compile");

fn host(cache: Option<&Path>) -> Host {
    Host::with_cache_folder(cache).expect("a supported machine").compiling_with(Path::new(COMPILER))
}

/// Refused with `words`; and the host still compiles and serves a good plugin.
fn refused(host: &Host, bytes: &[u8], limits: &Limits, words: &[&str]) -> LoadError {
    let error = match load(host, bytes, limits) {
        Ok(_) => panic!("loaded"),
        Err(error) => error,
    };
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message:?}");
    }
    assert!(!message.contains(char::is_control) && message.len() < 1500, "{message:?}");
    let good = load(host, &obedient_verifier(), &tight()).expect("still loads").into_verifier().expect("a verifier");
    assert!(good.verify(&attempts(&["c"]))[0].is_ok(), "the host still serves");
    error
}

#[test]
fn a_plugin_compiled_in_a_child_judges_as_one_compiled_here() {
    let judged = |host: Host| {
        let plugin = load(&host, &obedient_verifier(), &tight()).expect("loads").into_verifier().expect("a verifier");
        plugin.verify(&attempts(&["c one", "u", "c two", "l"]))
    };
    assert_eq!(judged(host(None)), judged(guests::host()));
}

#[test]
fn a_component_that_takes_too_long_to_compile_costs_an_error() {
    let limits = Limits { compile_seconds: 1, ..tight() };
    let started = Instant::now();
    let error =
        refused(&host(None), &bomb(40, 1500), &limits, &["plugin guest takes more than 1 s", "compile_seconds"]);
    assert!(matches!(error, LoadError::Compile { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(60), "the child was not ended");
}

#[test]
fn a_component_that_takes_too_much_memory_to_compile_costs_an_error() {
    let limits = Limits { compile_memory_bytes: 256 << 20, compile_seconds: 600, ..tight() };
    let words = ["plugin guest takes more than 268435456 bytes of memory", "compile_memory_bytes"];
    refused(&host(None), &bomb(8, 20_000), &limits, &words);
}

#[test]
fn a_component_that_is_not_valid_is_refused_by_the_child_in_the_same_words() {
    // A memory over 4 GiB passes the first look, which reads no more than imports and exports.
    let mut bytes = obedient_verifier();
    let at = bytes.windows(4).position(|window| window == b"\x00asm").expect("a module inside") + 8;
    let middle = at + (bytes.len() - at) / 2;
    for byte in &mut bytes[middle..middle + 24] {
        *byte = 0xff;
    }
    let words = |host: &Host| match load(host, &bytes, &tight()) {
        Ok(_) => panic!("loaded"),
        Err(error) => error.to_string(),
    };
    assert_eq!(words(&host(None)), words(&guests::host()));
}

#[test]
fn a_compiler_that_cannot_be_started_is_named() {
    let host = guests::host().compiling_with(Path::new("/nowhere/octo-compile"));
    let error = load(&host, &obedient_verifier(), &tight()).err().expect("no compiler").to_string();
    assert!(error.contains("/nowhere/octo-compile") && error.contains("could not be started"), "{error}");
}

#[test]
fn a_program_that_is_no_compiler_costs_an_error() {
    let host = guests::host().compiling_with(Path::new("/bin/true"));
    let error = load(&host, &obedient_verifier(), &tight()).err().expect("no compiler").to_string();
    assert!(error.contains("could not be compiled"), "{error}");
}

/// Starts a compiler that waits for its component, as the child of a shell, and says which process it is.
fn waiting_compiler(folder: &Path, asked_by: &str) -> (std::process::Child, String) {
    let script = r#"mkfifo "$2/in"; exec 3<> "$2/in"
        OCTO_COMPILE_PLUGIN="524288 60 1073741824 0 $3" "$1" <&3 & echo $! > "$2/pid.new"
        mv "$2/pid.new" "$2/pid"; wait $!; echo $? > "$2/code""#;
    let script = script.replace("$3", asked_by);
    let mut shell = std::process::Command::new("sh");
    let shell = shell.args(["-c", &script, "sh", COMPILER]).arg(folder).spawn().expect("a shell starts");
    (shell, wait_for(&folder.join("pid")))
}

/// A file's text, once there is one.
fn wait_for(path: &Path) -> String {
    let started = Instant::now();
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(started.elapsed() < Duration::from_secs(60), "no {} in a minute", path.display()),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process works; one that has ended and was not waited for does not.
fn lives(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

#[test]
fn a_compiler_ends_with_the_process_that_is_killed() {
    let folder = tempfile::tempdir().expect("folder");
    let (mut shell, compiler) = waiting_compiler(folder.path(), "$$");
    // Long enough to ask for the signal.
    std::thread::sleep(Duration::from_millis(500));
    assert!(lives(&compiler));
    shell.kill().expect("a signal");
    shell.wait().expect("ends");
    let started = Instant::now();
    while lives(&compiler) {
        assert!(started.elapsed() < Duration::from_secs(60), "it outlives its parent");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_compiler_that_is_asked_by_somebody_who_is_gone_does_not_begin() {
    let folder = tempfile::tempdir().expect("folder");
    // A process that is not its parent: the number of one that has ended is as good.
    let (mut shell, _) = waiting_compiler(folder.path(), "1");
    shell.wait().expect("ends");
    assert_eq!(wait_for(&folder.path().join("code")), "1");
}

/// What one process writes while others read and write the same entry is whole for all of them.
#[test]
fn processes_that_race_for_one_cache_all_get_a_whole_entry() {
    let folder = tempfile::tempdir().expect("folder");
    let bytes = obedient_verifier();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            // A host has an engine and a compiling process of its own; the folder is all that they share.
            scope.spawn(|| {
                for _ in 0..3 {
                    let plugin = load(&host(Some(folder.path())), &bytes, &tight()).expect("loads").into_verifier();
                    assert!(plugin.expect("a verifier").verify(&attempts(&["c"]))[0].is_ok());
                }
            });
        }
    });
    let entries: Vec<_> =
        std::fs::read_dir(folder.path()).expect("folder").map(|entry| entry.expect("entry")).collect();
    assert_eq!(entries.len(), 1, "one entry and nothing left over: {entries:?}");
}

/// The frame of what `encode` makes is what the tests above break; were it not valid, they would test nothing.
#[test]
fn the_bombs_frame_is_a_plugin() {
    assert!(load(&host(None), &bomb(1, 1), &tight()).is_ok());
    assert!(encode(&guests::contract("0.1.0"), "verifier-plugin", "(module)").is_err());
}
