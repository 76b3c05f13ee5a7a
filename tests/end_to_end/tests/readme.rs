//! Every command in the README runs, and the plugin that it shows compiles.

use std::path::Path;
use std::process::Command;

use octo_test_support::{Ended, Workdir, environment, octo_host, octo_host_path, repository, shared, skip};

/// The lines of the README's fenced blocks of one language, one list of lines per block.
fn blocks(language: &str) -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("the README is there");
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
    let workdir = Workdir::new();
    let mut path = std::ffi::OsString::from(octo_host_path().parent().expect("a folder"));
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
        if command.contains("smollm2") {
            let real_model = repository().join(".octo/smollm2").is_dir();
            if !real_model {
                skip(&format!("the README's `{command}` needs .octo/smollm2; `make smollm2` fetches it"));
            }
            if !real_model || shared("data/problems/mawps.jsonl").is_none() {
                continue;
            }
        }
        // Long recipes are planned here; that they run is the business of `make demo` and of the other tests.
        let planned = match command.contains("octo-host run") && !command.contains("--dry-run") {
            true => format!("{command} --dry-run"),
            false => command.to_owned(),
        };
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &planned]).current_dir(workspace(workdir.folder()));
        environment::clear(&mut bash);
        let ended = Ended::from(bash.env("PATH", &path).output().expect("bash starts"));
        assert_eq!(ended.code, Some(0), "README: `{command}` failed\n{}", ended.shown());
        ran += 1;
    }
    assert!(ran >= 4, "the README shows only {ran} commands of octo-host");
}

#[test]
fn the_plugin_shown_is_the_one_that_is_built() {
    let source =
        std::fs::read_to_string(repository().join("examples/reward_brevity/src/lib.rs")).expect("the example is there");
    assert_eq!(blocks("rust"), [source.lines().map(str::to_owned).collect::<Vec<_>>()]);
}

#[test]
fn the_verdict_shown_is_the_one_that_is_given() {
    let line = "{\"response\": \"So it is $\\\\boxed{\\\\frac{1}{2}}$.\", \"reference\": \"0.5\"}\n";
    let ended = octo_host(&["--plugin", "verifier_math.wasm", "-"]).stdin(line).run().exits_with(0);
    let verdict = ended.stdout.trim().to_owned();
    let shown = blocks("text").into_iter().next().unwrap_or_default();
    assert_eq!(shown.first().map(String::as_str), Some(verdict.as_str()));
}

fn assert_target(target: &str) {
    let makefile = std::fs::read_to_string(repository().join("Makefile")).expect("the Makefile is there");
    let named = makefile
        .lines()
        .any(|line| line.split(':').next().is_some_and(|names| names.split(' ').any(|name| name == target)));
    assert!(named || target == "clone", "README: the Makefile has no target {target:?}");
}

/// A copy of what the README's commands look at, so that they leave nothing in the repository.
fn workspace(folder: &Path) -> &Path {
    for name in ["recipes", "plugins", "examples", ".octo"] {
        let link = folder.join(name);
        if !link.exists() && repository().join(name).exists() {
            std::os::unix::fs::symlink(repository().join(name), &link).expect("a link can be made");
        }
    }
    folder
}
