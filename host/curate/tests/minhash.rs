//! Deduplication against datatrove 0.10.1: normal form, words, and every file of its stages 1 to 3, byte for byte. The
//! files in `minhash/` are made by `minhash/golden.py`, which says how. And against the labels of real pages.

use octo_curate::DROPPED;
use octo_curate::datatrove::{Words, normal_form};
use octo_curate::deduplicate::{Exact, Keep, Near, Run, Settings, clusters, deduplicate, pairs, signatures};
use octo_curate::extract::{Body, PageLimits, Records, page};
use octo_data::jsonl::read_documents;
use octo_test_support::shared;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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
    assert_eq!((texts, expected.next()), (45, None));
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
        signatures(&run, None).expect("runs");
        pairs(&run, None).expect("runs");
        clusters(&run).expect("runs");
        let found = files(&out.path().join("work"));
        let names: BTreeSet<&String> = found.keys().chain(expected[name].keys()).collect();
        let other: Vec<&&String> =
            names.iter().filter(|file| found.get(**file) != expected[name].get(**file)).collect();
        assert!(other.is_empty() && found.len() > 50, "{name}: {other:?}");
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

/// A pair of pages, by their records, the lesser first.
type Pair = (String, String);

fn pair(one: &str, other: &str) -> Pair {
    let (one, other) = if one < other { (one, other) } else { (other, one) };
    (one.to_owned(), other.to_owned())
}

/// All pairs of pages in the clusters that a run left.
fn pairs_found(out: &Path) -> BTreeSet<Pair> {
    let mut clusters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for document in read_documents(&out.join(DROPPED)).expect("opens") {
        let document = document.expect("a document");
        let cluster = clusters.entry(document.fields["cluster"].clone()).or_default();
        cluster.extend([document.id, document.fields["duplicate_of"].clone()]);
    }
    let within = |cluster: &BTreeSet<String>| -> Vec<Pair> {
        cluster.iter().flat_map(|one| cluster.range(..one.clone()).map(|other| pair(one, other))).collect()
    };
    clusters.values().flat_map(within).collect()
}

/// Whether labels lead from one page of the pair to the other.
fn are_connected((one, other): &Pair, labelled: &BTreeSet<Pair>) -> bool {
    let mut reached = BTreeSet::from([one]);
    loop {
        let next = labelled.iter().filter(|(a, b)| reached.contains(a) != reached.contains(b));
        let more: Vec<&String> = next.flat_map(|(a, b)| [a, b]).collect();
        if more.is_empty() {
            return reached.contains(other);
        }
        reached.extend(more);
    }
}

#[test]
fn near_duplicates_among_real_pages_are_found_and_little_else() {
    let Some(web) = shared("data/web") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = pages(&web, folder.path());
    let truth = std::fs::read_to_string(web.join("truth.jsonl")).expect("reads");
    let rows: Vec<Value> = truth.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let labels = |key: &str| -> BTreeSet<Pair> {
        rows.iter().filter_map(|row| Some(pair(row["record_id"].as_str()?, row[key].as_str()?))).collect()
    };
    let labelled = labels("near_duplicate_of_record");
    // Either verdict on them is fair.
    let open = &labels("template_similar_to_record") | &labels("distant_revision_of_record");
    for (name, near) in [("default", Near::DATATROVE), ("paper", Near::PAPER)] {
        let out = folder.path().join(name);
        let settings = Settings { near: Some(near), ..Settings::default() };
        let stop = AtomicBool::new(false);
        deduplicate(&Run { inputs: &inputs, out: &out, settings, stop: &stop, progress: &|_| {} }).expect("runs");
        let found = pairs_found(&out);
        let missed: Vec<&Pair> = labelled.difference(&found).collect();
        let others: Vec<&Pair> =
            found.iter().filter(|pair| !open.contains(*pair) && !are_connected(pair, &labelled)).collect();
        // Of 32 pairs found, three have no label: two are pages that lie at two addresses, one is a list of names in two
        // languages.
        assert!(labelled.len() >= 23 && missed.len() <= 1 && others.len() <= 4, "{name}: {missed:?} {others:?}");
    }
}
