//! What a `tokenize` stage will make: tokens and bytes on disk, from the beginning of its first file.

use std::path::Path;
use std::time::{Duration, Instant};

use octo_data::field_map::FieldMap;
use octo_data::rows::TextRows;
use octo_data::shards::bytes_per_token;
use octo_data::tokenizer::Tokenizer;

use super::{Tokenize, loaded};
use crate::PlannedRun;
use crate::figures::{human_bytes, human_count, human_duration};
use crate::recipe::stage::Stage;

/// Bytes of text that are tokenised to see how many tokens they give.
const SAMPLE: usize = 1 << 20;

/// One line for every stage of the kind.
pub fn text(run: &PlannedRun, stages: &[&Stage]) -> String {
    let width = stages.iter().map(|stage| stage.name.len()).max().unwrap_or(8).max(8);
    let mut text = format!("\n{:<width$}  {:>10}  {:>18}  {:>10}  time\n", "tokenize", "input", "tokens", "shards");
    for stage in stages {
        let Some(kind) = stage.work_of::<Tokenize>() else { continue };
        let row = match forecast(run, stage, kind) {
            Ok(forecast) => format!(
                "{:>10}  {:>18}  {:>10}  about {}",
                human_bytes(forecast.input as f64),
                format!("about {}", human_count(forecast.tokens as u64)),
                human_bytes(forecast.disk),
                human_duration(Duration::try_from_secs_f64(forecast.seconds).unwrap_or(Duration::MAX)),
            ),
            Err(reason) => format!("{:>10}  {:>18}  {:>10}  ? ({reason})", "?", "?", "?"),
        };
        text += &format!("{:<width$}  {row}\n", stage.name);
    }
    text
}

struct Forecast {
    /// Bytes of all files, as they lie on disk.
    input: u64,
    tokens: f64,
    /// Bytes of the shards' tokens.
    disk: f64,
    seconds: f64,
}

/// Tokens per byte on disk, and the speed of one thread, are those of the first rows of the first file.
fn forecast(run: &PlannedRun, stage: &Stage, kind: &Tokenize) -> Result<Forecast, String> {
    let mut files = Vec::new();
    for (slot, _) in stage.inputs.iter().filter(|(slot, _)| slot.starts_with("documents.")) {
        files.push(run.known_input(stage, slot).ok_or("its documents are not there yet")?);
    }
    let folder = run.known_input(stage, "tokenizer").ok_or("its tokenizer is not there yet")?;
    let tokenizer = loaded(run, &folder);
    let tokenizer = tokenizer.as_ref().as_ref().map_err(|_| "its tokenizer cannot be read")?;
    let first = files.first().ok_or("it has no documents")?;
    let map = FieldMap::new(kind.settings.map.clone());
    let started = Instant::now();
    let sample = sample(first, &map, tokenizer).ok_or("the first rows give no tokens")?;
    let seconds = started.elapsed().as_secs_f64();
    let size = |path: &std::path::PathBuf| std::fs::metadata(path).map_or(0, |data| data.len());
    let input: u64 = files.iter().map(size).sum();
    // A reader takes a file in pieces, so of a small one all may have been taken for a few rows.
    let share = input as f64 / (sample.bytes.min(size(first)).max(1)) as f64;
    let tokens = sample.tokens as f64 * share;
    let disk = tokens * bytes_per_token(tokenizer.vocabulary_size()) as f64;
    Ok(Forecast { input, tokens, disk, seconds: seconds * share / kind.threads.max(1) as f64 })
}

struct Sample {
    /// Of the file, as it lies on disk.
    bytes: u64,
    tokens: u64,
}

fn sample(path: &Path, map: &FieldMap, tokenizer: &Tokenizer) -> Option<Sample> {
    let mut rows = TextRows::open(path, map, 0).ok()?;
    let (mut text, mut tokens) = (0, 0);
    while text < SAMPLE
        && let Some(numbered) = rows.next()
    {
        let Ok(row) = numbered.row else { continue };
        text += row.text.len();
        // And the token that ends it.
        tokens += tokenizer.encode_plain(&row.text).ok()?.len() as u64 + 1;
    }
    (tokens > 0).then(|| Sample { bytes: rows.bytes_read(), tokens })
}
