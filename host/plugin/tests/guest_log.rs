//! A guest's log lines reach the host's log bounded and clean.

mod guests;

use std::io::Write;
use std::sync::{Arc, Mutex};

use guests::{attempts, guest, load, tight};
use octo_plugin::Limits;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One test alone in this file: the subscriber is the whole process's, since guests run on rayon's threads.
#[test]
fn lines_are_marked_with_the_plugin_cleaned_and_cut_at_the_limit() {
    let captured = Captured::default();
    let writer = captured.clone();
    tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).without_time().init();

    // Logs the line below 100 times, and gives a verdict of zeros.
    let body = r#"
  (data (i32.const 2048) "first\nERROR octo_train: forged\1b[2J")
  (func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32)
    (local $left i32)
    (local.set $left (i32.const 100))
    (loop $again
      (call $log (i32.const 1) (i32.const 2048) (i32.const 36))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.store (i32.const 260) (i32.const 1024))
    (i32.store (i32.const 264) (i32.const 1))
    (i32.const 256))"#;
    let limits = Limits { log_bytes: 36 * 10, ..tight() };
    let plugin = load(&guests::host(), &guest("verifier-plugin", body), &limits).expect("loads");
    let answers = plugin.into_verifier().expect("a verifier").verify(&attempts(&["c"]));
    assert!(answers[0].is_ok(), "a full log is not a failure: {answers:?}");

    let text = String::from_utf8(captured.0.lock().expect("unpoisoned").clone()).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 11, "ten lines within the limit and one that says that it ends: {text}");
    for line in &lines[..10] {
        assert!(line.trim_start().starts_with("INFO octo_plugin::guest"), "{line}");
        assert!(line.contains("plugin=guest") || line.contains("plugin=\"guest\""), "{line}");
        assert!(line.contains("first ERROR octo_train: forged[2J"), "{line}");
    }
    assert!(lines[10].contains("log limit reached"), "{}", lines[10]);
}
