//! Every recipe that can't run ends with one clear error that names the place, exit code 1, and nothing written.

use octo_tests::{Bench, Said};

fn run(recipe: &str) -> (Bench, Said) {
    let bench = Bench::new();
    bench.write("r.toml", recipe);
    let said = bench.run(&["run", "r.toml"]);
    (bench, said)
}

/// Exit code 1, the words on stderr, and no stage begun.
#[track_caller]
fn refused(recipe: &str, words: &[&str]) {
    let (bench, said) = run(recipe);
    let mut said = said.code(1);
    for word in words {
        said = said.says(word);
    }
    let store = bench.path("runs/.store");
    let begun = std::fs::read_dir(store).map(|entries| entries.count()).unwrap_or(0);
    assert_eq!(begun, 0, "a refused recipe must not begin a stage");
}

#[test]
fn a_missing_recipe_is_named() {
    let bench = Bench::new();
    bench.run(&["run", "none.toml"]).code(1).says("could not read the recipe none.toml");
}

#[test]
fn broken_toml_shows_the_line() {
    refused("name = \"x\"\n[stages\n", &["r.toml is not valid TOML", "line 2"]);
}

#[test]
fn an_unknown_key_of_the_recipe_suggests_the_nearest() {
    refused("sed = 3\n[stages.a]\nkind = \"generate\"\n", &["r.toml:1: sed", "did you mean \"seed\"?"]);
}

#[test]
fn an_unknown_key_of_a_stage_names_its_line_and_the_nearest() {
    let recipe = "[stages.t]\nkind = \"tokenizer\"\ndocuments = \"x.jsonl\"\nvocabulry = 300\nvocabulary = 300\n";
    refused(recipe, &["r.toml:4: stages.t.vocabulry", "did you mean \"vocabulary\"?"]);
}

#[test]
fn an_unknown_key_of_a_loop_suggests_the_nearest() {
    let recipe = "[plugins]\nm = \"mixture_static\"\n[stages.a]\nkind = \"midtrain\"\ninitial = \"x\"\nmixture = \"m\"\nsources = { s = \"x\" }\nlearning_rat = 0.1\n";
    refused(recipe, &["r.toml:8: stages.a.learning_rat", "did you mean \"learning_rate\"?"]);
}

#[test]
fn an_unknown_kind_suggests_the_nearest() {
    refused("[stages.a]\nkind = \"midtrian\"\n", &["r.toml:2", "did you mean \"midtrain\"?"]);
}

#[test]
fn a_loop_that_cannot_work_is_refused_before_anything_runs() {
    let rl = |keys: &str| {
        format!(
            "[plugins]\nv = \"verifier_math\"\nr = \"reward_outcome\"\ns = \"schedule_staircase\"\n[stages.a]\nkind = \"rl\"\n\
             model = \"x\"\nproblems = \"x\"\nverifier = \"v\"\nreward = \"r\"\nschedule = \"s\"\nprompt = \"{{problem}}\"\n{keys}\n"
        )
    };
    refused(&rl("algorithm = \"ppo\""), &["stages.a.algorithm", "unknown variant `ppo`"]);
    refused(&rl("algorithm = \"rloo\"\nadvantage = \"grpo\""), &["stages.a", "`advantage`"]);
    refused(&rl("alarms = { failure_share = 3.0 }"), &["stages.a", "alarms.failure_share"]);
    refused(&rl("held_out = { \"a b\" = \"x\" }"), &["stages.a.held_out", "a set's name"]);
    refused(&rl("held_out = {}"), &["stages.a.held_out", "names no set"]);
}

#[test]
fn a_missing_key_is_named() {
    refused("[stages.t]\nkind = \"tokenizer\"\ndocuments = \"x\"\n", &["stages.t", "`vocabulary` is missing"]);
}

#[test]
fn a_recipe_without_stages_is_refused() {
    refused("name = \"x\"\n", &["has no stages"]);
}

#[test]
fn a_cycle_is_shown_stage_by_stage() {
    let recipe = "[stages.a]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"@b/x\"\n[stages.b]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"@a/x\"\n";
    refused(recipe, &["cycle: a -> b -> a"]);
}

#[test]
fn an_input_of_no_stage_suggests_the_nearest() {
    let recipe = "[stages.corpus]\nkind = \"generate\"\n[stages.b]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"@corpos/x\"\n";
    refused(recipe, &["there is no stage \"corpos\"", "did you mean \"corpus\"?"]);
}

#[test]
fn a_missing_file_is_named_with_its_stage() {
    let recipe = "[stages.t]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"none.jsonl\"\n";
    refused(recipe, &["stage \"t\" needs documents.0", "none.jsonl"]);
}

#[test]
fn a_role_without_a_plugin_suggests_the_nearest() {
    let recipe = "[plugins]\npage-filter = \"filter_heuristics\"\n[stages.c]\nkind = \"curate\"\ninputs = \"x\"\nfilters = \"page-filtr\"\n";
    refused(recipe, &["no role \"page-filtr\"", "did you mean \"page-filter\"?"]);
}

#[test]
fn a_plugin_of_another_kind_is_refused_before_anything_runs() {
    let bench = Bench::new();
    bench.write("x.jsonl", "{\"text\": \"a\"}\n");
    bench.write(
        "r.toml",
        "[plugins]\nf = \"verifier_math\"\n[stages.c]\nkind = \"curate\"\ninputs = \"x.jsonl\"\nfilters = \"f\"\n",
    );
    bench.run(&["run", "r.toml"]).code(1).says("wants a filter plugin").says("is a verifier plugin");
}

#[test]
fn a_plugins_config_is_checked_before_anything_runs() {
    let recipe = "[plugins]\nf = { plugin = \"filter_heuristics\", config = { nonsense = 3 } }\n[stages.c]\nkind = \"curate\"\ninputs = \"r.toml\"\nfilters = \"f\"\n";
    refused(recipe, &["plugin role \"f\"", "nonsense"]);
}

#[test]
fn a_plugin_that_is_not_wasm_is_refused() {
    let bench = Bench::new();
    bench.write("p.wasm", "not wasm");
    bench.write(
        "r.toml",
        "[plugins]\nf = \"./p.wasm\"\n[stages.c]\nkind = \"curate\"\ninputs = \"r.toml\"\nfilters = \"f\"\n",
    );
    bench.run(&["run", "r.toml"]).code(1).says("plugin role \"f\"").says("p.wasm");
}

#[test]
fn set_and_plugin_overrides_are_checked() {
    let bench = Bench::new();
    bench.write(
        "r.toml",
        "[plugins]\nf = \"filter_heuristics\"\n[stages.c]\nkind = \"curate\"\ninputs = \"r.toml\"\nfilters = \"f\"\n",
    );
    bench.run(&["run", "r.toml", "--set", "seeed=1"]).code(1).says("did you mean \"seed\"?");
    bench.run(&["run", "r.toml", "--set", "seed"]).code(1).says("has no '='");
    bench.run(&["run", "r.toml", "--plugin", "g=x"]).code(1).says("no such role");
}

#[test]
fn a_truncated_shard_fails_its_stage_and_leaves_no_output() {
    let bench = Bench::new();
    // The frame header of a real zstd file, and nothing behind it.
    bench.write("x.jsonl.zst", [0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x40, 0x11]);
    bench.write("r.toml", "[stages.t]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"x.jsonl.zst\"\n");
    bench.run(&["run", "r.toml"]).code(1).says("stage \"t\" failed").says("x.jsonl.zst");
    let done: Vec<_> = std::fs::read_dir(bench.path("runs/.store"))
        .expect("the store was made")
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .filter(|name| !name.ends_with(".partial") && !name.ends_with(".lock"))
        .collect();
    assert_eq!(done, Vec::<String>::new());
}
