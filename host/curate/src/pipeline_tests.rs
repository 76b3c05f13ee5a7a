use super::*;
use octo_data::jsonl::JsonlWriter;
use octo_plugin::FailureKind;
use octo_plugin::types::{Field, Rewritten};
use serde_json::{Value, json};

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

/// Options under which the corpus has many units, kept from call to call.
fn keyed(shard: Option<&str>) -> Options {
    let shard = shard.map(|text| text.parse().unwrap());
    Options { units: Setting { key: Some("key".into()), shard, unit_bytes: Some(4_000) }, ..Options::default() }
}

fn bytes_of(out: &Path) -> [Vec<u8>; 4] {
    [KEPT, DROPPED, DEAD_LETTER, STATISTICS].map(|name| std::fs::read(out.join(name)).unwrap())
}

fn curate_keyed(corpus: &Corpus, out: &Path, shard: Option<&str>) -> Result<Statistics, CurateError> {
    curate_with(&corpus.inputs, &filters(), out, &keyed(shard), &AtomicBool::new(false), &|_, _| {})
}

#[test]
fn units_make_what_one_unit_makes_and_can_be_cut_again_where_they_ended() {
    let corpus = corpus(3000);
    let (statistics, one) = run(&corpus, "one");
    let out = corpus.folder.path().join("many");
    assert_eq!(curate_keyed(&corpus, &out, None).unwrap(), statistics);
    for name in [KEPT, DROPPED, DEAD_LETTER] {
        assert_eq!(lines(out.join(name)), lines(one.join(name)), "{name}");
    }
    assert_eq!(std::fs::read(out.join(STATISTICS)).unwrap(), std::fs::read(one.join(STATISTICS)).unwrap());
    let parts = parts::cut(&out.join(KEPT), 4_000).unwrap();
    assert!(parts.len() > 5, "{parts:?}");
    assert!(matches!(parts[1].place, parts::Place::Frames { before: 1.., .. }), "{parts:?}");

    // What was written is read in parts by the next stage, with the same result as by one reader.
    let next = Corpus { inputs: vec![out.join(KEPT), out.join(DROPPED)], folder: tempfile::tempdir().unwrap() };
    let (whole, folder) = run(&next, "one");
    let many = next.folder.path().join("many");
    assert_eq!(curate_keyed(&next, &many, None).unwrap(), whole);
    assert_eq!(lines(many.join(KEPT)), lines(folder.join(KEPT)));
}

#[test]
fn a_stop_loses_the_unit_at_work_and_no_other() {
    let corpus = corpus(3000);
    let whole = corpus.folder.path().join("whole");
    curate_keyed(&corpus, &whole, None).unwrap();
    let out = corpus.folder.path().join("out");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut first_calls = Vec::new();
    for stop_after in [1, 700, 1500, u64::MAX] {
        let (stop, calls) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let progress = |documents, _| {
            calls.lock().unwrap().push(documents);
            stop.store(documents >= stop_after, Ordering::Relaxed);
        };
        let ended = pool.install(|| curate_with(&corpus.inputs, &filters(), &out, &keyed(None), &stop, &progress));
        assert_eq!(ended.is_ok(), stop_after == u64::MAX);
        first_calls.push(calls.into_inner().unwrap());
        // As after kill -9: what a unit had not finished, and a marker that is not whole.
        if ended.is_err() {
            let units = out.join(crate::units::FOLDER);
            std::fs::write(units.join("at-work/000099-kept.jsonl.zst"), "half").unwrap();
            std::fs::write(units.join("000001.json"), "{\"half").unwrap();
        }
    }
    assert_eq!(bytes_of(&out), bytes_of(&whole));
    assert!(!out.join(crate::units::FOLDER).exists());
    // The second call knew the units of the first before it did any itself.
    assert_eq!(first_calls[1][0], first_calls[0][0], "{first_calls:?}");
    assert_eq!(first_calls.last().unwrap().last(), Some(&3000));
}

#[test]
fn shards_of_any_count_make_the_bytes_of_one_process() {
    let corpus = corpus(3000);
    let whole = corpus.folder.path().join("whole");
    curate_keyed(&corpus, &whole, None).unwrap();
    let out = corpus.folder.path().join("out");
    let left = |shard: &str| match curate_keyed(&corpus, &out, Some(shard)) {
        Err(CurateError::Left { units }) => units,
        other => panic!("{other:?}"),
    };
    let first = left("1/3");
    assert!(first > 0);
    assert_eq!(crate::units::left(&out).unwrap().unwrap().len(), first);
    // Shards of other counts do the rest; those that overlap find it done.
    let second = left("0/2");
    assert!(second > 0 && second < first);
    assert_eq!((left("1/2"), left("2/3")), (0, 0));
    assert_eq!(crate::units::left(&out).unwrap(), Some(Vec::new()));
    assert!(!out.join(KEPT).exists(), "a shard does not join: another may be at it");
    curate_keyed(&corpus, &out, None).unwrap();
    assert_eq!(bytes_of(&out), bytes_of(&whole));
}

#[test]
fn units_of_another_key_or_of_damaged_outputs_are_done_again() {
    let corpus = corpus(3000);
    let whole = corpus.folder.path().join("whole");
    curate_keyed(&corpus, &whole, None).unwrap();
    let out = corpus.folder.path().join("out");
    let with_key = |key: &str, filters: &[(String, &dyn Filter)], shard: Option<&str>| {
        let mut options = keyed(shard);
        options.units.key = Some(key.into());
        curate_with(&corpus.inputs, filters, &out, &options, &AtomicBool::new(false), &|_, _| {})
    };
    // Other filters, which have another key.
    let none: [(String, &dyn Filter); 0] = [];
    assert!(matches!(with_key("other", &none, Some("0/1")), Err(CurateError::Left { units: 0 })));
    assert!(matches!(with_key("key", &filters(), Some("0/1")), Err(CurateError::Left { units: 0 })));
    std::fs::write(out.join(crate::units::FOLDER).join(format!("000002-{KEPT}")), "short").unwrap();
    with_key("key", &filters(), None).unwrap();
    assert_eq!(bytes_of(&out), bytes_of(&whole));
}

#[test]
fn the_first_bad_line_is_the_one_that_is_named_and_its_number_is_the_files() {
    let corpus = corpus(3000);
    let mut text = std::fs::read_to_string(&corpus.inputs[0]).unwrap();
    text = text.replacen("\"text\":\"text 700 ", "\"tixt\":\"text 700 ", 1).replacen("\"id\":\"950\"", "\"id\":,", 1);
    atomic::write(&corpus.inputs[0], text.as_bytes()).unwrap();
    for threads in [1, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let out = corpus.folder.path().join(format!("out-{threads}"));
        let error = pool.install(|| curate_keyed(&corpus, &out, None)).unwrap_err().to_string();
        assert!(error.contains("a.jsonl, line 701: "), "{error}");
        let mut options = keyed(None);
        options.skip_bad_lines = true;
        let go = || curate_with(&corpus.inputs, &filters(), &out, &options, &AtomicBool::new(false), &|_, _| {});
        let statistics = pool.install(go).unwrap();
        assert_eq!((statistics.bad_lines, statistics.total.read), (2, 2998));
    }
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    let corpus = corpus(3000);
    let bytes_with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (_, one) = pool.install(|| run(&corpus, &format!("out-{threads}")));
        let many = corpus.folder.path().join(format!("many-{threads}"));
        pool.install(|| curate_keyed(&corpus, &many, None)).unwrap();
        (bytes_of(&one), bytes_of(&many))
    };
    let one = bytes_with(1);
    assert!(one == bytes_with(2));
    assert!(one == bytes_with(7));
}

#[test]
fn a_stop_between_chunks_leaves_nothing_where_there_is_no_key() {
    let corpus = corpus(3000);
    let out = corpus.folder.path().join("out");
    let stop = AtomicBool::new(false);
    let calls = Mutex::new(Vec::new());
    let progress = |documents, bytes| {
        calls.lock().unwrap().push((documents, bytes));
        stop.store(documents >= 2048, Ordering::Relaxed);
    };
    let error = curate(&corpus.inputs, &filters(), &out, &stop, &progress).unwrap_err();
    assert!(matches!(error, CurateError::Stopped));
    assert_eq!(calls.lock().unwrap().iter().map(|(documents, _)| *documents).collect::<Vec<u64>>(), [1024, 2048]);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
    // Begun again, it ends as if it had never been stopped.
    calls.lock().unwrap().clear();
    let whole = |documents, bytes| calls.lock().unwrap().push((documents, bytes));
    curate(&corpus.inputs, &filters(), &out, &AtomicBool::new(false), &whole).unwrap();
    let size: u64 = corpus.inputs.iter().map(|path| path.metadata().unwrap().len()).sum();
    assert_eq!(calls.lock().unwrap().last(), Some(&(3000, size)));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 5);
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
    let skipping = Options { skip_bad_lines: true, ..Options::default() };
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
