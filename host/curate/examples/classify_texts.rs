//! Asks a fastText model about texts, one after the other on one thread, and prints the best label of each; on standard
//! error, how long it took. `tests/bench/classifier.py` compares it with C++ fastText.
//!
//! The texts are JSON Lines with a `text`. With `none` and `mathematics` they are prepared so for a classifier, and only
//! asking is timed. With `language` and `language-unmasked` the model tells languages, or with `embedded` in its place
//! whatlang, and all of it is timed.
//!
//! ```sh
//! cargo run --release -p octo-curate --example classify_texts -- model.bin mathematics documents.jsonl > labels.jsonl
//! ```

use octo_curate::classifier::preprocessing::Preprocessing;
use octo_curate::fasttext_model::{FastTextModel, Scratch};
use octo_curate::language::{Identifier, LanguageFilter};
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::time::{Duration, Instant};

type Ask = Box<dyn Fn(&str, &mut Scratch) -> Result<Option<(String, f32)>, String>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, way, texts] = &arguments[..] else {
        return Err("usage: classify_texts MODEL none|mathematics|language|language-unmasked TEXTS.jsonl".into());
    };
    let prepare = match way.as_str() {
        "none" => Some(Preprocessing::None),
        "mathematics" => Some(Preprocessing::Mathematics),
        _ => None,
    };
    let ask: Ask = match prepare {
        Some(_) => {
            let model = FastTextModel::load(model.as_ref())?;
            Box::new(move |text, scratch| {
                let found = model.predict(text, 1, scratch)?;
                Ok(found.first().map(|(label, probability)| (model.labels()[*label].clone(), *probability)))
            })
        }
        None => {
            let identifier = match model.as_str() {
                "embedded" => Identifier::Embedded,
                path => Identifier::Model(Box::new(FastTextModel::load(path.as_ref())?)),
            };
            let mask = way != "language-unmasked";
            let filter = LanguageFilter { identifier, languages: Vec::new(), threshold: 0.0, mask, drop: false };
            Box::new(move |text, scratch| filter.identify(text, scratch))
        }
    };
    let mut scratch = Scratch::default();
    let (mut count, mut bytes, mut busy) = (0u64, 0usize, Duration::ZERO);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in BufReader::new(std::fs::File::open(texts)?).lines() {
        let document: serde_json::Value = serde_json::from_str(&line?)?;
        let text = document["text"].as_str().ok_or("a line has no text")?;
        let text = prepare.map_or_else(|| text.to_owned(), |prepare| prepare.apply(text));
        let begun = Instant::now();
        let found = ask(&text, &mut scratch)?;
        busy += begun.elapsed();
        count += 1;
        bytes += text.len();
        let (label, probability) = found.unwrap_or_default();
        writeln!(out, "{}", serde_json::json!({ "label": label, "probability": probability }))?;
    }
    let seconds = busy.as_secs_f64().max(1e-9);
    eprintln!("{{\"texts\": {count}, \"bytes\": {bytes}, \"seconds\": {seconds:.4}}}");
    Ok(())
}
