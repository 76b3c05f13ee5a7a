//! The tables of the kinds that train: what they read, what they refuse, and what decides their keys.

use std::path::Path;

use octo_run::recipe::{self, Recipe};

const PLUGINS: &str = "[plugins]\nv = \"verifier_math\"\nr = \"reward_outcome\"\no = \"reward_overlong\"\ns = \"schedule_staircase\"\nm = \"mixture_static\"\n";
const RL: &str = "[stages.a]\nkind = \"rl\"\nmodel = \"model\"\nproblems = { path = \"p.jsonl\", map = { problem = \"q\", reference = \"a\" }, rows = \"0..8\" }\n\
    verifier = \"v\"\nreward = \"r\"\nschedule = \"s\"\nprompt = \"{problem}\"\n";
const EVAL: &str = "[stages.a]\nkind = \"eval\"\nmodel = \"model\"\nproblems = \"p.jsonl\"\nverifier = \"v\"\nprompt = \"{problem}\"\nmax_response_tokens = 8\n";
const MIDTRAIN: &str = "[stages.a]\nkind = \"midtrain\"\ninitial = \"model\"\nsources = { web = [\"w.jsonl\", \"x.jsonl\"], qa = \"q.jsonl\" }\nmixture = \"m\"\n\
    tokens = 1000\ncontext = 10\nsequences_per_step = 2\nlearning_rate = 1e-3\n";

fn read(stage: &str, set: &[&str]) -> anyhow::Result<Recipe> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("r.toml");
    std::fs::write(&file, format!("{PLUGINS}{stage}"))?;
    let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
    recipe::load(&file, &set, &[], &octo_trainer::all_kinds())
}

#[track_caller]
fn refused(stage: &str, set: &[&str], words: &str) {
    let error = match read(stage, set) {
        Ok(_) => panic!("{set:?} was read"),
        Err(error) => format!("{error:#}"),
    };
    assert!(error.contains(words), "{set:?}\n{error}");
}

#[test]
fn each_kind_reads_its_inputs_and_roles_in_a_fixed_order() {
    for (stage, inputs, roles) in [
        (RL, &["model", "problems"][..], &["verifier", "reward", "schedule"][..]),
        (EVAL, &["model", "problems"], &["verifier"]),
        (MIDTRAIN, &["initial", "sources.web.0", "sources.web.1", "sources.qa.0"], &["mixture"]),
    ] {
        let recipe = read(stage, &[]).expect("reads");
        let slots: Vec<&str> = recipe.stages[0].inputs.iter().map(|(slot, _)| slot.as_str()).collect();
        let found: Vec<&str> = recipe.stages[0].plugins.iter().map(|plugin| plugin.slot).collect();
        assert_eq!((slots.as_slice(), found.as_slice()), (inputs, roles));
    }
}

#[test]
fn what_was_read_is_in_the_content_and_alarms_are_not() {
    let recipe = read(RL, &["a.alarms.stop=[\"failures\"]", "a.steps=7"]).expect("reads");
    let content = &recipe.stages[0].config;
    assert_eq!(content["problems"]["map"][1], serde_json::json!(["reference", "a"]));
    assert_eq!(content["problems"]["rows"], serde_json::json!([0, 8]));
    assert_eq!((&content["loop"]["steps"], content["loop"].get("alarms")), (&7.into(), None));
    assert!(content["rewards"].is_null(), "one role's name is not part of the content");
    let sum = read(RL, &["a.reward=[\"r\", { role = \"o\", weight = 0.5 }]"]).expect("reads");
    assert_eq!(sum.stages[0].config["rewards"], serde_json::json!([["r", 1.0], ["o", 0.5]]));
    let recipe = read(MIDTRAIN, &[]).expect("reads");
    assert_eq!(recipe.stages[0].config["sources"], serde_json::json!(["web", "qa"]));
}

#[test]
fn named_sets_of_held_out_problems_are_inputs_of_their_own() {
    let recipe = read(RL, &["a.held_out={ easy = \"e.jsonl\", hard = { path = \"h.jsonl\", rows = \"0..4\" } }"]);
    let recipe = recipe.expect("reads");
    assert!(recipe.stages[0].input("held_out.easy").is_some() && recipe.stages[0].input("held_out.hard").is_some());
    assert_eq!(recipe.stages[0].config["held_out"]["hard"]["rows"], serde_json::json!([0, 4]));
}

#[test]
fn mistakes_are_named_with_their_key() {
    for (stage, set, words) in [
        (RL, "a.held_out={}", "stages.a.held_out: names no set"),
        (RL, "a.held_out={ \"a b\" = \"x\" }", "a set's name is made of letters"),
        (
            RL,
            "a.held_out={ hard = { path = \"x\", row = \"0..2\" } }",
            "stages.a.held_out.hard.row: unknown key; did you mean \"rows\"?",
        ),
        (RL, "a.problems={ path = \"x\", mapp = {} }", "stages.a.problems.mapp: unknown key; did you mean \"map\"?"),
        (
            RL,
            "a.reward=[\"r\", { role = \"o\", wieght = 1 }]",
            "stages.a.reward[1].wieght: unknown key; did you mean \"weight\"?",
        ),
        (RL, "a.reward=[]", "stages.a.reward: is an empty list; name at least one role"),
        (RL, "a.reward=[\"r\", \"r\"]", "the role \"r\" is there twice"),
        (RL, "a.reward=[{ role = \"r\", weight = nan }]", "it must be finite"),
        (RL, "a.verifier=vv", "[plugins] has no role \"vv\"; did you mean \"v\"?"),
        (RL, "a.algorithm=ppo", "--set a.algorithm: stages.a.algorithm: unknown variant `ppo`"),
        (RL, "a.rollouts_per_prompt=1", "stages.a"),
        (
            RL,
            "a.alarms={ failure_shar = 0.1 }",
            "stages.a.alarms.failure_shar: unknown key; did you mean \"failure_share\"?",
        ),
        (EVAL, "a.few_shot={ file = \"x\", by_epoch = [1] }", "belongs to a template"),
        (EVAL, "a.max_response_token=3", "did you mean \"max_response_tokens\"?"),
        (MIDTRAIN, "a.architecture={ hidden_size = 3 }", "the key `intermediate_size` is missing"),
        (MIDTRAIN, "a.tokenizer=x", "`initial` brings its own tokenizer"),
        (MIDTRAIN, "a.sources={ web = [] }", "stages.a.sources.web: is an empty list"),
        (MIDTRAIN, "a.learning_rat=1", "did you mean \"learning_rate\"?"),
    ] {
        refused(stage, &[set], words);
    }
}

#[test]
fn only_rewards_add_up_and_have_weights() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("r.toml");
    std::fs::write(&file, format!("{PLUGINS}{RL}")).expect("written");
    for flags in [&["v=a", "v=b"][..], &["v=a:0.5"], &["v=v:0.5"]] {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let error = match recipe::load(&file, &[], &flags, &octo_trainer::all_kinds()) {
            Ok(_) => panic!("{flags:?} was read"),
            Err(error) => format!("{error:#}"),
        };
        assert!(error.contains("--plugin v: only rewards add up and have weights"), "{flags:?}: {error}");
    }
}

#[test]
fn a_rate_that_is_not_one_is_refused_when_the_recipe_is_read() {
    refused(MIDTRAIN, &["a.learning_rate=-1.0"], "learning_rate");
    refused(MIDTRAIN, &["a.context=0"], "context");
}

#[test]
fn a_branch_from_a_checkpoint_that_will_not_be_kept_is_refused_by_the_plan() {
    let recipe = read(MIDTRAIN, &["a.keep_every=20"]).expect("reads");
    let work = &recipe.stages[0].work;
    assert!(work.will_have("a", "checkpoints/step-000020").is_ok());
    assert!(work.will_have("a", "model").is_ok());
    let reason = work.will_have("a", "checkpoints/step-000030").expect_err("not kept");
    assert!(reason.contains("keeps none of step 30 for good"), "{reason}");
}

/// A recipe that was resolved is a recipe, with the same stages: a run folder's copy can be run.
#[test]
fn what_every_recipe_resolves_to_reads_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut found = 0;
    for entry in std::fs::read_dir(recipes).expect("recipes") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let set = |name: &str| format!("plugins.unused-{name}=\"x\"");
        let kinds = octo_trainer::all_kinds();
        let Ok(recipe) = recipe::load(&path, &[set("a")], &[], &kinds) else {
            // Those of the paper's models need variables that name folders.
            let text = std::fs::read_to_string(&path).expect("reads");
            assert!(text.contains("${OCTO_"), "{} is not read", path.display());
            continue;
        };
        let copy = folder.path().join("copy.toml");
        std::fs::write(&copy, &recipe.resolved).expect("written");
        let again = recipe::load(&copy, &[], &[], &kinds).expect("a resolved recipe reads");
        for (stage, copied) in recipe.stages.iter().zip(&again.stages) {
            assert_eq!((&stage.name, &stage.config, stage.seed), (&copied.name, &copied.config, copied.seed));
        }
        assert_eq!(recipe.stages.len(), again.stages.len());
        found += 1;
    }
    assert!(found >= 3, "{found} recipes");
}
