//! The reference of keys and variables is what the types say, and says all of them.

use std::collections::BTreeSet;
use std::path::Path;

use octo_test_support::{octo_host, repository};

#[test]
fn the_page_of_keys_is_what_the_command_prints() {
    let printed = octo_host(&["keys", "--markdown"]).run().exits_with(0).stdout;
    let page = std::fs::read_to_string(repository().join("docs/keys.md")).expect("the page is there");
    assert!(
        printed == page,
        "docs/keys.md is not what the types say; write it anew: target/release/octo-host keys --markdown > docs/keys.md"
    );
}

#[test]
fn one_table_is_shown_by_its_name_and_a_misspelt_one_is_named() {
    let shown = octo_host(&["keys", "midtrain"]).run().exits_with(0).stdout;
    assert!(shown.starts_with("midtrain: ") && shown.contains("architecture.hidden_size"), "{shown}");
    assert!(!shown.contains("rollouts_per_prompt"), "{shown}");
    octo_host(&["keys", "midtran"]).run().exits_with(1).stderr_has("did you mean \"midtrain\"?");
}

/// Names like `"OCTO_LOG"` in the sources of the host and in the scripts that set it up.
fn variables(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "benches", "target"].contains(&name.as_str()) {
            variables(&path, found);
        } else if name.ends_with(".rs") && !name.contains("tests") {
            let text = std::fs::read_to_string(&path).expect("text");
            // Unit tests make up names of their own.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for part in text.split("\"OCTO_").skip(1) {
                let end = part.find(|c: char| !(c.is_ascii_uppercase() || c == '_')).unwrap_or(part.len());
                if part[end..].starts_with('"') {
                    found.insert(format!("OCTO_{}", &part[..end]));
                }
            }
        }
    }
}

#[test]
fn every_variable_that_is_read_is_in_the_page() {
    let mut found = BTreeSet::new();
    variables(&repository().join("host"), &mut found);
    // How the compiling child is told what to do; nobody sets it by hand.
    found.remove("OCTO_COMPILE_PLUGIN");
    found.remove("OCTO_TIED_TO");
    assert!(found.len() >= 8, "{found:?}");
    let page = std::fs::read_to_string(repository().join("docs/keys.md")).expect("the page is there");
    for variable in found {
        assert!(page.contains(&format!("| `{variable}` |")), "docs/keys.md lacks {variable}: add it to VARIABLES");
    }
}
