//! The crates to build, by workspace: what `cargo metadata` says of them, and the one call of cargo that builds them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, bail};
use octo_plugin::Metadata;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::toolchain::{TARGET, Toolchain};

/// The profile of this repository's plugins; in a workspace without it `release` stands in.
const PROFILE: &str = "plugin";

/// A workspace and the crates of it that are to be built.
pub struct Workspace {
    pub root: PathBuf,
    pub target_directory: PathBuf,
    packages: Vec<Package>,
    /// Ids of the crates to build, in the order in which they were named.
    chosen: Vec<String>,
}

/// What we read of `cargo metadata`.
#[derive(Deserialize)]
struct CargoMetadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    /// None for a crate in a folder; a registry or a repository otherwise.
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    #[serde(default)]
    authors: Vec<String>,
    description: Option<String>,
    license: Option<String>,
    repository: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// What we read of the messages of `cargo build`.
#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// A crate that was built.
pub struct Built {
    /// The crate's name with underscores, by which the plugin is found.
    pub name: String,
    pub version: String,
    /// What its Cargo.toml says of authors, licence and source.
    pub metadata: Metadata,
    /// The core module that the compiler wrote.
    pub module: PathBuf,
}

/// Finds the workspaces of the crates in `paths`, each with its crates in the order given.
pub fn of_crates(toolchain: &Toolchain, paths: &[PathBuf]) -> Result<Vec<Workspace>> {
    let mut workspaces: Vec<Workspace> = Vec::new();
    for path in paths {
        let manifest = match path.file_name() {
            Some(name) if name == "Cargo.toml" => path.clone(),
            _ => path.join("Cargo.toml"),
        };
        let manifest = manifest.canonicalize().map_err(|error| {
            anyhow!("{}: no plugin crate there ({error}); name the folder of its Cargo.toml", path.display())
        })?;
        let known = workspaces.iter().position(|workspace| workspace.package_at(&manifest).is_some());
        let workspace = match known {
            Some(index) => &mut workspaces[index],
            None => {
                workspaces.push(Workspace::read(toolchain, &manifest)?);
                let last = workspaces.len() - 1;
                &mut workspaces[last]
            }
        };
        workspace.choose(&manifest)?;
    }
    Ok(workspaces)
}

impl Workspace {
    fn read(toolchain: &Toolchain, manifest: &Path) -> Result<Workspace> {
        let folder = manifest.parent().unwrap_or(Path::new("."));
        let answer = toolchain
            .cargo(folder)
            .args(["metadata", "--format-version", "1", "--filter-platform", TARGET, "--manifest-path"])
            .arg(manifest)
            .stderr(Stdio::inherit())
            .output()
            .context("could not run cargo; is Rust installed?")?;
        if !answer.status.success() {
            bail!("cargo could not read {}; its own words are above", manifest.display());
        }
        let metadata: CargoMetadata =
            parse(&answer.stdout).with_context(|| format!("cargo metadata of {}", manifest.display()))?;
        Ok(Workspace {
            root: metadata.workspace_root,
            target_directory: metadata.target_directory,
            packages: metadata.packages,
            chosen: Vec::new(),
        })
    }

    fn package_at(&self, manifest: &Path) -> Option<&Package> {
        // Dependencies from a registry are never what someone wants to build.
        self.packages.iter().find(|package| package.source.is_none() && package.manifest_path == manifest)
    }

    fn choose(&mut self, manifest: &Path) -> Result<()> {
        let Some(package) = self.package_at(manifest) else {
            bail!("{} is a workspace, not a plugin crate; name the crates' folders", manifest.display());
        };
        if !package.targets.iter().any(Target::is_plugin) {
            bail!(
                "{} is not a plugin crate: {} needs\n\n    [lib]\n    crate-type = [\"cdylib\", \"rlib\"]\n",
                package.name,
                manifest.display()
            );
        }
        let id = package.id.clone();
        if !self.chosen.contains(&id) {
            self.chosen.push(id);
        }
        Ok(())
    }

    /// Builds the chosen crates, with their source lines if `debug_info`.
    pub fn build(&self, toolchain: &Toolchain, debug_info: bool) -> Result<Vec<Built>> {
        let mut cargo = toolchain.tied_cargo(&self.root);
        let profile = self.profile()?;
        cargo.args(["build", "--lib", "--profile", profile]);
        if debug_info {
            // Lines and inlined functions; types and variables would be most of it, and nothing reads them.
            for setting in ["debug=\"line-tables-only\"", "strip=\"none\""] {
                cargo.args(["--config", &format!("profile.{profile}.{setting}")]);
            }
        }
        cargo.args(["--message-format", "json-render-diagnostics"]);
        cargo.args(toolchain.target_arguments(self.path_flags(toolchain)?));
        for id in &self.chosen {
            cargo.args(["--package", id]);
        }
        let mut cargo = cargo
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not run cargo; is Rust installed?")?;
        let mut modules: BTreeMap<String, (String, PathBuf)> = BTreeMap::new();
        if let Some(messages) = cargo.stdout.take() {
            for message in BufReader::new(messages).lines() {
                let message: Message = parse(message.context("could not read cargo's messages")?.as_bytes())?;
                if let Some((id, module)) = message.into_module() {
                    modules.insert(id, module);
                }
            }
        }
        let status = cargo.wait().context("could not wait for cargo")?;
        if !status.success() {
            bail!("cargo could not build the plugins ({status}); its own words are above");
        }
        self.chosen
            .iter()
            .map(|id| {
                let package = self.packages.iter().find(|package| package.id == *id);
                let (name, module) =
                    modules.remove(id).ok_or_else(|| anyhow!("cargo built {id}, but named no .wasm file of it"))?;
                let (version, metadata) =
                    package.map(|package| (package.version.clone(), package.metadata())).unwrap_or_default();
                Ok(Built { name, version, metadata, module })
            })
            .collect()
    }

    fn profile(&self) -> Result<&'static str> {
        let manifest = self.root.join("Cargo.toml");
        let text =
            std::fs::read_to_string(&manifest).with_context(|| format!("could not read {}", manifest.display()))?;
        let table: toml::Table = text.parse().with_context(|| format!("could not read {}", manifest.display()))?;
        let defined = table.get("profile").and_then(|profiles| profiles.get(PROFILE)).is_some();
        Ok(if defined { PROFILE } else { "release" })
    }

    /// Flags that give every path in the compiler's output a fixed name. The last one that fits a path counts.
    fn path_flags(&self, toolchain: &Toolchain) -> Result<Vec<String>> {
        let mut names: Vec<(PathBuf, String)> = vec![(self.root.clone(), "/workspace".to_owned())];
        // Generated code lies in the target folder, which may be elsewhere.
        names.push((self.target_directory.clone(), "/workspace/target".to_owned()));
        let mut registries = BTreeSet::new();
        for package in &self.packages {
            let Some(folder) = package.manifest_path.parent() else {
                continue;
            };
            match package.source.as_deref() {
                // All crates of a registry lie in one folder, whose name depends on where the registry is mirrored.
                Some(source) if !source.starts_with("git+") => {
                    registries.extend(folder.parent().map(Path::to_path_buf));
                }
                None if folder.starts_with(&self.root) => {}
                _ => names.push((folder.to_path_buf(), format!("/crates/{}-{}", package.name, package.version))),
            }
        }
        names.extend(registries.into_iter().map(|folder| (folder, "/crates".to_owned())));
        names.push(toolchain.library_sources(&self.root)?);
        names
            .into_iter()
            .map(|(path, name)| match path.to_str() {
                Some(path) => Ok(format!("--remap-path-prefix={path}={name}")),
                None => bail!("{}: cargo can't take a path that is not UTF-8", path.display()),
            })
            .collect()
    }
}

impl Package {
    fn metadata(&self) -> Metadata {
        Metadata {
            authors: Some(self.authors.join(", ")),
            description: self.description.clone(),
            license: self.license.clone(),
            repository: self.repository.clone(),
        }
    }
}

impl Target {
    fn is_plugin(&self) -> bool {
        self.crate_types.iter().any(|kind| kind == "cdylib")
    }
}

impl Message {
    /// A core module: the id of its package, and its name and path.
    fn into_module(self) -> Option<(String, (String, PathBuf))> {
        let target = self.target.filter(|target| self.reason == "compiler-artifact" && target.is_plugin())?;
        let module = self.filenames.into_iter().find(|path| path.extension().is_some_and(|end| end == "wasm"))?;
        Some((self.package_id?, (target.name.replace('-', "_"), module)))
    }
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).context("cargo answered in a form that this octo-host can't read")
}
