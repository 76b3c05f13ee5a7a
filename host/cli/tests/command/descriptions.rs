//! What the command tells of itself: its version, to shells, and to `man`.

use std::collections::BTreeSet;
use std::process::Command;

use octo_test_support::{Workdir, octo_host};

fn printed(arguments: &[&str]) -> String {
    let ended = octo_host(arguments).run().exits_with(0);
    assert_eq!(ended.stderr, "");
    ended.stdout
}

#[test]
fn the_version_names_all_that_decides_results() {
    let brief = printed(&["-V"]);
    let commit = brief.strip_prefix("octo-host 0.1.0 (commit ").and_then(|rest| rest.strip_suffix(")\n"));
    let commit = commit.unwrap_or_else(|| panic!("{brief:?}"));
    assert!(
        commit == "unknown" || (commit.len() == 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())),
        "{commit}"
    );
    let long = printed(&["--version"]);
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!(lines[0], "octo-host 0.1.0");
    assert!(lines[1].starts_with(&format!("commit    {commit}")), "{long}");
    assert_eq!(lines[2], "contract  octo:plugin 0.3.0, 0.2.0, 0.1.0");
    assert_eq!(lines[3], format!("engine    {}", octo_plugin::ENGINE_VERSION));
    let libtorch = lines[4].strip_prefix("libtorch  ").expect("its line");
    let numbers: Vec<&str> = libtorch.split('.').collect();
    assert!(
        libtorch == "none, as octo-trainer is not beside octo-host"
            || (numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok())),
        "{long}"
    );
}

/// What bash offers after `line`, whose last word is begun.
fn offered(script: &str, line: &str) -> BTreeSet<String> {
    let workdir = Workdir::new();
    let file = workdir.write("octo-host.bash", script);
    let ask = r#"
      source "$1"; read -ra COMP_WORDS <<< "$2"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      function=$(complete -p octo-host | sed 's/.* -F \([^ ]*\).*/\1/')
      "$function" octo-host "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
      printf '%s\n' "${COMPREPLY[@]}""#;
    let answer = Command::new("bash").args(["-c", ask, "bash"]).arg(&file).arg(line).output().expect("bash runs");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_subcommands_and_flags() {
    let script = printed(&["completions", "bash"]);
    assert_eq!(offered(&script, "octo-host pl"), BTreeSet::from(["plugin".to_owned()]));
    assert_eq!(offered(&script, "octo-host plugin ins"), BTreeSet::from(["inspect".to_owned()]));
    assert_eq!(offered(&script, "octo-host run --dry"), BTreeSet::from(["--dry-run".to_owned()]));
    assert!(offered(&script, "octo-host --").contains("--save-failures"));
    assert_eq!(offered(&script, "octo-host completions ba"), BTreeSet::from(["bash".to_owned()]));
}

#[test]
fn other_shells_get_their_own_and_a_shell_that_there_is_not_is_refused() {
    assert!(printed(&["completions", "zsh"]).starts_with("#compdef octo-host\n"));
    assert!(printed(&["completions", "fish"]).contains("complete -c octo-host "));
    octo_host(&["completions", "csh"]).run().exits_with(2).stderr_has("[possible values: bash, elvish, fish,");
}

#[test]
fn the_manual_has_a_page_for_every_subcommand() {
    let page = printed(&["man"]);
    assert!(page.contains("\n.TH octo-host 1 "), "{page}");
    assert!(page.contains("\\-\\-save\\-failures") && page.contains("Records, one JSON object per line"), "{page}");
    let workdir = Workdir::new();
    workdir.run(&["man", "--out", "pages"]).exits_with(0);
    assert_eq!(workdir.read("pages/octo-host.1"), page);
    let mut pages: BTreeSet<String> = std::fs::read_dir(workdir.path("pages"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    assert!(pages.remove("octo-host.1"));
    let mut below: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(command) = below.pop() {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let help = printed(&[&words[..], &["--help"]].concat());
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        // A name stands after two blanks; a line of its description that was wrapped after more.
        let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
            let further = [command.clone(), vec![name.to_owned()]].concat();
            assert!(pages.remove(&format!("octo-host-{}.1", further.join("-"))), "no page of {further:?}");
            below.push(further);
        }
    }
    assert_eq!(pages, BTreeSet::new(), "pages of nothing");
}
