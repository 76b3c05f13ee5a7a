//! A stage's work shared out: shards in one folder of runs make what one process makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use octo_run::run::Part;
use octo_run::world::{Alone, World};
use octo_run::{Ended, Kinds, PlannedRun, RecipeArguments, kinds};

const RECIPE: &str = "name = \"r\"\n[stages.web]\nkind = \"curate\"\ninputs = [\"in/*.jsonl\"]\n\
    [stages.again]\nkind = \"curate\"\ninputs = [\"@web/kept.jsonl.zst\"]\n\
    [stages.words]\nkind = \"tokenizer\"\ndocuments = [\"@web/kept.jsonl.zst\"]\nvocabulary = 300\n";

struct Folder(tempfile::TempDir);

impl Folder {
    /// So many files that they are two units.
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder"));
        std::fs::create_dir(folder.path("in")).expect("made");
        for number in 0..1001 {
            let text = format!("{{\"text\": \"a text {number}\"}}\n");
            std::fs::write(folder.path(&format!("in/{number:04}.jsonl")), text).expect("written");
        }
        std::fs::write(folder.path("r.toml"), RECIPE).expect("written");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn plan(&self, runs: &str, again: &[String]) -> PlannedRun {
        let (recipe, runs) = (self.path("r.toml"), self.path(runs));
        let arguments = RecipeArguments { recipe: &recipe, set: &[], plugin: &[], runs: &runs, again };
        PlannedRun::new(&arguments, &Kinds::new(kinds::all()), None).expect("plans")
    }

    /// How a part of a run ended, and whether the stage `web` is done then.
    fn run(&self, runs: &str, part: &Part) -> Result<(Ended, bool)> {
        let world: Arc<dyn World> = Arc::new(Alone);
        let planned = self.plan(runs, &[]);
        let ended = octo_run::run::run_part(&planned, part, 2, &world, &Arc::new(AtomicBool::new(false)), |_| ())?;
        Ok((ended, planned.is_done(0)))
    }

    fn outputs(&self, runs: &str) -> BTreeMap<String, Vec<u8>> {
        let files = std::fs::read_dir(self.path(&format!("{runs}/r/stages/web"))).expect("lists");
        let file = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.expect("an entry").path();
            (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read(&path).expect("reads"))
        };
        files.map(file).filter(|(name, _)| name != "done.json").collect()
    }
}

fn shard(text: &str) -> Part {
    Part::Shard("web".into(), text.parse().expect("a shard"))
}

#[test]
fn shards_make_what_one_process_makes_and_the_last_one_finishes_the_stage() {
    let folder = Folder::new();
    assert_eq!(folder.run("one", &Part::Stage("web".into())).expect("runs"), (Ended::Done, true));
    // A shard without units, one of another count, and the one that is left.
    assert_eq!(folder.run("shared", &shard("5/8")).expect("runs"), (Ended::Done, false));
    assert_eq!(folder.run("shared", &shard("1/2")).expect("runs"), (Ended::Done, false));
    assert_eq!(folder.run("shared", &shard("0/8")).expect("runs"), (Ended::Done, true));
    assert_eq!(folder.outputs("shared"), folder.outputs("one"));
    assert_eq!(
        folder.outputs("one").into_keys().collect::<Vec<_>>(),
        ["dead-letter.jsonl.zst", "dropped.jsonl.zst", "examples.jsonl", "kept.jsonl.zst", "statistics.json"]
    );
    assert_eq!(folder.run("shared", &shard("1/2")).expect("is done"), (Ended::Done, true));
    // Together, and finished by a run without a shard where none was last.
    std::thread::scope(|scope| {
        for text in ["0/2", "1/2"] {
            let folder = &folder;
            scope.spawn(move || folder.run("together", &shard(text)).expect("runs"));
        }
    });
    assert_eq!(folder.run("together", &Part::Stage("web".into())).expect("runs"), (Ended::Done, true));
    assert_eq!(folder.outputs("together"), folder.outputs("one"));
}

#[test]
fn a_stage_at_work_is_known_as_such_and_one_shard_is_one_process() {
    let folder = Folder::new();
    let planned = folder.plan("runs", &[]);
    let (kind, key) = ("curate", planned.plan.stages[0].key.as_str());
    let first =
        planned.store.begin_shard(kind, key, "0/2".parse().expect("a shard")).expect("begins").expect("is free");
    let second = planned.store.begin_shard(kind, key, "1/2".parse().expect("a shard")).expect("begins");
    assert!(second.is_some() && planned.store.begin(kind, key).expect("looks").is_none());
    assert!(planned.store.is_at_work(kind, key).expect("looks"));
    let error = folder.run("runs", &shard("0/2")).expect_err("is taken");
    assert_eq!(
        format!("{error:#}"),
        "shard 0/2 of stage \"web\" failed: another octo-host works on shard 0/2 of this stage"
    );
    drop((first, second));
    assert!(!planned.store.is_at_work(kind, key).expect("looks"));
    let whole = planned.store.begin(kind, key).expect("begins").expect("is free");
    assert!(planned.store.begin_shard(kind, key, "0/2".parse().expect("a shard")).expect("looks").is_none());
    drop(whole);
}

#[test]
fn what_cannot_be_run_alone_or_shared_out_is_said() {
    let folder = Folder::new();
    let refused = |part: &Part| format!("{:#}", folder.run("runs", part).expect_err("refused"));
    assert_eq!(
        refused(&Part::Stage("wed".into())),
        "--stage wed: the recipe has no stage \"wed\"; did you mean \"web\"?"
    );
    assert_eq!(
        refused(&Part::Stage("again".into())),
        "--stage again: stage \"web\", which it needs, is not done; run the recipe without --stage, or web first"
    );
    assert_eq!(
        refused(&Part::Shard("words".into(), "0/2".parse().expect("a shard"))),
        "--shard 0/2: a stage of kind \"tokenizer\" is done by one process; run it with --stage words alone"
    );
    let forced = folder.plan("runs", &["web".to_owned()]);
    let world: Arc<dyn World> = Arc::new(Alone);
    let stop = Arc::new(AtomicBool::new(false));
    let error = octo_run::run::run_part(&forced, &shard("0/2"), 1, &world, &stop, |_| ()).expect_err("refused");
    assert_eq!(error.to_string(), "--force web: a stage is done again as a whole; leave --shard away");
    assert!(!Path::new(&folder.path("runs/r")).exists());
}
