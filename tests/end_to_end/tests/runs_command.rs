//! `octo-host runs`, and what `octo-host run` says of stages that are done again and of names that are taken.

use octo_test_support::{Workdir, assert_shown};

const RECIPE: &str = "name = \"demo\"\n[stages.corpus]\nkind = \"generate\"\nprose_documents = 9\nweb_pages = 3\nqa_documents = 1\nlong_documents = 1\n\
    instruction_documents = 1\ntrain_problems = 1\nheld_out_problems = 1\n[stages.web]\nkind = \"curate\"\ninputs = \"@corpus/web.jsonl.zst\"\n";

fn finished() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("r.toml", RECIPE);
    workdir.run(&["run", "r.toml"]).exits_with(0);
    workdir
}

#[test]
fn runs_are_listed_and_a_folder_without_any_says_so() {
    let workdir = Workdir::new();
    assert_shown!(workdir.run(&["runs"]), @"
    exit 0
    --- stdout
    there are no runs in runs
    ");
    assert_shown!(workdir.run(&["runs", "gc", "--remove"]), @"
    exit 0
    --- stdout
    every stage is one of a run; there is nothing to remove
    ");
    assert!(!workdir.path("runs").exists());

    let workdir = finished();
    workdir.run(&["run", "r.toml", "--set", "name=other", "--set", "web.seed=3"]).exits_with(0);
    let json: serde_json::Value =
        serde_json::from_str(&workdir.run(&["runs", "--json"]).exits_with(0).stdout).expect("JSON");
    let names: Vec<&str> =
        json["runs"].as_array().expect("a list").iter().filter_map(|run| run["name"].as_str()).collect();
    assert_eq!(names, ["demo", "other"]);
    assert_eq!(json["runs"][0]["stages"][0]["shared_with"], serde_json::json!(["other"]));
    let table = workdir.run(&["runs"]).exits_with(0).stdout;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = table.lines().map(words).collect();
    assert_eq!(lines[0], ["run", "kind", "state", "size", "time", "shared", "with"]);
    assert_eq!(lines[1][..2], ["demo", "2/2"]);
    assert_eq!(
        (&lines[2][..3], lines[2].last().map(String::as_str)),
        (&words("corpus generate done")[..], Some("other"))
    );
    assert_eq!(lines[6][..3], ["web", "curate", "done"]);
    assert!(table.ends_with(" in all\n"), "{table}");
}

#[test]
fn gc_shows_what_it_would_remove_and_removes_it_when_it_is_told_to() {
    let workdir = finished();
    workdir.run(&["run", "r.toml", "--set", "name=other", "--set", "web.seed=3"]).exits_with(0);
    std::fs::remove_dir_all(workdir.path("runs/other")).expect("removed");
    let shown = workdir.run(&["runs", "gc"]).exits_with(0).stdout;
    let (what, end) = shown.trim_end().rsplit_once('\n').expect("two lines");
    assert!(what.contains("curate ") && what.lines().count() == 1, "{shown}");
    assert!(
        end.starts_with("1 stage of no run, ")
            && end.ends_with("; nothing was removed: `octo-host runs gc --remove` does that")
    );
    assert!(workdir.run(&["runs"]).stdout.contains("of it used by no run: `octo-host runs gc` shows it"));
    let removed = workdir.run(&["runs", "gc", "--remove"]).exits_with(0).stdout;
    assert!(removed.contains("1 stage of no run removed, "), "{removed}");
    assert_shown!(workdir.run(&["runs", "gc"]), @"
    exit 0
    --- stdout
    every stage is one of a run; there is nothing to remove
    ");
    workdir.run(&["run", "r.toml"]).exits_with(0).stderr_has("demo: 2 stages, 2 done already");
}

#[test]
fn a_stage_is_done_again_when_it_is_forced() {
    let workdir = finished();
    assert_shown!(workdir.run(&["run", "r.toml", "--force", "corpos"]).without_stdout(), @r#"
    exit 1
    --- stderr
    error: --force corpos: the recipe has no stage "corpos"; did you mean "corpus"?
    "#);
    assert_shown!(workdir.run(&["run", "r.toml", "--force", "corpus"]).without_stdout(), @"
    exit 0
    --- stderr
    demo: 2 stages, 1 done already, 1 to do again
    corpus: came out as it was
    corpus: done in [time]
    demo: done in [time]
    ");
    // Somebody has changed what the stage wrote: the stage makes it anew, and what was made from it is made again.
    let seal = workdir.read("runs/demo/stages/corpus/done.json");
    let digest = seal.lines().find(|line| line.contains("web.jsonl.zst")).expect("an output");
    let other = seal.replace(digest, "    \"web.jsonl.zst\": \"sha256:0\"");
    workdir.write("runs/demo/stages/corpus/done.json", other);
    assert_shown!(workdir.run(&["run", "r.toml", "--force", "corpus"]).without_stdout(), @"
    exit 0
    --- stderr
    demo: 2 stages, 1 done already, 1 to do again
    corpus: came out otherwise than before; 1 stage that was made from it is to be done again
    corpus: done in [time]
    web: came out as it was
    web: done in [time]
    demo: done in [time]
    ");
}

#[test]
fn a_name_with_another_recipes_results_is_not_taken_in_silence() {
    let workdir = finished();
    let other = ["run", "r.toml", "--set", "web.seed=3"];
    assert_shown!(workdir.run(&other), @"
    exit 1
    --- stderr
    error: runs/demo has results of another recipe, 1 finished stage that this one lacks or makes otherwise (web); give this run another name (--set name=demo-2), or add --replace to let it take the name
    ");
    assert_shown!(workdir.run(&[&other[..], &["--dry-run"]].concat()).without_stdout(), @"
    exit 1
    --- stderr
    error: runs/demo has results of another recipe, 1 finished stage that this one lacks or makes otherwise (web); give this run another name (--set name=demo-2), or add --replace to let it take the name
    ");
    workdir.run(&[&other[..], &["--replace"]].concat()).exits_with(0).stderr_has("demo: 2 stages, 1 done already");
    workdir.run(&other).exits_with(0).stderr_has("demo: 2 stages, 2 done already");
}

#[test]
fn a_run_is_exported_and_reported_on_elsewhere() {
    let workdir = finished();
    let ended = workdir.run(&["runs", "export", "runs/demo", "shared/demo"]).exits_with(0);
    assert!(ended.stdout.starts_with("shared/demo: ") && ended.stderr.is_empty(), "{}", ended.shown());
    std::fs::remove_dir_all(workdir.path("runs")).expect("removed");
    workdir.run(&["report", "shared/demo"]).exits_with(0);
    assert!(workdir.read("shared/demo/README.md").contains("| corpus | generate | "));
    assert_shown!(workdir.run(&["runs", "export", "r.toml", "x"]), @"
    exit 1
    --- stderr
    error: r.toml is not the folder of a run that has ended, which has run.lock.json; `octo-host runs` lists runs
      because: Not a directory (os error 20)
    ");
}
