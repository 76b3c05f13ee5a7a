//! What a `deduplicate` stage reads of a recipe, and what it refuses.

use octo_run::{Kinds, kinds, recipe};
use serde_json::{Value, json};

fn load(keys: &str) -> Result<Value, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("r.toml");
    std::fs::write(&file, format!("[stages.d]\nkind = \"deduplicate\"\ninputs = \"x\"\n{keys}")).expect("writes");
    match recipe::load(&file, &[], &[], &Kinds::new(kinds::all())) {
        Ok(recipe) => Ok(recipe.stages[0].work.content()),
        Err(error) => Err(format!("{error:#}").replace(&format!("{}/", folder.path().display()), "")),
    }
}

#[test]
fn without_keys_a_stage_has_datatroves_numbers() {
    let near = json!({ "buckets": 14, "hashes": 8, "words": 5, "precision": 64, "seed": 1 });
    let expected = json!({ "exact": "text", "near": near, "keep": "longest", "skip_bad_lines": false });
    assert_eq!(load(""), Ok(expected));
}

#[test]
fn keys_change_the_preset_that_they_name() {
    let near = json!({ "buckets": 11, "hashes": 12, "words": 13, "precision": 32, "seed": 7 });
    let expected = json!({ "exact": "normal-form", "near": near, "keep": "datatrove", "skip_bad_lines": true });
    let keys = "near = \"paper\"\nhashes = 12\nwords = 13\nprecision = 32\nhash_seed = 7\nexact = \"normal-form\"\nkeep = \"datatrove\"\nskip_bad_lines = true\n";
    assert_eq!(load(keys), Ok(expected));
    let expected = json!({ "exact": "white-space", "near": null, "keep": "first", "skip_bad_lines": false });
    assert_eq!(load("near = \"off\"\nexact = \"white-space\"\nkeep = \"first\"\n"), Ok(expected));
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let refused = [
        ("buckets = 0\n", "r.toml:4: stages.d.buckets: is 0; give a number from 1 to 999"),
        ("hashes = 65\n", "r.toml:4: stages.d.hashes: is 65; give a number from 1 to 64"),
        ("words = 0\n", "r.toml:4: stages.d.words: is 0; give a number from 1 to 100"),
        ("precision = 16\n", "r.toml:4: stages.d.precision: is 16; give 32 or 64"),
        (
            "near = \"off\"\nhashes = 9\n",
            "r.toml:5: stages.d.hashes: is of near-duplicates, and `near` is \"off\"; leave it out, or give `near` a preset",
        ),
        (
            "near = \"off\"\nexact = \"off\"\n",
            "r.toml:5: stages.d.exact: `near` is \"off\" too, so the stage has nothing to look for; leave one of them out",
        ),
    ];
    for (keys, message) in refused {
        assert_eq!(load(keys), Err(message.to_owned()));
    }
}
