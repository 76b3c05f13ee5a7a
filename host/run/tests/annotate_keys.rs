//! What an `annotate` stage reads, what it refuses, and what of it decides its results.

use octo_run::kind::keys_of;
use octo_run::recipe::stage::CommonKeys;
use octo_run::{Kinds, recipe};
use serde_json::Value;

const LEAST: &str = "inputs = \"d.jsonl\"\nannotator = \"a\"\n";
const ENDPOINT: &str = "endpoint = { url = \"http://127.0.0.1:8080/v1\", model = \"m\" }\n";

/// The content of the one stage, or the error without the recipe's folder.
fn read(table: &str) -> Result<Value, String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("d.jsonl"), "{\"text\":\"x\"}\n").expect("written");
    let file = folder.path().join("r.toml");
    let text = format!("[plugins]\na = \"a\"\n[stages.score]\nkind = \"annotate\"\n{table}");
    std::fs::write(&file, text).expect("written");
    let read = recipe::load(&file, &[], &[], &Kinds::new(octo_run::kinds::all()));
    let folder = format!("{}/", folder.path().display());
    read.map(|recipe| recipe.stages[0].config.clone()).map_err(|error| format!("{error:#}").replace(&folder, ""))
}

#[test]
fn where_the_model_is_and_what_it_may_cost_decide_nothing_and_what_is_asked_does() {
    let content = |more: &str, endpoint: &str| {
        let endpoint = format!("endpoint = {{ {endpoint} }}\n");
        read(&format!("{LEAST}{more}{endpoint}")).expect("reads")
    };
    let least = content("", "url = \"http://127.0.0.1:8080/v1\", model = \"m\"");
    for other in [
        "url = \"https://api.example.org/v1\", model = \"m\", api_key_env = \"KEY\"",
        "url = \"http://127.0.0.1:8080/v1\", model = \"m\", concurrency = 99, retries = 1, timeout = 0.5",
        "url = \"http://127.0.0.1:8080/v1\", model = \"m\", price_in = 1.0, budget = { money = 3.0, calls = 2, tokens = 9 }",
        "url = \"http://127.0.0.1:8080/v1\", model = \"m\", requests_per_minute = 60, tokens_per_minute = 1000",
    ] {
        assert_eq!(content("", other), least, "{other}");
    }
    assert_eq!(content("answers = \"kept\"\nexpected_documents = 5\n", "url = \"http://h\", model = \"m\""), least);
    let all = "url = \"http://127.0.0.1:8080/v1\", model = \"m\"";
    for more in [
        "sampling = { temperature = 0.7 }\n",
        "sampling = { max_tokens = 5 }\n",
        "sampling = { seed = 5 }\n",
        "sampling = { extra = { top_k = 5 } }\n",
        "ask_again = 2\n",
        "skip_bad_lines = true\n",
    ] {
        assert_ne!(content(more, all), least, "{more}");
    }
    assert_ne!(content("", "url = \"http://127.0.0.1:8080/v1\", model = \"n\""), least);
    assert!(!least.to_string().contains("127.0.0.1"), "{least}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (table, words) in [
        (LEAST.to_owned(), "r.toml:3: stages.score: a stage that annotates needs `endpoint` or `model_folder`"),
        (
            format!("{LEAST}{ENDPOINT}model_folder = \"m\"\n"),
            "r.toml:8: stages.score.model_folder: `endpoint` and `model_folder` exclude each other; give one",
        ),
        (
            format!("{LEAST}endpoint = {{ url = \"localhost:1\", model = \"m\" }}\n"),
            "r.toml:7: stages.score.endpoint.url: has no `http://` or `https://` before it",
        ),
        (
            format!("{LEAST}endpoint = {{ url = \"http://h\", model = \"m\", timeout = 0 }}\n"),
            "r.toml:7: stages.score.endpoint.timeout: is 0; give seconds, more than 0 and at most 604800",
        ),
        (
            format!("{LEAST}endpoint = {{ url = \"http://h\", model = \" \" }}\n"),
            "r.toml:7: stages.score.endpoint.model: is empty; give the name that the server knows the model by",
        ),
        (
            format!("{LEAST}endpoint = {{ url = \"http://h\", model = \"m\", concurrency = 5000 }}\n"),
            "r.toml:7: stages.score.endpoint.concurrency: is 5000; give a number from 1 to 1024",
        ),
        (
            format!("{LEAST}endpoint = {{ url = \"http://h\", model = \"m\", budget = {{ money = 1.0 }} }}\n"),
            "r.toml:7: stages.score.endpoint.budget.money: needs `price_in` or `price_out`, else nothing costs anything",
        ),
        (
            format!("{LEAST}endpoint = {{ url = \"http://h\", model = \"m\", price_in = -1.0 }}\n"),
            "r.toml:7: stages.score.endpoint.price_in: is -1; a price is 0 or more",
        ),
        (
            format!("{LEAST}{ENDPOINT}sampling = {{ top_p = 0.0 }}\n"),
            "r.toml:8: stages.score.sampling.top_p: is 0; it is over 0 and up to 1",
        ),
        (
            format!("{LEAST}{ENDPOINT}sampling = {{ extra = {{ model = \"n\" }} }}\n"),
            "r.toml:8: stages.score.sampling.extra: \"model\" is the stage's own",
        ),
        (
            format!("{LEAST}model_folder = \"m\"\nengine = {{ batch = 0 }}\n"),
            "r.toml:8: stages.score.engine.batch: must be at least 1",
        ),
        (
            format!("{LEAST}endpoint = {{ url = \"http://h\", model = \"m\", api_key = \"sk\" }}\n"),
            "r.toml:7: stages.score.endpoint.api_key: unknown key; known here: api_key_env, budget, \
             concurrency, connect_timeout, first_wait, give_up_after, largest_reply, longest_wait, model, price_in, price_out, proxy, \
             requests_per_minute, retries, timeout, tokens_per_minute, url",
        ),
    ] {
        assert_eq!(read(&table).expect_err(words), words);
    }
}

#[test]
fn a_kind_given_again_takes_the_place_of_the_first() {
    let kinds = Kinds::new(octo_run::kinds::all());
    let before = kinds.iter().count();
    let own = octo_run::Kind::of::<octo_run::kinds::annotate::Annotate>();
    let kinds = kinds.with(vec![own]);
    assert_eq!(kinds.iter().count(), before);
    assert_eq!(kinds.find("annotate").expect("there").keys().len(), 1);
    assert!(keys_of::<CommonKeys>().get("properties").is_some());
}
