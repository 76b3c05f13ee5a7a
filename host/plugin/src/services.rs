//! What the host offers to guests: a log and text classifiers. A guest has nothing else.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

use crate::bindings::classifier::Label;
use crate::bindings::log::Level;
use crate::bindings::types::{ErrorKind, PluginError};
use crate::contract::Contract;
use crate::guest_text::{LONGEST_LINE, for_people, short};
use crate::store::Guest;
use crate::transcript::Page;

/// One instance's log, bounded in bytes. Lines go to `tracing` under the target `octo_plugin::guest`.
pub(crate) struct GuestLog {
    plugin: String,
    left: u64,
    cut: bool,
    last_error: Option<String>,
    page: Option<Page>,
}

impl GuestLog {
    pub(crate) fn new(plugin: &str, bytes: u64, page: Option<Page>) -> GuestLog {
        GuestLog { plugin: plugin.to_owned(), left: bytes, cut: false, last_error: None, page }
    }

    /// What the guest last said was wrong. The SDK logs a panic's message before the trap.
    pub(crate) fn last_words(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// A line that the guest printed.
    pub(crate) fn print(&mut self, line: &str) {
        self.write(Level::Info, line);
    }

    /// What the guest printed as errors. Its last words are the line that names an exception, as a Python traceback ends
    /// with; a runtime may have more to say after it.
    pub(crate) fn complain(&mut self, text: &str) {
        let names_an_exception = |line: &&str| {
            let name = line.split([':', ' ']).next().unwrap_or_default();
            name.ends_with("Error") || name.ends_with("Exception")
        };
        let words = text.lines().rev().find(names_an_exception);
        if let Some(words) = words.or_else(|| text.lines().rev().find(|line| !line.trim().is_empty())) {
            self.last_error = Some(short(words));
        }
        text.lines().for_each(|line| self.write(Level::Warn, line));
    }

    fn write(&mut self, level: Level, message: &str) {
        if matches!(level, Level::Error) {
            self.last_error = Some(short(message));
        }
        let bytes = message.len() as u64;
        if bytes > self.left {
            // Said once; what follows is dropped silently, even if it would fit, so that the log has one clear end.
            self.left = 0;
            if !self.cut {
                self.cut = true;
                self.page.iter().for_each(Page::log_cut);
                tracing::warn!(target: "octo_plugin::guest", plugin = %self.plugin, "log limit reached; the rest is dropped");
            }
            return;
        }
        self.left -= bytes;
        let line = for_people(message, LONGEST_LINE.max(2048));
        let plugin = &self.plugin;
        self.page.iter().for_each(|page| page.line(level, &line));
        match level {
            Level::Debug => tracing::debug!(target: "octo_plugin::guest", %plugin, "{line}"),
            Level::Info => tracing::info!(target: "octo_plugin::guest", %plugin, "{line}"),
            Level::Warn => tracing::warn!(target: "octo_plugin::guest", %plugin, "{line}"),
            Level::Error => tracing::error!(target: "octo_plugin::guest", %plugin, "{line}"),
        }
    }
}

/// Links the services that a plugin of `contract` may import. The world a component was built for names the ones it
/// uses; those of another kind are refused before linking.
pub(crate) fn link(contract: Contract, linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(&contract.interface("log"))?.func_wrap(
        "log",
        |mut store: StoreContextMut<'_, Guest>, (level, message): (Level, WasmStr)| {
            let message = message.to_str(&store)?.into_owned();
            // Reading the message is work that fuel would not see, and a guest could ask for it without end.
            charge(&mut store, message.len())?;
            store.data_mut().log.write(level, &message);
            Ok(())
        },
    )?;
    linker.instance(&contract.interface("classifier"))?.func_wrap(
        "classify",
        |mut store: StoreContextMut<'_, Guest>, (model, texts, _top): (String, Vec<WasmStr>, u32)| {
            charge(&mut store, model.len() + texts.len())?;
            Ok((no_classifier(&model),))
        },
    )?;
    Ok(())
}

/// Recipes of this version cannot name classifiers, so there is none of any name, and a filter that asks is told so: it
/// can do without, or refuse its document.
fn no_classifier(model: &str) -> Result<Vec<Vec<Label>>, PluginError> {
    Err(PluginError {
        kind: ErrorKind::Unsupported,
        message: format!("no classifier named `{}` is configured on this host", short(model)),
    })
}

/// Takes a unit of fuel for every byte that a service handles; with too little left, the call ends as out of fuel.
fn charge(store: &mut StoreContextMut<'_, Guest>, bytes: usize) -> wasmtime::Result<()> {
    match store.get_fuel()?.checked_sub(bytes as u64) {
        Some(left) => store.set_fuel(left),
        None => Err(wasmtime::Trap::OutOfFuel.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_ends_at_its_limit_and_keeps_the_last_error() {
        let mut log = GuestLog::new("plugin", 10, None);
        log.write(Level::Info, "12345678");
        assert_eq!(log.left, 2);
        log.write(Level::Error, "over\nthe limit");
        assert_eq!((log.left, log.cut), (0, true));
        assert_eq!(log.last_words(), Some("over the limit"));
    }

    #[test]
    fn the_last_words_of_a_traceback_are_its_exception() {
        let mut log = GuestLog::new("plugin", 1000, None);
        log.complain("Traceback:\n  File \"a.py\", line 1\nValueError: oops\n\nthread panicked\n");
        assert_eq!(log.last_words(), Some("ValueError: oops"));
        log.complain("something else\n\n");
        assert_eq!(log.last_words(), Some("something else"));
    }

    #[test]
    fn an_unknown_classifier_is_named_without_its_control_characters() {
        let error = no_classifier("a\u{1b}[2Jb").expect_err("none is configured");
        assert!(error.message.contains("`a[2Jb`"), "{}", error.message);
    }
}
