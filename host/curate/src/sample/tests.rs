use super::*;
use crate::{DROPPED, KEPT};
use octo_data::jsonl::{JsonlWriter, read_documents};
use octo_record::layout::{DEAD_LETTER, EXAMPLES, STATISTICS};
use serde_json::json;
use std::collections::BTreeSet;

/// So many documents of three years and of none, in so many files.
fn corpus(folder: &Path, count: usize, files: usize) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = (0..files).map(|file| folder.join(format!("{files}-{file}.jsonl"))).collect();
    for (file, path) in paths.iter().enumerate() {
        let mut writer = JsonlWriter::create(path).unwrap();
        // Another order in each way of cutting.
        for number in (0..count).filter(|number| number % files == file) {
            let mut line =
                json!({ "url": format!("http://example.org/{number}"), "text": format!("text {}", number % 7) });
            if number % 10 > 0 {
                line["year"] = json!(if number % 10 < 8 { 2014 } else { 2000 + number % 10 });
            }
            writer.write(&line).unwrap();
        }
        writer.finish().unwrap();
    }
    paths
}

fn take(inputs: &[PathBuf], quota: Quota, seed: u64, out: &Path, unit_bytes: u64) -> Statistics {
    let mut options = Options::default();
    options.units.key = Some("key".into());
    options.units.unit_bytes = Some(unit_bytes);
    sample(inputs, &quota, seed, out, &options, &AtomicBool::new(false), &|_, _| {}).unwrap()
}

fn urls(path: &Path) -> BTreeSet<String> {
    read_documents(path).unwrap().map(|document| document.unwrap().url.unwrap()).collect()
}

const EVEN: Quota = Quota { amount: Amount::Documents(400), spread: Spread::Even, per_year: None, years: None };

#[test]
fn the_same_documents_are_taken_however_the_corpus_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let run = |files: usize, unit_bytes: u64, seed: u64| {
        let out = folder.path().join(format!("out-{files}-{unit_bytes}-{seed}"));
        let statistics = take(&corpus(folder.path(), 5000, files), EVEN, seed, &out, unit_bytes);
        let taken: Vec<(String, u64)> =
            statistics.years.iter().map(|(year, counts)| (year.clone(), counts.kept)).collect();
        (taken, urls(&out.join(KEPT)), out)
    };
    let (taken, one, out) = run(1, 1 << 20, 7);
    let expected = [("(none)", 100), ("2008", 100), ("2009", 100), ("2014", 100)].map(|(year, n)| (year.to_owned(), n));
    assert_eq!(taken, expected);
    for (files, unit_bytes) in [(1, 10_000), (3, 1 << 20), (7, 5_000)] {
        assert_eq!(run(files, unit_bytes, 7).1, one, "{files} files");
    }
    // Another seed takes others: of 2014 about 3 in a hundred are the same.
    let other = run(1, 1 << 20, 8).1;
    assert!(other.len() == 400 && other.intersection(&one).count() < 150);
    let files: BTreeSet<String> =
        std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let expected = [DEAD_LETTER, DROPPED, EXAMPLES, KEPT, SAMPLE, STATISTICS];
    assert_eq!(files, expected.map(str::to_owned).into());
    let sample: Sample = serde_json::from_slice(&std::fs::read(out.join(SAMPLE)).unwrap()).unwrap();
    assert_eq!(sample.years[3].documents, 3500);
    let dropped = read_documents(&out.join(DROPPED)).unwrap().next().unwrap().unwrap();
    assert_eq!(dropped.fields["reason"], NOT_SAMPLED);
}

#[test]
fn a_larger_sample_has_all_of_a_smaller_one() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = corpus(folder.path(), 2000, 1);
    let run = |documents: u64| {
        let out = folder.path().join(format!("out-{documents}"));
        take(&inputs, Quota { amount: Amount::Documents(documents), ..EVEN }, 7, &out, 1 << 20);
        urls(&out.join(KEPT))
    };
    let (small, large, all) = (run(100), run(500), run(5000));
    assert_eq!((small.len(), large.len(), all.len()), (100, 500, 2000));
    assert!(small.is_subset(&large) && large.is_subset(&all));
}

#[test]
fn copies_are_taken_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let mut writer = JsonlWriter::create(&path).unwrap();
    for number in 0..30 {
        writer.write(&json!({ "id": number, "text": format!("text {}", number / 3), "year": 2014 })).unwrap();
    }
    writer.finish().unwrap();
    let out = folder.path().join("out");
    let statistics = take(&[path], Quota { amount: Amount::Documents(10), ..EVEN }, 7, &out, 1 << 20);
    assert_eq!(statistics.total.kept, 12);
}
