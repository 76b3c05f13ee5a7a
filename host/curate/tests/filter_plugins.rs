//! The pipeline with real filter plugins: what they decide is what the shards say.

use octo_curate::{DEAD_LETTER, DROPPED, KEPT, Statistics, curate};
use octo_data::jsonl::{JsonlWriter, read_documents};
use octo_data::record::Document;
use octo_plugin::{DataFilter, Host, Limits};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

const PAGE: &str = "The harbour was built when the town had no more than forty houses and one church.\n\
    Boats came in with the morning tide, and the people of the hill carried salt down to meet them.\n\
    Nobody could have said which of the two paid for the long wall that still stands there today.\n\
    It has been mended with stone from three quarries, and you can see the seams where they meet.\n";

fn heuristics(config: Value, limits: &Limits) -> DataFilter {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins/filter_heuristics.wasm");
    assert!(path.exists(), "{} is missing: run `make plugins` first", path.display());
    let loaded = Host::new().unwrap().load(&path, &config, limits).unwrap();
    loaded.into_filter().unwrap()
}

/// Good pages, and between them short ones, repetitive ones and very long ones.
fn write_corpus(folder: &Path) -> PathBuf {
    let path = folder.join("web.jsonl.zst");
    let mut writer = JsonlWriter::create(&path).unwrap();
    for number in 0..1500 {
        let (kind, text) = match number % 10 {
            3 => ("short", "A page that is over already.".to_string()),
            6 => ("repetitive", "Buy the best of boats and have them with you.\n".repeat(30)),
            9 => ("long", (0..40).map(|part| PAGE.replace("the", &format!("the {part}"))).collect()),
            _ => ("good", format!("{PAGE}That was page {number} of the book.\n")),
        };
        let fields = BTreeMap::from([("kind".to_string(), kind.to_string())]);
        let id = format!("page-{number}");
        writer.write(&Document { id, text, source: "web".into(), fields, ..Document::default() }).unwrap();
    }
    writer.finish().unwrap();
    path
}

fn run(filters: &[(String, &DataFilter)], input: PathBuf, out: &Path) -> Statistics {
    curate(&[input], filters, out, &AtomicBool::new(false), &|_, _| {}).unwrap()
}

fn documents(out: &Path, shard: &str) -> Vec<Document> {
    read_documents(&out.join(shard)).unwrap().map(|found| found.unwrap()).collect()
}

fn kinds(documents: &[Document]) -> BTreeMap<&str, usize> {
    let mut kinds = BTreeMap::new();
    for document in documents {
        *kinds.entry(document.fields["kind"].as_str()).or_insert(0) += 1;
    }
    kinds
}

#[test]
fn pages_are_kept_annotated_and_dropped_as_the_plugins_say() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let limits = Limits::default();
    let quality = heuristics(json!({ "quality_field": "quality" }), &limits);
    let lengths = heuristics(json!({ "max_words": 500 }), &limits);
    let filters = [("quality".to_string(), &quality), ("lengths".to_string(), &lengths)];
    let statistics = run(&filters, write_corpus(folder.path()), &out);

    let (kept, dropped) = (documents(&out, KEPT), documents(&out, DROPPED));
    assert_eq!(kinds(&kept), BTreeMap::from([("good", 1050)]));
    assert!(kept.iter().all(|page| page.fields["quality"].parse::<f64>().is_ok()));
    assert_eq!(kinds(&dropped), BTreeMap::from([("short", 150), ("repetitive", 150), ("long", 150)]));
    assert_eq!(documents(&out, DEAD_LETTER), []);
    for page in &dropped {
        let by = match page.fields["kind"].as_str() {
            "short" => ("quality", "too-few-words"),
            "repetitive" => ("quality", "repetitive"),
            _ => match page.fields["dropped_by"].as_str() {
                // A long page of parts that are alike may be repetitive before it is long.
                "quality" => ("quality", "repetitive"),
                _ => ("lengths", "too-long"),
            },
        };
        assert_eq!((page.fields["dropped_by"].as_str(), page.fields["reason"].as_str()), by, "{}", page.id);
    }
    assert_eq!((statistics.total.read, statistics.total.kept, statistics.total.dropped), (1500, 1050, 450));
    assert_eq!(statistics.filters[0].dropped["too-few-words"], 150);
}

#[test]
fn a_page_that_uses_up_its_fuel_goes_to_the_dead_letters_alone() {
    let folder = tempfile::tempdir().unwrap();
    let input = write_corpus(folder.path());
    let (generous, tight) = (folder.path().join("generous"), folder.path().join("tight"));
    let all = heuristics(json!({}), &Limits::default());
    run(&[("web-filter".to_string(), &all)], input.clone(), &generous);
    let limits = Limits { fuel_per_item: FUEL_FOR_A_PAGE, ..Limits::default() };
    let limited = heuristics(json!({}), &limits);
    let statistics = run(&[("web-filter".to_string(), &limited)], input, &tight);

    let dead = documents(&tight, DEAD_LETTER);
    assert_eq!(kinds(&dead), BTreeMap::from([("long", 150)]));
    for page in &dead {
        assert_eq!((page.fields["failed_in"].as_str(), page.fields["failure"].as_str()), ("web-filter", "fuel"));
        assert!(page.fields["message"].contains("fuel_per_item"), "{}", page.fields["message"]);
    }
    assert_eq!(statistics.filters[0].failed, BTreeMap::from([("fuel".to_string(), 150)]));
    assert_eq!(statistics.total.failed, 150);
    // Its neighbours fare as if it had not been there.
    let others = |out: &Path, shard: &str| -> Vec<Document> {
        documents(out, shard).into_iter().filter(|page| page.fields["kind"] != "long").collect()
    };
    assert_eq!(others(&tight, KEPT), others(&generous, KEPT));
    assert_eq!(others(&tight, DROPPED), others(&generous, DROPPED));
}

/// Between what the short pages of the corpus need and what the long ones need.
const FUEL_FOR_A_PAGE: u64 = 3_000_000;
