use super::*;
use octo_plugin::FailureKind;
use octo_plugin::types::{Field, Rewritten};
use serde_json::{Value, json};
use std::cell::RefCell;

/// A filter written in the test: any function of one document.
struct Native<D>(D);

impl<D: Fn(&Document) -> Result<Decision, Failure> + Sync> Filter for Native<D> {
    fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
        documents.iter().map(&self.0).collect()
    }
}

fn number(document: &Document) -> usize {
    document.id.parse().unwrap()
}

fn field(name: &str, value: String) -> Field {
    Field { name: name.to_string(), value }
}

/// Drops every seventh, annotates every third, rewrites every fifth.
fn first_filter(document: &Document) -> Result<Decision, Failure> {
    Ok(match number(document) {
        number if number % 7 == 0 => Decision::Drop("seventh".into()),
        number if number % 5 == 0 => Decision::Rewrite(Rewritten {
            text: document.text.to_uppercase(),
            fields: vec![field("lang", "loud".into())],
        }),
        number if number % 3 == 0 => {
            Decision::Annotate(vec![field("third", number.to_string()), field("lang", "x".into())])
        }
        _ => Decision::Keep,
    })
}

/// Fails on every eleventh and drops what the first made loud; it must see what the first left.
fn second_filter(document: &Document) -> Result<Decision, Failure> {
    let loud = document.fields.iter().any(|field| field.name == "lang" && field.value == "loud");
    match number(document) {
        number if number % 11 == 0 => {
            Err(Failure { kind: FailureKind::Trap, message: format!("unreachable at {number}") })
        }
        _ if loud => Ok(Decision::Drop("loud".into())),
        _ => Ok(Decision::Keep),
    }
}

struct Corpus {
    folder: tempfile::TempDir,
    inputs: Vec<PathBuf>,
}

/// Two files, one of them compressed, of `count` documents in all.
fn corpus(count: usize) -> Corpus {
    let folder = tempfile::tempdir().unwrap();
    let inputs = vec![folder.path().join("a.jsonl"), folder.path().join("b.jsonl.zst")];
    for (file, range) in inputs.iter().zip([0..count / 3, count / 3..count]) {
        let mut writer = JsonlWriter::create(file).unwrap();
        for number in range {
            let line = json!({
                "id": number.to_string(), "text": format!("text {number} ").repeat(number % 5 + 1),
                "source": if number % 2 == 0 { "web" } else { "" },
                "year": 2000 + number % 4, "fields": {"lang": "en"}
            });
            writer.write(&line).unwrap();
        }
        writer.finish().unwrap();
    }
    Corpus { folder, inputs }
}

fn filters() -> Vec<(String, &'static dyn Filter)> {
    vec![("first".to_string(), &Native(first_filter)), ("second".to_string(), &Native(second_filter))]
}

fn run(corpus: &Corpus, out: &str) -> (Statistics, PathBuf) {
    let out = corpus.folder.path().join(out);
    let statistics = curate(&corpus.inputs, &filters(), &out, &AtomicBool::new(false), &|_, _| {}).unwrap();
    (statistics, out)
}

fn lines(path: PathBuf) -> Vec<Value> {
    octo_data::jsonl::JsonLines::open(&path)
        .unwrap()
        .map(|line| serde_json::from_str(&line.unwrap().row.to_json_with(&[])).unwrap())
        .collect()
}

fn ids(lines: &[Value]) -> Vec<usize> {
    lines.iter().map(|line| line["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn every_document_ends_in_exactly_one_shard_in_order_as_its_filters_decided() {
    const COUNT: usize = 2500;
    let corpus = corpus(COUNT);
    let (statistics, out) = run(&corpus, "out");
    let (kept, dropped, dead) = (lines(out.join(KEPT)), lines(out.join(DROPPED)), lines(out.join(DEAD_LETTER)));
    let in_range = |wanted: &dyn Fn(usize) -> bool| (0..COUNT).filter(|number| wanted(*number)).collect::<Vec<_>>();
    assert_eq!(ids(&dead), in_range(&|n| n % 7 != 0 && n % 11 == 0));
    assert_eq!(ids(&dropped), in_range(&|n| n % 7 == 0 || (n % 5 == 0 && n % 11 != 0)));
    assert_eq!(ids(&kept), in_range(&|n| n % 7 != 0 && n % 5 != 0 && n % 11 != 0));

    let find = |lines: &[Value], id: &str| lines.iter().find(|line| line["id"] == id).unwrap().clone();
    assert_eq!(
        find(&kept, "3"),
        json!({"id": "3", "text": "text 3 ".repeat(4), "year": 2003, "fields": {"lang": "x", "third": "3"}})
    );
    assert_eq!(find(&dropped, "7")["dropped_by"], "first");
    assert_eq!(find(&dropped, "7")["reason"], "seventh");
    assert_eq!(find(&dropped, "5")["dropped_by"], "second");
    assert_eq!(find(&dropped, "5")["text"], "TEXT 5 ");
    let letter = find(&dead, "22");
    assert_eq!(
        (&letter["failed_in"], &letter["failure"], &letter["message"], &letter["text"]),
        (&json!("second"), &json!("trap"), &json!("unreachable at 22"), &json!("text 22 ".repeat(3)))
    );

    let total = statistics.total;
    assert_eq!(
        (total.read, total.kept, total.dropped, total.failed),
        (COUNT as u64, kept.len() as u64, dropped.len() as u64, dead.len() as u64)
    );
    let bytes: usize = kept.iter().map(|line| line["text"].as_str().unwrap().len()).sum();
    assert_eq!(total.text_bytes_kept, bytes as u64);
    let [first, second] = &statistics.filters[..] else { panic!() };
    assert_eq!(first.seen, COUNT as u64);
    assert_eq!(first.dropped["seventh"], in_range(&|n| n % 7 == 0).len() as u64);
    assert_eq!(first.rewritten, in_range(&|n| n % 7 != 0 && n % 5 == 0).len() as u64);
    assert_eq!(first.annotated, in_range(&|n| n % 7 != 0 && n % 5 != 0 && n % 3 == 0).len() as u64);
    assert_eq!(first.kept + first.rewritten + first.annotated, second.seen);
    assert_eq!(second.failed["trap"], dead.len() as u64);
    assert_eq!(statistics.sources["(none)"].read + statistics.sources["web"].read, COUNT as u64);
    assert_eq!(statistics.years["2001"].read, COUNT as u64 / 4);
    let written: Statistics = serde_json::from_slice(&std::fs::read(out.join(STATISTICS)).unwrap()).unwrap();
    assert_eq!(written, statistics);
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    let corpus = corpus(3000);
    let bytes_with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (_, out) = pool.install(|| run(&corpus, &format!("out-{threads}")));
        [KEPT, DROPPED, DEAD_LETTER, STATISTICS].map(|name| std::fs::read(out.join(name)).unwrap())
    };
    let one = bytes_with(1);
    assert!(one == bytes_with(2));
    assert!(one == bytes_with(7));
}

#[test]
fn a_stop_between_chunks_leaves_nothing_half_written() {
    let corpus = corpus(3000);
    let out = corpus.folder.path().join("out");
    let stop = AtomicBool::new(false);
    let calls = RefCell::new(Vec::new());
    let progress = |documents, bytes| {
        calls.borrow_mut().push((documents, bytes));
        stop.store(documents >= 2048, Ordering::Relaxed);
    };
    let error = curate(&corpus.inputs, &filters(), &out, &stop, &progress).unwrap_err();
    assert!(matches!(error, CurateError::Stopped));
    assert_eq!(calls.borrow().iter().map(|(documents, _)| *documents).collect::<Vec<u64>>(), [1024, 2048]);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
    // Begun again, it ends as if it had never been stopped.
    calls.borrow_mut().clear();
    let whole = |documents, bytes| calls.borrow_mut().push((documents, bytes));
    curate(&corpus.inputs, &filters(), &out, &AtomicBool::new(false), &whole).unwrap();
    let size: u64 = corpus.inputs.iter().map(|path| path.metadata().unwrap().len()).sum();
    assert_eq!(calls.borrow().last(), Some(&(3000, size)));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 4);
}

#[test]
fn a_bad_line_ends_the_run_with_its_place_unless_it_may_be_skipped() {
    let corpus = corpus(9);
    let text = "{\"id\":\"1\",\"text\":\"a\"}\nnot json\n{\"id\":\"2\"}\n{\"id\":\"4\",\"text\":\"b\"}\n";
    atomic::write(&corpus.inputs[0], text.as_bytes()).unwrap();
    let out = corpus.folder.path().join("out");
    let go =
        |options: &Options| curate_with(&corpus.inputs, &filters(), &out, options, &AtomicBool::new(false), &|_, _| {});
    let error = go(&Options::default()).unwrap_err().to_string();
    assert!(error.contains("a.jsonl, line 2"), "{error}");
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
    let skipping = Options { skip_bad_lines: true };
    let statistics = go(&skipping).unwrap();
    assert_eq!((statistics.bad_lines, statistics.total.read), (2, 8));
    // A file cut short is no matter of lines.
    let whole = std::fs::read(&corpus.inputs[1]).unwrap();
    atomic::write(&corpus.inputs[1], &whole[..whole.len() - 3]).unwrap();
    let error = go(&skipping).unwrap_err().to_string();
    assert!(error.contains("b.jsonl.zst") && error.contains("cut short"), "{error}");
}

#[test]
fn a_filter_that_forgets_a_document_is_named() {
    struct Forgetful;
    impl Filter for Forgetful {
        fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
            documents.iter().skip(1).map(|_| Ok(Decision::Keep)).collect()
        }
    }
    let corpus = corpus(9);
    let out = corpus.folder.path().join("out");
    let filters = [("web-filter".to_string(), &Forgetful)];
    let error = curate(&corpus.inputs, &filters, &out, &AtomicBool::new(false), &|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("web-filter") && error.contains("8 decisions for 9"), "{error}");
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn dropped_documents_and_dead_letters_can_be_curated_again() {
    let corpus = corpus(300);
    let (_, out) = run(&corpus, "out");
    let inputs = [out.join(DROPPED), out.join(DEAD_LETTER)];
    let again = corpus.folder.path().join("again");
    let none: [(String, &dyn Filter); 0] = [];
    let statistics = curate(&inputs, &none, &again, &AtomicBool::new(false), &|_, _| {}).unwrap();
    assert_eq!(statistics.total.kept, statistics.total.read);
    let kept = lines(again.join(KEPT));
    assert_eq!(kept[0]["fields"]["dropped_by"], "first");
    assert_eq!(kept.last().unwrap()["fields"]["failure"], "trap");
}
