//! A kind of stage is one file and one word in a list: this test has a kind of its own, and nothing else knows of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use octo_run::context::StageContext;
use octo_run::kind::keys_of;
use octo_run::recipe::stage::{Stage, StageTable};
use octo_run::recipe::values::Texts;
use octo_run::store::Standing;
use octo_run::world::{Alone, World};
use octo_run::{Ended, Kind, Kinds, PlannedRun, RecipeArguments, StageKind};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

/// Joins files, so many lines in one call: the next call resumes.
struct Join {
    separator: String,
    lines_per_call: usize,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files to join.
    files: Texts,
    /// What stands between lines.
    #[serde(default)]
    separator: String,
    /// Lines that one call joins.
    lines_per_call: usize,
}

impl StageKind for Join {
    fn name() -> &'static str {
        "join"
    }

    fn about() -> &'static str {
        "Joins files."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Join> {
        let keys: Keys = table.rest()?;
        table.inputs("files", &keys.files)?;
        Ok(Join { separator: keys.separator, lines_per_call: keys.lines_per_call })
    }

    // How much one call does changes nothing of the result.
    fn content(&self) -> Value {
        json!({ "separator": self.separator })
    }

    fn resumes(&self) -> bool {
        true
    }

    fn forecast(_: &PlannedRun, stages: &[&Stage]) -> Option<String> {
        Some(format!("{} stages join\n", stages.len()))
    }

    fn run(&self, stage: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let mut lines = Vec::new();
        for path in stage.paths("files.")? {
            lines.extend(std::fs::read_to_string(path)?.lines().map(str::to_owned));
        }
        let file = out.join("joined.txt");
        let earlier = std::fs::read_to_string(&file).unwrap_or_default();
        let done = if earlier.is_empty() { 0 } else { earlier.split(&self.separator).count() };
        let upto = (done + self.lines_per_call).min(lines.len());
        std::fs::write(&file, lines[..upto].join(&self.separator))?;
        Ok(if upto == lines.len() { Ended::Done } else { Ended::Stopped })
    }
}

const RECIPE: &str = "[stages.a]\nkind = \"join\"\nfiles = [\"x.txt\"]\nseparator = \"+\"\nlines_per_call = 9\n\
    [stages.b]\nkind = \"join\"\nfiles = [\"@a/joined.txt\", \"x.txt\"]\nseparator = \"-\"\nlines_per_call = 2\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(recipe: &str) -> Folder {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("x.txt"), "1\n2\n").expect("written");
        std::fs::write(folder.path().join("r.toml"), recipe).expect("written");
        Folder(folder)
    }

    fn plan(&self, set: &[&str]) -> Result<PlannedRun> {
        self.plan_again(set, &[])
    }

    fn plan_again(&self, set: &[&str], again: &[&str]) -> Result<PlannedRun> {
        let again: Vec<String> = again.iter().map(|text| (*text).to_owned()).collect();
        let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
        let arguments = RecipeArguments {
            recipe: &self.0.path().join("r.toml"),
            set: &set,
            plugin: &[],
            runs: &self.0.path().join("runs"),
            again: &again,
        };
        PlannedRun::new(&arguments, &Kinds::new(octo_run::kinds::all()).with(vec![Kind::of::<Join>()]), None)
    }

    fn run(&self, set: &[&str]) -> Result<Ended> {
        let world: Arc<dyn World> = Arc::new(Alone);
        octo_run::run::run(&self.plan(set)?, 2, &world, &Arc::new(AtomicBool::new(false)), |_| ())
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.path().join(path)).expect("reads")
    }
}

#[test]
fn a_kind_of_its_own_is_planned_run_and_resumed() {
    let folder = Folder::new(RECIPE);
    let planned = folder.plan(&[]).expect("plans");
    assert_eq!(planned.forecast(), "2 stages join\n");
    assert_eq!(planned.standing(0), Standing::ToDo);

    // The second stage has three lines and joins two in a call.
    assert_eq!(folder.run(&[]).expect("runs"), Ended::Stopped);
    let planned = folder.plan(&[]).expect("plans");
    assert_eq!((planned.standing(0), planned.standing(1)), (Standing::Done, Standing::Begun));
    assert_eq!(folder.run(&[]).expect("runs"), Ended::Done);
    assert_eq!(folder.read("runs/r/stages/a/joined.txt"), "1+2");
    assert_eq!(folder.read("runs/r/stages/b/joined.txt"), "1+2-1-2");

    let lock: octo_record::RunLock = serde_json::from_str(&folder.read("runs/r/run.lock.json")).expect("a lock");
    assert_eq!(lock.stages["b"].kind, "join");
    assert!(lock.stages["b"].inputs["files.0"].ends_with("/joined.txt"));
    assert!(lock.stages.values().all(|stage| stage.done && stage.outputs.is_some()));
}

#[test]
fn an_input_is_what_it_was_planned_with_and_an_output_is_what_its_stage_wrote() {
    let world: Arc<dyn World> = Arc::new(Alone);
    let stop = Arc::new(AtomicBool::new(false));
    let run = |planned: &PlannedRun| octo_run::run::run(planned, 1, &world, &stop, |_| ());

    let folder = Folder::new(RECIPE);
    let planned = folder.plan(&[]).expect("plans");
    std::fs::write(folder.0.path().join("x.txt"), "1\n3\n").expect("written");
    let error = format!("{:#}", run(&planned).expect_err("changed"));
    assert!(error.contains("x.txt has changed since the run was planned"), "{error}");

    // The first stage is done; what it wrote is then damaged.
    assert_eq!(folder.run(&[]).expect("runs"), Ended::Stopped);
    let joined = folder.0.path().join("runs/r/stages/a/joined.txt");
    std::fs::write(&joined, "1+4").expect("written");
    stop.store(false, std::sync::atomic::Ordering::SeqCst);
    let error = format!("{:#}", folder.run(&[]).expect_err("damaged"));
    assert!(error.contains("joined.txt is not what stage \"a\" wrote"), "{error}");
    std::fs::write(&joined, "1+3").expect("written");
    assert_eq!(folder.run(&[]).expect("runs"), Ended::Done);
}

#[test]
fn a_second_run_waits_for_a_stage_that_another_works_on() {
    let folder = Folder::new(RECIPE);
    let planned = folder.plan(&[]).expect("plans");
    let key = &planned.plan.stages[0].key;
    let working = planned.store.begin("join", key).expect("begins").expect("nobody works on it");
    assert!(planned.store.begin("join", key).expect("looks").is_none());
    std::thread::scope(|scope| {
        let second = scope.spawn(|| folder.run(&["b.lines_per_call=9"]));
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(!second.is_finished(), "the stage is taken");
        drop(working);
        assert_eq!(second.join().expect("no panic").expect("runs"), Ended::Done);
    });
}

#[test]
fn its_content_decides_its_key_and_what_is_not_in_it_does_not() {
    let folder = Folder::new(RECIPE);
    let keys = |set: &[&str]| {
        let planned = folder.plan(set).expect("plans");
        planned.plan.stages.into_iter().map(|stage| stage.key).collect::<Vec<_>>()
    };
    let first = keys(&[]);
    assert_eq!(keys(&["a.lines_per_call=1"]), first);
    let other = keys(&["b.separator=x"]);
    assert_eq!(other[0], first[0]);
    assert_ne!(other[1], first[1]);
    // What a stage is made from is part of its key.
    let before = keys(&["a.separator=x"]);
    assert!(before[0] != first[0] && before[1] != first[1]);
}

#[test]
fn its_mistakes_are_named_like_those_of_any_kind() {
    let refused = |recipe: &str, set: &[&str]| format!("{:#}", Folder::new(recipe).plan(set).err().expect("refused"));
    let error = refused(&RECIPE.replace("separator = \"-\"", "separater = \"-\""), &[]);
    assert!(error.ends_with("r.toml:9: stages.b.separater: unknown key; did you mean \"separator\"?"), "{error}");
    let error = refused(RECIPE, &["b.lines_per_call=no"]);
    assert!(error.starts_with("--set b.lines_per_call: stages.b.lines_per_call: invalid type: string"), "{error}");
    let error = refused(&RECIPE.replace("\"join\"", "\"joint\""), &[]);
    assert!(
        error.contains("r.toml:2: stages.a.kind: there is no kind \"joint\" of stage; did you mean \"join\"?"),
        "{error}"
    );
}
