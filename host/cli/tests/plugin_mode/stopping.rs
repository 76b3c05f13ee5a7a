//! Signals: what was judged is printed whole, and the exit code says what stopped it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use octo_test_support::Workdir;

/// Sends `signal` to the process.
pub fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

#[test]
fn a_signal_stops_a_call_that_waits_for_its_input() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let workdir = Workdir::new();
        let mut child = workdir
            .command(&["--plugin", "verifier_math"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("octo-host starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A whole chunk, and a part of the next.
        let attempt = "{\"response\": \"\\\\boxed{1}\", \"reference\": \"1\"}\n";
        stdin.write_all(attempt.repeat(8192 + 10).as_bytes()).expect("written");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut first = String::new();
        stdout.read_line(&mut first).expect("a line");
        send(signal, &child);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).expect("UTF-8");
        let status = child.wait().expect("ends");
        let mut stderr = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
        drop(stdin);
        assert_eq!(status.code(), Some(code), "{stderr}");
        assert_eq!(1 + rest.lines().count(), 8192);
        assert!(stderr.contains("stopped after 8,192 rows\n"), "{stderr}");
    }
}
