//! Plants rows of benchmarks in the middle of pages in several spellings and counts which are found under which rules, and
//! how many pages are marked that have none; prints a line of JSON per rules.
//!
//! ```sh
//! cargo run --release -p octo-curate --example extract_pages -- crawl.warc.gz > pages.jsonl
//! cargo run --release -p octo-curate --example planted_benchmarks -- pages.jsonl \
//!     gsm8k_test.jsonl:query=question,label=answer math500.jsonl:query=problem,label=solution
//! ```

use std::path::{Path, PathBuf};
use std::time::Instant;

use octo_curate::decontaminate::benchmarks::Benchmark;
use octo_curate::decontaminate::{BenchmarkRow, Index, IndexSettings, Matching, Rules, hits};
use octo_data::DataError;
use octo_data::field_map::FieldMap;
use octo_data::jsonl::read_documents;
use serde_json::json;

/// Rows of a benchmark that are planted, spread over it.
const PLANTED: usize = 200;

type Spelling = (&'static str, fn(&BenchmarkRow) -> String);

const SPELLINGS: [Spelling; 5] = [
    ("verbatim", solved),
    ("question alone", |row| row.query.clone()),
    ("other blanks", |row| {
        let spaced = solved(row).replace(' ', "  \n").replace('+', " + ").replace('=', " = ");
        spaced.replace("\\frac", "\\dfrac").replace('(', "\\left( ").replace(')', "\\right) ")
    }),
    ("other delimiters", |row| {
        let mut pieces = solved(row).split('$').map(str::to_owned).collect::<Vec<_>>().into_iter();
        let mut text = pieces.next().unwrap_or_default();
        for (index, piece) in pieces.enumerate() {
            text.push_str(if index % 2 == 0 { "\\(" } else { "\\)" });
            text.push_str(&piece);
        }
        text.replace("\\le ", "≤ ").replace("\\pi", "π").replace("^2", "²").replace("\\cdot", "·")
    }),
    ("other numbers", |row| {
        let other = |c: char| c.to_digit(10).and_then(|digit| char::from_digit((digit + 1) % 10, 10)).unwrap_or(c);
        solved(row).chars().map(other).collect()
    }),
];

fn solved(row: &BenchmarkRow) -> String {
    format!("{}\n\n{}", row.query, row.labels.first().map_or("", String::as_str))
}

fn planted(page: &str, text: &str) -> String {
    let middle = (page.len() / 2..page.len()).find(|at| page.is_char_boundary(*at)).unwrap_or(page.len());
    format!("{}\n\n{text}\n\n{}", &page[..middle], &page[middle..])
}

fn main() -> Result<(), DataError> {
    let mut arguments = std::env::args().skip(1);
    let pages = arguments.next().ok_or_else(|| DataError::Invalid("name a file of pages".into()))?;
    let pages: Vec<String> =
        read_documents(Path::new(&pages))?.map(|page| page.map(|page| page.text)).collect::<Result<_, _>>()?;
    let mut benchmarks = Vec::new();
    for argument in arguments {
        let (file, map) = argument.rsplit_once(':').unwrap_or((&argument, ""));
        let files = vec![PathBuf::from(file)];
        benchmarks.push(Benchmark { name: file.to_owned(), files, map: FieldMap::parse(map)?, rows: None }.read()?);
    }
    let cases = [
        ("ngram", IndexSettings::of(Rules::Ngram), true),
        ("datatrove", IndexSettings::of(Rules::Datatrove), true),
        ("datatrove with queries", IndexSettings { query_grams: true, ..IndexSettings::of(Rules::Datatrove) }, true),
        ("decon", IndexSettings::of(Rules::Decon), true),
        ("decon without answers", IndexSettings::of(Rules::Decon), false),
    ];
    for (name, settings, need_answer) in cases {
        let matching = Matching { need_answer, ..Matching::of(settings.rules) };
        let index = Index::build(settings, benchmarks.clone())?;
        let begun = Instant::now();
        let marked = pages.iter().filter(|page| !hits(&index, &matching, &[], page).is_empty()).count();
        let micros = begun.elapsed().as_micros() as f64 / pages.len().max(1) as f64;
        let mut found = serde_json::Map::new();
        for (spelling, spell) in SPELLINGS {
            let (mut right, mut all) = (0, 0);
            for (name, _, rows) in &benchmarks {
                for (number, row) in rows.iter().enumerate().step_by((rows.len() / PLANTED).max(1)) {
                    let page = &pages[number % pages.len().max(1)];
                    let is_row = |row_found: u32| {
                        index.benchmark_of(row_found) == name && index.rows[row_found as usize].name == row.name
                    };
                    let hits = hits(&index, &matching, &[], &planted(page, &spell(row)));
                    right += usize::from(hits.iter().any(|hit| is_row(hit.row)));
                    all += 1;
                }
            }
            found.insert(spelling.to_owned(), json!([right, all]));
        }
        let clean = json!([marked, pages.len()]);
        println!(
            "{}",
            json!({ "rules": name, "grams": index.len(), "found": found, "clean_pages_marked": clean, "microseconds_per_page": micros })
        );
    }
    Ok(())
}
