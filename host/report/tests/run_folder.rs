//! A report of a run folder that was written with the types that runs write.

use std::collections::BTreeMap;
use std::path::Path;

use octo_record::*;
use octo_report::write_report;
use serde::Serialize;

fn lines(records: &[impl Serialize]) -> String {
    records.iter().map(|record| serde_json::to_string(record).expect("writes") + "\n").collect()
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, bytes).expect("written");
}

fn held_out(step: u64, accuracy: f64) -> RlRecord {
    let outcomes = BTreeMap::from([(Outcome::Correct, 1), (Outcome::NoAnswer, 2)]);
    let held_out = Evaluation { accuracy, outcomes, problems: 3, response_length: 7.0, ..Evaluation::default() };
    RlRecord::HeldOut(HeldOutRecord { held_out, set: None, step })
}

fn sample(response: &str) -> Sample {
    Sample {
        step: 0,
        split: Split::HeldOut,
        set: None,
        pick: None,
        id: "1".to_owned(),
        problem: "1 + 1".to_owned(),
        response: response.to_owned(),
        references: vec!["2".to_owned()],
        outcome: Some(Outcome::Correct),
        extracted: None,
        reason: Some("equal".to_owned()),
        failure: None,
        failure_message: None,
        reward: None,
        reward_parts: None,
        tokens: 1,
        token_ids: vec![7],
        finish: Finish::Stop,
    }
}

/// A finished stage of the lock.
fn stage(kind: &str, key: &str, inputs: &[(&str, &str)]) -> StageLock {
    StageLock {
        kind: kind.to_owned(),
        key: key.to_owned(),
        inputs: inputs.iter().map(|(slot, input)| ((*slot).to_owned(), (*input).to_owned())).collect(),
        done: true,
        seconds: Some(2.0),
        ..StageLock::default()
    }
}

/// A step of mid-training.
fn trained(step: u64) -> MidtrainRecord {
    MidtrainRecord::Step(MidtrainStep {
        loss: Some(3.0 - step as f64),
        mixture: BTreeMap::from([("web".to_owned(), 1.0)]),
        step,
        tokens: 64 * step,
        ..MidtrainStep::default()
    })
}

/// A run of a `midtrain` stage and of an `rl` stage that begins with its model; the name of the first sorts after.
fn run(folder: &Path) {
    let stages = [
        ("z-base".to_owned(), stage(MidtrainRecord::KIND, "aa", &[])),
        ("a-rl".to_owned(), stage(RlRecord::KIND, "bb", &[("model", "aa/model")])),
    ];
    let lock = RunLock { name: "small <run>".to_owned(), stages: BTreeMap::from(stages), ..RunLock::default() };
    write(folder, layout::LOCK, lock.to_json().expect("writes"));

    let base = layout::stage_of_run(folder, "z-base");
    // A kill has cut the last line.
    write(&base, layout::METRICS, lines(&[trained(1), trained(2)]) + "{\"step\":3,\"lo");

    let parts = |step: u64| {
        RlRecord::Step(Box::new(RlStep {
            reward: Some(0.5),
            reward_parts: BTreeMap::from([("brevity".to_owned(), 0.25), ("outcome".to_owned(), 0.75)]),
            step,
            ..RlStep::default()
        }))
    };
    let rl = layout::stage_of_run(folder, "a-rl");
    // One line is of another shape: its key `entropy` has another name.
    let renamed = lines(&[parts(3)]).replace("\"entropy\":", "\"entropies\":");
    let records = [held_out(0, 0.25), parts(1), parts(2), held_out(2, 0.5)];
    write(&rl, layout::METRICS, lines(&records) + &renamed);
    write(&rl, layout::SAMPLES, lines(&[sample("<b>2</b>")]));
    let alarms = BTreeMap::from([(AlarmName::Truncated, AlarmSpan { first: 1, last: 2, steps: 2 })]);
    write(&rl, layout::RESULTS, to_json(&RlResults { alarms, ..RlResults::default() }).expect("writes"));
}

#[test]
fn every_figure_and_table_of_a_small_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path());
    let out = folder.path().join(layout::REPORT);
    let summary = write_report(folder.path(), &out).expect("a report").to_string();
    let html = std::fs::read_to_string(out).expect("the report");
    for words in [
        "<h1>small &lt;run&gt;</h1>",
        "Held-out accuracy",
        "Mean reward of the training rollouts",
        "Reward parts of a-rl",
        "<td class=bad>truncated</td>",
        // The stage, what it starts from, before, after, points.
        "<td>a-rl</td><td>z-base</td><td class=n>25.0%</td><td class=n>50.0%</td><td class=\"n good\">+25.0</td>",
        "Loss (nats a token)",
        "Mixture weights of z-base",
        "<b class=\"good\">correct</b> step 0, 1 tokens, ended by stop. equal",
        "&lt;b&gt;2&lt;/b&gt;",
        "<td>z-base</td><td>midtrain</td><td><code>aa</code></td><td>done</td><td class=n>2.0</td>",
    ] {
        assert!(html.contains(words), "the report lacks {words:?}");
    }
    assert!(!html.contains("Loss on held-out documents"), "nothing was measured");
    let rows: Vec<&str> = summary.lines().collect();
    assert_eq!(rows[1].split_whitespace().collect::<Vec<_>>(), ["a-rl", "25.0%", "50.0%", "+25.0", "7", "->", "7"]);
    assert_eq!(
        rows[2..],
        [
            "a-rl: 1 line of metrics.jsonl cannot be read and is left out",
            "a-rl: alarm truncated from step 1, 2 steps",
            "z-base: 1 line of metrics.jsonl cannot be read and is left out",
        ]
    );
}

#[test]
fn a_stage_after_one_that_does_not_say_its_tokens_has_no_curve_over_tokens_and_a_note() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let report = |kind: &str| {
        let stages = [
            ("first".to_owned(), stage(kind, "aa", &[])),
            ("second".to_owned(), stage(MidtrainRecord::KIND, "bb", &[("initial", "aa/model")])),
        ];
        let lock = RunLock { stages: BTreeMap::from(stages), ..RunLock::default() };
        write(folder, layout::LOCK, lock.to_json().expect("writes"));
        for name in ["first", "second"] {
            write(&layout::stage_of_run(folder, name), layout::METRICS, lines(&[trained(1), trained(2)]));
        }
        let out = folder.join(layout::REPORT);
        let summary = write_report(folder, &out).expect("a report").to_string();
        (summary, std::fs::read_to_string(out).expect("the report"))
    };
    let (summary, html) = report("distil");
    assert!(!html.contains("Loss (nats a token)") && html.contains("Mixture weights of second"));
    let note = "second: not drawn over tokens, since nothing says how many its model had seen in stage \"first\"";
    assert_eq!(summary.lines().filter(|line| line.starts_with("second")).collect::<Vec<_>>(), [note]);
    let (summary, html) = report(MidtrainRecord::KIND);
    assert!(html.contains("Loss (nats a token)") && !summary.contains("not drawn"), "{summary}");
}

#[test]
fn steps_that_a_stages_metrics_lack_are_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path());
    let base = layout::stage_of_run(folder.path(), "z-base");
    let text = std::fs::read_to_string(base.join(layout::METRICS)).expect("reads").replace("\"step\":2", "\"step\":4");
    write(&base, layout::METRICS, text);
    write(
        &base,
        layout::RESULTS,
        to_json(&MidtrainResults { steps: 9, ..MidtrainResults::default() }).expect("writes"),
    );
    let rl = layout::stage_of_run(folder.path(), "a-rl");
    write(&rl, layout::RESULTS, to_json(&RlResults { steps: 3, ..RlResults::default() }).expect("writes"));
    let summary = write_report(folder.path(), &folder.path().join(layout::REPORT)).expect("a report").to_string();
    assert_eq!(
        summary.lines().skip(2).collect::<Vec<_>>(),
        [
            "a-rl: 1 line of metrics.jsonl cannot be read and is left out",
            "a-rl: metrics.jsonl lacks 1 step (3) of 3",
            "z-base: 1 line of metrics.jsonl cannot be read and is left out",
            "z-base: metrics.jsonl lacks 7 steps (2, 3 and 5 to 9) of 9",
        ]
    );
}

#[test]
fn results_that_are_damaged_are_named_and_left_out_and_a_damaged_lock_is_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path());
    let out = folder.path().join(layout::REPORT);
    write(&layout::stage_of_run(folder.path(), "a-rl"), layout::RESULTS, "{\"alarms\":{\"truncted\":{}}}");
    let summary = write_report(folder.path(), &out).expect("a report").to_string();
    assert!(
        summary.contains("results.json: is not what a stage of kind rl writes (unknown alarm \"truncted\""),
        "{summary}"
    );
    for (lock, words) in [("{", "is not the lock of a run (EOF"), ("{\"device\":\"cpu\"}", "missing field `engine`")] {
        write(folder.path(), layout::LOCK, lock);
        let error = write_report(folder.path(), &out).err().expect("no lock").to_string();
        assert!(error.contains(words) && error.contains("run the recipe again"), "{error}");
    }
    let lock = RunLock { stages: BTreeMap::from([("../up".to_owned(), StageLock::default())]), ..RunLock::default() };
    write(folder.path(), layout::LOCK, lock.to_json().expect("writes"));
    let error = write_report(folder.path(), &out).err().expect("no stage's name").to_string();
    assert!(error.contains("names a stage \"../up\""), "{error}");
}

#[test]
fn the_corpus_is_a_funnel_with_scores_and_documents_to_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let stages = [
        ("pages".to_owned(), stage(ExtractionStatistics::KIND, "aa", &[])),
        ("clean".to_owned(), stage(Statistics::KIND, "bb", &[("inputs.0", "aa/documents.jsonl.zst")])),
        ("found".to_owned(), stage(ClassifierReport::KIND, "dd", &[])),
        ("copies".to_owned(), stage(DuplicateClusters::KIND, "ee", &[])),
        ("leaks".to_owned(), stage(Contamination::KIND, "ff", &[])),
        ("tokens".to_owned(), stage(TokenCounts::KIND, "cc", &[("documents.0", "bb/kept.jsonl.zst")])),
    ];
    let lock = RunLock { name: "corpus".to_owned(), stages: BTreeMap::from(stages), ..RunLock::default() };
    write(folder, layout::LOCK, lock.to_json().expect("writes"));
    let pages = ExtractionStatistics {
        records: 4000,
        documents: 3000,
        text_bytes: 12_345_678,
        years: BTreeMap::from([(2020, 1000), (2021, 2000)]),
        no_document: BTreeMap::from([(NoDocument::NotHtml, 1000)]),
        ..ExtractionStatistics::default()
    };
    write(folder, "stages/pages/statistics.json", to_json(&pages).expect("writes"));
    let mut scores = Scores::default();
    [0.0, 3.0, 3.0, 5.0].into_iter().for_each(|score| scores.count(score));
    let filter = FilterStatistics {
        filter: "<words>".to_owned(),
        dropped: BTreeMap::from([("too-short".to_owned(), 900), ("a&b".to_owned(), 90)]),
        failed: BTreeMap::from([("fuel".to_owned(), 10)]),
        ..FilterStatistics::default()
    };
    let counts = Counts { read: 3000, kept: 2000, dropped: 990, failed: 10, ..Counts::default() };
    let clean = Statistics {
        total: counts,
        filters: vec![filter],
        years: BTreeMap::from([("2020".to_owned(), Counts { kept: 700, ..Counts::default() })]),
        scores: BTreeMap::from([("math_score".to_owned(), scores)]),
        ..Statistics::default()
    };
    write(folder, "stages/clean/statistics.json", to_json(&clean).expect("writes"));
    let example = |became, reason: Option<&str>, text: &str| DocumentExample {
        became,
        by: reason.map(|_| "words".to_owned()),
        reason: reason.map(str::to_owned),
        id: "1".to_owned(),
        url: None,
        year: Some(2020),
        text: text.to_owned(),
        cut: true,
        fields: BTreeMap::new(),
    };
    let read = [example(Became::Kept, None, "A <b>proof</b>"), example(Became::Dropped, Some("too-short"), "Menu")];
    write(folder, "stages/clean/examples.jsonl", lines(&read));
    write(
        folder,
        "stages/tokens/manifest.json",
        r#"{"format": "octo-token-shards", "total": {"documents": 1999, "tokens": 4500000, "empty": 1, "skipped": 0}, "sources": [{"source": "web", "year": 2020, "documents": 1999, "tokens": 4500000}]}"#,
    );
    let figures = ClassifierFigures {
        documents: LabelCounts { positive: 60, negative: 40 },
        precision: Some(0.9),
        recall: None,
        curve: vec![ThresholdPoint { threshold: 0.4, kept: 0.5, precision: Some(0.9), recall: Some(0.8) }],
        ..ClassifierFigures::default()
    };
    let years = BTreeMap::from([("2021".to_owned(), figures.clone())]);
    let report = ClassifierReport { overall: Some(figures), years, threshold: 0.4, ..ClassifierReport::default() };
    write(folder, "stages/found/classifier.json", to_json(&report).expect("writes"));
    let document = ClusterDocument { id: "a<b".to_owned(), text_bytes: 2000, ..ClusterDocument::default() };
    let clusters = DuplicateClusters {
        clusters: 1,
        clustered: 1200,
        exact_duplicates: 1199,
        sizes: vec![ClusterSizes { from: 1024, to: 2047, clusters: 1, documents: 1200 }],
        largest: vec![ClusterExample { cluster: 7, size: 1200, documents: vec![document] }],
        ..DuplicateClusters::default()
    };
    write(folder, "stages/copies/clusters.json", to_json(&clusters).expect("writes"));
    let example = ContaminationExample {
        id: "page".to_owned(),
        row: "row 3".to_owned(),
        score: 0.875,
        text: "Janet's <ducks>".to_owned(),
        ..ContaminationExample::default()
    };
    let hit = BenchmarkContamination { rows: 1319, rows_hit: 1, examples: vec![example], ..Default::default() };
    let leaks = Contamination {
        documents: 2000,
        contaminated: 1,
        rules: "ngram".to_owned(),
        action: "remove".to_owned(),
        benchmarks: BTreeMap::from([("gsm8k".to_owned(), hit)]),
        ..Contamination::default()
    };
    write(folder, "stages/leaks/contamination.json", to_json(&leaks).expect("writes"));
    let page = folder.join("report.html");
    let summary = write_report(folder, &page).expect("a report").to_string();
    assert_eq!(summary, "");
    let page = std::fs::read_to_string(page).expect("a page");
    for part in [
        "<td>pages</td><td>extract</td><td class=n>4,000</td><td class=n>3,000</td><td class=n>75.0%",
        "<td class=n>12.3 MB</td><td>not-html 1,000</td>",
        "<td>too-short 900, a&amp;b 90, failed: fuel 10</td>",
        "<td class=n>4,500,000 tokens</td><td>empty 1</td>",
        "10 documents lie in dead letters",
        "<tr><td>clean</td><td class=n>700</td><td class=n>0</td></tr>",
        "clean: documents by math_score",
        "A &lt;b&gt;proof&lt;/b&gt; …",
        "<h3 class=bad>words: too-short</h3>",
        "<td>2021</td><td class=n>60</td><td class=n>40</td><td class=n>90.0%</td><td class=n></td>",
        "copies: 1 clusters of 1,200 documents; 1,199 exact copies and 0 near-duplicates went",
        "<td>1024 to 2047</td><td class=n>1</td>",
        "<p class=note>a&lt;b, 2.0 kB</p>",
        "<details open><summary>leaks: 1 of 2,000 documents have rows of benchmarks in them (rules ngram, action remove)",
        "page has 87.5% of gsm8k row 3</p><pre>Janet&#39;s &lt;ducks&gt;</pre>",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}
