//! Nothing that anybody else has written drives the terminal.

use octo_test_support::{Ended, Workdir, octo_host};

const ESCAPE: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}";

/// Says `words` with whatever drove a terminal left out.
#[track_caller]
fn clean(ended: &Ended, words: &str) {
    for text in [&ended.stdout, &ended.stderr] {
        let bad = |character: char| (character.is_control() && character != '\n') || character == '\u{202e}';
        assert!(!text.contains(bad), "{text:?}");
    }
    assert!(ended.stderr.contains(words) || ended.stdout.contains(words), "no {words:?} in\n{}", ended.shown());
}

#[test]
fn names_of_columns_files_and_plugins_are_cleaned_where_they_are_shown() {
    let workdir = Workdir::new();
    let column = format!("a{ESCAPE}b");
    let judge = ["--plugin", "verifier_math", "--map"];
    let mapped = format!("response={column}");
    let rows = workdir.call(&[&judge[..], &[mapped.as_str()]].concat()).stdin("{\"x\": 1}\n").run();
    clean(&rows, "title");
    let named = format!("{column}.jsonl");
    workdir.write(&named, "{\"response\"\n");
    clean(&workdir.run(&["--plugin", "verifier_math", &named]), "title[2J31mb.jsonl, line 1: ");
    clean(&workdir.run(&["--plugin", "verifier_math", &format!("{column}.none")]), "title");
    clean(&workdir.run(&["--plugin", &column]), "no plugin ");
    clean(&workdir.run(&["plugin", "build", &column]), "no plugin crate there");
    clean(&workdir.run(&["report", &column]), "is not a run folder");
}

#[test]
fn arguments_that_are_refused_are_cleaned_too() {
    let refused = octo_host(&["report", "one", &format!("two{ESCAPE}")]).run();
    assert_eq!(refused.code, Some(2));
    clean(&refused, "unexpected argument 'two31m' found");
}

#[test]
fn a_recipe_cannot_drive_the_terminal() {
    let workdir = Workdir::new();
    let recipe = |text: &str| {
        workdir.write("recipe.toml", text);
        workdir.run(&["run", "recipe.toml", "--dry-run"])
    };
    let key = "a\\u001b[2J\\u202eb";
    clean(&recipe(&format!("name = \"x\"\n[stages.\"{key}\"]\nkind = \"generate\"\n")), "a");
    clean(&recipe(&format!("name = \"x\"\n[stages.one]\nkind = \"{key}\"\n")), "kind");
    clean(&recipe(&format!("name = \"{key}\"\n[stages.one]\nkind = \"generate\"\n")), "a");
    clean(&recipe(&format!("name = \"x\"\n\"{key}\" = 1\n[stages.one]\nkind = \"generate\"\n")), "unknown");
    let plugin = format!("name = \"x\"\n[plugins]\nfilter = \"{key}\"\n[stages.one]\nkind = \"generate\"\n");
    clean(&recipe(&plugin), "");
}

#[test]
fn files_of_the_working_folder_do_not_take_the_place_of_installed_plugins() {
    let workdir = Workdir::new();
    for name in ["verifier_math", "reward_outcome", "schedule_staircase", "filter_heuristics", "mixture_static"] {
        workdir.write(name, "not a plugin");
        workdir.write(&format!("{name}.wasm"), "not a plugin");
    }
    let row = "{\"response\": \"#### 7\", \"reference\": \"7\"}\n";
    for name in ["verifier_math", "verifier_math.wasm"] {
        let judged = workdir.call(&["--plugin", name]).stdin(row).run().exits_with(0);
        assert!(judged.stdout.contains("\"outcome\":\"correct\""), "{}", judged.stdout);
    }
    let recipe = octo_test_support::repository().join("recipes/demo.toml");
    let planned = workdir.run(&["run", recipe.to_str().expect("UTF-8"), "--dry-run"]).exits_with(0);
    assert!(planned.stdout.contains("plugin verifier = verifier_math "), "{}", planned.stdout);
    workdir.run(&["--plugin", "./verifier_math"]).exits_with(1).stderr_has("not WebAssembly");
}
