//! Runs beside each other in one folder: done again, taken over, listed, collected, exported.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use octo_run::context::StageContext;
use octo_run::kind::keys_of;
use octo_run::recipe::stage::StageTable;
use octo_run::recipe::values::Texts;
use octo_run::runs::{self, export};
use octo_run::store::Standing;
use octo_run::world::{Alone, World};
use octo_run::{Ended, Kind, Kinds, PlannedRun, RecipeArguments, StageKind};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

/// Copies its inputs and a file that it does not declare, as a stage does whose result is not repeatable.
struct Copied {
    secret: Option<PathBuf>,
    spoils: Option<PathBuf>,
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files to copy.
    #[serde(default)]
    files: Texts,
    /// File that is copied and no input.
    secret: Option<String>,
    /// File that is written to while the stage runs.
    spoils: Option<String>,
    /// What decides the key and nothing else.
    #[serde(default)]
    name: String,
}

impl StageKind for Copied {
    fn name() -> &'static str {
        "copied"
    }

    fn about() -> &'static str {
        "Copies files."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Copied> {
        let keys: Keys = table.rest()?;
        if !keys.files.0.is_empty() {
            table.inputs("files", &keys.files)?;
        }
        let place = |name: Option<String>| name.map(|name| table.folder().join(name));
        Ok(Copied { secret: place(keys.secret), spoils: place(keys.spoils), name: keys.name })
    }

    fn content(&self) -> Value {
        json!({ "name": self.name })
    }

    fn run(&self, stage: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let mut text = String::new();
        for path in stage.paths("files.")?.iter().chain(&self.secret) {
            text += &std::fs::read_to_string(path)?;
        }
        if let Some(path) = &self.spoils {
            std::fs::write(path, "spoilt")?;
        }
        octo_data::atomic::write(&out.join("copy.txt"), text.as_bytes())?;
        Ok(Ended::Done)
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder"));
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn plan(&self, recipe: &str, again: &[&str]) -> PlannedRun {
        let again: Vec<String> = again.iter().map(|text| (*text).to_owned()).collect();
        let (recipe, runs) = (self.path(recipe), self.path("runs"));
        let arguments = RecipeArguments { recipe: &recipe, set: &[], plugin: &[], runs: &runs, again: &again };
        PlannedRun::new(&arguments, &Kinds::new(vec![Kind::of::<Copied>()]), None).expect("plans")
    }

    fn run(&self, recipe: &str, again: &[&str]) -> Result<Ended> {
        let world: Arc<dyn World> = Arc::new(Alone);
        octo_run::run::run(&self.plan(recipe, again), 2, &world, &Arc::new(AtomicBool::new(false)), |_| ())
    }

    /// Standing of every stage of a recipe, in the plan's order.
    fn standing(&self, recipe: &str) -> Vec<Standing> {
        let planned = self.plan(recipe, &[]);
        (0..planned.plan.stages.len()).map(|index| planned.standing(index)).collect()
    }

    fn store(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("runs/.store")).expect("a store");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }
}

/// `a` copies the secret, `b` copies `a`, `c` copies `b`; `d` has nothing to do with them.
const CHAIN: &str = "[stages.a]\nkind = \"copied\"\nsecret = \"secret\"\n[stages.b]\nkind = \"copied\"\nfiles = [\"@a/copy.txt\"]\n\
    [stages.c]\nkind = \"copied\"\nfiles = [\"@b/copy.txt\"]\n[stages.d]\nkind = \"copied\"\nname = \"d\"\n";

#[test]
fn a_stage_is_done_again_and_so_is_what_was_made_from_it_if_it_comes_out_otherwise() {
    let folder = Folder::new(&[("r.toml", CHAIN), ("secret", "one")]);
    // Another recipe that shares the first two stages.
    folder.write("other.toml", CHAIN.split("[stages.c]").next().expect("two stages"));
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    assert_eq!(folder.run("other.toml", &[]).expect("runs"), Ended::Done);
    let times = |folder: &Folder| {
        ["a", "b", "c", "d"].map(|stage| {
            let data = std::fs::metadata(folder.path(&format!("runs/r/stages/{stage}/done.json")));
            data.and_then(|data| data.modified()).expect("a time")
        })
    };

    // The same result: nothing after it is done again.
    let before = times(&folder);
    assert_eq!(folder.run("r.toml", &["a"]).expect("runs"), Ended::Done);
    let after = times(&folder);
    assert!(after[0] != before[0] && after[1..] == before[1..]);

    // Another result goes all the way down, and stages that do not depend on it stay.
    folder.write("secret", "two");
    let before = times(&folder);
    assert_eq!(folder.run("r.toml", &["a"]).expect("runs"), Ended::Done);
    assert_eq!(folder.read("runs/r/stages/c/copy.txt"), "two");
    assert!(times(&folder)[3] == before[3]);
    assert_eq!(folder.standing("r.toml"), [Standing::Done; 4]);
    assert_eq!(folder.read("runs/other/stages/b/copy.txt"), "two");
    assert!(folder.store().iter().all(|name| !name.ends_with(".partial") && !name.ends_with(".replaced")));
}

#[test]
fn what_was_made_from_another_result_is_to_be_done_again_in_every_run() {
    let folder = Folder::new(&[("r.toml", CHAIN), ("secret", "one")]);
    folder.write("short.toml", CHAIN.split("[stages.b]").next().expect("one stage"));
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    folder.write("secret", "two");
    // The other run knows nothing of `b`; the run that has it is told, though it is not under way.
    assert_eq!(folder.run("short.toml", &["a"]).expect("runs"), Ended::Done);
    use Standing::{Done, ToDo};
    assert_eq!(folder.standing("r.toml"), [Done, ToDo, Done, Done]);
    assert_eq!(folder.read("runs/r/stages/b/copy.txt"), "one", "nothing is lost before it is made anew");
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    assert_eq!((folder.read("runs/r/stages/b/copy.txt"), folder.standing("r.toml")), ("two".into(), vec![Done; 4]));
    assert_eq!(folder.read("runs/r/stages/c/copy.txt"), "two", "all the way down");
}

#[test]
fn an_input_that_changes_while_a_stage_reads_it_is_named_and_nothing_is_kept() {
    let recipe = "[stages.a]\nkind = \"copied\"\nfiles = [\"x\"]\nspoils = \"x\"\n";
    let folder = Folder::new(&[("r.toml", recipe), ("x", "good")]);
    let error = format!("{:#}", folder.run("r.toml", &[]).expect_err("changed"));
    let words = "x has changed while the stage read it, so that nothing of the stage is kept; run again";
    assert!(error.starts_with("stage \"a\" failed: files.0 = ") && error.ends_with(words), "{error}");
    folder.write("x", "good");
    assert_eq!(folder.standing("r.toml"), [Standing::ToDo], "it would resume from what was made of another input");
}

#[test]
fn what_a_killed_process_was_writing_is_no_output() {
    let folder = Folder::new(&[("r.toml", "[stages.a]\nkind = \"copied\"\nname = \"x\"\n")]);
    let planned = folder.plan("r.toml", &[]);
    let working = planned.store.working_folder("copied", &planned.plan.stages[0].key);
    std::fs::create_dir_all(working.join("below")).expect("made");
    for name in [".copy.txt.4711-0.tmp", "below/.other.json.4711-1.tmp"] {
        std::fs::write(working.join(name), "half").expect("written");
    }
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    let done: octo_record::StageDone = serde_json::from_str(&folder.read("runs/r/stages/a/done.json")).expect("a seal");
    assert_eq!(done.outputs.keys().collect::<Vec<_>>(), ["copy.txt"]);
    assert!(!folder.path("runs/r/stages/a/.copy.txt.4711-0.tmp").exists());
}

#[test]
fn a_name_with_another_recipes_results_is_taken() {
    let folder = Folder::new(&[("r.toml", CHAIN), ("secret", "one")]);
    assert_eq!(folder.plan("r.toml", &[]).name_is_taken(), None);
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    assert_eq!(folder.plan("r.toml", &[]).name_is_taken(), None, "it is its own");
    // More stages lose nothing.
    folder.write("r.toml", &format!("{CHAIN}[stages.e]\nkind = \"copied\"\nname = \"e\"\n"));
    assert_eq!(folder.plan("r.toml", &[]).name_is_taken(), None);
    folder.write("r.toml", &CHAIN.replace("[stages.c]", "[stages.z]").replace("name = \"d\"", "name = \"e\""));
    let taken = folder.plan("r.toml", &[]).name_is_taken().expect("d would be lost");
    let words = "r has results of another recipe, 1 finished stage that this one lacks or makes otherwise (d); give this run \
                 another name (--set name=r-2), or add --replace to let it take the name";
    assert!(taken.ends_with(words), "{taken}");
}

#[test]
fn what_no_run_refers_to_is_collected_and_what_somebody_works_on_stays() {
    let folder = Folder::new(&[("r.toml", CHAIN), ("secret", "one")]);
    folder.write(
        "gone.toml",
        "[stages.x]\nkind = \"copied\"\nname = \"x\"\n[stages.y]\nkind = \"copied\"\nname = \"y\"\n",
    );
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    assert_eq!(folder.run("gone.toml", &[]).expect("runs"), Ended::Done);
    let runs = folder.path("runs");
    assert!(runs::unused(&runs).expect("looks").is_empty());

    let planned = folder.plan("gone.toml", &[]);
    let keys: Vec<String> = planned.plan.stages.iter().map(|stage| stage.key.clone()).collect();
    std::fs::remove_dir_all(folder.path("runs/gone")).expect("removed");
    let before = folder.store();
    let found: Vec<String> = runs::unused(&runs).expect("looks").into_iter().map(|unused| unused.key).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(folder.store(), before, "looking removes nothing");

    // Somebody does one of them again.
    let working = planned.store.begin("copied", &keys[0]).expect("begins").expect("nobody works on it");
    let removed = runs::collect(&runs).expect("collects");
    assert_eq!(removed.into_iter().map(|unused| unused.key).collect::<Vec<_>>(), [keys[1].clone()]);
    assert!(planned.store.folder("copied", &keys[0]).exists() && working.folder.exists());
    drop(working);
    assert_eq!(runs::collect(&runs).expect("collects").len(), 1);
    assert!(folder.store().iter().all(|name| !keys.iter().any(|key| name.contains(key))), "{:?}", folder.store());
    assert_eq!(folder.standing("r.toml"), [Standing::Done; 4]);
    // Where the lock is gone, the next run makes it anew.
    assert_eq!(folder.run("gone.toml", &[]).expect("runs"), Ended::Done);
}

#[test]
fn a_damaged_lock_keeps_everything() {
    let folder = Folder::new(&[("r.toml", CHAIN), ("secret", "one")]);
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    folder.write("runs/r/run.lock.json", "{\"half");
    let error = format!("{:#}", runs::collect(&folder.path("runs")).expect_err("what it refers to is not known"));
    assert!(error.contains("run.lock.json is damaged"), "{error}");
    assert_eq!(folder.standing("r.toml"), [Standing::Done; 4]);
}

#[test]
fn runs_are_listed_with_what_they_share() {
    let folder = Folder::new(&[("r.toml", CHAIN), ("secret", "12345")]);
    folder.write("short.toml", CHAIN.split("[stages.b]").next().expect("one stage"));
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    assert_eq!(folder.run("short.toml", &[]).expect("runs"), Ended::Done);
    let listed = runs::list(&folder.path("runs")).expect("lists");
    let names: Vec<(&str, usize, usize)> =
        listed.runs.iter().map(|run| (run.name.as_str(), run.done, run.stages.len())).collect();
    assert_eq!(names, [("r", 4, 4), ("short", 1, 1)]);
    let a = &listed.runs[0].stages[0];
    assert_eq!((a.name.as_str(), a.kind.as_str(), a.state), ("a", "copied", "done"));
    assert_eq!((&a.shared_with, &listed.runs[0].stages[1].shared_with), (&vec!["short".to_owned()], &Vec::new()));
    let seal = folder.read("runs/r/stages/a/done.json").len() as u64;
    assert_eq!(a.bytes, 5 + seal);
    assert_eq!(listed.unused_bytes, 0);
}

#[test]
fn an_export_travels_and_shows_damage() {
    let folder = Folder::new(&[("r.toml", CHAIN), ("secret", "one")]);
    assert_eq!(folder.run("r.toml", &[]).expect("runs"), Ended::Done);
    let (run, to) = (folder.path("runs/r"), folder.path("shared/r"));
    let exported = export::export(&run, &to, false).expect("exports");
    assert_eq!(exported.left_out, [""; 0]);
    std::fs::remove_dir_all(folder.path("runs")).expect("removed");
    assert_eq!(folder.read("shared/r/stages/c/copy.txt"), "one");
    assert!(!folder.path("shared/r/stages/c").is_symlink());
    let sums = folder.read("shared/r/SHA256SUMS");
    assert_eq!(exported.files, sums.lines().count() + 1);
    let one = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    assert!(sums.contains(&format!("{one}  stages/c/copy.txt\n")), "{sums}");
    let mut check = std::process::Command::new("sha256sum");
    check.args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&to);
    assert!(check.status().expect("sha256sum starts").success());
    assert!(folder.read("shared/r/README.md").starts_with("# Run r\n\nAn export of a run of Octo "));

    let error = format!("{:#}", export::export(&to, &to, false).expect_err("it is there"));
    assert!(error.ends_with("is there already; name a folder that is not, or remove it"), "{error}");
    // What was exported can be exported, and is compared with what its stages wrote.
    folder.write("shared/r/stages/b/copy.txt", "two");
    let error = format!("{:#}", export::export(&to, &folder.path("again"), false).expect_err("damaged"));
    assert!(error.contains("stage \"b\" is not exported") && error.contains("changed or damaged since"), "{error}");
    let names: Vec<_> =
        std::fs::read_dir(folder.0.path()).expect("lists").flatten().map(|entry| entry.file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("again")), "half of it is left: {names:?}");
}
