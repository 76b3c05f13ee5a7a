//! How the command ends where others end first: a reader that goes away, a parent that is killed, threads refused.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use octo_test_support::{Workdir, octo_host_path, repository};

/// With a reader of standard output that has gone away before the first byte.
fn unread(workdir: &Workdir, arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = workdir.command(arguments);
    let child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().expect("starts");
    let ended = child.wait_with_output().expect("ends");
    (ended.status.code(), String::from_utf8(ended.stderr).expect("UTF-8"))
}

#[test]
fn a_reader_that_goes_away_is_no_error_of_any_command() {
    let workdir = Workdir::new();
    workdir.write("rows.jsonl", "{\"response\": \"#### 7\", \"reference\": \"7\"}\n".repeat(20_000));
    let recipe = repository().join("recipes/demo.toml").to_str().expect("UTF-8").to_owned();
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["--version"],
        &["keys"],
        &["keys", "--markdown"],
        &["completions", "bash"],
        &["man"],
        &["plugin", "inspect", "verifier_math"],
        &["plugin", "inspect", "verifier_math", "--json"],
        &["-q", "--plugin", "verifier_math", "rows.jsonl"],
        &["run", &recipe, "--dry-run"],
    ] {
        assert_eq!(unread(&workdir, arguments), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn a_closed_standard_error_does_not_keep_results_back() {
    let workdir = Workdir::new();
    workdir.write("rows.jsonl", "{\"response\": \"#### 7\", \"reference\": \"7\"}\nnot JSON\n");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = workdir.command(&["--plugin", "verifier_math", "rows.jsonl"]);
    let ended =
        command.stdout(Stdio::piped()).stderr(writer).spawn().expect("starts").wait_with_output().expect("ends");
    assert_eq!((ended.status.code(), ended.stdout.iter().filter(|byte| **byte == b'\n').count()), (Some(1), 1));
}

/// Waits for what another process does; how long that takes is the machine's affair.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: not in a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process works; one that has ended and was not waited for does not.
fn lives(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

fn script(workdir: &Workdir, name: &str, text: &str) -> String {
    let path = workdir.write(name, text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_build_ends_with_the_command_that_is_killed() {
    let workdir = Workdir::new();
    let pid = workdir.path_text("pid");
    // Cargo, but for the build, which takes as long as one likes.
    let cargo = script(
        &workdir,
        "cargo",
        &format!(
            "#!/bin/sh\n[ \"$1\" = build ] || exec cargo \"$@\"\necho $$ > {pid}.new; mv {pid}.new {pid}\nexec sleep 600\n"
        ),
    );
    let crate_folder = repository().join("examples/reward_brevity");
    let mut command = workdir.command(&["plugin", "build", crate_folder.to_str().expect("UTF-8")]);
    // A toolchain without the target is no reason to refuse here: nothing is compiled.
    command.env("OCTO_GUEST_CARGO", cargo).env("OCTO_GUEST_BUILD_STD", "std").stderr(Stdio::null());
    let mut host = command.spawn().expect("starts");
    wait_until("cargo builds", || Path::new(&pid).exists());
    let build = std::fs::read_to_string(&pid).expect("a number").trim().to_owned();
    assert!(lives(&build));
    // SIGKILL, which leaves it no time for anything.
    host.kill().expect("a signal");
    host.wait().expect("ends");
    wait_until("the build ends", || !lives(&build));
}

#[test]
fn refused_threads_are_an_error() {
    // Of a user who may have no further one. Root may always, and becomes somebody else.
    let id = Command::new("id").arg("-u").output().expect("id runs");
    let mut command = match id.stdout.as_slice() {
        b"0\n" => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "bash"]);
            command
        }
        _ => Command::new("bash"),
    };
    let judge = r#"test -x "$0" || exit 77; ulimit -u 1; exec "$0" --plugin verifier_math < /dev/null"#;
    let mut child = command
        .args(["-c", judge])
        .arg(octo_host_path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash starts");
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
    let code = child.wait().expect("ends").code();
    if code == Some(77) {
        return octo_test_support::skip("octo-host lies where only root can read it, to whom no thread is refused");
    }
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("error: could not start "), "{said}");
}
