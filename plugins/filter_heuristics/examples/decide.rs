//! Decides on documents natively with one config, to try thresholds and to profile: documents as JSON Lines on standard
//! input, a decision per line, and on standard error how long deciding took.
//!
//! ```sh
//! cargo run --release -p filter_heuristics --example decide -- '{"preset": "gopher"}' < documents.jsonl
//! ```

use filter_heuristics::{Config, Heuristics};
use octo_sdk::{DataFilter, Decision, Document, Plugin};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config: Config = serde_json::from_str(&std::env::args().nth(1).unwrap_or_else(|| "{}".to_owned()))?;
    let filter = Heuristics::new(config).map_err(|error| error.message)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut busy = std::time::Duration::ZERO;
    for line in std::io::stdin().lines() {
        let record: serde_json::Value = serde_json::from_str(&line?)?;
        let document = Document {
            id: String::new(),
            text: record["text"].as_str().unwrap_or_default().to_owned(),
            url: None,
            source: String::new(),
            year: None,
            fields: vec![],
        };
        let begun = std::time::Instant::now();
        let decision = filter.filter(&document);
        busy += begun.elapsed();
        let shown = match decision.map_err(|error| error.message)? {
            Decision::Keep => serde_json::json!({ "kept": true }),
            Decision::Annotate(fields) => {
                serde_json::json!({ "kept": true, "quality": fields.first().map(|field| &field.value) })
            }
            Decision::Rewrite(new) => serde_json::json!({ "kept": true, "text": new.text }),
            Decision::Drop(reason) => serde_json::json!({ "kept": false, "reason": reason }),
        };
        writeln!(out, "{shown}")?;
    }
    out.flush()?;
    eprintln!("{}", serde_json::json!({ "seconds": busy.as_secs_f64() }));
    Ok(())
}
