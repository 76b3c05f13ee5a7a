//! From documents to token shards to a model: the command, the stage, and the mixtures that follow stages and losses.

use std::time::{Duration, Instant};

use octo_test_support::{Workdir, assert_shown};
use octo_tests::records;
use serde_json::Value;

/// Corpora, a tokenizer and a small model's base; tests add what they train on.
const RECIPE: &str = r#"
name = "shards"
seed = 5

[plugins]
mix = { plugin = "mixture_stages", config = { stages = { base = [{ tokens = 4096, weights = { prose = 1.0, qa = 0.0 } }, { weights = { prose = 0.5, qa = 0.5 } }] } } }
follow = { plugin = "mixture_adaptive", config = { weights = { prose = 0.5, qa = 0.5 }, every = 2, rate = 2.0, min_share = 0.1, max_share = 0.9 } }

[stages.corpus]
kind = "generate"
prose_documents = 60
web_pages = 20
qa_documents = 60
long_documents = 20
instruction_documents = 20
train_problems = 20
held_out_problems = 8

[stages.tokenizer]
kind = "tokenizer"
documents = ["@corpus/prose.jsonl.zst", "@corpus/qa.jsonl.zst"]
vocabulary = 320

[stages."{each}-tokens"]
each = ["prose", "qa"]
kind = "tokenize"
tokenizer = "@tokenizer"
documents = ["@corpus/{each}.jsonl.zst"]
shard_tokens = 2000

[stages.base]
kind = "midtrain"
stage_name = "base"
tokenizer = "@tokenizer"
architecture = { hidden_size = 32, intermediate_size = 64, num_hidden_layers = 1, num_attention_heads = 2 }
sources = { prose = ["@prose-tokens"], qa = ["@qa-tokens"] }
mixture = "mix"
tokens = 8192
context = 64
sequences_per_step = 8
learning_rate = 3e-3

[stages.following]
kind = "midtrain"
initial = "@base/model"
sources = { prose = ["@prose-tokens"], qa = ["@corpus/qa.jsonl.zst"] }
mixture = "follow"
tokens = 8192
context = 64
sequences_per_step = 8
learning_rate = 3e-3
max_epochs = { qa = 0.5 }
"#;

#[test]
fn a_recipe_tokenises_and_trains_on_shards_with_mixtures_by_stage_and_by_loss() {
    let workdir = Workdir::new();
    workdir.write("r.toml", RECIPE);
    workdir.run(&["run", "r.toml"]).exits_with(0).stderr_has("6 stages, 0 done already");
    let base = records(&workdir, "runs/shards", "base");
    let shares: Vec<f64> = base.iter().map(|record| record["mixture"]["qa"].as_f64().expect("a share")).collect();
    assert_eq!(shares, [[0.0; 8], [0.5; 8]].concat(), "4,096 tokens are 8 steps");
    assert_eq!(base.last().expect("a record")["realised_share"]["qa"], 0.25);
    let following = records(&workdir, "runs/shards", "following");
    let shares: Vec<f64> = following.iter().map(|record| record["mixture"]["qa"].as_f64().expect("a share")).collect();
    assert_eq!(shares[0], 0.5);
    assert!(shares.iter().any(|share| (share - 0.5).abs() > 1e-3), "{shares:?}");
    assert!(shares.iter().all(|share| (0.1..=0.9).contains(share)), "{shares:?}");
    assert_eq!(following.last().expect("a record")["capped_sources"][0], "qa");

    let manifest = workdir.read("runs/shards/stages/qa-tokens/manifest.json");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["settings"]["source"], "qa-tokens");
    assert_eq!(manifest["total"]["documents"], 60);
    assert!(manifest["shards"].as_array().expect("shards").len() > 1);
    workdir.run(&["run", "r.toml"]).exits_with(0).stderr_has("6 stages, 6 done already");
}

#[test]
fn the_command_tokenises_once_and_checks_what_is_there() {
    let workdir = Workdir::new();
    let rows = "{\"body\": \"one and two\", \"crawl\": \"2021-04-05\"}\n{\"body\": \"three\"}\n";
    workdir.write("a.jsonl", rows.repeat(50));
    workdir.write(
        "t.toml",
        "name = \"t\"\n[stages.t]\nkind = \"tokenizer\"\ndocuments = [\"b.jsonl\"]\nvocabulary = 300\n",
    );
    workdir.write("b.jsonl", "{\"text\": \"one two three\"}\n");
    workdir.run(&["run", "t.toml"]).exits_with(0);
    let tokenize = [
        "tokenize",
        "a.jsonl",
        "--tokenizer",
        "runs/t/stages/t",
        "--out",
        "shards",
        "--map",
        "text=body",
        "--map",
        "year=crawl",
        "--source",
        "web",
    ];
    let ended = workdir.run(&tokenize).exits_with(0).stderr_has("tokens/s");
    for words in ["web     2021", "web        -", "shards: 1"] {
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
    }
    workdir.run(&tokenize).exits_with(0).stderr_has("every byte is what was written");
    assert_shown!(workdir.run(&[&tokenize[..], &["--shard-tokens", "5"]].concat()), @"
    exit 1
    --- stderr
    error: shards: holds tokens that were made otherwise: shard_tokens was 134217728, is 5. Name another folder, or remove this one
    ");
    let wrong = ["tokenize", "a.jsonl", "--tokenizer", "runs/t/stages/t", "--out", "other"];
    assert_shown!(workdir.run(&wrong), @"
    exit 1
    --- stderr
    error: a.jsonl, line 1: `text` is missing; the columns are body, crawl; a map names another, as in `text=COLUMN`
    ");
    assert_shown!(workdir.run(&["tokenize", "--tokenizer", "t", "--out", "x"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <FILE>...

    Usage: octo-host tokenize --tokenizer <PATH> --out <DIR> <FILE>...

    For more information, try '--help'.
    ");
}

#[test]
fn kill_9_while_tokenising_changes_no_byte() {
    let workdir = Workdir::new();
    let text = "The quick brown fox jumps over the lazy dog, and counts: 1, 2, 3. ".repeat(20);
    workdir.write("a.jsonl", format!("{{\"text\": \"{text}\"}}\n").repeat(4000));
    workdir.write(
        "t.toml",
        "name = \"t\"\n[stages.t]\nkind = \"tokenizer\"\ndocuments = [\"b.jsonl\"]\nvocabulary = 270\n",
    );
    workdir.write("b.jsonl", "{\"text\": \"one two three\"}\n");
    workdir.run(&["run", "t.toml"]).exits_with(0);
    let tokenize = |out: &'static str| {
        [
            "tokenize",
            "a.jsonl",
            "--tokenizer",
            "runs/t/stages/t",
            "--out",
            out,
            "--source",
            "a",
            "--shard-tokens",
            "300000",
        ]
    };
    workdir.run(&tokenize("whole")).exits_with(0);
    let mut kills = 0;
    for shard in ["00001.ds", "00004.ds"] {
        let mut child =
            workdir.command(&tokenize("killed")).stderr(std::process::Stdio::null()).spawn().expect("starts");
        let deadline = Instant::now() + Duration::from_secs(120);
        while child.try_wait().expect("our own child").is_none() && Instant::now() < deadline {
            if workdir.path("killed").join(shard).is_file() {
                child.kill().expect("our own child can be killed");
                kills += 1;
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.wait().expect("our own child ends");
    }
    assert!(kills > 0, "it was done before it could be killed");
    workdir.run(&tokenize("killed")).exits_with(0);
    let files = |folder: &str| -> std::collections::BTreeMap<String, Vec<u8>> {
        let entries =
            std::fs::read_dir(workdir.path(folder)).expect("lists").map(|entry| entry.expect("an entry").path());
        entries
            .map(|path| {
                (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read(&path).expect("reads"))
            })
            .collect()
    };
    assert!(files("whole") == files("killed"), "{:?}", files("killed").keys());
}
