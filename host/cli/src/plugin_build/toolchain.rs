//! The compiler of guests: the one in use, or another that the environment names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::tied;

/// What every Rust plugin is compiled for: no WASI, so nothing to lock down.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// How cargo and rustc are called.
///
/// `setup/wasm_target.sh` sets the variables where the toolchain in use can't get the target.
pub struct Toolchain {
    /// `OCTO_GUEST_CARGO`, else the cargo that runs us, else `cargo`.
    cargo: OsString,
    /// `OCTO_GUEST_RUSTC`, for a compiler without rustup.
    rustc: Option<OsString>,
    /// `OCTO_GUEST_LINKER`: the `rust-lld` that such a compiler lacks.
    linker: Option<String>,
    /// `OCTO_GUEST_BUILD_STD`: crates of the standard library to build along with the plugin.
    build_std: Option<String>,
}

impl Toolchain {
    pub fn from_environment() -> Toolchain {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        Toolchain {
            cargo: variable("OCTO_GUEST_CARGO").or_else(|| variable("CARGO")).unwrap_or_else(|| "cargo".into()),
            rustc: variable("OCTO_GUEST_RUSTC"),
            linker: text("OCTO_GUEST_LINKER"),
            build_std: text("OCTO_GUEST_BUILD_STD"),
        }
    }

    /// Cargo, in `folder`, without what the environment would add to the compiler's flags.
    pub fn cargo(&self, folder: &Path) -> Command {
        self.set_up(Command::new(&self.cargo), folder)
    }

    /// The same, ended with this process even where that is killed: a build takes minutes.
    pub fn tied_cargo(&self, folder: &Path) -> Command {
        self.set_up(tied::command(&self.cargo), folder)
    }

    fn set_up(&self, mut cargo: Command, folder: &Path) -> Command {
        cargo.current_dir(folder).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        // A relative target folder is relative to where we were started.
        if let Some(target) = std::env::var_os("CARGO_TARGET_DIR")
            && let Ok(target) = std::path::absolute(target)
        {
            cargo.env("CARGO_TARGET_DIR", target);
        }
        if let Some(rustc) = &self.rustc {
            cargo.env("RUSTC", rustc);
        }
        if self.build_std.is_some() {
            // Building the standard library is still behind a flag that stable compilers refuse.
            cargo.env("RUSTC_BOOTSTRAP", "1");
        }
        cargo
    }

    /// Arguments of `cargo build` that choose target, flags and linker. `--config` adds to what a `.cargo/config.toml`
    /// says, and unlike RUSTFLAGS it takes paths with spaces.
    ///
    /// SIMD is on, since the host runs it and it repeats itself on every machine (only *relaxed* SIMD does not).
    pub fn target_arguments(&self, mut rustflags: Vec<String>) -> Vec<String> {
        rustflags.push("-Ctarget-feature=+simd128".into());
        let list = toml::Value::Array(rustflags.into_iter().map(toml::Value::String).collect());
        let mut arguments = vec!["--target".into(), TARGET.into()];
        arguments.extend(["--config".into(), format!("target.{TARGET}.rustflags={list}")]);
        if let Some(linker) = &self.linker {
            let linker = toml::Value::String(linker.clone());
            arguments.extend(["--config".into(), format!("target.{TARGET}.linker={linker}")]);
        }
        if let Some(crates) = &self.build_std {
            arguments.push(format!("-Zbuild-std={crates}"));
        }
        arguments
    }

    /// Refuses, with the remedy, where the compiler can't build for the target.
    pub fn check_target(&self, folder: &Path) -> Result<()> {
        if self.build_std.is_some() {
            return Ok(());
        }
        let libraries = PathBuf::from(self.ask_rustc(folder, &["--print", "target-libdir", "--target", TARGET])?);
        let has_core = std::fs::read_dir(&libraries).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libcore-")))
        });
        if has_core {
            return Ok(());
        }
        bail!(
            "the compiler has no standard library for {TARGET}; run `rustup target add {TARGET}`. Where rustup can't \
             reach its server, setup/wasm_target.sh of Octo's repository sets up another compiler"
        )
    }

    /// Where the standard library's sources lie if rust-src is installed, and the name that they have where it isn't.
    pub fn library_sources(&self, folder: &Path) -> Result<(PathBuf, String)> {
        let sysroot = PathBuf::from(self.ask_rustc(folder, &["--print", "sysroot"])?);
        let version = self.ask_rustc(folder, &["-vV"])?;
        let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        // Distributions' compilers have no commit hash.
        let name = match field("commit-hash:").filter(|hash| *hash != "unknown") {
            Some(hash) => hash.to_owned(),
            None => field("release:").unwrap_or("unknown").to_owned(),
        };
        Ok((sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{name}")))
    }

    fn ask_rustc(&self, folder: &Path, arguments: &[&str]) -> Result<String> {
        let rustc = self.rustc.clone().or_else(|| std::env::var_os("RUSTC")).unwrap_or_else(|| "rustc".into());
        let answer = Command::new(&rustc)
            .args(arguments)
            .current_dir(folder)
            .output()
            .with_context(|| format!("could not run {}; is Rust installed?", rustc.to_string_lossy()))?;
        if !answer.status.success() {
            bail!(
                "{} {} failed: {}",
                rustc.to_string_lossy(),
                arguments.join(" "),
                String::from_utf8_lossy(&answer.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    }
}
