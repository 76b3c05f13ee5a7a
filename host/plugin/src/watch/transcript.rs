//! What guests did, kept for a person: their log, the fuel of each call, and where a trap was.
//!
//! A run keeps none of this, since it would be most of its memory. A host that has a [`Transcript`] writes to it while
//! it works as always, so that what is reported about an item is about the very calls that gave its result.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::WasmBacktrace;

use crate::contract::records::log::Level;
use crate::failure::of_call::{demangled, is_runtime};
use crate::text::for_people;

/// Instances that are kept; a transcript is read after an item, not after a corpus.
const MOST_INSTANCES: usize = 64;
/// Lines of one instance. `log_bytes` does not bound empty ones.
const MOST_LINES: usize = 10_000;
/// Longest function or file name, in bytes.
const LONGEST_NAME: usize = 200;
/// Folders of a path that are shown, with the file.
const PATH_PARTS: usize = 4;

/// Keeps what guests do. Clones share one record.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    instances: Arc<Mutex<Vec<InstanceRecord>>>,
}

/// What one instance did, from its first call to its last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceRecord {
    /// Lines within `log_bytes`, oldest first.
    pub log: Vec<LogLine>,
    /// Whether the guest wrote more.
    pub log_cut: bool,
    /// The calls, in order: `describe`, `configure`, those of the kind, `save` and `restore`.
    pub calls: Vec<FuelUse>,
    /// Where the guest was when a call did not return, innermost first; empty where all did.
    pub frames: Vec<Frame>,
}

/// A line of a guest's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// One clean line.
    pub text: String,
}

/// Fuel of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuelUse {
    /// What it might use.
    pub given: u64,
    /// What it used.
    pub used: u64,
}

/// A place in a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Name of the function; its index where the component has no names.
    pub function: String,
    /// `file:line`, where the host reads source lines and the plugin kept its debug information. A long path is cut at
    /// its start.
    pub source: Option<String>,
    /// Whether it belongs to the language's own library, whose panics and iterators lie around the plugin's own.
    pub is_runtime: bool,
}

impl Transcript {
    /// Takes what was kept so far, oldest instance first, and begins anew.
    pub fn take(&self) -> Vec<InstanceRecord> {
        std::mem::take(&mut *self.instances.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The page of a new instance, if there is room for one.
    pub(crate) fn page(&self) -> Option<Page> {
        let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        (instances.len() < MOST_INSTANCES).then(|| {
            instances.push(InstanceRecord::default());
            Page { transcript: self.clone(), index: instances.len() - 1 }
        })
    }
}

/// Where one instance's doings are written.
#[derive(Clone)]
pub(crate) struct Page {
    transcript: Transcript,
    index: usize,
}

impl Page {
    /// Writes to the record, unless it was taken already.
    fn write(&self, write: impl FnOnce(&mut InstanceRecord)) {
        // No code that can panic runs under this lock, so a poisoned one holds a whole list.
        let mut instances = self.transcript.instances.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = instances.get_mut(self.index) {
            write(record);
        }
    }

    /// A line that was cleaned already.
    pub(crate) fn line(&self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        self.write(|record| {
            if record.log.len() < MOST_LINES {
                record.log.push(LogLine { level, text: text.to_owned() });
            } else {
                record.log_cut = true;
            }
        });
    }

    /// The log's limit was reached.
    pub(crate) fn log_cut(&self) {
        self.write(|record| record.log_cut = true);
    }

    pub(crate) fn call(&self, given: u64, left: u64) {
        self.write(|record| record.calls.push(FuelUse { given, used: given.saturating_sub(left) }));
    }

    /// Where a call ended that did not return.
    pub(crate) fn ended(&self, error: &wasmtime::Error) {
        let frames = frames(error);
        self.write(|record| record.frames = frames);
    }
}

/// The frames of a guest call, with those that the compiler inlined where source lines are known.
fn frames(error: &wasmtime::Error) -> Vec<Frame> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let mut frames = Vec::new();
    for frame in backtrace.frames() {
        let outer = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), demangled);
        if frame.symbols().is_empty() {
            frames.push(place(&outer, None));
            continue;
        }
        let inlined = frame.symbols().len().saturating_sub(1);
        for (index, symbol) in frame.symbols().iter().enumerate() {
            // The last symbol is the function itself, whose full name only the name section has.
            let name = symbol.name().filter(|_| index < inlined);
            let function = name.map_or_else(|| outer.clone(), |name| without_generics(&demangled(name)));
            let source = symbol.file().map(|file| match symbol.line() {
                Some(line) => format!("{}:{line}", shortened(file)),
                None => shortened(file),
            });
            let mut frame = place(&function, source);
            frame.is_runtime |= symbol.file().is_some_and(is_library);
            frames.push(frame);
        }
    }
    frames
}

fn place(function: &str, source: Option<String>) -> Frame {
    Frame { function: for_people(function, LONGEST_NAME), source, is_runtime: is_runtime(function) }
}

/// Whether a file is of Rust's own library. Its compiled form names its sources so.
fn is_library(file: &str) -> bool {
    file.starts_with("/rustc/")
}

/// A name of debug information without its generic arguments, which can fill a screen.
fn without_generics(name: &str) -> String {
    match name.find('<') {
        Some(at) if at > 0 => name[..at].to_owned(),
        _ => name.to_owned(),
    }
}

/// The end of a path, which is enough to find the file. The start is the builder's folders, or the fixed names that
/// `octo-host plugin build` gives them.
fn shortened(path: &str) -> String {
    let path = path.strip_prefix("/workspace/").unwrap_or(path);
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let shown = parts[parts.len().saturating_sub(PATH_PARTS)..].join("/");
    let cut = if parts.len() > PATH_PARTS { "…/" } else { "" };
    format!("{cut}{}", for_people(&shown, LONGEST_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_at_its_start_and_cleaned() {
        for (path, shown) in [
            ("/workspace/plugins/judge/src/lib.rs", "plugins/judge/src/lib.rs"),
            ("/rustc/0123abc/library/core/src/panicking.rs", "…/library/core/src/panicking.rs"),
            ("C:\\code\\judge\\src\\lib.rs", "…/code/judge/src/lib.rs"),
            ("lib.rs", "lib.rs"),
            ("", ""),
            ("a\u{1b}[2J/b\n.rs", "a[2J/b .rs"),
        ] {
            assert_eq!(shortened(path), shown);
        }
    }

    #[test]
    fn generic_arguments_are_left_out_and_names_that_begin_with_them_are_kept() {
        for (name, shown) in
            [("fold<Attempt, fn() -> X>", "fold"), ("{closure#0}<X>", "{closure#0}"), ("<X as Y>::z", "<X as Y>::z")]
        {
            assert_eq!(without_generics(name), shown);
        }
    }

    #[test]
    fn a_log_of_empty_lines_ends() {
        let transcript = Transcript::default();
        let page = transcript.page().expect("room");
        for _ in 0..MOST_LINES + 5 {
            page.line(Level::Info, "");
        }
        let kept = transcript.take();
        assert_eq!((kept[0].log.len(), kept[0].log_cut), (MOST_LINES, true));
    }

    #[test]
    fn instances_beyond_the_most_and_pages_of_a_record_that_was_taken_write_nothing() {
        let transcript = Transcript::default();
        let first = transcript.page().expect("room");
        assert_eq!((1..MOST_INSTANCES + 5).filter(|_| transcript.page().is_some()).count(), MOST_INSTANCES - 1);
        transcript.take();
        first.call(10, 4);
        assert!(transcript.take().is_empty());
        let page = transcript.page().expect("room again");
        page.call(10, 4);
        assert_eq!(transcript.take()[0].calls, [FuelUse { given: 10, used: 6 }]);
    }
}
