//! `octo-host plugin build PATH...`: plugin crates to components, the same bytes on every machine.
//!
//! What makes bytes differ between machines is the compiler, the dependencies and the paths in panic messages. The
//! first is the toolchain's to pin and the second is `Cargo.lock`'s; the paths are mapped to fixed names here. Flags
//! from the environment (RUSTFLAGS) are left out for the same reason.

mod tied;
mod toolchain;
mod workspace;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use octo_plugin::{Host, Limits};

pub use self::tied::become_if_asked;
use self::toolchain::Toolchain;
use self::workspace::Built;
use crate::arguments::PluginBuildArguments;
use crate::terminal::stdout_error;
use octo_run::figures::human_count;

/// Builds every crate, and prints one line for each.
pub fn run(arguments: PluginBuildArguments) -> Result<ExitCode> {
    let toolchain = Toolchain::from_environment();
    let workspaces = workspace::of_crates(&toolchain, &arguments.paths)?;
    let host = Host::new()?;
    let mut out = std::io::stdout();
    for workspace in &workspaces {
        toolchain.check_target(&workspace.root)?;
        let folder = arguments.out.clone().unwrap_or_else(|| workspace.target_directory.join("plugins"));
        std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
        for built in workspace.build(&toolchain, arguments.debug_info)? {
            let line = install(&host, &built, &folder, arguments.debug_info)?;
            writeln!(out, "{line}").map_err(stdout_error)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a component of a core module, checks that the host takes it, and puts it at its place if it is new.
fn install(host: &Host, built: &Built, folder: &Path, debug_info: bool) -> Result<String> {
    let Built { name, version, metadata, module } = built;
    let core = std::fs::read(module).with_context(|| format!("could not read {}", module.display()))?;
    let mut component = octo_plugin::component::encode(&core).with_context(|| format!("{name} is not a plugin"))?;
    metadata.append_to(&mut component);
    let plugin = host.inspect(name, &component, &Limits::default())?;
    if plugin.description.name.replace('-', "_") != *name {
        bail!("{name} calls itself {}; a plugin is found by its crate's name", plugin.description.name);
    }
    // Beside the plugin and not instead of it: a recipe's lock names the one without.
    let path = folder.join(format!("{name}{}.wasm", if debug_info { ".debug" } else { "" }));
    let unchanged = std::fs::read(&path).is_ok_and(|present| present == component);
    if !unchanged {
        octo_data::atomic::write(&path, &component)?;
    }
    Ok(format!(
        "{name:<18} {:<8}  {version:<7} {:>9} bytes  {}  {}",
        plugin.kind.as_str(),
        human_count(component.len() as u64),
        plugin.digest,
        if unchanged { "unchanged" } else { "written" }
    ))
}
