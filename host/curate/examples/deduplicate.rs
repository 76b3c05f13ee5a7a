//! Runs phases of deduplication from outside of a recipe, so that machines can share them, and prints what `tests/bench`
//! and `tests/minhash` compare with datatrove.
//!
//! ```sh
//! cargo run --release -p octo-curate --example deduplicate -- all OUT documents.jsonl.zst
//! cargo run --release -p octo-curate --example deduplicate -- signatures OUT --shard 1/4 --preset paper documents-*.jsonl
//! cargo run --release -p octo-curate --example deduplicate -- words - documents.jsonl > words.jsonl
//! ```
//!
//! Phases are `signatures`, `pairs`, `clusters`, `removal` and `finish`; `pairs` begins when all shards of `signatures`
//! are done, and so on. `words` prints the normal form and the words of each document. Options: `--preset default|paper`,
//! `--precision 32|64`, `--keep longest|first|datatrove`, `--exact off|text|white-space|normal-form`, `--shard I/N`.
//! Each phase says on standard error how long it took.

use octo_curate::datatrove::{Words, normal_form};
use octo_curate::deduplicate::{Exact, Keep, Near, Run, Settings, clusters, finish, pairs, removal, signatures};
use octo_curate::units::Shard;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let phase = arguments.next().ok_or("name a phase; the head of this file says which there are")?;
    let out = PathBuf::from(arguments.next().ok_or("name the folder to write into")?);
    let (mut shard, mut near, mut inputs) = (None, Near::DATATROVE, Vec::new());
    let mut settings = Settings::default();
    while let Some(argument) = arguments.next() {
        if !argument.starts_with("--") {
            inputs.push(PathBuf::from(argument));
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match (argument.as_str(), value.as_str()) {
            ("--preset", "default") => near = Near { precision: near.precision, ..Near::DATATROVE },
            ("--preset", "paper") => near = Near { precision: near.precision, ..Near::PAPER },
            ("--precision", "32") => near.precision = 32,
            ("--precision", "64") => near.precision = 64,
            ("--keep", "longest") => settings.keep = Keep::Longest,
            ("--keep", "first") => settings.keep = Keep::First,
            ("--keep", "datatrove") => settings.keep = Keep::Datatrove,
            ("--exact", "off") => settings.exact = Exact::Off,
            ("--exact", "text") => settings.exact = Exact::Text,
            ("--exact", "white-space") => settings.exact = Exact::WhiteSpace,
            ("--exact", "normal-form") => settings.exact = Exact::NormalForm,
            ("--shard", value) => shard = Some(value.parse::<Shard>()?),
            _ => return Err(format!("{argument} {value} is not known; see the head of this file").into()),
        }
    }
    settings.near = Some(near);
    if phase == "words" {
        return words(&inputs);
    }
    let stop = AtomicBool::new(false);
    let run = Run { inputs: &inputs, out: &out, settings, stop: &stop, progress: &|_| {} };
    let mut known = false;
    for (name, step) in steps(&run, shard) {
        if phase == name || phase == "all" {
            let begun = Instant::now();
            step()?;
            eprintln!("{{\"phase\": \"{name}\", \"seconds\": {:.4}}}", begun.elapsed().as_secs_f64());
            known = true;
        }
    }
    if known { Ok(()) } else { Err(format!("there is no phase {phase:?}; see the head of this file").into()) }
}

type Step<'a> = Box<dyn Fn() -> Result<(), octo_curate::deduplicate::DeduplicateError> + 'a>;

fn steps<'a>(run: &'a Run<'a>, shard: Option<Shard>) -> Vec<(&'static str, Step<'a>)> {
    vec![
        ("signatures", Box::new(move || signatures(run, shard))),
        ("pairs", Box::new(move || pairs(run, shard))),
        ("clusters", Box::new(move || clusters(run))),
        ("removal", Box::new(move || removal(run, shard))),
        ("finish", Box::new(move || finish(run).map(|_| ()))),
    ]
}

fn words(inputs: &[PathBuf]) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for path in inputs {
        for document in octo_data::jsonl::read_documents(path)? {
            let normal = normal_form(&document?.text);
            let words: Vec<String> = Words::of(&normal).iter().map(str::to_owned).collect();
            writeln!(out, "{}", serde_json::json!([normal, words]))?;
        }
    }
    Ok(())
}
