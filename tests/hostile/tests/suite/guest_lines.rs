//! What guests have logged, as the host's log shows it.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// The lines of the host's log since the last [`forget`](GuestLines::forget).
#[derive(Clone, Default)]
pub struct GuestLines(Arc<Mutex<Vec<u8>>>);

impl GuestLines {
    /// Becomes the whole process's log.
    pub fn captured() -> GuestLines {
        let lines = GuestLines::default();
        let writer = lines.clone();
        let only_guests = tracing_subscriber::EnvFilter::new("off,octo_plugin::guest=debug");
        tracing_subscriber::fmt()
            .with_env_filter(only_guests)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .init();
        lines
    }

    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many there are; none may have what drives a terminal or forges a line.
    pub fn count(&self) -> usize {
        let text = self.text();
        for line in text.lines() {
            assert!(!line.contains(char::is_control), "{line:?}");
            assert!(line.contains("octo_plugin::guest: "), "a forged line: {line:?}");
        }
        text.lines().count()
    }

    pub fn say(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).expect("UTF-8")
    }
}

impl Write for GuestLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
