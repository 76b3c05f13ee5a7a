//! Extracts the pages of files and sends the documents through a filter plugin, as the stages `extract` and `curate` do, and
//! says of both how long they took and the most memory that was resident up to their end.
//!
//! ```sh
//! cargo run --release -p octo-curate --example corpus -- OUT target/plugins/filter_heuristics.wasm crawl.warc.gz
//! ```

use octo_curate::extract::{ExtractOptions, extract};
use octo_curate::{Options, curate_with};
use octo_plugin::{Host, Limits};
use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(out), Some(plugin)) = (arguments.next(), arguments.next()) else {
        return Err("give a folder, a filter plugin and files of pages".into());
    };
    let inputs: Vec<PathBuf> = arguments.collect();
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    let pages = extract(&inputs, &out.join("pages"), &ExtractOptions::default(), &stop, &|_, _| {})?;
    say("extract", pages.records, begun);
    let filter = Host::new()?.load(&plugin, &serde_json::json!({}), &Limits::default())?.into_filter()?;
    let begun = Instant::now();
    let documents = [out.join("pages").join(octo_record::layout::DOCUMENTS)];
    let filters = [("filter".to_owned(), &filter)];
    let counts = curate_with(&documents, &filters, &out.join("kept"), &Options::default(), &stop, &|_, _| {})?;
    say("curate", counts.total.read, begun);
    Ok(())
}

fn say(stage: &str, items: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or(" unknown").trim();
    println!(
        "{stage}: {items} items in {seconds:.1} s, {:.0} per second, at most {peak} resident",
        items as f64 / seconds
    );
}
