use super::*;
use crate::fasttext_model::FastTextModel;
use std::io::Write;

const ALGEBRA: [&str; 8] = ["ring", "field", "ideal", "kernel", "module", "basis", "matrix", "proof"];
const KITCHEN: [&str; 8] = ["butter", "flour", "oven", "salt", "onion", "garlic", "bread", "sauce"];

fn settings() -> Settings {
    Settings {
        label_field: "math_score".into(),
        positive_from: 3.0,
        positive_label: "math".into(),
        negative_label: "other".into(),
        preprocessing: Preprocessing::Mathematics,
        held_out: 0.3,
        most_per_class: None,
        threshold: 0.4,
        dim: 8,
        learning_rate: 0.5,
        word_ngrams: 2,
        min_count: 1,
        epochs: 5,
        bucket: 400,
        quantise: None,
        seed: 7,
        skip_bad_lines: false,
    }
}

/// Documents of 40 sites and 2 years: every third is about algebra and has 3 to 5 points.
fn documents() -> Vec<String> {
    let line = |index: usize| {
        let (words, score) = if index.is_multiple_of(3) { (ALGEBRA, 3 + index % 2) } else { (KITCHEN, index % 3) };
        let text: Vec<&str> = (0..12).map(|at| words[(index * 5 + at * at * (1 + index % 7)) % 8]).collect();
        let (site, year, text) = (index % 40, 2020 + index % 2, text.join(" "));
        format!(
            "{{\"url\":\"https://www.site{site}.org/{index}\",\"year\":{year},\"text\":\"{text} {index}\",\"math_score\":\"{score}\"}}"
        )
    };
    (0..240).map(line).collect()
}

fn write(path: &Path, lines: &[String]) -> PathBuf {
    let mut file = std::fs::File::create(path).expect("creates");
    lines.iter().for_each(|line| writeln!(file, "{line}").expect("writes"));
    path.to_owned()
}

fn run(inputs: &[PathBuf], out: &Path, settings: &Settings) -> Result<ClassifierReport, ClassifierError> {
    train(inputs, out, settings, &Arc::new(AtomicBool::new(false)), &|_, share| assert!((0.0..=1.0).contains(&share)))
}

#[test]
fn a_classifier_is_learnt_and_measured_on_sites_that_it_has_not_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut lines = documents();
    lines.push("{\"text\":\"no score\"}".into());
    lines.push("{\"text\":\"an odd score\",\"math_score\":\"five\"}".into());
    let input = write(&folder.path().join("a.jsonl"), &lines);
    let out = folder.path().join("out");
    let settings = Settings { quantise: Some(Quantise { cutoff: 300 }), ..settings() };
    let report = run(&[input], &out, &settings).expect("a classifier");

    assert_eq!((report.documents, report.unlabelled, report.bad_lines), (242, 2, 0));
    assert_eq!(report.sites, 40);
    let overall = report.overall.as_ref().expect("figures");
    let held_out = overall.documents.positive + overall.documents.negative;
    // Six documents of each site.
    assert_eq!(held_out, report.sites_held_out * 6);
    assert!((6..=18).contains(&report.sites_held_out), "{}", report.sites_held_out);
    assert_eq!(report.training.positive + report.training.negative + held_out, 240);
    assert_eq!(report.left_out, LabelCounts::default());
    let perfect = (Some(1.0), Some(1.0), Some(1.0), Some(1.0));
    let figures = |one: &octo_record::ClassifierFigures| (one.precision, one.recall, one.f1, one.average_precision);
    assert_eq!(figures(overall), perfect);
    assert_eq!(figures(report.quantised.as_ref().expect("figures of the quantised model")), perfect);
    assert_eq!(report.years.keys().collect::<Vec<_>>(), ["2020", "2021"]);

    let mut files: Vec<_> =
        std::fs::read_dir(&out).expect("lists").map(|entry| entry.expect("one").file_name()).collect();
    files.sort();
    assert_eq!(files, ["classifier.json", "model.bin", "model.ftz"]);
    let read: ClassifierReport =
        serde_json::from_slice(&std::fs::read(out.join(CLASSIFIER)).expect("reads")).expect("a report");
    assert_eq!(read, report);
    assert_eq!(digest::of_file(&out.join(CLASSIFIER_MODEL)).expect("reads"), report.model);
    let text = settings.preprocessing.apply("The KERNEL of a ring: an ideal!");
    for name in [CLASSIFIER_MODEL, CLASSIFIER_QUANTISED] {
        let model = FastTextModel::load(&out.join(name)).expect("a model");
        let found = model.classify(&[&text], 1).expect("labels");
        assert_eq!(found[0][0].0, "math", "{name}");
    }
}

#[test]
fn the_model_depends_on_the_documents_and_not_on_their_files_or_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = documents();
    let whole = write(&folder.path().join("whole.jsonl"), &lines);
    let mut backwards = lines.clone();
    backwards.reverse();
    let parts = [
        write(&folder.path().join("b.jsonl"), &backwards[..90]),
        write(&folder.path().join("a.jsonl"), &backwards[90..]),
    ];
    let settings = Settings { most_per_class: Some(40), ..settings() };
    let one = run(std::slice::from_ref(&whole), &folder.path().join("one"), &settings).expect("a classifier");
    let other = run(&parts, &folder.path().join("other"), &settings).expect("a classifier");
    assert_eq!(one, other);
    assert_eq!(one.training, LabelCounts { positive: 40, negative: 40 });
    assert_eq!(one.left_out.positive + one.left_out.negative + 80 + one.sites_held_out * 6, 240);
    let again = run(&[whole], &folder.path().join("again"), &Settings { seed: 8, ..settings }).expect("a classifier");
    assert_ne!(one.model, again.model, "another seed, another model");
}

#[test]
fn what_keeps_a_classifier_from_being_learnt_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let lines = documents();
    let all = write(&folder.path().join("all.jsonl"), &lines);
    let failed = |input: &PathBuf, settings: Settings| {
        let error = run(std::slice::from_ref(input), &out, &settings).expect_err("fails");
        assert!(!out.join(CLASSIFIER).exists());
        error.to_string()
    };
    assert_eq!(
        failed(&all, Settings { label_field: "score".into(), ..settings() }),
        "there is too little to learn from: 0 documents have a \"score\" of at least 3 and 0 have less, where 10 of each are \
         needed; of 240 documents, 240 have no number in that field and 0 are held out"
    );
    assert_eq!(
        failed(&all, Settings { positive_from: 9.0, held_out: 0.0, ..settings() }),
        "there is too little to learn from: 0 documents have a \"math_score\" of at least 9 and 240 have less, where 10 of each \
         are needed; of 240 documents, 0 have no number in that field and 0 are held out"
    );
    assert_eq!(
        failed(&all, Settings { bucket: 10, quantise: Some(Quantise { cutoff: 0 }), ..settings() })
            .split(" of ")
            .next(),
        Some("fastText could not be trained: a model")
    );
    let bad = write(&folder.path().join("bad.jsonl"), &[lines[0].clone(), "{".into()]);
    let said = failed(&bad, settings());
    assert!(said.starts_with(&format!("{}, line 2: ", bad.display())), "{said}");
    let mut some = documents();
    some.push("{".into());
    let some = write(&folder.path().join("some.jsonl"), &some);
    let report =
        run(&[some], &out, &Settings { skip_bad_lines: true, held_out: 0.0, ..settings() }).expect("the rest will do");
    assert_eq!((report.bad_lines, report.overall, report.sites_held_out), (1, None, 0));

    let stop = Arc::new(AtomicBool::new(true));
    let stopped = train(&[all], &folder.path().join("stopped"), &settings(), &stop, &|_, _| {});
    assert!(matches!(stopped, Err(ClassifierError::Stopped)), "{stopped:?}");
}
