//! Every command in the README runs, and the plugin that it shows compiles.

use std::path::Path;
use std::process::Command;

use octo_tests::{octo_host, root, shared};

/// The lines of the README's fenced blocks of one language, a list of lines a block.
fn blocks(language: &str) -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README is there");
    let mut blocks = Vec::new();
    let mut open: Option<(bool, Vec<String>)> = None;
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(name)) => open = Some((name == language, Vec::new())),
            (Some(_), Some(_)) => blocks.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, block)| block)),
            (Some((_, block)), None) => block.push(line.to_owned()),
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn every_command_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut path = std::ffi::OsString::from(octo_host().parent().expect("a folder"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut ran = 0;
    for line in blocks("console").into_iter().flatten() {
        let Some(command) = line.strip_prefix("$ ") else { continue };
        if command.starts_with("make ") || command.starts_with("git ") {
            let target = command.split_whitespace().nth(1).unwrap_or_default();
            assert_target(target);
            continue;
        }
        let real_model = root().join(".octo/smollm2").is_dir() && shared("data/problems/mawps.jsonl").is_some();
        if command.contains("smollm2") && !real_model {
            eprintln!("SKIPPED: `{command}` needs `make smollm2` and data/problems/mawps.jsonl");
            continue;
        }
        // Long recipes are planned here; that they run is the business of `make demo` and of the other tests.
        let planned = match command.contains("octo-host run") && !command.contains("--dry-run") {
            true => format!("{command} --dry-run"),
            false => command.to_owned(),
        };
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &planned])
            .current_dir(workspace(folder.path()))
            .env("PATH", &path)
            .output()
            .expect("bash starts");
        assert!(
            output.status.success(),
            "README: `{command}` failed\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        ran += 1;
    }
    assert!(ran >= 4, "the README shows only {ran} commands of octo-host");
}

#[test]
fn the_plugin_shown_is_the_one_that_is_built() {
    let source =
        std::fs::read_to_string(root().join("examples/reward_brevity/src/lib.rs")).expect("the example is there");
    assert_eq!(blocks("rust"), [source.lines().map(str::to_owned).collect::<Vec<_>>()]);
}

#[test]
fn the_verdict_shown_is_the_one_that_is_given() {
    let mut child = Command::new(octo_host())
        .args(["--plugin", "verifier_math.wasm", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("octo-host starts");
    let line = "{\"response\": \"So it is $\\\\boxed{\\\\frac{1}{2}}$.\", \"reference\": \"0.5\"}\n";
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, line.as_bytes()).expect("octo-host reads");
    drop(stdin);
    let said = child.wait_with_output().expect("octo-host ends");
    let verdict = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let shown = blocks("text").into_iter().next().unwrap_or_default();
    assert_eq!(shown.first().map(String::as_str), Some(verdict.as_str()));
}

fn assert_target(target: &str) {
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("the Makefile is there");
    let named = makefile
        .lines()
        .any(|line| line.split(':').next().is_some_and(|names| names.split(' ').any(|name| name == target)));
    assert!(named || target == "clone", "README: the Makefile has no target {target:?}");
}

/// A copy of what the README's commands look at, so that they leave nothing in the repository.
fn workspace(folder: &Path) -> &Path {
    for name in ["recipes", "plugins", "examples", ".octo"] {
        let link = folder.join(name);
        if !link.exists() && root().join(name).exists() {
            std::os::unix::fs::symlink(root().join(name), &link).expect("a link can be made");
        }
    }
    folder
}
