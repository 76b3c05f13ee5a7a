//! Extracts the pages of archives and HTML files, one after the other on one thread, and prints a document per line; on
//! standard error, how long extraction alone took. `tests/bench/extraction.py` compares it with other extractors.
//!
//! ```sh
//! cargo run --release -p octo-curate --example extract_pages -- crawl.warc.gz > documents.jsonl
//! ```

use octo_curate::extract::{Body, PageLimits, Records, page};
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut pages, mut bytes, mut busy) = (0u64, 0usize, Duration::ZERO);
    for path in std::env::args_os().skip(1) {
        let records = match Records::open(path.as_ref(), PageLimits::default()) {
            Ok(records) => records,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        for record in records {
            let Ok(found) = record.page else { continue };
            let Body::Html(html) = &found.body else { continue };
            let begun = Instant::now();
            let extracted = page(html, found.charset.as_deref());
            busy += begun.elapsed();
            pages += 1;
            bytes += html.len();
            if let Ok(extracted) = extracted {
                let line = serde_json::json!({ "url": found.url, "date": found.date, "text": extracted.text });
                if writeln!(out, "{line}").is_err() {
                    return ExitCode::SUCCESS;
                }
            }
        }
    }
    let seconds = busy.as_secs_f64().max(1e-9);
    eprintln!(
        "{{\"pages\": {pages}, \"bytes\": {bytes}, \"seconds\": {seconds:.3}, \"pages_per_second\": {:.1}}}",
        pages as f64 / seconds
    );
    ExitCode::SUCCESS
}
