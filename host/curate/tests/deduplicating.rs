//! Deduplication over files of our own: what stays and what goes, the same for any order, shard and number of threads, and
//! after a stop. `minhash.rs` compares with datatrove.

use octo_curate::deduplicate::{
    DeduplicateError, Exact, Keep, Near, Run, Settings, clusters, deduplicate, finish, pairs, removal, signatures,
};
use octo_curate::{DROPPED, KEPT, STATISTICS, Statistics};
use octo_data::jsonl::read_documents;
use octo_data::record::Document;
use octo_record::layout::CLUSTERS;
use octo_record::{ClusterSizes, DuplicateClusters};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

static NEVER: AtomicBool = AtomicBool::new(false);

/// A text of 40 words, of which `changed` are others: with none changed its copies are exact.
fn essay(number: usize, changed: usize) -> String {
    let word = |at: usize| {
        if at < changed { format!("other{at}{}", at * 7 + changed) } else { format!("w{}x", letters(number * 40 + at)) }
    };
    (0..40).map(word).collect::<Vec<_>>().join(" ")
}

/// A number as letters: digits would all be the same.
fn letters(mut number: usize) -> String {
    let mut text = String::new();
    loop {
        text.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
        if number == 0 {
            return text;
        }
    }
}

fn write(folder: &Path, name: &str, documents: &[(&str, String)]) -> PathBuf {
    let lines: Vec<String> = documents
        .iter()
        .map(|(id, text)| serde_json::json!({ "id": id, "text": text, "year": 2020 }).to_string())
        .collect();
    let path = folder.join(name);
    std::fs::write(&path, lines.join("\n")).expect("writes");
    path
}

fn corpus(folder: &Path) -> Vec<PathBuf> {
    let grown = format!("{} and some more words at its end", essay(1, 0));
    vec![
        write(
            folder,
            "a.jsonl",
            &[("a1", essay(1, 0)), ("a2", essay(2, 0)), ("a3", "short".into()), ("a4", essay(3, 1))],
        ),
        write(folder, "b.jsonl", &[("b1", essay(2, 0)), ("b2", grown), ("b3", essay(4, 0)), ("b4", "short".into())]),
        write(
            folder,
            "c.jsonl",
            &[("c1", essay(3, 0)), ("c2", essay(2, 0)), ("c3", essay(5, 30)), ("c4", String::new())],
        ),
    ]
}

fn run(inputs: &[PathBuf], out: &Path, settings: Settings) -> Result<Statistics, DeduplicateError> {
    deduplicate(&Run { inputs, out, settings, stop: &NEVER, progress: &|_| {} })
}

fn documents(path: &Path) -> Vec<Document> {
    read_documents(path).expect("opens").map(|document| document.expect("a document")).collect()
}

fn ids(path: &Path) -> Vec<String> {
    documents(path).into_iter().map(|document| document.id).collect()
}

fn outputs(out: &Path) -> Vec<Vec<u8>> {
    [KEPT, DROPPED, STATISTICS, CLUSTERS].iter().map(|name| std::fs::read(out.join(name)).expect(name)).collect()
}

#[test]
fn one_document_of_each_cluster_stays_and_the_others_say_of_which_they_are_copies() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = corpus(folder.path());
    let out = folder.path().join("out");
    let statistics = run(&inputs, &out, Settings::default()).expect("runs");
    assert_eq!(ids(&out.join(KEPT)), ["a2", "a3", "a4", "b2", "b3", "c3", "c4"]);
    let dropped: Vec<[String; 6]> = documents(&out.join(DROPPED))
        .into_iter()
        .map(|mut document| {
            let mut field = |name: &str| document.fields.remove(name).unwrap_or_default();
            let fields = ["cluster", "cluster_size", "duplicate_of", "dropped_by", "reason"].map(&mut field);
            let [cluster, size, of, by, reason] = fields;
            [document.id, cluster, size, of, by, reason]
        })
        .collect();
    let line = |id: &str, cluster: &str, size: &str, of: &str, reason: &str| {
        [id, cluster, size, of, "deduplicate", reason].map(str::to_owned)
    };
    // Of c1 and a4 the longer one stays; of alike ones, the first.
    assert_eq!(
        dropped,
        [
            line("a1", "0", "2", "b2", "near-duplicate"),
            line("b1", "1", "3", "a2", "exact-duplicate"),
            line("b4", "2", "2", "a3", "exact-duplicate"),
            line("c1", "3", "2", "a4", "near-duplicate"),
            line("c2", "1", "3", "a2", "exact-duplicate"),
        ]
    );
    assert_eq!((statistics.total.read, statistics.total.kept, statistics.total.dropped), (12, 7, 5));
    assert_eq!(statistics.years["2020"].dropped, 5);
    let filter = &statistics.filters[0];
    assert_eq!((filter.filter.as_str(), filter.seen, filter.kept), ("deduplicate", 12, 7));
    assert_eq!((filter.dropped["exact-duplicate"], filter.dropped["near-duplicate"]), (3, 2));
    let written = std::fs::read(out.join(STATISTICS)).expect("reads");
    assert_eq!(serde_json::from_slice::<Statistics>(&written).expect("statistics"), statistics);

    let report = std::fs::read(out.join(CLUSTERS)).expect("reads");
    let report: DuplicateClusters = serde_json::from_slice(&report).expect("a report");
    assert_eq!((report.documents, report.clusters, report.clustered), (12, 4, 9));
    assert_eq!((report.exact_duplicates, report.near_duplicates), (3, 2));
    let sizes = |size, clusters| ClusterSizes { from: size, to: size, clusters, documents: size * clusters };
    assert_eq!(report.sizes, [sizes(2, 3), sizes(3, 1)]);
    let shown: Vec<(u64, Vec<&str>)> = report
        .largest
        .iter()
        .map(|cluster| (cluster.cluster, cluster.documents.iter().map(|document| document.id.as_str()).collect()))
        .collect();
    assert_eq!(
        shown,
        [(1, vec!["a2", "b1", "c2"]), (0, vec!["b2", "a1"]), (2, vec!["a3", "b4"]), (3, vec!["a4", "c1"])]
    );
    assert_eq!(report.largest[0].documents[0].beginning, essay(2, 0).chars().take(200).collect::<String>());
    assert!(!out.join("work").exists());
}

#[test]
fn exact_copies_are_what_the_setting_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let texts = ["Solve it.", "solve  IT", " Solve it.\n", "Solve it."];
    let documents: Vec<(&str, String)> = ["1", "2", "3", "4"].into_iter().zip(texts.map(str::to_owned)).collect();
    let inputs = [write(folder.path(), "d.jsonl", &documents)];
    let expected = [
        (Exact::Text, vec!["1", "2", "3"]),
        (Exact::WhiteSpace, vec!["1", "2"]),
        (Exact::NormalForm, vec!["1"]),
        (Exact::Off, vec!["1", "2", "3", "4"]),
    ];
    for (exact, kept) in expected {
        let settings = Settings { exact, keep: Keep::First, ..Settings::default() };
        let out = folder.path().join(format!("{exact:?}"));
        run(&inputs, &out, settings).expect("runs");
        assert_eq!(ids(&out.join(KEPT)), kept, "{exact:?}");
    }
}

#[test]
fn the_longest_stays_whatever_the_order_and_the_first_is_the_first_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = corpus(folder.path());
    let kept = |order: [usize; 3], keep: Keep| {
        let inputs = order.map(|place| inputs[place].clone());
        let out = folder.path().join(format!("{order:?}{keep:?}"));
        run(&inputs, &out, Settings { keep, ..Settings::default() }).expect("runs");
        let kept = documents(&out.join(KEPT));
        assert_eq!(kept.len(), 7);
        kept.into_iter().map(|document| (document.text, document.id)).collect::<Vec<_>>()
    };
    let texts = |kept: Vec<(String, String)>| kept.into_iter().map(|(text, _)| text).collect::<BTreeSet<_>>();
    let first = texts(kept([0, 1, 2], Keep::Longest));
    for order in [[0, 2, 1], [1, 0, 2], [2, 1, 0]] {
        assert_eq!(texts(kept(order, Keep::Longest)), first, "{order:?}");
    }
    let ids = |kept: Vec<(String, String)>| kept.into_iter().map(|(_, id)| id).collect::<Vec<_>>();
    assert_eq!(ids(kept([0, 1, 2], Keep::First)), ["a1", "a2", "a3", "a4", "b3", "c3", "c4"]);
    assert_eq!(ids(kept([2, 1, 0], Keep::First)), ["c1", "c2", "c3", "c4", "b2", "b3", "b4"]);
}

#[test]
fn shards_and_threads_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = corpus(folder.path());
    let whole = folder.path().join("whole");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(7).build().expect("threads");
    pool.install(|| run(&inputs, &whole, Settings::default())).expect("runs");

    let out = folder.path().join("shared");
    let shared = Run { inputs: &inputs, out: &out, settings: Settings::default(), stop: &NEVER, progress: &|_| {} };
    let shards = [2, 0, 1].map(|index| format!("{index}/3").parse().ok());
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    one.install(|| {
        shards.iter().for_each(|shard| signatures(&shared, *shard).expect("runs"));
        shards.iter().for_each(|shard| pairs(&shared, *shard).expect("runs"));
        clusters(&shared).expect("runs");
        shards.iter().for_each(|shard| removal(&shared, *shard).expect("runs"));
        finish(&shared).expect("runs");
    });
    assert_eq!(outputs(&out), outputs(&whole));
}

#[test]
fn a_phase_waits_for_all_shards_of_the_one_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = corpus(folder.path());
    let out = folder.path().join("out");
    let shared = Run { inputs: &inputs, out: &out, settings: Settings::default(), stop: &NEVER, progress: &|_| {} };
    signatures(&shared, "0/2".parse().ok()).expect("runs");
    let error = pairs(&shared, None).expect_err("one input is missing").to_string();
    let expected = "1 of 3 units of \"signatures\" are not done, first FILE; run their shards before the next phase";
    assert_eq!(error.replace(&inputs[1].display().to_string(), "FILE"), expected);
}

#[test]
fn a_run_that_was_stopped_resumes_and_does_no_unit_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = corpus(folder.path());
    let whole = folder.path().join("whole");
    run(&inputs, &whole, Settings::default()).expect("runs");

    let out = folder.path().join("out");
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let file = out.join("work/signatures/bucket_013/00000.minhash.sig");
    let mut inodes = BTreeSet::new();
    // Each call is stopped when a phase has gone on, so that all phases are stopped within.
    let mut stopped = 0;
    for documents in [4, 8, 12] {
        for phase in ["signatures", "removal"] {
            let stop = AtomicBool::new(false);
            let progress = |at: octo_curate::deduplicate::Progress| {
                if at.phase == phase && at.documents >= documents {
                    stop.store(true, Ordering::Relaxed);
                }
            };
            let run =
                Run { inputs: &inputs, out: &out, settings: Settings::default(), stop: &stop, progress: &progress };
            match one.install(|| deduplicate(&run)) {
                Err(DeduplicateError::Stopped) => stopped += 1,
                Err(error) => panic!("{error}"),
                Ok(_) => {}
            }
            if let Ok(details) = std::fs::metadata(&file) {
                inodes.insert(details.ino());
            }
            assert!(out.join(STATISTICS).exists() || out.join("work").exists());
        }
    }
    run(&inputs, &out, Settings::default()).expect("runs");
    assert!(stopped >= 3, "{stopped}");
    assert_eq!(inodes.len(), 1, "the signatures of the first input were made once");
    assert_eq!(outputs(&out), outputs(&whole));
}

#[test]
fn other_settings_and_other_inputs_are_not_taken_for_what_was_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut inputs = corpus(folder.path());
    let out = folder.path().join("out");
    let with = |inputs: &[PathBuf], settings: Settings| {
        let work = Run { inputs, out: &out, settings, stop: &NEVER, progress: &|_| {} };
        signatures(&work, None)
            .and_then(|()| pairs(&work, None))
            .and_then(|()| clusters(&work))
            .and_then(|()| removal(&work, None))
            .expect("runs");
    };
    with(&inputs, Settings::default());
    let paper = Settings { near: Some(Near::PAPER), keep: Keep::First, ..Settings::default() };
    with(&inputs, paper);
    write(folder.path(), "c.jsonl", &[("c9", essay(9, 0))]);
    inputs.swap(0, 1);
    run(&inputs, &out, paper).expect("runs");
    let fresh = folder.path().join("fresh");
    run(&inputs, &fresh, paper).expect("runs");
    assert_eq!(outputs(&out), outputs(&fresh));
    assert_eq!(ids(&out.join(KEPT)), ["b1", "b2", "b3", "b4", "a4", "c9"]);
}

#[test]
fn a_file_that_changes_between_phases_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = corpus(folder.path());
    let out = folder.path().join("out");
    let work = Run { inputs: &inputs, out: &out, settings: Settings::default(), stop: &NEVER, progress: &|_| {} };
    signatures(&work, None).expect("runs");
    pairs(&work, None).expect("runs");
    clusters(&work).expect("runs");
    write(folder.path(), "b.jsonl", &[("b1", essay(9, 0))]);
    let error = removal(&work, None).expect_err("b.jsonl is another file").to_string();
    let expected = format!("{} has changed since its signatures were made; run the stage again", inputs[1].display());
    assert_eq!(error, expected);
}

#[test]
fn bad_lines_end_the_run_or_are_counted_and_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.jsonl");
    let line = |text: &str| serde_json::json!({ "text": text }).to_string();
    std::fs::write(&path, [line("one"), "{\"text\": 3".into(), line("one"), "[]".into()].join("\n")).expect("writes");
    let inputs = [path.clone()];
    let out = folder.path().join("out");
    let error = run(&inputs, &out, Settings::default()).expect_err("line 2 is not JSON").to_string();
    assert!(error.starts_with(&format!("{}, line 2: ", path.display())), "{error}");
    assert!(!out.join(KEPT).exists());
    let settings = Settings { skip_bad_lines: true, ..Settings::default() };
    let statistics = run(&inputs, &out, settings).expect("runs");
    assert_eq!((statistics.bad_lines, statistics.total.read, statistics.total.kept), (2, 2, 1));
    assert_eq!(ids(&out.join(KEPT)), ["bad.jsonl:1"]);
    std::fs::write(&path, "").expect("writes");
    let error = run(&inputs, &out, settings).expect_err("nothing to read").to_string();
    assert_eq!(error, format!("{}: has no rows; an empty file is not an input", path.display()));
}
