//! `make install` lays out a tree that runs from anywhere. The target calls `setup/install.sh`, as this does.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use octo_test_support::{Ended, Workdir, octo_host_path, plugins_folder, repository};

/// A program of the tree in `folder`, with nothing of the repository in its surroundings.
fn installed(program: &Path, folder: &Path, arguments: &[&str], stdin: &str) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    octo_test_support::Call::from(command).stdin(stdin).run()
}

#[test]
fn an_installed_tree_is_moved_and_judges_and_plans_from_there() {
    let work = Workdir::new();
    let stage = work.path("stage");
    let install = || {
        let target = plugins_folder().parent().expect("a folder of plugins lies in target").to_owned();
        let output = Command::new("bash")
            .arg(repository().join("setup/install.sh"))
            .env("PREFIX", "/opt/octo")
            .env("DESTDIR", &stage)
            .env("CARGO_TARGET_DIR", target)
            .output()
            .expect("bash runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let root = format!("installed in {}/opt/octo; /opt/octo/bin/octo-host is the command\n", stage.display());
        assert_eq!(said, root);
    };
    install();
    // Over itself.
    install();
    let tree = work.path("elsewhere").join("tree");
    std::fs::create_dir(work.path("elsewhere")).expect("a folder");
    std::fs::rename(stage.join("opt/octo"), &tree).expect("the tree can be moved");
    let (host, trainer) = (tree.join("bin/octo-host"), tree.join("bin/octo-trainer"));
    let empty = work.path("empty");
    std::fs::create_dir(&empty).expect("a folder");

    let attempt = r#"{"response": "So it is $\\boxed{\\frac{1}{2}}$.", "reference": "0.5"}"#;
    let judged = installed(&host, &empty, &["-q", "--plugin", "verifier_math"], attempt);
    assert_eq!((judged.code, judged.stderr.as_str()), (Some(0), ""), "{}", judged.stdout);
    let verdict = r#"{"line":1,"outcome":"correct","extracted":"\\frac{1}{2}","reason":"box: same rational number"}"#;
    assert_eq!(judged.stdout.trim_end(), verdict);

    // A plan with kinds that train is made by the installed octo-trainer, which loads libtorch from the tree.
    let recipe = tree.join("share/octo/recipes/demo.toml");
    let planned = installed(&host, &empty, &["run", recipe.to_str().expect("UTF-8"), "--dry-run"], "");
    assert_eq!((planned.code, planned.stderr.as_str()), (Some(0), ""), "{}", planned.stdout);
    assert!(planned.stdout.contains("\nstable ") && planned.stdout.contains("  midtrain "), "{}", planned.stdout);
    assert!(planned.stdout.contains("plugin verifier = verifier_math "), "{}", planned.stdout);
    assert!(std::fs::read_dir(&empty).expect("there").all(|entry| {
        // The cache of compiled plugins goes into the home folder.
        entry.expect("an entry").file_name() == ".cache"
    }));
    let version = installed(&trainer, &empty, &["--version"], "");
    assert!(version.stdout.contains("\nlibtorch  2."), "{}", version.stdout);
    // The same without loading it.
    let said = installed(&host, &empty, &["--version"], "").stdout;
    assert_eq!(said, version.stdout);

    for (file, arguments) in [
        ("share/man/man1/octo-host.1", &["man"][..]),
        ("share/bash-completion/completions/octo-host", &["completions", "bash"]),
        ("share/zsh/site-functions/_octo-host", &["completions", "zsh"]),
        ("share/fish/vendor_completions.d/octo-host.fish", &["completions", "fish"]),
    ] {
        let printed = installed(&octo_host_path(), &empty, arguments, "").stdout;
        assert_eq!(std::fs::read_to_string(tree.join(file)).expect("installed"), printed, "{file}");
    }
    for page in ["octo-host-run.1", "octo-host-plugin-inspect.1"] {
        assert!(tree.join("share/man/man1").join(page).is_file(), "{page}");
    }
    assert!(!tree.join("share/octo/plugins/hostile_plugin.wasm").exists(), "a plugin of the tests");
}

#[test]
fn a_prefix_that_is_not_a_whole_path_is_refused() {
    let output = Command::new("bash")
        .arg(repository().join("setup/install.sh"))
        .env("PREFIX", "octo")
        .output()
        .expect("bash runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "install: PREFIX is octo; give a path that begins with `/`.\n");
}

/// Packages of a requirements file with their number of digests.
fn pinned(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut package = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(digest) = line.trim().strip_prefix("--hash=sha256:") {
            let digest = digest.trim_end_matches(" \\");
            assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
            *found.entry(package.clone().expect("a package before its digests")).or_default() += 1;
        } else {
            let name = line.split_whitespace().next().expect("a package");
            assert!(name.contains("=="), "a package without its version: {line}");
            found.insert(name.to_owned(), 0);
            package = Some(name.to_owned());
        }
    }
    found
}

#[test]
fn every_wheel_that_the_set_up_installs_is_pinned_by_its_digest() {
    let setup = repository().join("setup");
    let read =
        |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut installs = 0;
    for entry in std::fs::read_dir(&setup).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "sh") {
            let script = read(&path).replace("\\\n", " ");
            for line in script.lines().filter(|line| line.contains("-m pip install")) {
                installs += 1;
                for flag in ["--require-hashes", "--no-deps", "--only-binary :all:", "-r \"setup/pinned/"] {
                    assert!(line.contains(flag), "{} lacks {flag}: {line}", path.display());
                }
            }
        }
    }
    assert_eq!(installs, 3, "libtorch's, the peers' and llama.cpp's");
    for name in ["libtorch-cpu", "libtorch-cuda", "peers", "smollm2"] {
        let packages = pinned(&read(&setup.join(format!("pinned/{name}.txt"))));
        assert!(packages.values().all(|digests| *digests > 0), "{name}: {packages:?}");
        let wanted = read(&setup.join(format!("pinned/{name}.in")));
        for wanted in wanted.lines().filter(|line| !line.starts_with('#')) {
            let is_it = |package: &String| package == wanted || package.starts_with(&format!("{wanted}=="));
            assert!(packages.keys().any(is_it), "{name}.txt has no {wanted}: setup/pin.sh writes it");
        }
    }
    // The build asks for the version that is installed.
    let script = read(&setup.join("libtorch.sh"));
    let version = script.lines().find_map(|line| line.strip_prefix("torch_version=")).expect("its version");
    for name in ["libtorch-cpu", "libtorch-cuda"] {
        assert!(pinned(&read(&setup.join(format!("pinned/{name}.txt")))).contains_key(&format!("torch=={version}")));
    }
}
