//! What can be known before the first stage is said by `--dry-run` and by `run` alike, and nothing is written.

use octo_test_support::{Ended, Workdir, assert_shown};
use octo_tests::recipe_text;

const PLUGINS: &str = "[plugins]\nv = \"verifier_math\"\nr = \"reward_outcome\"\n\
    s = { plugin = \"schedule_staircase\", config = { stairs = [{ step = 0, tokens = 8 }] } }\n\
    m = { plugin = \"mixture_static\", config = { weights = { d = 1.0 } } }\n";

/// A working folder with problems, documents, and a folder of a model without weights: 300 tokens, 64 positions.
fn workdir() -> Workdir {
    let workdir = Workdir::new();
    workdir.write(
        "p.jsonl",
        "{\"problem\": \"1 + 1\", \"reference\": \"2\"}\n{\"problem\": \"2 + 2\", \"reference\": \"4\"}\n",
    );
    workdir.write("d.jsonl", "{\"text\": \"One and one is two.\"}\n");
    workdir.write("t.toml", "[stages.t]\nkind = \"tokenizer\"\ndocuments = \"d.jsonl\"\nvocabulary = 270\n");
    workdir.run(&["run", "t.toml"]).exits_with(0);
    let tokenizer = workdir.path("runs/t/stages/t").canonicalize().expect("the tokenizer");
    for entry in std::fs::read_dir(tokenizer).expect("its files").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        workdir.write(&format!("model/{name}"), std::fs::read(entry.path()).expect("reads"));
    }
    workdir.write("model/config.json", config(300));
    std::fs::remove_dir_all(workdir.path("runs")).expect("removed");
    workdir
}

fn config(vocabulary: usize) -> String {
    format!(
        "{{\"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": {vocabulary}, \"hidden_size\": 32, \"intermediate_size\": 64, \
         \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"max_position_embeddings\": 64}}"
    )
}

fn eval(keys: &str) -> String {
    format!(
        "{PLUGINS}[stages.e]\nkind = \"eval\"\nmodel = \"model\"\nproblems = \"p.jsonl\"\nverifier = \"v\"\n{keys}\n"
    )
}

fn midtrain(keys: &str) -> String {
    format!(
        "{PLUGINS}[stages.b]\nkind = \"midtrain\"\nsources = {{ d = \"d.jsonl\" }}\nmixture = \"m\"\ntokens = 1000\n\
         sequences_per_step = 2\nlearning_rate = 1e-3\n{keys}\n"
    )
}

/// What a run of the recipe prints, which must be what a dry run prints on standard error, and write nothing.
#[track_caller]
fn refused(workdir: &Workdir, recipe: &str) -> Ended {
    workdir.write("r.toml", recipe);
    let dry = workdir.run(&["run", "r.toml", "--dry-run"]);
    let ended = workdir.run(&["run", "r.toml"]);
    assert_eq!((dry.code, &dry.stderr), (ended.code, &ended.stderr), "{}", dry.shown());
    assert!(!workdir.path("runs").exists(), "a refused recipe writes nothing");
    ended
}

#[test]
fn keys_that_cannot_work_are_placed() {
    let workdir = workdir();
    assert_shown!(refused(&workdir, &eval("prompt = \"Solve it.\"\nmax_response_tokens = 8")), @r#"
    exit 1
    --- stderr
    error: r.toml:11: stages.e.prompt: "Solve it." has no {problem} in it, where the problem goes
    "#);
    let shape =
        "architecture = { hidden_size = 32, intermediate_size = 64, num_hidden_layers = 1, num_attention_heads = 3 }";
    assert_shown!(refused(&workdir, &midtrain(&format!("context = 16\ntokenizer = \"model\"\n{shape}"))), @"
    exit 1
    --- stderr
    error: r.toml:15: stages.b.architecture: model configuration: `hidden_size`, 32, is not a multiple of `num_attention_heads`, 3, and `head_dim` is not given
    ");
    assert_shown!(refused(&workdir, "[stages.t]\nkind = \"tokenizer\"\ndocuments = \"d.jsonl\"\nvocabulary = 200\n"), @"
    exit 1
    --- stderr
    error: r.toml:4: stages.t.vocabulary: 200 is too small: every byte and the end-of-text token need 257
    ");
    assert_shown!(refused(&workdir, "[stages.c]\nkind = \"generate\"\nbad_page_share = 0.9\n"), @"
    exit 1
    --- stderr
    error: r.toml:1: stages.c: bad_page_share is 0.9; it must be from 0 to 0.6
    ");
    assert_shown!(refused(&workdir, &midtrain("context = 16\ninitial = \"model\"\nmax_epochs = { dd = 2.0 }")), @r#"
    exit 1
    --- stderr
    error: r.toml:15: stages.b.max_epochs.dd: there is no source "dd"; did you mean "d"?
    "#);
}

#[test]
fn what_the_model_cannot_do_is_named_at_once() {
    let workdir = workdir();
    // A response that can't fit, one that does not with a prompt, and a device that is not there.
    assert_shown!(refused(&workdir, &eval("prompt = \"{problem}\"\nmax_response_tokens = 64\ndevice = \"tpu\"")), @r#"
    exit 1
    --- stderr
    error: 2 things keep this recipe from running:
      r.toml:13: stages.e.device: "tpu" is not a device; use `cpu`, `cuda` or `cuda:N`
      r.toml:12: stages.e.max_response_tokens: 64 tokens of a response are more than the model's 64 positions, which prompt and response share
    "#);
    assert_shown!(refused(&workdir, &eval("prompt = \"{problem}\"\nmax_response_tokens = 62")), @"
    exit 1
    --- stderr
    error: r.toml:12: stages.e.max_response_tokens: 62 tokens of a response and 5 of a prompt are more than the model's 64 positions; at most 59 are left, or set `max_prompt_tokens` lower
    ");
    assert_shown!(refused(&workdir, &midtrain("context = 65\ninitial = \"model\"")), @"
    exit 1
    --- stderr
    error: r.toml:13: stages.b.context: 65 tokens of a sequence are more than the model's 64 positions (`max_position_embeddings`)
    ");
    // From a stage that is still to run, too.
    let scratch = "tokenizer = \"@t\"\narchitecture = { hidden_size = 32, intermediate_size = 64, num_hidden_layers = 1, num_attention_heads = 2, max_position_embeddings = 32 }";
    let chain = format!(
        "{}[stages.t]\nkind = \"tokenizer\"\ndocuments = \"d.jsonl\"\nvocabulary = 270\n[stages.rl]\nkind = \"rl\"\nmodel = \"@b/model\"\n\
         problems = \"p.jsonl\"\nverifier = \"v\"\nreward = \"r\"\nschedule = \"s\"\nprompt = \"{{problem}}\"\n",
        midtrain(&format!("context = 33\n{scratch}"))
    );
    assert_shown!(refused(&workdir, &chain), @"
    exit 1
    --- stderr
    error: 2 things keep this recipe from running:
      r.toml:13: stages.b.context: 33 tokens of a sequence are more than the model's 32 positions (`max_position_embeddings`)
      r.toml:20: stages.rl.max_response_tokens: 4096 tokens of a response are more than the model's 32 positions, which prompt and response share
    ");
    workdir.write("model/config.json", config(200));
    assert_shown!(refused(&workdir, &midtrain("context = 16\ninitial = \"model\"")), @"
    exit 1
    --- stderr
    error: r.toml:14: stages.b.initial: the model's vocabulary has 200 tokens, and its tokenizer 269: they are not of one model
    ");
    workdir.write("model/config.json", "{\"hidden_size\": 32}");
    assert_shown!(refused(&workdir, &midtrain("context = 16\ninitial = \"model\"")), @"
    exit 1
    --- stderr
    error: r.toml:14: stages.b.initial: model/config.json: missing field `intermediate_size` at line 1 column 19
    ");
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let workdir = workdir();
    // What `octo-host` says of `cuda` depends on the machine; of GPU 4711 every machine says no.
    let ended = refused(&workdir, &midtrain("context = 16\ninitial = \"model\"\ndevice = \"cuda:4711\""));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.starts_with("error: r.toml:15: stages.b.device: "), "{}", ended.stderr);
}

#[test]
fn files_that_cannot_be_read_are_named_by_their_row() {
    let workdir = workdir();
    workdir.write("p.jsonl", "{\"problem\": \"1 + 1\", \"reference\": \"2\"}\n{\"question\": \"2 + 2\"}\n");
    assert_shown!(refused(&workdir, &eval("prompt = \"{problem}\"\nmax_response_tokens = 8")), @"
    exit 1
    --- stderr
    error: r.toml:9: stages.e.problems: p.jsonl, line 2: `problem` is missing; the columns are question; a map names another, as in `problem=COLUMN`
    ");
    workdir.write("p.jsonl", "\n");
    assert_shown!(refused(&workdir, &eval("prompt = \"{problem}\"\nmax_response_tokens = 8")), @"
    exit 1
    --- stderr
    error: r.toml:9: stages.e.problems: p.jsonl: has no rows; an empty file is not an input
    ");
    workdir.write("d.jsonl", "{\"content\": \"x\"}\n");
    let recipe = "[stages.c]\nkind = \"curate\"\ninputs = \"d.jsonl\"\n[stages.k]\nkind = \"tokenize\"\ndocuments = \"d.jsonl\"\ntokenizer = \"model\"\n";
    assert_shown!(refused(&workdir, recipe), @"
    exit 1
    --- stderr
    error: 2 things keep this recipe from running:
      r.toml:3: stages.c.inputs.0: d.jsonl, line 1: `text` is missing; the columns are content; a map names another, as in `text=COLUMN`
      r.toml:6: stages.k.documents.0: d.jsonl, line 1: `text` is missing; the columns are content; a map names another, as in `text=COLUMN`
    ");
    // Rows that are left out are none of its business.
    workdir.write("r.toml", "[stages.c]\nkind = \"curate\"\ninputs = \"d.jsonl\"\nskip_bad_lines = true\n");
    workdir.run(&["run", "r.toml", "--dry-run"]).exits_with(0);
}

#[test]
fn a_pipe_is_no_input() {
    let workdir = workdir();
    let made = std::process::Command::new("mkfifo").arg(workdir.path("pipe")).status().expect("mkfifo starts");
    assert!(made.success());
    let recipe = "[stages.t]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = [\"d.jsonl\", \"pipe\"]\n";
    assert_shown!(refused(&workdir, recipe), @"
    exit 1
    --- stderr
    error: r.toml:4: stages.t.documents[1]: pipe is a pipe; a run reads files, which give the same again: write what it gives to a file
    ");
    let recipe = "[stages.t]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"/dev/zero\"\n";
    assert_shown!(refused(&workdir, recipe), @"
    exit 1
    --- stderr
    error: r.toml:4: stages.t.documents.0: /dev/zero is a device; a run reads files, which give the same again: write what it gives to a file
    ");
    assert_shown!(refused(&workdir, &eval("template = \"pipe\"\nmax_response_tokens = 8")), @"
    exit 1
    --- stderr
    error: r.toml:11: stages.e.template
      because: could not read the template
      because: pipe: is not a regular file; write what comes out of it to a file first
    ");
}

#[test]
fn a_dry_run_forecasts_every_kind_that_takes_long() {
    let workdir = workdir();
    let recipe = recipe_text("tiny.toml").replace(
        "[stages.base]",
        "[stages.tokens]\nkind = \"tokenize\"\ndocuments = [\"d.jsonl\"]\ntokenizer = \"model\"\n\n[stages.base]",
    );
    workdir.write("r.toml", recipe);
    let ended = workdir.run(&["run", "r.toml", "--dry-run", "--set", "short.learning_rate=0"]).exits_with(0);
    // Without the time, which is measured.
    let row = |name: &str, kind: &str| {
        let table = ended.stdout.split(&format!("\n{kind} ")).nth(1).unwrap_or_else(|| panic!("{}", ended.stdout));
        let line =
            table.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{table}"));
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("rl-base", "rl")[1..4], ["?", "6", "96"]);
    assert_eq!(row("rl-base", "rl")[4..], ["1,536", "31k", "1.1 MiB", "? (no earlier run to go by)"]);
    assert_eq!(row("eval-short", "eval")[1..4], ["8", "8", "128"]);
    let tokens = row("tokens", "tokenize");
    assert_eq!(tokens[1..4], ["32 B", "about 7", "14 B"]);
    // A rate of nothing is a rate.
    assert!(row("short", "midtrain").contains(&"0e0".to_owned()), "{:?}", row("short", "midtrain"));
    assert!(!workdir.path("runs").exists());

    // What has run says how long a step takes.
    workdir.run(&["run", "r.toml"]).exits_with(0);
    let ended = workdir.run(&["run", "r.toml", "--dry-run", "--set", "rl-base.learning_rate=2e-3"]);
    let line = |name: &str| ended.stdout.lines().rfind(|line| line.starts_with(&format!("{name} "))).map(str::to_owned);
    assert!(line("rl-base").is_some_and(|line| line.contains("s a step, measured in rl-short)")), "{}", ended.stdout);
}
