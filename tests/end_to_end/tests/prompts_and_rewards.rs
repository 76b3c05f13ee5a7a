//! Templates, few-shot examples and rewards that add up, through the whole program.

use octo_test_support::{Ended, Workdir, assert_shown, repository, skip};
use octo_tests::{recipe_text, rl_steps};
use serde_json::Value;

/// The tiny recipe, with its RL stages' prompt and reward replaced.
fn recipe(workdir: &Workdir, prompt: &str, reward: &str) {
    let tiny = recipe_text("tiny.toml");
    let (plugins, stages) = tiny.split_once("[stages.corpus]").expect("stages");
    let mut text =
        format!("{plugins}overlong = {{ plugin = \"reward_overlong\", config = {{ buffer = 4 }} }}\n[stages.corpus]");
    text += stages;
    text = text.replace("prompt = \"Question: {problem}\\nAnswer:\"", prompt).replace("reward = \"reward\"", reward);
    workdir.write("r.toml", text);
}

const EXAMPLES: &str = "{\"question\": \"2 + 2\", \"answer\": 4, \"working\": \"Two and two are \\\\boxed{4}.\"}\n\
                        {\"question\": \"3 + 4\", \"answer\": 7, \"working\": \"\\\\boxed{7}\"}\n";
const FEW_SHOT: &str = "template = \"templates/t.jinja\"\nfew_shot = { file = \"examples.jsonl\", by_epoch = [1, 0], map = { problem = \
                        \"question\", reference = \"answer\", solution = \"working\" } }\nmax_prompt_tokens = 200";
const TEMPLATE: &str = "{% for example in examples %}\nQ: {{ example.problem }}\nA: {{ example.solution }}\n{% endfor %}\nQ: {{ problem }}\nA:\n";

fn few_shot(reward: &str) -> Workdir {
    let workdir = Workdir::new();
    workdir.write("templates/t.jinja", TEMPLATE);
    workdir.write("examples.jsonl", EXAMPLES);
    recipe(&workdir, FEW_SHOT, reward);
    workdir
}

#[test]
fn a_run_with_a_template_and_two_rewards_draws_a_curve_of_every_part() {
    let workdir = few_shot("reward = [\"reward\", { role = \"overlong\", weight = 0.5 }]");
    workdir.run(&["run", "r.toml"]).exits_with(0);
    let steps = rl_steps(&workdir, "runs/tiny", "rl-short");
    assert_eq!(steps.len(), 6);
    for step in &steps {
        let part = |name: &str| step["reward_parts"][name].as_f64().unwrap_or_else(|| panic!("no {name}: {step}"));
        let total = part("reward.outcome") + 0.5 * part("overlong.overlong");
        assert!((step["reward"].as_f64().expect("a mean") - total).abs() < 1e-9, "{step}");
    }
    // The schedule's limit of the step is what the penalty measures by: cut off at 8 tokens is cut off.
    assert!(steps.iter().any(|step| step["reward_parts"]["overlong.overlong"].as_f64() < Some(0.0)), "{steps:?}");
    let report = workdir.read("runs/tiny/report.html");
    for words in ["Reward parts of rl-short", "overlong.overlong"] {
        assert!(report.contains(words), "the report lacks {words:?}");
    }
    let lock: Value = serde_json::from_str(&workdir.read("runs/tiny/run.lock.json")).expect("JSON");
    let slots = &lock["stages"]["rl-short"]["plugins"];
    assert_eq!((&slots["reward.0"], &slots["reward.1"]), (&Value::from("reward"), &Value::from("overlong")));

    // The template's text and the examples are part of the stage's key; where they lie is not.
    workdir.run(&["run", "r.toml"]).exits_with(0).stderr_has("8 stages, 8 done already");
    workdir.write("templates/t.jinja", TEMPLATE.replace("Q:", "Question:"));
    let ended = workdir.run(&["run", "r.toml", "--dry-run"]).exits_with(0);
    let state = |ended: &Ended, stage: &str| {
        let row = ended.stdout.lines().find(|line| line.starts_with(stage)).expect("a row").to_owned();
        row.contains("done")
    };
    assert!(state(&ended, "base ") && !state(&ended, "rl-base") && !state(&ended, "eval-short"), "{}", ended.stdout);
    workdir.write("templates/t.jinja", TEMPLATE);
    workdir.write("examples.jsonl", EXAMPLES.replace("Two and two", "2 and 2"));
    let ended = workdir.run(&["run", "r.toml", "--dry-run"]).exits_with(0);
    assert!(!state(&ended, "rl-base"), "{}", ended.stdout);

    // And the prompts can be looked at, by epoch and with their length in tokens.
    let shown = workdir.run(&["prompt", "r.toml", "rl-short", "--rows", "1..3"]).exits_with(0);
    assert_eq!(shown.stdout.matches("Q: 2 + 2\nA: 2 and 2 are \\boxed{4}.\nQ: ").count(), 2, "{}", shown.stdout);
    assert!(shown.stdout.starts_with("row 1, ") && shown.stdout.contains(" tokens\n"), "{}", shown.stdout);
    let later = workdir.run(&["prompt", "r.toml", "rl-short", "--epoch", "7"]).exits_with(0);
    assert!(!later.stdout.contains("Q: 2 + 2\n"), "{}", later.stdout);
    assert_shown!(workdir.run(&["prompt", "r.toml", "rl-shrt"]), @r#"
    exit 1
    --- stderr
    error: the recipe has no stage "rl-shrt"; did you mean "rl-short"?
    "#);
    assert_shown!(workdir.run(&["prompt", "r.toml", "corpus"]), @r#"
    exit 1
    --- stderr
    error: stage "corpus" is of kind generate, which asks no prompts
    "#);
    assert_shown!(workdir.run(&["prompt", "r.toml", "rl-short", "--rows", "3"]), @"
    exit 2
    --- stderr
    error: invalid value '3' for '--rows <FROM..TO>': expected FROM..TO, as in 0..3

    For more information, try '--help'.
    ");
    // The tokenizer was trained here and has no chat template.
    workdir.write("examples.jsonl", EXAMPLES);
    let chat = ["prompt", "r.toml", "eval-short", "--set", "eval-short.template=chat"];
    let examples = ["--set", "eval-short.few_shot={ file = \"examples.jsonl\", by_epoch = [] }"];
    assert_shown!(workdir.run(&[&chat[..], &examples].concat()), @r#"
    exit 1
    --- stderr
    error: template = "chat": [folder]/runs/.store/rl-[key]/model has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); a base model has none, so name a template file
    "#);
}

#[test]
fn rewards_given_again_on_the_command_line_add_up() {
    let workdir = few_shot("reward = \"reward\"");
    let twice = ["--plugin", "reward=reward_outcome", "--plugin", "reward=reward_repetition:0.25"];
    let ended = workdir.run(&[&["run", "r.toml", "--dry-run"], &twice[..]].concat()).exits_with(0);
    for words in ["plugin reward_outcome = reward_outcome", "plugin reward_repetition = reward_repetition"] {
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
    }
    // Weights are part of the key, and so are names: they are the names of the parts.
    let key = |ended: &Ended| {
        let row = ended.stdout.lines().find(|line| line.starts_with("rl-base")).expect("a row").to_owned();
        row.split_whitespace().find(|word| word.len() == 24).expect("a key").to_owned()
    };
    let other = ["--plugin", "reward=reward_outcome", "--plugin", "reward=reward_repetition:0.5"];
    let other = workdir.run(&[&["run", "r.toml", "--dry-run"], &other[..]].concat()).exits_with(0);
    assert_ne!(key(&ended), key(&other));
    assert_shown!(workdir.run(&["run", "r.toml", "--plugin", "verifier=a", "--plugin", "verifier=b"]), @r#"
    exit 1
    --- stderr
    error: --plugin verifier: only rewards add up and have weights; stage "rl-base" has "verifier" as verifier
    "#);
}

#[test]
fn rewards_and_prompts_that_make_no_sense_are_refused_by_line_and_key() {
    let refused = |prompt: &str, reward: &str| {
        let workdir = Workdir::new();
        recipe(&workdir, prompt, reward);
        workdir.run(&["run", "r.toml", "--dry-run"])
    };
    let prompt = r#"prompt = "{problem}""#;
    let reward = r#"reward = "reward""#;
    assert_shown!(refused(prompt, "reward = [\"reward\", { rol = \"overlong\" }]"), @r#"
    exit 1
    --- stderr
    error: r.toml:65: stages.rl-base.reward[1].rol: unknown key; did you mean "role"?
    "#);
    assert_shown!(refused(prompt, "reward = [{ role = \"overlong\", wieght = 1 }]"), @r#"
    exit 1
    --- stderr
    error: r.toml:65: stages.rl-base.reward[0].wieght: unknown key; did you mean "weight"?
    "#);
    assert_shown!(refused(prompt, "reward = [\"reward\", \"overlogn\"]"), @r#"
    exit 1
    --- stderr
    error: r.toml:65: stages.rl-base.reward: [plugins] has no role "overlogn"; did you mean "overlong"?
    "#);
    assert_shown!(refused(prompt, "reward = [\"reward\", \"reward\"]"), @r#"
    exit 1
    --- stderr
    error: r.toml:65: stages.rl-base.reward: the role "reward" is there twice; give it one weight
    "#);
    assert_shown!(refused(prompt, "reward = []"), @"
    exit 1
    --- stderr
    error: r.toml:65: stages.rl-base.reward: is an empty list; name at least one role
    ");
    assert_shown!(refused(prompt, "reward = [{ role = \"reward\", weight = \"much\" }]"), @r#"
    exit 1
    --- stderr
    error: r.toml:65: stages.rl-base.reward[0].weight: invalid type: string "much", expected a number
    "#);
    assert_shown!(refused("", reward), @"
    exit 1
    --- stderr
    error: r.toml:58: stages.rl-base: needs `prompt` or `template`
    ");
    assert_shown!(refused("prompt = \"{problem}\"\nsystem = \"Be brief.\"", reward), @r#"
    exit 1
    --- stderr
    error: r.toml:68: stages.rl-base.system: belongs to a template; set `template` to a file or to "chat"
    "#);
    assert_shown!(refused("prompt = \"{problem}\"\ntemplate = \"t.jinja\"", reward), @"
    exit 1
    --- stderr
    error: r.toml:67: stages.rl-base.prompt: the template file says it all; put it there
    ");
    assert_shown!(refused("template = \"none.jinja\"", reward), @"
    exit 1
    --- stderr
    error: r.toml:67: stages.rl-base.template
      because: could not read the template
      because: cannot open none.jinja: No such file or directory (os error 2)
    ");
    assert_shown!(refused("template = \"chat\"\nfew_shot = { file = \"none.jsonl\", by_epoch = [1] }", reward), @"
    exit 1
    --- stderr
    error: r.toml:68: stages.rl-base.few_shot.file
      because: cannot open none.jsonl: No such file or directory (os error 2)
    ");
    assert_shown!(refused("template = \"chat\"\nfew_shot = { file = \"x\", by_epoch = 1 }", reward), @"
    exit 1
    --- stderr
    error: r.toml:68: stages.rl-base.few_shot.by_epoch: invalid type: integer `1`, expected a list
    ");
    assert_shown!(refused("template = \"chat\"\nfew_shot = { fil = \"x\" }", reward), @r#"
    exit 1
    --- stderr
    error: r.toml:68: stages.rl-base.few_shot.fil: unknown key; did you mean "file"?
    "#);
}

#[test]
fn the_chat_template_of_a_real_model_is_used() {
    let model = repository().join(".octo/smollm2");
    if !model.join("tokenizer.json").is_file() {
        return skip(&format!("{} is not there; `make smollm2` fetches it", model.display()));
    }
    let workdir = Workdir::new();
    workdir.write("p.jsonl", "{\"problem\": \"1 + 1\", \"reference\": \"2\"}\n");
    let model = model.canonicalize().expect("a folder");
    workdir.write(
        "r.toml",
        format!(
            "[plugins]\nv = \"verifier_math\"\n[stages.e]\nkind = \"eval\"\nmodel = \"{}\"\nproblems = \"p.jsonl\"\nverifier = \"v\"\n\
             template = \"chat\"\nsystem = \"Be brief.\"\nprompt = \"{{problem}} = ?\"\nmax_response_tokens = 4\n",
            model.display()
        ),
    );
    let ended = workdir.run(&["prompt", "r.toml", "e"]).exits_with(0);
    let expected =
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1 + 1 = ?<|im_end|>\n<|im_start|>assistant\n";
    assert!(ended.stdout.contains(expected) && ended.stdout.contains(" tokens\n"), "{}", ended.stdout);
}
