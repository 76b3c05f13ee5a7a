//! Templates, few-shot examples and rewards that add up, through the whole program.

use octo_tests::{Bench, Said, root};
use serde_json::Value;

/// The tiny recipe, with its RL stages' prompt and reward replaced.
fn recipe(bench: &Bench, prompt: &str, reward: &str) {
    let tiny = std::fs::read_to_string(root().join("tests/end_to_end/recipes/tiny.toml")).expect("the recipe");
    let (plugins, stages) = tiny.split_once("[stages.corpus]").expect("stages");
    let mut text =
        format!("{plugins}overlong = {{ plugin = \"reward_overlong\", config = {{ buffer = 4 }} }}\n[stages.corpus]");
    text += stages;
    text = text.replace("prompt = \"Question: {problem}\\nAnswer:\"", prompt).replace("reward = \"reward\"", reward);
    bench.write("r.toml", text);
}

fn lines(bench: &Bench, path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(bench.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

const EXAMPLES: &str = "{\"question\": \"2 + 2\", \"answer\": 4, \"working\": \"Two and two are \\\\boxed{4}.\"}\n\
                        {\"question\": \"3 + 4\", \"answer\": 7, \"working\": \"\\\\boxed{7}\"}\n";
const FEW_SHOT: &str = "template = \"templates/t.jinja\"\nfew_shot = { file = \"examples.jsonl\", by_epoch = [1, 0], map = { problem = \
                        \"question\", reference = \"answer\", solution = \"working\" } }\nmax_prompt_tokens = 200";
const TEMPLATE: &str = "{% for example in examples %}\nQ: {{ example.problem }}\nA: {{ example.solution }}\n{% endfor %}\nQ: {{ problem }}\nA:\n";

fn few_shot(reward: &str) -> Bench {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("templates")).expect("a folder");
    bench.write("templates/t.jinja", TEMPLATE);
    bench.write("examples.jsonl", EXAMPLES);
    recipe(&bench, FEW_SHOT, reward);
    bench
}

#[test]
fn a_run_with_a_template_and_two_rewards_draws_a_curve_of_every_part() {
    let bench = few_shot("reward = [\"reward\", { role = \"overlong\", weight = 0.5 }]");
    bench.run(&["run", "r.toml"]).code(0);
    let steps: Vec<Value> = lines(&bench, "runs/tiny/stages/rl-short/metrics.jsonl");
    let steps: Vec<&Value> = steps.iter().filter(|line| line.get("reward").is_some()).collect();
    assert_eq!(steps.len(), 6);
    for step in &steps {
        let part = |name: &str| step["reward_parts"][name].as_f64().unwrap_or_else(|| panic!("no {name}: {step}"));
        let total = part("reward.outcome") + 0.5 * part("overlong.overlong");
        assert!((step["reward"].as_f64().expect("a mean") - total).abs() < 1e-9, "{step}");
    }
    // The schedule's limit of the step is what the penalty measures by: cut off at 8 tokens is cut off.
    assert!(steps.iter().any(|step| step["reward_parts"]["overlong.overlong"].as_f64() < Some(0.0)), "{steps:?}");
    let report = std::fs::read_to_string(bench.path("runs/tiny/report.html")).expect("a report");
    for words in ["Reward parts of rl-short", "overlong.overlong"] {
        assert!(report.contains(words), "the report lacks {words:?}");
    }
    let lock: Value =
        serde_json::from_str(&std::fs::read_to_string(bench.path("runs/tiny/run.lock.json")).expect("a lock"))
            .expect("JSON");
    let slots = &lock["stages"]["rl-short"]["plugins"];
    assert_eq!((&slots["reward.0"], &slots["reward.1"]), (&Value::from("reward"), &Value::from("overlong")));

    // The template's text and the examples are part of the stage's key; where they lie is not.
    bench.run(&["run", "r.toml"]).code(0).says("8 stages, 8 done already");
    bench.write("templates/t.jinja", TEMPLATE.replace("Q:", "Question:"));
    let said = bench.run(&["run", "r.toml", "--dry-run"]).code(0);
    let state = |said: &Said, stage: &str| {
        let row = said.out.lines().find(|line| line.starts_with(stage)).expect("a row").to_owned();
        row.contains("done")
    };
    assert!(state(&said, "base ") && !state(&said, "rl-base") && !state(&said, "eval-short"), "{}", said.out);
    bench.write("templates/t.jinja", TEMPLATE);
    bench.write("examples.jsonl", EXAMPLES.replace("Two and two", "2 and 2"));
    let said = bench.run(&["run", "r.toml", "--dry-run"]).code(0);
    assert!(!state(&said, "rl-base"), "{}", said.out);

    // And the prompts can be looked at, by epoch and with their length in tokens.
    let shown = bench.run(&["prompt", "r.toml", "rl-short", "--rows", "1..3"]).code(0);
    assert_eq!(shown.out.matches("Q: 2 + 2\nA: 2 and 2 are \\boxed{4}.\nQ: ").count(), 2, "{}", shown.out);
    assert!(shown.out.starts_with("row 1, ") && shown.out.contains(" tokens\n"), "{}", shown.out);
    let later = bench.run(&["prompt", "r.toml", "rl-short", "--epoch", "7"]).code(0);
    assert!(!later.out.contains("Q: 2 + 2\n"), "{}", later.out);
    bench.run(&["prompt", "r.toml", "rl-shrt"]).code(1).says("did you mean \"rl-short\"?");
    bench.run(&["prompt", "r.toml", "corpus"]).code(1).says("asks no prompts");
    bench.run(&["prompt", "r.toml", "rl-short", "--rows", "3"]).code(2).says("FROM..TO");
    // The tokenizer was trained here and has no chat template.
    let chat = ["prompt", "r.toml", "eval-short", "--set", "eval-short.template=chat"];
    bench
        .run(&[&chat[..], &["--set", "eval-short.few_shot={ file = \"examples.jsonl\", by_epoch = [] }"]].concat())
        .code(1);
}

#[test]
fn rewards_given_again_on_the_command_line_add_up() {
    let bench = few_shot("reward = \"reward\"");
    let twice = ["--plugin", "reward=reward_outcome", "--plugin", "reward=reward_repetition:0.25"];
    let said = bench.run(&[&["run", "r.toml", "--dry-run"], &twice[..]].concat()).code(0);
    for words in ["plugin reward_outcome = reward_outcome", "plugin reward_repetition = reward_repetition"] {
        assert!(said.out.contains(words), "{}", said.out);
    }
    // Weights are part of the key, and so are names: they are the names of the parts.
    let key = |said: &Said| {
        let row = said.out.lines().find(|line| line.starts_with("rl-base")).expect("a row").to_owned();
        row.split_whitespace().find(|word| word.len() == 24).expect("a key").to_owned()
    };
    let other = ["--plugin", "reward=reward_outcome", "--plugin", "reward=reward_repetition:0.5"];
    let other = bench.run(&[&["run", "r.toml", "--dry-run"], &other[..]].concat()).code(0);
    assert_ne!(key(&said), key(&other));
    bench
        .run(&["run", "r.toml", "--plugin", "verifier=a", "--plugin", "verifier=b"])
        .code(1)
        .says("only rewards add up");
}

#[test]
fn rewards_and_prompts_that_make_no_sense_are_refused_by_line_and_key() {
    for (prompt, reward, words) in [
        ("prompt = \"{problem}\"", "reward = [\"reward\", { rol = \"overlong\" }]", "`role` is missing"),
        ("prompt = \"{problem}\"", "reward = [{ role = \"overlong\", wieght = 1 }]", "did you mean \"weight\"?"),
        ("prompt = \"{problem}\"", "reward = [\"reward\", \"overlogn\"]", "did you mean \"overlong\"?"),
        ("prompt = \"{problem}\"", "reward = [\"reward\", \"reward\"]", "is there twice"),
        ("prompt = \"{problem}\"", "reward = []", "a list of roles"),
        ("prompt = \"{problem}\"", "reward = [{ role = \"reward\", weight = \"much\" }]", "must be a number"),
        ("", "reward = \"reward\"", "needs `prompt` or `template`"),
        ("prompt = \"{problem}\"\nsystem = \"Be brief.\"", "reward = \"reward\"", "belongs to a template"),
        ("prompt = \"{problem}\"\ntemplate = \"t.jinja\"", "reward = \"reward\"", "the template file says it all"),
        ("template = \"none.jinja\"", "reward = \"reward\"", "could not read the template"),
        (
            "template = \"chat\"\nfew_shot = { file = \"none.jsonl\", by_epoch = [1] }",
            "reward = \"reward\"",
            "none.jsonl",
        ),
        ("template = \"chat\"\nfew_shot = { file = \"x\", by_epoch = 1 }", "reward = \"reward\"", "counts of examples"),
        ("template = \"chat\"\nfew_shot = { fil = \"x\" }", "reward = \"reward\"", "`file` is missing"),
    ] {
        let bench = Bench::new();
        recipe(&bench, prompt, reward);
        let said = bench.run(&["run", "r.toml", "--dry-run"]).code(1).says(words);
        assert!(said.err.contains("r.toml"), "{}", said.err);
    }
}

#[test]
fn the_chat_template_of_a_real_model_is_used() {
    let model = root().join(".octo/smollm2");
    if !model.join("tokenizer.json").is_file() {
        eprintln!("SKIPPED: {} is not here; `make smollm2` fetches it", model.display());
        return;
    }
    let bench = Bench::new();
    bench.write("p.jsonl", "{\"problem\": \"1 + 1\", \"reference\": \"2\"}\n");
    let model = model.canonicalize().expect("a folder");
    bench.write(
        "r.toml",
        format!(
            "[plugins]\nv = \"verifier_math\"\n[stages.e]\nkind = \"eval\"\nmodel = \"{}\"\nproblems = \"p.jsonl\"\nverifier = \"v\"\n\
             template = \"chat\"\nsystem = \"Be brief.\"\nprompt = \"{{problem}} = ?\"\nmax_response_tokens = 4\n",
            model.display()
        ),
    );
    let said = bench.run(&["prompt", "r.toml", "e"]).code(0);
    let expected =
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1 + 1 = ?<|im_end|>\n<|im_start|>assistant\n";
    assert!(said.out.contains(expected) && said.out.contains(" tokens\n"), "{}", said.out);
}
