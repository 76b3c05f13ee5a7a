//! WASI 0.2 for plugins in languages whose runtime cannot do without: Python, JavaScript. Locked down, so that such a
//! plugin repeats itself like any other, and sees nothing of the machine.
//!
//! Linked interface by interface, and only where the limits say `wasi`:
//!
//! | interface | what the plugin finds |
//! |---|---|
//! | `wasi:clocks` | one moment that never passes; a wait is over at once |
//! | `wasi:random` | the same bytes in every instance |
//! | `wasi:filesystem` | no folder to begin from, so no files |
//! | `wasi:cli` | no arguments, no environment, an empty input; what is printed goes to the plugin's log |
//! | `wasi:sockets` | a trap |

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasData, Linker, Resource, ResourceTable, ResourceType};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sync};
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult, subscribe};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use super::Guest;

/// The packages that a plugin allowed `wasi` may import, in any 0.2 version.
const PACKAGES: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// The moment that every clock shows: 1 January 2025, in seconds since 1970.
const NOW: u64 = 1_735_689_600;

/// Most random bytes at once.
const MOST_RANDOM: u64 = 64 << 10;

/// Whether an import is one of these interfaces.
pub(crate) fn is_wasi(import: &str) -> bool {
    PACKAGES.iter().any(|package| import.starts_with(package))
        && import.split_once('@').is_some_and(|(_, version)| version.starts_with("0.2."))
}

/// One instance's WASI.
pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
    out: Printed,
    err: Printed,
}

impl Wasi {
    /// WASI as every instance of every plugin finds it. `longest` bounds what is kept of what is printed.
    pub(crate) fn new(longest: u64) -> Wasi {
        let (out, err) = (Printed::new(longest), Printed::new(longest));
        let context = WasiCtx::builder()
            .wall_clock(Stopped)
            .monotonic_clock(Stopped)
            .secure_random(ChaCha8Rng::seed_from_u64(0))
            .insecure_random(ChaCha8Rng::seed_from_u64(1))
            .insecure_random_seed(0)
            .max_random_size(MOST_RANDOM)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .stdout(out.clone())
            .stderr(err.clone())
            .build();
        Wasi { context, table: ResourceTable::new(), out, err }
    }

    /// What was printed since the last time, to standard output and to standard error.
    pub(crate) fn take_printed(&mut self) -> [String; 2] {
        [&self.out, &self.err].map(Printed::take)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi();
        WasiCtxView { ctx: &mut wasi.context, table: &mut wasi.table }
    }
}

/// Links the interfaces. `component` names the sockets that it asks for, which trap.
pub(crate) fn link(linker: &mut Linker<Guest>, component: &Component) -> wasmtime::Result<()> {
    let l = linker;
    wasmtime_wasi::p2::bindings::io::error::add_to_linker::<Guest, Table>(l, |guest| guest.ctx().table)?;
    sync::io::poll::add_to_linker::<Guest, Table>(l, |guest| guest.ctx().table)?;
    sync::io::streams::add_to_linker::<Guest, Table>(l, |guest| guest.ctx().table)?;
    clocks::wall_clock::add_to_linker::<Guest, WasiClocks>(l, Guest::clocks)?;
    clocks::monotonic_clock::add_to_linker::<Guest, Waiting>(l, |guest| WaitingView(guest.ctx().table))?;
    random::random::add_to_linker::<Guest, WasiRandom>(l, Guest::random)?;
    random::insecure::add_to_linker::<Guest, WasiRandom>(l, Guest::random)?;
    random::insecure_seed::add_to_linker::<Guest, WasiRandom>(l, Guest::random)?;
    filesystem::preopens::add_to_linker::<Guest, WasiFilesystem>(l, Guest::filesystem)?;
    sync::filesystem::types::add_to_linker::<Guest, WasiFilesystem>(l, Guest::filesystem)?;
    cli::exit::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::environment::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::stdin::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::stdout::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::stderr::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_input::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_output::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<Guest, WasiCli>(l, Guest::cli)?;
    refuse_sockets(l, component)
}

/// A call of what a runtime may ask for and no plugin gets.
#[derive(Debug, thiserror::Error)]
#[error("called `{0}`, which no plugin may")]
pub(crate) struct Refused(String);

/// Has each function of `wasi:sockets` that the component asks for end the call: no code of the host is reached.
fn refuse_sockets(linker: &mut Linker<Guest>, component: &Component) -> wasmtime::Result<()> {
    let engine = component.engine().clone();
    let asked = component.component_type();
    // Sockets use resources of `wasi:io` too, which are linked.
    let mut linked_already = Vec::new();
    for (interface, item) in asked.imports(&engine) {
        if let ComponentItem::ComponentInstance(instance) = item.ty
            && !interface.starts_with("wasi:sockets/")
        {
            linked_already.extend(instance.exports(&engine).filter_map(|(_, item)| match item.ty {
                ComponentItem::Resource(resource) => Some(resource),
                _ => None,
            }));
        }
    }
    for (interface, item) in asked.imports(&engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
        if !interface.starts_with("wasi:sockets/") {
            continue;
        }
        let mut linked = linker.instance(interface)?;
        for (name, item) in instance.exports(&engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    let full = format!("{interface}#{name}");
                    linked.func_new(name, move |_, _, _, _| Err(Refused(full.clone()).into()))?;
                }
                ComponentItem::Resource(resource) if linked_already.contains(&resource) => {}
                ComponentItem::Resource(_) => linked.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// Gives the interfaces of `wasi:io` their table.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// A clock that stands still.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::from_secs(NOW)
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// The monotonic clock. wasmtime's own really waits, in a host call that neither fuel nor the deadline would end.
struct Waiting;

struct WaitingView<'a>(&'a mut ResourceTable);

impl HasData for Waiting {
    type Data<'a> = WaitingView<'a>;
}

impl clocks::monotonic_clock::Host for WaitingView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(HostMonotonicClock::now(&Stopped))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(HostMonotonicClock::resolution(&Stopped))
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        over(self.0)
    }

    fn subscribe_duration(&mut self, _nanoseconds: u64) -> wasmtime::Result<Resource<DynPollable>> {
        over(self.0)
    }
}

/// A wait that is over.
fn over(table: &mut ResourceTable) -> wasmtime::Result<Resource<DynPollable>> {
    let ready = table.push(Ready)?;
    subscribe(table, ready)
}

struct Ready;

#[wasmtime_wasi::async_trait]
impl Pollable for Ready {
    async fn ready(&mut self) {}
}

/// Standard output and error: kept for the log up to a limit, and swallowed after.
#[derive(Clone)]
struct Printed {
    text: Arc<Mutex<Vec<u8>>>,
    longest: u64,
}

impl Printed {
    fn new(longest: u64) -> Printed {
        Printed { text: Arc::default(), longest }
    }

    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.text.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // WASI 0.2 uses the other one.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let left = super::size(self.longest).saturating_sub(text.len());
        text.extend_from_slice(&bytes[..bytes.len().min(left)]);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_interfaces_of_wasi_0_2_are_wasi() {
        for import in ["wasi:clocks/wall-clock@0.2.0", "wasi:cli/environment@0.2.9", "wasi:sockets/tcp@0.2.6"] {
            assert!(is_wasi(import), "{import}");
        }
        for import in
            ["wasi:http/types@0.2.0", "wasi:clocks/wall-clock@0.3.0", "wasi:clocks/wall-clock", "octo:plugin/log@0.2.0"]
        {
            assert!(!is_wasi(import), "{import}");
        }
    }
}
