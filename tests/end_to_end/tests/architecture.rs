//! docs/architecture.md is true: who depends on whom, who sees libtorch, and where code may be unsafe.
//!
//! A new crate, or a new arrow between two, is written down in three places that are compared here: its `Cargo.toml`,
//! [`CRATES`], and the table of the page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use octo_test_support::repository;
use toml::{Table, Value};

/// Every crate of the workspace with its folder and the crates of the workspace that it depends on, from top to bottom.
/// A name with `*` stands for all crates below that folder, which may depend on these and on no others.
const CRATES: [(&str, &str, &[&str]); 23] = [
    (
        "octo-trainer",
        "host/trainer",
        &[
            "octo-data",
            "octo-endpoint",
            "octo-host",
            "octo-model",
            "octo-plugin",
            "octo-record",
            "octo-run",
            "octo-shim",
            "octo-train",
        ],
    ),
    ("octo-host", "host/cli", &["octo-data", "octo-plugin", "octo-record", "octo-report", "octo-run"]),
    (
        "octo-run",
        "host/run",
        &["octo-curate", "octo-data", "octo-endpoint", "octo-plugin", "octo-record", "octo-report"],
    ),
    (
        "octo-train",
        "host/train",
        &["octo-data", "octo-endpoint", "octo-model", "octo-plugin", "octo-record", "octo-shim"],
    ),
    ("octo-model", "host/model", &["octo-data", "octo-shim"]),
    ("octo-shim", "host/shim", &[]),
    ("octo-curate", "host/curate", &["octo-data", "octo-endpoint", "octo-plugin", "octo-record"]),
    ("octo-endpoint", "host/endpoint", &[]),
    ("octo-report", "host/report", &["octo-record"]),
    ("octo-data", "host/data", &[]),
    ("octo-plugin", "host/plugin", &[]),
    ("octo-record", "host/record", &[]),
    ("octo-sdk", "sdk/rust", &[]),
    ("octo-answers", "sdk/answers", &["octo-sdk"]),
    ("octo-rewards", "sdk/rewards", &["octo-sdk"]),
    ("octo-documents", "sdk/documents", &[]),
    ("plugins/*", "plugins", &["octo-answers", "octo-documents", "octo-rewards", "octo-sdk"]),
    ("examples/*", "examples", &["octo-sdk"]),
    ("hostile_behaviour", "tests/hostile_behaviour", &["octo-sdk"]),
    ("tests/hostile_plugin*", "tests/hostile_plugin", &["hostile_behaviour", "octo-sdk"]),
    ("octo-hostile-tests", "tests/hostile", &["octo-plugin"]),
    ("octo-test-support", "tests/support", &[]),
    ("octo-tests", "tests/end_to_end", &["octo-test-support"]),
];

/// The crate without code that gives shared dependencies one set of features. Host crates depend on it, and it on none.
const FEATURES: &str = "octo-features";

/// Crates that see libtorch, by themselves or through another.
const WITH_LIBTORCH: [&str; 4] = ["octo-model", "octo-shim", "octo-train", "octo-trainer"];

/// All that the types of the run folder depend on, so that whoever reads a run has to build nothing else.
const RECORD_DEPENDS_ON: [&str; 2] = ["serde", "serde_json"];

/// Files in which the lint `unsafe_code` is lifted, each with its reason beside it.
const UNSAFE_FILES: [&str; 6] = [
    "host/data/benches/shard_windows.rs",
    "host/model/src/tensor_file.rs",
    "host/plugin/src/load/cache.rs",
    "host/shim/src/lib.rs",
    "host/train/src/ranks/nccl.rs",
    "sdk/rust/src/bindings.rs",
];

/// A crate as its `Cargo.toml` has it.
struct Manifest {
    /// Its name, or the name in [`CRATES`] of the group that it belongs to.
    entry: String,
    folder: String,
    whole: Table,
}

impl Manifest {
    /// Names of the packages in one kind of dependencies, for every target.
    fn dependencies(&self, kind: &str) -> BTreeSet<String> {
        let targets = self.whole.get("target").and_then(Value::as_table);
        let tables = targets.into_iter().flat_map(|targets| targets.values().filter_map(Value::as_table));
        let names = |table: &Table| -> Vec<String> {
            let dependencies = table.get(kind).and_then(Value::as_table);
            let named = |(key, value): (&String, &Value)| {
                value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()
            };
            dependencies.into_iter().flatten().map(named).collect()
        };
        std::iter::once(&self.whole).chain(tables).flat_map(names).collect()
    }

    /// Names of the packages that are linked into it or into its build script.
    fn linked(&self) -> BTreeSet<String> {
        &self.dependencies("dependencies") | &self.dependencies("build-dependencies")
    }
}

fn read_toml(path: &Path) -> Table {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The crates of the workspace by their package's name.
fn manifests() -> BTreeMap<String, Manifest> {
    let root = read_toml(&repository().join("Cargo.toml"));
    let members = root["workspace"]["members"].as_array().expect("the workspace lists its members");
    let manifest = |member: &Value| {
        let folder = member.as_str().expect("a member is a path").to_owned();
        let whole = read_toml(&repository().join(&folder).join("Cargo.toml"));
        let name = whole["package"]["name"].as_str().expect("a package has a name").to_owned();
        let group =
            CRATES.iter().find(|(entry, place, _)| entry.ends_with('*') && Path::new(&folder).starts_with(place));
        let entry = group.map_or(name.clone(), |(entry, _, _)| (*entry).to_owned());
        (name, Manifest { entry, folder, whole })
    };
    members.iter().map(manifest).collect()
}

#[test]
fn the_crates_depend_on_each_other_as_the_list_says() {
    let manifests = manifests();
    let mut wrong = Vec::new();
    for (entry, folder, listed) in CRATES {
        let listed: BTreeSet<String> = listed.iter().map(|name| (*name).to_owned()).collect();
        let members: Vec<&Manifest> = manifests.values().filter(|manifest| manifest.entry == entry).collect();
        if members.is_empty() || !entry.ends_with('*') && members[0].folder != folder {
            wrong.push(format!("{entry} is listed in {folder}, and the workspace has no such crate there"));
            continue;
        }
        let found: BTreeSet<String> = members.iter().flat_map(|manifest| manifest.linked()).collect();
        let found: BTreeSet<String> =
            found.into_iter().filter(|name| manifests.contains_key(name) && name != FEATURES).collect();
        wrong.extend(found.difference(&listed).map(|name| format!("{entry} depends on {name}, which is not listed")));
        wrong
            .extend(listed.difference(&found).map(|name| format!("{entry} is listed with {name} and does not use it")));
    }
    for (name, manifest) in &manifests {
        if name != FEATURES && !CRATES.iter().any(|(entry, _, _)| *entry == manifest.entry) {
            wrong.push(format!("{name} ({}) is not listed", manifest.folder));
        }
    }
    assert!(wrong.is_empty(), "Cargo.toml and CRATES in this test differ:\n  {}", wrong.join("\n  "));
}

#[test]
fn no_arrow_points_up() {
    let first_guest = CRATES.iter().position(|(entry, _, _)| *entry == "octo-sdk").expect("octo-sdk is in the list");
    for (index, (entry, _, depends_on)) in CRATES.iter().enumerate() {
        for name in *depends_on {
            let below = CRATES.iter().position(|(other, _, _)| other == name);
            let below = below.unwrap_or_else(|| panic!("{entry} is listed with {name}, which is not in the list"));
            // From the first guest on the list goes upwards: the SDK stands before what is written with it.
            assert!(below > index || index >= first_guest, "{entry} stands below {name} and depends on it");
        }
    }
    if let Some(features) = manifests().get(FEATURES) {
        let own = features.linked().into_iter().find(|name| name.starts_with("octo-"));
        assert_eq!(own, None, "{FEATURES} depends on a crate of the workspace");
    }
}

#[test]
fn guests_know_nothing_of_the_host_not_even_in_their_tests() {
    let manifests = manifests();
    let in_host = |name: &str| manifests.get(name).is_some_and(|manifest| manifest.folder.starts_with("host/"));
    for (name, manifest) in &manifests {
        let guest =
            ["sdk/", "plugins/", "examples/", "tests/hostile_"].iter().any(|place| manifest.folder.starts_with(place));
        if guest {
            let all = &manifest.linked() | &manifest.dependencies("dev-dependencies");
            let host: Vec<String> = all.into_iter().filter(|name| in_host(name)).collect();
            assert!(host.is_empty(), "{name} is a guest and depends on {host:?}");
        }
    }
}

#[test]
fn only_the_crates_that_train_see_libtorch() {
    let manifests = manifests();
    for (name, manifest) in &manifests {
        // All that is linked into it, through however many crates of the workspace.
        let mut reached: BTreeSet<String> = manifest.linked();
        let mut ahead: Vec<String> = reached.iter().cloned().collect();
        while let Some(next) = ahead.pop() {
            let Some(next) = manifests.get(&next) else { continue };
            for further in next.linked() {
                if reached.insert(further.clone()) {
                    ahead.push(further);
                }
            }
        }
        if let Some(libtorch) = ["tch", "torch-sys", "octo-shim"].into_iter().find(|package| reached.contains(*package))
        {
            assert!(WITH_LIBTORCH.contains(&name.as_str()), "{name} must do without libtorch and links {libtorch}");
        }
    }
}

#[test]
fn the_types_of_the_run_folder_depend_on_serde_alone() {
    let manifests = manifests();
    let record = manifests.get("octo-record").expect("octo-record is a member");
    assert_eq!(record.linked().into_iter().collect::<Vec<_>>(), RECORD_DEPENDS_ON);
}

#[test]
fn the_lints_hold_in_every_crate() {
    let root = read_toml(&repository().join("Cargo.toml"));
    let lints = &root["workspace"]["lints"]["rust"];
    for lint in ["missing_docs", "unsafe_code"] {
        assert_eq!(lints[lint].as_str(), Some("deny"), "the workspace's lint `{lint}`");
    }
    for (name, manifest) in manifests() {
        let inherited = manifest.whole.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(inherited.and_then(Value::as_bool), Some(true), "{name} has `lints.workspace = true`");
    }
}

#[test]
fn unsafe_code_is_allowed_in_the_named_files_alone() {
    let mut found = BTreeSet::new();
    for folder in ["host", "sdk", "plugins", "examples", "tests", "fuzz"] {
        rust_files(&repository().join(folder), &mut |path, text| {
            let lifts = ["allow(", "expect(", "warn("].iter().any(|word| {
                text.split(word).skip(1).any(|rest| rest.split(')').next().unwrap_or_default().contains(&lint()))
            });
            if lifts {
                found.insert(path.strip_prefix(repository()).expect("below the root").to_string_lossy().into_owned());
            }
        });
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), UNSAFE_FILES);
}

/// The lint's name, put together so that this file is not one that lifts it.
fn lint() -> String {
    ["unsafe", "code"].join("_")
}

/// Every Rust file below `folder`, but for what a build has put there.
fn rust_files(folder: &Path, each: &mut dyn FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path: PathBuf = entry.expect("an entry of a folder can be read").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            rust_files(&path, each);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            each(&path, &std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
}

#[test]
fn the_page_has_every_crate_every_arrow_and_every_unsafe_file() {
    let path = repository().join("docs/architecture.md");
    let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // | `crate` | `folder` | `dependency`, `dependency` | what it is for |
    let code = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut shown = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        if let [name, folder, depends_on, _] = cells[..] {
            shown.insert(code(name).concat(), (code(folder).concat(), code(depends_on)));
        }
    }
    let listed: BTreeMap<String, (String, Vec<String>)> = CRATES
        .iter()
        .map(|(entry, folder, names)| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            ((*entry).to_owned(), ((*folder).to_owned(), names))
        })
        .collect();
    for (name, row) in &listed {
        assert_eq!(shown.get(name), Some(row), "the table of docs/architecture.md, row of {name}");
    }
    for name in shown.keys() {
        assert!(listed.contains_key(name), "docs/architecture.md has a crate {name:?} that is not in the list");
    }
    assert!(page.contains(&format!("`{FEATURES}`")), "docs/architecture.md names {FEATURES}");
    for file in UNSAFE_FILES {
        assert!(page.contains(&format!("`{file}`")), "docs/architecture.md names {file} as one with unsafe code");
    }
    let sentence = page.lines().find(|line| line.contains("see libtorch")).expect("the page says who sees libtorch");
    for name in WITH_LIBTORCH {
        assert!(sentence.contains(&format!("`{name}`")), "docs/architecture.md says that {name} sees libtorch");
    }
}
