//! From pages to a corpus: all stages over documents in one run, stopped by a kill, shared out, and on real pages.

use std::fmt::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use octo_test_support::{Workdir, repository};
use octo_tests::stage_folder;
use serde_json::Value;

/// All stages but those that ask a language model, on files of pages that the tests write.
const RECIPE: &str = r#"
name = "corpus"
seed = 4

[plugins]
heuristics = { plugin = "filter_heuristics", config = { preset = "mathematics", min_words = 10 } }
score = { plugin = "filter_math_score" }
by-classifier = { plugin = "filter_classifier", config = { threshold = 0.5 } }

[stages.pages]
kind = "extract"
inputs = ["pages"]

[stages.english]
kind = "language"
inputs = "@pages/documents.jsonl.zst"

[stages.seed]
kind = "sample"
inputs = "@english/kept.jsonl.zst"
documents = 60

[stages.scored]
kind = "curate"
inputs = "@seed/kept.jsonl.zst"
filters = ["score"]

[stages.classifier]
kind = "classifier"
documents = "@scored/kept.jsonl.zst"
positive_from = 2
held_out = 0.3
dim = 8
word_ngrams = 1
min_count = 1
epochs = 40
bucket = 1000
preprocessing = "mathematics"

[stages.mathematics]
kind = "curate"
inputs = "@english/kept.jsonl.zst"
filters = ["by-classifier"]
classifiers.math = { model = "@classifier/model.bin", preprocessing = "mathematics" }

[stages.unique]
kind = "deduplicate"
inputs = "@mathematics/kept.jsonl.zst"
# The exercises differ in their numbers alone, which MinHash takes for one.
near = "off"

[stages.clean]
kind = "decontaminate"
inputs = "@unique/kept.jsonl.zst"
benchmarks = { sums = { path = "benchmark.jsonl" } }

[stages.tokenizer]
kind = "tokenizer"
documents = "@clean/kept.jsonl.zst"
vocabulary = 400

[stages.tokens]
kind = "tokenize"
documents = "@clean/kept.jsonl.zst"
tokenizer = "@tokenizer"
"#;

/// What the benchmark asks; one page has it word for word.
const LEAK: &str = "A gardener plants seventeen rows of tulips with twenty three bulbs in each row and then removes \
    forty bulbs that squirrels have damaged during the winter. How many healthy tulip bulbs remain in the whole garden?";

fn page(number: usize) -> String {
    let n = number + 3;
    let body = match number % 4 {
        0 | 1 => format!(
            "<h2>Exercise {n}: a quadratic equation</h2><p>We solve the equation \\(x^2 - {}x + {} = 0\\) step by step, \
             as every student of algebra learns it at school.</p><p>First we factor the polynomial, therefore \
             \\[(x - {n})(x - {})=0.\\] Hence the solution is \\(x = {n}\\) or \\(x = {}\\). Let us check the answer: \
             the sum of both roots is {} and their product is {}.</p>",
            2 * n + 1,
            n * (n + 1),
            n + 1,
            n + 1,
            2 * n + 1,
            n * (n + 1)
        ),
        2 => format!(
            "<h2>Journey {n}</h2><p>The old harbour of the town lies behind a wall of grey stones, where fishermen mend \
             their nets in the morning and tell each other about storms of years gone by. Visitor {n} came by train and \
             walked along the river until the light was gone, and nobody asked for the name of the stranger.</p>"
        ),
        _ => format!(
            "<h2>Reise {n}</h2><p>Der alte Hafen der Stadt liegt hinter einer Mauer aus grauen Steinen, wo die Fischer am \
             Morgen ihre Netze flicken und einander von Stürmen vergangener Jahre erzählen. Besucher {n} kam mit dem Zug \
             und ging am Fluss entlang, bis das Licht verschwunden war.</p>"
        ),
    };
    let leak = if number == 8 { format!("<p>{LEAK} The answer is 351.</p>") } else { String::new() };
    format!(
        "<html><head><title>Page {number}</title></head><body><nav><a href=/>Home</a> <a href=/all>All pages</a></nav>\
         <main>{body}{leak}</main><footer>Imprint and cookies</footer></body></html>"
    )
}

/// A folder with the recipe, its benchmark, and eighty pages of twenty sites in two archives and a file of HTML.
fn workdir() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("r.toml", RECIPE);
    let row = serde_json::json!({"problem": LEAK, "answer": "351", "reference": "351"});
    workdir.write("benchmark.jsonl", row.to_string() + "\n");
    for file in 0..2 {
        let mut archive = String::new();
        for number in (file * 40)..(file * 40 + 40) {
            // One page stands under two addresses.
            let html = page(if number == 41 { 0 } else { number });
            let http = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}");
            let _ = write!(
                archive,
                "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:test:{number}>\r\nWARC-Date: {}-05-01T00:00:00Z\r\n\
                 WARC-Target-URI: https://site{}.example.org/{number}\r\nContent-Type: application/http; msgtype=response\r\n\
                 Content-Length: {}\r\n\r\n{http}\r\n\r\n",
                2018 + number % 3,
                number % 20,
                http.len()
            );
        }
        workdir.write(&format!("pages/{file}.warc"), archive);
    }
    workdir.write("pages/more/single.html", page(100));
    workdir
}

fn json(workdir: &Workdir, stage: &str, file: &str) -> Value {
    let path = stage_folder(workdir, "runs/corpus", stage).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

fn bytes(workdir: &Workdir, stage: &str, file: &str) -> Vec<u8> {
    std::fs::read(stage_folder(workdir, "runs/corpus", stage).join(file)).expect("reads")
}

#[test]
fn pages_become_a_clean_corpus_and_the_report_tells_how() {
    let workdir = workdir();
    workdir.run(&["run", "r.toml"]).exits_with(0);
    let pages = json(&workdir, "pages", "statistics.json");
    assert_eq!((pages["records"].as_u64(), pages["documents"].as_u64()), (Some(81), Some(81)), "{pages}");
    assert_eq!(pages["years"]["2018"], 27, "{pages}");
    let english = json(&workdir, "english", "statistics.json");
    assert_eq!((&english["total"]["kept"], &english["total"]["dropped"]), (&61.into(), &20.into()), "{english}");
    let scored = json(&workdir, "scored", "statistics.json");
    assert_eq!(scored["total"]["kept"], 60);
    assert!(scored["scores"]["math_score"]["counts"].as_object().is_some_and(|counts| counts.len() > 1), "{scored}");
    let classifier = json(&workdir, "classifier", "classifier.json");
    assert_eq!(classifier["overall"]["precision"], 1.0, "{classifier}");
    let kept = &json(&workdir, "mathematics", "statistics.json")["total"]["kept"];
    assert_eq!(kept, 41, "two pages of four and the copy are mathematics");
    let copies = json(&workdir, "unique", "clusters.json");
    assert_eq!((&copies["documents"], &copies["exact_duplicates"]), (&41.into(), &1.into()), "{copies}");
    let leaks = json(&workdir, "clean", "contamination.json");
    assert_eq!((&leaks["contaminated"], &leaks["benchmarks"]["sums"]["rows_hit"]), (&1.into(), &1.into()), "{leaks}");
    let report = workdir.read("runs/corpus/report.html");
    for part in
        ["<h2>Corpus</h2>", "clean: 1 of ", "scored: documents by math_score", "documents to read", " tokens</td>"]
    {
        assert!(report.contains(part), "{part}");
    }
    assert!(!report.contains("All pages"), "navigation is no text");
}

#[test]
fn a_killed_run_and_one_in_shards_end_with_the_same_bytes() {
    let whole = workdir();
    whole.run(&["run", "r.toml"]).exits_with(0);
    let shared = workdir();
    for shard in ["1/2", "0/2"] {
        shared.run(&["run", "r.toml", "--stage", "pages", "--shard", shard]).exits_with(0);
    }
    // Kills at several moments; whatever stage is at work resumes.
    for pause in [300, 600, 1200] {
        let mut run = shared.command(&["run", "r.toml"]);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        let end = Instant::now() + Duration::from_millis(pause);
        while Instant::now() < end && run.try_wait().expect("waits").is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = run.kill();
        run.wait().expect("ends");
    }
    shared.run(&["run", "r.toml"]).exits_with(0);
    for (stage, file) in [
        ("pages", "documents.jsonl.zst"),
        ("english", "kept.jsonl.zst"),
        ("seed", "kept.jsonl.zst"),
        ("scored", "statistics.json"),
        ("classifier", "model.bin"),
        ("mathematics", "examples.jsonl"),
        ("unique", "kept.jsonl.zst"),
        ("clean", "kept.jsonl.zst"),
        ("clean", "contamination.json"),
        ("tokens", "00000.ds"),
    ] {
        assert!(bytes(&shared, stage, file) == bytes(&whole, stage, file), "{stage}/{file} differs");
    }
}

#[test]
fn the_recipe_on_real_pages_keeps_mathematics() {
    let Some(truth) = octo_test_support::shared("data/web/truth.jsonl") else { return };
    let folder = truth.ancestors().nth(3).expect("a folder").to_owned();
    let recipe = repository().join("recipes/web.toml");
    let workdir = Workdir::new();
    workdir.call(&["run", recipe.to_str().expect("UTF-8")]).env("OCTO_SHARED", &folder).run().exits_with(0);
    let read = |stage: &str, file: &str| -> Value {
        let path = stage_folder(&workdir, "runs/web", stage).join(file);
        serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("JSON")
    };
    let pages = read("pages", "statistics.json");
    assert_eq!((&pages["documents"], pages["no_document"].is_object()), (&356.into(), true), "{pages}");
    let found = read("classifier", "classifier.json");
    assert!(found["overall"]["average_precision"].as_f64() > Some(0.5), "{found}");
    let clean = read("clean", "statistics.json");
    let kept = clean["total"]["kept"].as_u64().expect("counted");
    assert!((40..160).contains(&kept), "{clean}");
    assert_eq!(read("clean", "contamination.json")["contaminated"], 0);
}

#[test]
fn what_would_empty_a_corpus_in_silence_is_said() {
    let workdir = workdir();
    let refused = |set: &[&str], message: &str| {
        let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        workdir.run(&[&["run", "r.toml", "--replace"], &set[..]].concat()).exits_with(1).stderr_has(message);
    };
    refused(
        &[
            "stages.mathematics={ kind = \"curate\", inputs = \"@english/kept.jsonl.zst\", filters = [\"by-classifier\"] }",
        ],
        "filter \"by-classifier\" may ask classifiers, and the stage names none in `classifiers`",
    );
    refused(
        &["stages.english.languages=\"eng\""],
        "\"eng\" is none of the languages that are known without a `model`: af,",
    );
    refused(
        &["stages.mathematics.classifiers={ math = { model = \"@classifier/model.bin\", preprocessing = \"none\" } }"],
        "classifier \"math\" learnt from texts with preprocessing = \"mathematics\", and the stage asks it about texts with \
         \"none\"; set classifiers.math.preprocessing to \"mathematics\"",
    );
}

#[test]
fn ids_are_those_of_the_files_that_a_run_reads_and_a_stage_asks_for_its_own_inputs_alone() {
    let workdir = workdir();
    let ids = |run: &str, arguments: &[&str]| {
        let name = format!("name={run}");
        let always = ["run", "r.toml", "--stage", "pages", "--set", &name];
        let ended = workdir.run(&[&always, arguments].concat()).exits_with(0);
        let path = stage_folder(&workdir, &format!("runs/{run}"), "pages").join("documents.jsonl.zst");
        let text = zstd::decode_all(&std::fs::read(path).expect("reads")[..]).expect("is zstd");
        let line = String::from_utf8(text).expect("UTF-8").lines().next().expect("a document").to_owned();
        let document: Value = serde_json::from_str(&line).expect("JSON");
        (document["id"].as_str().expect("an id").to_owned(), ended.stderr)
    };
    // What stages after it would need is not there.
    std::fs::remove_file(workdir.path("benchmark.jsonl")).expect("removed");
    assert_eq!(ids("one", &[]).0, "pages/0.warc:1");
    std::fs::rename(workdir.path("pages"), workdir.path("other")).expect("renamed");
    assert_eq!(ids("two", &["--set", "stages.pages.inputs=\"other\""]).0, "other/0.warc:1");
    // An archive that was cut off is told.
    let archive = std::fs::read(workdir.path("other/0.warc")).expect("reads");
    workdir.write("cut.warc", &archive[..archive.len() / 2]);
    let (id, said) = ids("three", &["--set", "stages.pages.inputs=\"cut.warc\""]);
    assert_eq!(id, "cut.warc:1");
    assert!(said.contains("cut.warc breaks off or is damaged at record "), "{said}");
}
