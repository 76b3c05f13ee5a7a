use super::*;
use octo_data::field_map::FieldMap;
use octo_record::Contamination;
use octo_record::layout::{DROPPED, KEPT};

const APPLES: &str = "A grower packs 48 crates of red apples on Monday and half as many crates on Tuesday, and each crate \
                      holds 15 apples. How many apples does the grower pack on both days together?";
const APPLES_SOLVED: &str = "On Tuesday the grower packs 48/2 = <<48/2=24>>24 crates, so there are 48 + 24 = 72 crates with \
                             72 * 15 = 1,080 apples in them.\n#### 1080";
const ROOTS: &str = "The polynomial $p(x)=x^2-7x+c$ has two roots whose difference equals $3$. Determine the value of $c$ and \
                     write down both of the roots of the polynomial.";
const FORMULA: &str =
    "The roots are $x=\\frac{-b\\pm\\sqrt{b^2-4ac}}{2a}$, and $a^2-b^2=(a-b)(a+b)$, $\\sin^2x+\\cos^2x=1$.";
const OTHER: &str = "The town lies on a river that rises in the hills and turns to the west below the old bridge. Its market \
                     is held on the first Sunday of the month, when boats bring wool, salt and timber from the coast.";

fn row(name: &str, query: &str, label: &str) -> BenchmarkRow {
    let labels = Some(label.to_owned()).filter(|label| !label.is_empty()).into_iter().collect();
    BenchmarkRow { name: name.to_owned(), query: query.to_owned(), labels, passage: String::new() }
}

fn rows() -> Vec<BenchmarkRow> {
    vec![
        row("apples", APPLES, APPLES_SOLVED),
        row("roots", ROOTS, "10"),
        row("formula", FORMULA, ""),
        row("short", "Compute $1+1$.", "2"),
    ]
}

fn filter_with(index: IndexSettings, matching: Matching, action: Action, rows: Vec<BenchmarkRow>) -> Decontaminator {
    let built = Index::build(index.clone(), vec![("ours".to_owned(), vec!["sha256:0".to_owned()], rows)]).unwrap();
    Decontaminator::new(built, Settings { index, matching, action }, Vec::new())
}

fn filter(rules: Rules) -> Decontaminator {
    filter_with(IndexSettings::of(rules), Matching::of(rules), Action::Remove, rows())
}

/// The rows that a text matches, by name.
fn found(filter: &Decontaminator, text: &str) -> Vec<String> {
    filter.hits(text).iter().map(|hit| filter.index().rows[hit.row as usize].name.clone()).collect()
}

/// A page with `text` in its middle.
fn page(text: &str) -> String {
    format!("{OTHER}\n\n{text}\n\n{OTHER}")
}

#[test]
fn rows_are_found_in_pages_however_they_are_spaced_and_spelt() {
    let verbatim = page(&format!("{APPLES}\n\nSolution. {APPLES_SOLVED}\n\n{ROOTS} It is 10."));
    let respelt = verbatim
        .replace("$p(x)=x^2-7x+c$", "\\( p( x ) = x^{2} - 7 x + c \\)")
        .replace("$3$", "3")
        .replace(' ', " \n ")
        .replace("<<48/2=24>>", "")
        .to_uppercase()
        .replace("1,080", "1080");
    for rules in [Rules::Ngram, Rules::Decon] {
        let filter = filter(rules);
        for text in [&verbatim, &respelt] {
            let mut names = found(&filter, text);
            names.sort();
            assert_eq!(names, ["apples", "roots"], "{rules:?}\n{text}");
        }
        assert_eq!(found(&filter, &page("")), [""; 0], "{rules:?}");
    }
    assert_eq!(found(&filter(Rules::Datatrove), &verbatim), ["apples"], "a label of one number has no gram");
}

#[test]
fn identities_are_no_leak_and_the_problem_around_them_is() {
    // The page has every formula of the row, and no sentence of it.
    let formulas = page(
        "Recall $x=\\frac{-b\\pm\\sqrt{b^2-4ac}}{2a}$, also $a^2-b^2=(a-b)(a+b)$ and $\\sin^2 x+\\cos^2 x=1$ in what follows.",
    );
    let problem = "Use $x=\\frac{-b\\pm\\sqrt{b^2-4ac}}{2a}$ to find the larger root of the equation which the falling stone \
                   obeys after seven seconds.";
    for rules in [Rules::Ngram, Rules::Decon] {
        let mut rows = rows();
        rows.push(row("stone", problem, ""));
        let filter = filter_with(IndexSettings::of(rules), Matching::of(rules), Action::Remove, rows);
        assert_eq!(found(&filter, &formulas), [""; 0], "{rules:?}");
        assert_eq!(found(&filter, &page(problem)), ["stone"], "{rules:?}");
    }
    let filter = filter(Rules::Ngram);
    let entry = &filter.index().benchmarks[0];
    assert_eq!((entry.rows, entry.indexed, entry.too_short, entry.only_boilerplate), (4, 2, 1, 1));
}

#[test]
fn an_instruction_over_many_rows_is_no_leak_up_to_the_limit() {
    let instruction =
        "Read the passage with care and then choose the one letter that stands before the right answer below.";
    let subjects = [
        "ships", "rivers", "wool", "bridges", "salt", "timber", "markets", "hills", "boats", "coasts", "months",
        "towns",
    ];
    let many = |count: usize| -> Vec<BenchmarkRow> {
        let query = |subject: &&str| {
            format!("{instruction} Which of these statements about {subject} is false in every season of a year?")
        };
        subjects[..count].iter().map(|subject| row(subject, &query(subject), "B")).collect()
    };
    let clean = page(instruction);
    let settings = IndexSettings::of(Rules::Ngram);
    let of = |count| filter_with(settings.clone(), Matching::of(Rules::Ngram), Action::Remove, many(count));
    assert_eq!(found(&of(10), &clean).len(), 10, "ten rows may share a gram");
    assert_eq!(found(&of(11), &clean), [""; 0], "eleven may not");
    assert_eq!(found(&of(11), &page(&many(11)[3].query)), ["bridges"], "what is a row's own still tells");
    // The weighed overlap of the instruction alone is too small.
    let decon = IndexSettings::of(Rules::Decon);
    let matching = Matching { need_answer: false, ..Matching::of(Rules::Decon) };
    let filter = filter_with(decon, matching, Action::Remove, many(12));
    assert_eq!(found(&filter, &clean), [""; 0]);
    assert_eq!(found(&filter, &page(&many(12)[3].query)), ["bridges"]);
}

#[test]
fn a_gram_of_many_documents_tells_only_with_half_of_its_row() {
    let index = IndexSettings::of(Rules::Ngram);
    let built = || Index::build(index.clone(), vec![("ours".to_owned(), Vec::new(), rows())]).unwrap();
    let settings = Settings { index: index.clone(), matching: Matching::of(Rules::Ngram), action: Action::Remove };
    let opening: String = APPLES.split_inclusive(' ').take(16).collect();
    for (count, expected) in [(10, 1), (11, 0)] {
        let filter = Decontaminator::new(built(), settings.clone(), vec![count; built().len()]);
        assert_eq!(found(&filter, &page(&opening)).len(), expected, "{count} documents have the gram");
        assert_eq!(found(&filter, &page(&format!("{APPLES} {APPLES_SOLVED}"))), ["apples"], "the row itself");
    }
}

#[test]
fn the_scorer_wants_most_of_the_question_and_its_answer_near() {
    let filter = filter(Rules::Decon);
    let question = filter_with(
        IndexSettings::of(Rules::Decon),
        Matching { need_answer: false, ..Matching::of(Rules::Decon) },
        Action::Remove,
        rows(),
    );
    assert_eq!(found(&filter, &page(ROOTS)), [""; 0], "no answer");
    assert_eq!(found(&question, &page(ROOTS)), ["roots"]);
    assert_eq!(found(&filter, &page(&format!("{ROOTS} {OTHER} {OTHER} 10"))), [""; 0], "the answer is far away");
    assert_eq!(found(&filter, &page(&format!("{ROOTS} It is 10."))), ["roots"]);
    // Half of the question is not enough; one word in a long row is.
    let half: String = APPLES.chars().take(APPLES.len() / 2).collect();
    assert_eq!(found(&question, &page(&half)), [""; 0]);
    let other_word = APPLES.replace("packs 48", "fills 48");
    assert_eq!(found(&question, &page(&other_word)), ["apples"]);
    // Other numbers make another problem.
    assert_eq!(found(&question, &page(&APPLES.replace("48", "52").replace("15", "18"))), [""; 0]);
    let hits = question.hits(&page(APPLES));
    assert_eq!((hits[0].score, hits[0].text.as_str()), (1.0, APPLES.trim_end_matches('?')));
}

#[test]
fn an_empty_gram_keeps_no_document_and_nothing_shared_changes() {
    let marks = "... !!! ??? --- ... !!! ??? --- ... !!! ??? --- ... ";
    for rules in [Rules::Ngram, Rules::Datatrove, Rules::Decon] {
        let mut all = vec![row("marks", marks, marks), row("nothing", "", "")];
        all.extend(rows());
        let matching = Matching { need_answer: false, ..Matching::of(rules) };
        let filter = filter_with(IndexSettings::of(rules), matching, Action::Remove, all);
        let leak = format!("{marks}\n{}", page(&format!("{APPLES} {APPLES_SOLVED}")));
        let first = filter.hits(&leak);
        assert_eq!(found(&filter, &leak), ["apples"], "{rules:?}");
        assert_eq!(found(&filter, marks), [""; 0], "{rules:?}");
        assert_eq!(filter.hits(&leak), first, "{rules:?}");
    }
}

#[test]
fn an_index_is_a_file_named_by_its_digest_and_comes_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for rules in [Rules::Ngram, Rules::Datatrove, Rules::Decon] {
        let filter = filter(rules);
        let index = filter.index();
        let path = index.write(folder.path()).unwrap();
        assert_eq!(path, index.write(folder.path()).unwrap());
        let again = read_index(&path, &index.settings).unwrap();
        assert_eq!(again.to_bytes().unwrap(), index.to_bytes().unwrap());
        let settings =
            Settings { index: index.settings.clone(), matching: Matching::of(rules), action: Action::Remove };
        let leak = page(&format!("{APPLES} {APPLES_SOLVED} {ROOTS} 10"));
        assert_eq!(Decontaminator::new(again, settings, Vec::new()).hits(&leak), filter.hits(&leak));
    }
    let several = Index::read(folder.path()).unwrap_err().to_string();
    assert_eq!(
        several,
        format!("{}: has several indexes of benchmarks in it; name one of the files", folder.path().display())
    );
}

#[test]
fn an_index_that_is_damaged_foreign_or_of_other_settings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = filter(Rules::Ngram).index().write(folder.path()).unwrap();
    let good = std::fs::read(&path).unwrap();
    let said = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let settings = IndexSettings { n: 12, ..IndexSettings::of(Rules::Ngram) };
        let error = read_index(&path, &settings).unwrap_err().to_string();
        error.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&error).to_owned()
    };
    assert_eq!(
        said(&good),
        "was built with mode = \"ngram\", n = 13, most_rows = 10, least_words = 4, and the stage has mode = \"ngram\", \
         n = 12, most_rows = 10, least_words = 4; set these keys to what the index has, or build it again from the benchmarks"
    );
    let damaged = "is damaged or cut short; copy it again, or build it again from the benchmarks";
    for at in [12, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 4;
        assert_eq!(said(&bytes), damaged, "byte {at}");
        assert_eq!(said(&good[..at]), damaged, "{at} bytes");
    }
    let mut next = good.clone();
    next[7] = b'2';
    assert_eq!(said(&next), "is an index of another version of Octo; build it again from the benchmarks");
    assert_eq!(
        said(b"{\"id\": 1}"),
        "is not an index of benchmarks; name a file `benchmarks-….index` that a stage of kind `decontaminate` wrote"
    );
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        Index::read(folder.path()).unwrap_err().to_string(),
        format!(
            "{}: has no index of benchmarks in it; name the folder of a stage of kind `decontaminate`",
            folder.path().display()
        )
    );
}

/// A corpus of five documents, two of them with rows, and a file of benchmarks.
fn corpus(folder: &Path) -> (Vec<PathBuf>, Benchmark) {
    let documents = [
        ("a", page("")),
        ("b", page(&format!("{APPLES}\n\n{APPLES_SOLVED}"))),
        ("c", page(FORMULA)),
        ("d", page(&format!("{ROOTS} 10\n\n{APPLES} {APPLES_SOLVED}"))),
        ("e", String::new()),
    ];
    let lines: Vec<String> = documents
        .iter()
        .map(|(id, text)| {
            serde_json::json!({ "id": id, "text": text, "url": format!("https://x.org/{id}") }).to_string()
        })
        .collect();
    let inputs = vec![folder.join("0.jsonl"), folder.join("1.jsonl")];
    std::fs::write(&inputs[0], lines[..2].join("\n")).unwrap();
    std::fs::write(&inputs[1], lines[2..].join("\n")).unwrap();
    let of_row = |(id, query, label): (&str, &str, &str)| {
        serde_json::json!({ "id": id, "question": query, "answer": label }).to_string()
    };
    let rows =
        [("apples", APPLES, APPLES_SOLVED), ("roots", ROOTS, "10"), ("short", "Compute $1+1$.", "2")].map(of_row);
    let path = folder.join("ours.jsonl");
    std::fs::write(&path, rows.join("\n")).unwrap();
    let map = FieldMap::parse("query=question,label=answer").unwrap();
    (inputs, Benchmark { name: "ours".into(), files: vec![path], map, rows: None })
}

fn run(inputs: &[PathBuf], settings: &Settings, source: &Source, out: &Path) -> Result<Statistics, CurateError> {
    decontaminate(inputs, settings, source, out, &Options::default(), &AtomicBool::new(false), &|_, _| {})
}

fn documents(path: &Path) -> Vec<octo_data::record::Document> {
    octo_data::jsonl::read_documents(path).unwrap().map(|document| document.unwrap()).collect()
}

#[test]
fn a_stage_removes_reports_or_cuts_and_says_what_it_found() {
    let folder = tempfile::tempdir().unwrap();
    let (mut inputs, benchmark) = corpus(folder.path());
    let mut source = Source::Benchmarks(vec![benchmark]);
    let mut first: Option<Contamination> = None;
    for action in [Action::Remove, Action::Report, Action::Cut(1)] {
        let settings =
            Settings { index: IndexSettings::of(Rules::Ngram), matching: Matching::of(Rules::Ngram), action };
        let out = folder.path().join(action.name());
        let statistics = run(&inputs, &settings, &source, &out).unwrap();
        let ids = |file: &str| documents(&out.join(file)).into_iter().map(|one| one.id).collect::<Vec<_>>();
        let mut kept = ids(KEPT);
        kept.sort();
        assert_eq!(statistics.total.read, 5);
        match action {
            Action::Remove => {
                assert_eq!(
                    (kept, statistics.filters[0].dropped[CONTAMINATED]),
                    (["a", "c", "e"].map(String::from).to_vec(), 2)
                );
            }
            Action::Report => {
                let marked = documents(&out.join(KEPT)).into_iter().find(|one| one.id == "d").unwrap();
                assert_eq!(marked.fields[SCORE_FIELD], "1.0000");
                assert!(
                    marked.fields[FIELD].starts_with("[{\"benchmark\":\"ours\",\"row\":\"apples\""),
                    "{:?}",
                    marked.fields
                );
                assert_eq!(statistics.filters[0].annotated, 2);
            }
            Action::Cut(_) => {
                let cut = documents(&out.join(KEPT)).into_iter().find(|one| one.id == "b").unwrap();
                assert_eq!(cut.text, format!("{OTHER}\n\n{OTHER}"));
                assert_eq!(statistics.filters[0].rewritten, 2);
            }
        }
        let text = std::fs::read_to_string(out.join(CONTAMINATION)).unwrap();
        let report: Contamination = serde_json::from_str(&text).unwrap();
        assert_eq!((report.documents, report.contaminated, report.action.as_str()), (5, 2, action.name()));
        let ours = &report.benchmarks["ours"];
        assert_eq!((ours.rows, ours.rows_indexed, ours.rows_hit, ours.documents_hit), (3, 2, 2, 2));
        let rows: Vec<(&str, u64)> =
            ours.rows_by_documents.iter().map(|row| (row.row.as_str(), row.documents)).collect();
        assert_eq!(rows, [("apples", 2), ("roots", 1)]);
        assert_eq!(ours.examples.len(), 3);
        assert!(
            ours.examples.iter().all(|one| one.url == Some(format!("https://x.org/{}", one.id)) && one.score == 1.0)
        );
        // What was found depends on neither the action nor the order nor whether the index is built or read.
        match &first {
            None => first = Some(report),
            Some(first) => assert_eq!((&report.benchmarks, &report.index), (&first.benchmarks, &first.index)),
        }
        source = Source::Index(out.clone());
        inputs.reverse();
    }
}

#[test]
fn a_stage_that_is_stopped_resumes_with_its_index_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (inputs, benchmark) = corpus(folder.path());
    let settings = Settings {
        index: IndexSettings::of(Rules::Ngram),
        matching: Matching::of(Rules::Ngram),
        action: Action::Remove,
    };
    let (source, out, whole) = (Source::Benchmarks(vec![benchmark]), folder.path().join("a"), folder.path().join("b"));
    // An index of an earlier try of other settings does not stay.
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("benchmarks-0000000000000000.index"), b"old").unwrap();
    let stop = AtomicBool::new(false);
    let after_counting = |_: u64, bytes: u64| {
        if bytes == inputs.iter().map(|path| std::fs::metadata(path).unwrap().len()).sum::<u64>() {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let stopped = decontaminate(&inputs, &settings, &source, &out, &Options::default(), &stop, &after_counting);
    assert!(matches!(stopped, Err(CurateError::Stopped)));
    assert!(!out.join(CONTAMINATION).exists() && out.join("document-counts.bin").exists());
    run(&inputs, &settings, &source, &out).unwrap();
    run(&inputs, &settings, &source, &whole).unwrap();
    for file in [KEPT, DROPPED, CONTAMINATION] {
        assert_eq!(std::fs::read(out.join(file)).unwrap(), std::fs::read(whole.join(file)).unwrap(), "{file}");
    }
    assert_eq!(Index::read(&out).unwrap().name().unwrap(), Index::read(&whole).unwrap().name().unwrap());
}

#[test]
fn benchmarks_that_cannot_be_read_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.jsonl");
    let read = |lines: &str, map: &str, rows: Option<std::ops::Range<usize>>| {
        std::fs::write(&path, lines).unwrap();
        let map = FieldMap::parse(map).unwrap();
        let benchmark = Benchmark { name: "b".into(), files: vec![path.clone()], map, rows };
        benchmark
            .read()
            .map(|(_, _, rows)| rows)
            .map_err(|error| error.to_string().replace(&path.display().to_string(), "b"))
    };
    let lines = "{\"q\": \"one\", \"a\": [1, \"2\"]}\n{\"q\": \"two\", \"a\": 3.50, \"p\": \"text\"}\n";
    let rows = read(lines, "query=q,label=a,passage=p", None).unwrap();
    assert_eq!((rows[0].name.as_str(), &rows[0].labels[..]), ("b.jsonl:1", &["1".to_owned(), "2".to_owned()][..]));
    assert_eq!((rows[1].labels[0].as_str(), rows[1].passage.as_str()), ("3.50", "text"));
    assert_eq!(read(lines, "query=q", Some(1..2)).unwrap()[0].query, "two");
    for (lines, map, rows, message) in [
        (
            lines,
            "",
            None,
            "b, line 1: has no column \"query\" for `query`; its columns are q, a. Name the column in `map`, as in { query = \
             \"question\", label = \"answer\" }",
        ),
        (lines, "query=q,label=x", None, "b, line 1: has no column \"x\" for `label`; its columns are q, a"),
        (lines, "query=q", Some(2..4), "b: has 2 rows, and rows 2..4 were asked for"),
        ("", "query=q", None, "b: has no rows; an empty file is not an input"),
    ] {
        assert_eq!(read(lines, map, rows).unwrap_err(), message);
    }
    let map = FieldMap::parse("query=q").unwrap();
    std::fs::write(&path, "{\"q\": ").unwrap();
    assert!(benchmarks::first_row(&path, &map).unwrap_err().to_string().contains("b.jsonl, line 1"));
    let nothing =
        Index::build(IndexSettings::of(Rules::Ngram), vec![("b".into(), vec![], vec![row("short", "a b", "")])]);
    assert_eq!(
        nothing.unwrap_err().to_string(),
        "no document can match the benchmarks: of 1 rows 1 are too short for n = 13 and 0 have too few words of their own; set \
         `n`, `least_words` or `least_tokens` lower, or check `map`"
    );
}

/// `tests/decontaminate/make_golden.py` made the file of texts of our own with datatrove 0.10.1.
#[test]
fn datatroves_rules_mark_the_documents_that_datatrove_marks() {
    #[derive(serde::Deserialize)]
    struct Golden {
        rows: Vec<GoldenRow>,
        documents: Vec<String>,
        decided: Vec<Decided>,
    }
    #[derive(serde::Deserialize)]
    struct GoldenRow {
        query: String,
        label: String,
    }
    #[derive(serde::Deserialize)]
    struct Decided {
        query_grams: bool,
        grams: Vec<Vec<u64>>,
        found: Vec<Option<String>>,
    }
    let golden: Golden = serde_json::from_str(include_str!("../../tests/decontaminate/datatrove.json")).unwrap();
    assert_eq!(golden.decided.len(), 2);
    for Decided { query_grams, grams, found } in golden.decided {
        let settings = IndexSettings { query_grams, ..IndexSettings::of(Rules::Datatrove) };
        for (row, expected) in golden.rows.iter().zip(grams) {
            let mut own = datatrove::grams_of_row(&row.query, &row.label, settings.n, query_grams);
            own.sort_unstable();
            own.dedup();
            assert_eq!(own, expected, "grams of {:?}", row.query);
        }
        let rows = golden.rows.iter().enumerate().map(|(at, of)| row(&at.to_string(), &of.query, &of.label)).collect();
        let filter = filter_with(settings, Matching::of(Rules::Datatrove), Action::Remove, rows);
        for (document, gram) in golden.documents.iter().zip(found) {
            let hits = filter.hits(document);
            assert_eq!(!hits.is_empty(), gram.is_some(), "{document:?}");
            if let Some(gram) = gram {
                assert!(hits.iter().any(|hit| hit.text.contains(&gram)), "{gram:?} in {hits:?}");
            }
        }
    }
}
