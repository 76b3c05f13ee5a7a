//! `octo-host tokenize`: documents to token shards.

use std::cell::Cell;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use octo_data::shards::tokenize::{Outcome, Standing, Watch, tokenize};
use octo_data::shards::{Manifest, Settings};
use octo_data::tokenizer::Tokenizer;
use octo_plugin::for_people;
use octo_run::kinds::tokenize::SkippedRows;

use crate::arguments::TokenizeArguments;
use crate::terminal::{self, Terminal};
use octo_run::figures::{human_count, human_duration};

/// Bytes of a source's name that are shown.
const LONGEST_NAME: usize = 60;
/// Tokenises. The exit code is that of the signal if it was asked to stop before the end.
pub fn run(arguments: TokenizeArguments) -> Result<ExitCode> {
    let started = Instant::now();
    let tokenizer = Tokenizer::load(&arguments.tokenizer)?;
    let own_name = std::path::absolute(&arguments.out)?;
    let own_name = own_name.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut map = std::collections::BTreeMap::new();
    for (field, column) in arguments.map {
        if map.insert(field.clone(), column).is_some() {
            bail!("--map {field}=... is given twice");
        }
    }
    let settings = Settings {
        map,
        source: arguments.source.or(own_name).unwrap_or_else(|| "corpus".to_owned()),
        shard_tokens: arguments.shard_tokens,
        skip_bad_rows: arguments.skip_bad_rows,
    };
    let threads = arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let stop = terminal::stop_on_signals()?;
    let screen = Terminal::stderr();
    let gauge = screen.gauge("Tokenising");
    let begun = Instant::now();
    let last = Cell::new(0);
    let progress = |standing: &Standing| {
        last.set(standing.new_tokens);
        let speed = speed(standing.new_tokens, begun.elapsed());
        gauge.set(standing.share, format!("{} tokens  {speed}", human_count(standing.total.tokens)));
    };
    let skipped = SkippedRows::default();
    let watch = Watch { stop: &stop, progress: &progress, skipped: &|error| skipped.add(error) };
    let outcome = tokenize(&arguments.files, &tokenizer, &settings, &arguments.out, threads, &watch)?;
    drop(gauge);
    let seconds = begun.elapsed();
    match outcome {
        Outcome::Stopped => {
            screen.say("stopped; whole shards are kept, and the same command resumes from there");
            Ok(terminal::stopped())
        }
        Outcome::Already(manifest) => {
            screen.say(format_args!("{} is whole, and every byte is what was written", arguments.out.display()));
            table(&manifest)?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Done(manifest) => {
            let total = manifest.total;
            // What earlier calls did counts in the totals and not in the speed.
            screen.say(format_args!(
                "Tokenised {} documents into {} tokens in {} ({})",
                human_count(total.documents),
                human_count(total.tokens),
                human_duration(started.elapsed()),
                speed(last.get(), seconds)
            ));
            table(&manifest)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn speed(tokens: u64, elapsed: Duration) -> String {
    format!("{} tokens/s", human_count((tokens as f64 / elapsed.as_secs_f64().max(1e-9)) as u64))
}

/// One line per source and year, and what was not tokenised. Names are the corpus's: they must not drive the terminal.
fn table(manifest: &Manifest) -> Result<()> {
    let names: Vec<String> = manifest.sources.iter().map(|origin| for_people(&origin.source, LONGEST_NAME)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(6).max(6);
    let mut text = format!("{:<width$}  {:>4}  {:>14}  {:>18}\n", "source", "year", "documents", "tokens");
    for (origin, name) in manifest.sources.iter().zip(&names) {
        let year = origin.year.map_or("-".to_owned(), |year| year.to_string());
        let (documents, tokens) = (human_count(origin.documents), human_count(origin.tokens));
        text += &format!("{name:<width$}  {year:>4}  {documents:>14}  {tokens:>18}\n");
    }
    text += &format!("shards: {}\n", manifest.shards.len());
    if manifest.total.empty + manifest.total.skipped > 0 {
        text += &format!("rows without text: {}, left out: {}\n", manifest.total.empty, manifest.total.skipped);
    }
    terminal::print(&text)
}
