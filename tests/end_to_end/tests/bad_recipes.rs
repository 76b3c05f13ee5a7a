//! Every recipe that cannot run ends with one clear error that names the place, exit code 1, and nothing written.

use octo_test_support::{Ended, Workdir, assert_shown};

/// Runs a recipe, which must not begin a stage.
#[track_caller]
fn refused(recipe: &str) -> Ended {
    let workdir = Workdir::new();
    workdir.write("r.toml", recipe);
    let ended = workdir.run(&["run", "r.toml"]);
    let begun = std::fs::read_dir(workdir.path("runs/.store")).map(|entries| entries.count()).unwrap_or(0);
    assert_eq!(begun, 0, "a refused recipe must not begin a stage");
    ended
}

#[test]
fn a_missing_recipe_is_named() {
    let workdir = Workdir::new();
    assert_shown!(workdir.run(&["run", "none.toml"]), @"
    exit 1
    --- stderr
    error: could not read the recipe
      because: cannot open none.toml: No such file or directory (os error 2)
    ");
}

#[test]
fn broken_toml_shows_the_line() {
    assert_shown!(refused("name = \"x\"\n[stages\n"), @"
    exit 1
    --- stderr
    error: r.toml is not valid TOML
    TOML parse error at line 2, column 8
      |
    2 | [stages
      |        ^
    unclosed table, expected `]`
    ");
}

#[test]
fn an_unknown_key_of_the_recipe_suggests_the_nearest() {
    assert_shown!(refused("sed = 3\n[stages.a]\nkind = \"generate\"\n"), @r#"
    exit 1
    --- stderr
    error: r.toml:1: sed: unknown key; did you mean "seed"?
    "#);
}

#[test]
fn an_unknown_key_of_a_stage_names_its_line_and_the_nearest() {
    let recipe = "[stages.t]\nkind = \"tokenizer\"\ndocuments = \"x.jsonl\"\nvocabulry = 300\nvocabulary = 300\n";
    assert_shown!(refused(recipe), @r#"
    exit 1
    --- stderr
    error: r.toml:4: stages.t.vocabulry: unknown key; did you mean "vocabulary"?
    "#);
}

#[test]
fn an_unknown_key_of_a_loop_suggests_the_nearest() {
    let recipe = "[plugins]\nm = \"mixture_static\"\n[stages.a]\nkind = \"midtrain\"\ninitial = \"x\"\nmixture = \"m\"\nsources = { s = \"x\" }\nlearning_rat = 0.1\n";
    assert_shown!(refused(recipe), @r#"
    exit 1
    --- stderr
    error: r.toml:8: stages.a.learning_rat: unknown key; did you mean "learning_rate"?
    "#);
}

#[test]
fn an_unknown_kind_suggests_the_nearest() {
    assert_shown!(refused("[stages.a]\nkind = \"midtrian\"\n"), @r#"
    exit 1
    --- stderr
    error: r.toml:2: stages.a.kind: there is no kind "midtrian" of stage; did you mean "midtrain"?
    "#);
}

#[test]
fn a_loop_that_cannot_work_is_refused_before_anything_runs() {
    let rl = |keys: &str| {
        format!(
            "[plugins]\nv = \"verifier_math\"\nr = \"reward_outcome\"\ns = \"schedule_staircase\"\n[stages.a]\nkind = \"rl\"\n\
             model = \"x\"\nproblems = \"x\"\nverifier = \"v\"\nreward = \"r\"\nschedule = \"s\"\nprompt = \"{{problem}}\"\n{keys}\n"
        )
    };
    assert_shown!(refused(&rl("algorithm = \"ppo\"")), @"
    exit 1
    --- stderr
    error: r.toml:13: stages.a.algorithm: unknown variant `ppo`, expected one of `grpo`, `dr-grpo`, `dapo`, `gspo`, `rloo`, `reinforce-plus-plus`, `cispo`
    ");
    assert_shown!(refused(&rl("algorithm = \"rloo\"\nadvantage = \"grpo\"")), @"
    exit 1
    --- stderr
    error: r.toml:5: stages.a: config key `advantage`: this `algorithm` has advantages of its own; leave the key out
    ");
    assert_shown!(refused(&rl("alarms = { failure_share = 3.0 }")), @"
    exit 1
    --- stderr
    error: r.toml:5: stages.a: config key `alarms.failure_share`: 3 is not between 0 and 1
    ");
    assert_shown!(refused(&rl("held_out = { \"a b\" = \"x\" }")), @r#"
    exit 1
    --- stderr
    error: r.toml:13: stages.a.held_out: a set's name is made of letters, digits, '-' and '_', and "a b" is not
    "#);
    assert_shown!(refused(&rl("held_out = {}")), @"
    exit 1
    --- stderr
    error: r.toml:13: stages.a.held_out: names no set; leave the key out to evaluate on none
    ");
}

#[test]
fn a_missing_key_is_named() {
    assert_shown!(refused("[stages.t]\nkind = \"tokenizer\"\ndocuments = \"x\"\n"), @"
    exit 1
    --- stderr
    error: r.toml:1: stages.t: the key `vocabulary` is missing
    ");
}

#[test]
fn a_recipe_without_stages_is_refused() {
    assert_shown!(refused("name = \"x\"\n"), @"
    exit 1
    --- stderr
    error: r.toml: the recipe has no stages; add at least one [stages.NAME] table with a `kind`
    ");
}

#[test]
fn a_cycle_is_shown_stage_by_stage() {
    let recipe = "[stages.a]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"@b/x\"\n[stages.b]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"@a/x\"\n";
    assert_shown!(refused(recipe), @"
    exit 1
    --- stderr
    error: the stages form a cycle: a -> b -> a; a stage can't be its own input
    ");
}

#[test]
fn an_input_of_no_stage_suggests_the_nearest() {
    let recipe = "[stages.corpus]\nkind = \"generate\"\n[stages.b]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"@corpos/x\"\n";
    assert_shown!(refused(recipe), @r#"
    exit 1
    --- stderr
    error: stage "b": documents.0 refers to @corpos, but there is no stage "corpos"; did you mean "corpus"?
    "#);
}

#[test]
fn a_missing_file_is_named_with_its_stage() {
    let recipe = "[stages.t]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"none.jsonl\"\n";
    assert_shown!(refused(recipe), @r#"
    exit 1
    --- stderr
    error: no such file or folder:
      stage "t" needs documents.0 = none.jsonl
    "#);
}

#[test]
fn a_role_without_a_plugin_suggests_the_nearest() {
    let recipe = "[plugins]\npage-filter = \"filter_heuristics\"\n[stages.c]\nkind = \"curate\"\ninputs = \"x\"\nfilters = \"page-filtr\"\n";
    assert_shown!(refused(recipe), @r#"
    exit 1
    --- stderr
    error: r.toml:6: stages.c.filters: [plugins] has no role "page-filtr"; did you mean "page-filter"?
    "#);
}

#[test]
fn a_plugin_of_another_kind_is_refused_before_anything_runs() {
    let workdir = Workdir::new();
    workdir.write("x.jsonl", "{\"text\": \"a\"}\n");
    workdir.write(
        "r.toml",
        "[plugins]\nf = \"verifier_math\"\n[stages.c]\nkind = \"curate\"\ninputs = \"x.jsonl\"\nfilters = \"f\"\n",
    );
    assert_shown!(workdir.run(&["run", "r.toml"]), @r#"
    exit 1
    --- stderr
    error: plugin role "f": stage "c" wants a filter plugin for `filters`, but [plugins]/verifier_math.wasm is a verifier plugin
    "#);
}

#[test]
fn a_plugins_config_is_checked_before_anything_runs() {
    let recipe = "[plugins]\nf = { plugin = \"filter_heuristics\", config = { nonsense = 3 } }\n[stages.c]\nkind = \"curate\"\ninputs = \"r.toml\"\nfilters = \"f\"\n";
    assert_shown!(refused(recipe), @r#"
    exit 1
    --- stderr
    error: plugin role "f" ([plugins]/filter_heuristics.wasm)
      because: config of plugin filter_heuristics: unknown key `nonsense`; it takes boilerplate_line_bytes, boilerplate_markers, drop_curly_brackets, drop_lorem_ipsum, line_end_punctuation, max_boilerplate_line_share, max_bullet_line_share, max_characters, max_duplicate_line_character_share, max_duplicate_line_share, max_duplicate_paragraph_character_share, max_duplicate_paragraph_share, max_duplicate_phrase_shares, max_ellipsis_line_share, max_line_break_share, max_mean_word_length, max_short_line_share, max_symbol_share, max_top_phrase_shares, max_word_characters
    "#);
}

#[test]
fn a_plugin_that_is_not_wasm_is_refused() {
    let workdir = Workdir::new();
    workdir.write("p.wasm", "not wasm");
    workdir.write(
        "r.toml",
        "[plugins]\nf = \"./p.wasm\"\n[stages.c]\nkind = \"curate\"\ninputs = \"r.toml\"\nfilters = \"f\"\n",
    );
    assert_shown!(workdir.run(&["run", "r.toml"]), @r#"
    exit 1
    --- stderr
    error: plugin role "f" (./p.wasm)
      because: plugin p: not WebAssembly; name the .wasm file that `octo-host plugin build` wrote
    "#);
}

#[test]
fn set_and_plugin_overrides_are_checked() {
    let workdir = Workdir::new();
    workdir.write(
        "r.toml",
        "[plugins]\nf = \"filter_heuristics\"\n[stages.c]\nkind = \"curate\"\ninputs = \"r.toml\"\nfilters = \"f\"\n",
    );
    assert_shown!(workdir.run(&["run", "r.toml", "--set", "seeed=1"]), @r#"
    exit 1
    --- stderr
    error: --set seeed: the recipe has no key or stage "seeed"; did you mean "seed"?
    "#);
    assert_shown!(workdir.run(&["run", "r.toml", "--set", "seed"]), @r#"
    exit 1
    --- stderr
    error: --set "seed" has no '='; write KEY=VALUE, such as --set seed=3
    "#);
    assert_shown!(workdir.run(&["run", "r.toml", "--plugin", "g=x"]), @r#"
    exit 1
    --- stderr
    error: --plugin g: the recipe has no such role; did you mean "f"?
    "#);
}

#[test]
fn a_truncated_shard_fails_its_stage_and_leaves_no_output() {
    let workdir = Workdir::new();
    // A zstd frame with one block, which is not its last, and nothing after it: the first row reads well.
    let row = b"{\"text\": \"a\"}\n";
    let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, (row.len() << 3) as u8, 0, 0], &row[..]].concat();
    workdir.write("x.jsonl.zst", frame);
    workdir.write("r.toml", "[stages.t]\nkind = \"tokenizer\"\nvocabulary = 300\ndocuments = \"x.jsonl.zst\"\n");
    assert_shown!(workdir.run(&["run", "r.toml"]), @r#"
    exit 1
    --- stderr
    r: 1 stage, 0 done already
    t: failed
    error: stage "t" failed
      because: x.jsonl.zst: is cut short after line 1: its compressed data has no end. Write or copy it again
    "#);
    let done: Vec<_> = std::fs::read_dir(workdir.path("runs/.store"))
        .expect("the store was made")
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .filter(|name| !name.ends_with(".partial") && !name.ends_with(".lock") && name != ".linking")
        .collect();
    assert_eq!(done, Vec::<String>::new());
}
