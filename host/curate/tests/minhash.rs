//! Deduplication against datatrove 0.10.1: normal form, words, and every file of its stages 1 to 3, byte for byte. The
//! files in `minhash/` are made by `minhash/golden.py`, which says how. And against the labels of real pages.

use octo_curate::deduplicate::{
    Exact, Keep, Near, Run, Settings, Share, Words, clusters, deduplicate, normal_form, pairs, signatures,
};
use octo_curate::extract::{Body, PageLimits, Records, page};
use octo_data::jsonl::read_documents;
use octo_test_support::shared;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/minhash").join(name)
}

fn ranks() -> Vec<PathBuf> {
    (0..3).map(|rank| golden(&format!("documents-{rank}.jsonl"))).collect()
}

#[test]
fn normal_forms_and_words_are_those_of_datatrove_and_spacy() {
    let expected = std::fs::read_to_string(golden("words.jsonl")).expect("reads");
    let mut expected = expected.lines();
    let mut texts = 0;
    for path in ranks() {
        for document in read_documents(&path).expect("opens") {
            let text = document.expect("a document").text;
            let (normal, words): (String, Vec<String>) =
                serde_json::from_str(expected.next().expect("as many")).expect("a line");
            assert_eq!(normal_form(&text), normal, "{text:?}");
            assert_eq!(Words::of(&normal).iter().collect::<Vec<_>>(), words, "{text:?}");
            texts += 1;
        }
    }
    assert_eq!((texts, expected.next()), (44, None));
}

/// All files below a folder that datatrove writes too: their sizes and digests.
fn files(folder: &Path) -> BTreeMap<String, (u64, String)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).expect("lists") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(folder).expect("below it").to_string_lossy().into_owned();
            let datatroves = [".sig", ".dups", ".remove", ".clusters", ".sizes"];
            if path.is_dir() {
                waiting.push(path);
            } else if datatroves.iter().any(|ending| name.ends_with(ending)) {
                let digest = octo_data::digest::of_file(&path).expect("reads").replace("sha256:", "");
                found.insert(name, (path.metadata().expect("is there").len(), digest));
            }
        }
    }
    found
}

#[test]
fn signatures_pairs_and_clusters_are_datatroves_byte_for_byte() {
    let expected = std::fs::read(golden("golden.json")).expect("reads");
    let expected: BTreeMap<String, BTreeMap<String, (u64, String)>> = serde_json::from_slice(&expected).expect("files");
    let settings = [
        ("default", Near::DATATROVE),
        ("paper", Near::PAPER),
        ("default-32", Near { precision: 32, ..Near::DATATROVE }),
    ];
    assert_eq!(expected.len(), settings.len());
    for (name, near) in settings {
        let out = tempfile::tempdir().expect("a folder");
        let settings = Settings { exact: Exact::Off, near: Some(near), keep: Keep::Datatrove, skip_bad_lines: false };
        let stop = AtomicBool::new(false);
        let run = Run { inputs: &ranks(), out: out.path(), settings, stop: &stop, progress: &|_| {} };
        signatures(&run, Share::ALL).expect("runs");
        pairs(&run, Share::ALL).expect("runs");
        clusters(&run).expect("runs");
        assert_eq!(files(&out.path().join("work")), expected[name], "{name}");
    }
}

/// The pages of one archive after the other, by record, as files of documents.
fn pages(folder: &Path, into: &Path) -> Vec<PathBuf> {
    let mut archives: Vec<_> = std::fs::read_dir(folder)
        .expect("lists")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pages-")))
        .collect();
    archives.sort();
    let one = |(number, path): (usize, &PathBuf)| {
        let mut lines = String::new();
        for record in Records::open(path, PageLimits::default()).expect("opens") {
            let Ok(found) = record.page else { continue };
            let Body::Html(html) = &found.body else { continue };
            let Ok(extracted) = page(html, found.charset.as_deref()) else { continue };
            let id = found.record.clone().expect("records have names");
            lines.push_str(&format!("{}\n", serde_json::json!({ "id": id, "text": extracted.text })));
        }
        let path = into.join(format!("{number}.jsonl"));
        std::fs::write(&path, lines).expect("writes");
        path
    };
    archives.iter().enumerate().map(one).collect()
}

#[test]
fn near_duplicates_among_real_pages_are_found() {
    let Some(web) = shared("data/web") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = pages(&web, folder.path());
    let truth = std::fs::read_to_string(web.join("truth.jsonl")).expect("reads");
    let rows: Vec<Value> = truth.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let text = |row: &Value, key: &str| row[key].as_str().map(str::to_owned);
    let pairs = |key: &str| -> BTreeSet<(String, String)> {
        let of = |row: &Value| Some(ordered(text(row, "record_id")?, text(row, key)?));
        rows.iter().filter_map(of).collect()
    };
    let labelled = pairs("near_duplicate_of_record");
    // Either verdict on them is fair, or a person would give none.
    let unlabelled = &pairs("template_similar_to_record") | &pairs("distant_revision_of_record");
    let mut found = BTreeMap::new();
    for (name, near) in [("default", Near::DATATROVE), ("paper", Near::PAPER)] {
        let out = folder.path().join(name);
        let settings = Settings { near: Some(near), ..Settings::default() };
        let stop = AtomicBool::new(false);
        deduplicate(&Run { inputs: &inputs, out: &out, settings, stop: &stop, progress: &|_| {} }).expect("runs");
        let mut clusters: HashMap<String, Vec<String>> = HashMap::new();
        let mut heads = HashMap::new();
        for document in read_documents(&out.join("dropped.jsonl.zst")).expect("opens") {
            let document = document.expect("a document");
            clusters.entry(document.fields["cluster"].clone()).or_default().push(document.id);
            heads.insert(document.fields["cluster"].clone(), document.fields["duplicate_of"].clone());
        }
        let (mut right, mut wrong) = (BTreeSet::new(), BTreeSet::new());
        for (cluster, mut members) in clusters {
            members.push(heads[&cluster].clone());
            for (at, one) in members.iter().enumerate() {
                for other in &members[..at] {
                    let pair = ordered(one.clone(), other.clone());
                    let connected = |pair: &(String, String)| {
                        // Two pages that are labelled with a third are labelled with each other.
                        let partners = |of: &String| -> BTreeSet<String> {
                            let other = |(a, b): &(String, String)| {
                                if a == of {
                                    Some(b.clone())
                                } else if b == of {
                                    Some(a.clone())
                                } else {
                                    None
                                }
                            };
                            labelled.iter().filter_map(other).collect()
                        };
                        !partners(&pair.0).is_disjoint(&partners(&pair.1))
                    };
                    if labelled.contains(&pair) || connected(&pair) {
                        right.insert(pair);
                    } else if !unlabelled.contains(&pair) {
                        wrong.insert(pair);
                    }
                }
            }
        }
        let recalled = labelled.intersection(&right).count();
        println!(
            "{name}: {recalled} of {} labelled pairs, {} pairs without a label: {wrong:?}",
            labelled.len(),
            wrong.len()
        );
        found.insert(name, (recalled, wrong.len()));
    }
    println!("{found:?}");
}

fn ordered(one: String, other: String) -> (String, String) {
    if one < other { (one, other) } else { (other, one) }
}
