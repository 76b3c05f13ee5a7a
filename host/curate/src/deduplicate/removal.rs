//! The fourth phase: every document to those that stay or to those that go, a unit per input; and the parts joined.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use octo_data::atomic::{self, AtomicFile};
use octo_data::jsonl::JsonlWriter;
use octo_data::{DataError, digest, record};
use octo_plugin::types::Decision;
use octo_record::layout::{CLUSTERS, DROPPED, KEPT, STATISTICS};
use octo_record::{ClusterDocument, ClusterExample, DuplicateClusters, Statistics};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::clusters::{self, Found, Removed, done, file};
use super::marker::Unit;
use super::signatures::{Counts, counted, each_chunk};
use crate::units::Shard;

use super::{DeduplicateError, EXACT_DUPLICATE, Meter, NEAR_DUPLICATE, Run, WORK, has, unreadable, unwritable};
use crate::filter::{to_plugin, to_record};
use crate::statistics::{End, Origin, add, count_decision, count_document, nothing_counted};

/// The phase, as a word.
const PHASE: &str = "removal";
/// What dropped lines and the statistics call the filter.
const FILTER: &str = "deduplicate";
/// Characters of a text that are shown.
const BEGINNING: usize = 200;

/// What a unit counted, and the documents of it that are shown, by index.
#[derive(Serialize, Deserialize)]
struct Part {
    statistics: Statistics,
    shown: BTreeMap<u32, ClusterDocument>,
}

#[derive(Serialize)]
struct DroppedLine {
    #[serde(flatten)]
    document: record::Document,
    dropped_by: &'static str,
    reason: &'static str,
}

fn part(run: &Run<'_>, rank: usize, name: &str) -> PathBuf {
    run.work(PHASE).join(format!("{rank:06}-{name}"))
}

fn unit<'a>(rank: usize, input: &str, settings: &'a str) -> Unit<'a> {
    Unit { name: format!("{PHASE} {rank}"), input: input.to_owned(), settings }
}

/// Writes the documents of the inputs of `shard` to those that stay and those that go.
///
/// A dropped document has the fields `cluster`, `cluster_size` and `duplicate_of`, the id of the one that stays.
///
/// # Errors
/// [`DeduplicateError`]. Inputs that were done are kept.
pub fn removal(run: &Run<'_>, shard: Option<Shard>) -> Result<(), DeduplicateError> {
    let counts = counted(run)?;
    let (found, input) = done(run, &counts)?;
    let settings = run.all_settings();
    let own: Vec<usize> = (0..run.inputs.len()).filter(|rank| has(shard, *rank)).collect();
    let bytes = |rank: usize| std::fs::metadata(&run.inputs[rank]).map_or(0, |details| details.len());
    let meter = Meter::new(run, PHASE, own.iter().map(|rank| bytes(*rank)).sum());
    own.par_iter().try_for_each(|rank| {
        run.may_go_on()?;
        let unit = unit(*rank, &input, &settings);
        let marker = part(run, *rank, "done.json");
        if unit.done::<Part>(&marker)?.is_some() {
            meter.add(counts[*rank].documents, bytes(*rank));
            return Ok(());
        }
        let part = work(run, *rank, &counts[*rank], &found, &meter)?;
        Ok(unit.mark(&marker, &part)?)
    })
}

/// The documents of an input that go, in order.
struct Removals {
    lines: Option<BufReader<File>>,
    path: PathBuf,
    next: Option<Removed>,
}

impl Removals {
    fn open(path: PathBuf) -> Result<Removals, DataError> {
        let lines = match File::open(&path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path)(error)),
        };
        let mut removals = Removals { lines, path, next: None };
        removals.read()?;
        Ok(removals)
    }

    fn read(&mut self) -> Result<(), DataError> {
        let mut line = String::new();
        if let Some(lines) = &mut self.lines {
            lines.read_line(&mut line).map_err(unreadable(&self.path))?;
        }
        let parsed = (!line.is_empty()).then(|| serde_json::from_str(&line)).transpose();
        self.next = parsed.map_err(|error| unreadable(&self.path)(error.into()))?;
        Ok(())
    }

    /// What is known of the document of this index, where it goes. Indices are asked for in order.
    fn of(&mut self, document: u64) -> Result<Option<Removed>, DataError> {
        match self.next.take() {
            Some(next) if u64::from(next.document) == document => {
                self.read()?;
                Ok(Some(next))
            }
            other => {
                self.next = other;
                Ok(None)
            }
        }
    }
}

fn work(
    run: &Run<'_>,
    rank: usize,
    counts: &Counts,
    found: &Found,
    meter: &Meter<'_>,
) -> Result<Part, DeduplicateError> {
    let path = &run.inputs[rank];
    let changed = || DeduplicateError::Changed { path: path.clone() };
    if digest::of_file(path)? != counts.digest {
        return Err(changed());
    }
    let mut removals = Removals::open(file(run, rank, "removed.jsonl"))?;
    let mut kept = JsonlWriter::create(&part(run, rank, KEPT))?;
    let mut dropped = JsonlWriter::create(&part(run, rank, DROPPED))?;
    let mut statistics = nothing_counted([FILTER]);
    let all_shown = found.largest.iter().flat_map(|cluster| &cluster.documents);
    let wanted: BTreeSet<u32> =
        all_shown.filter(|(file, _)| *file as usize == rank).map(|(_, document)| *document).collect();
    let mut shown = BTreeMap::new();
    let mut index = 0;
    statistics.bad_lines = each_chunk(run, path, meter, &mut |chunk| {
        for document in chunk {
            if let Some(place) = u32::try_from(index).ok().filter(|place| wanted.contains(place)) {
                shown.insert(place, example(&document));
            }
            let document = to_plugin(document);
            let origin = Origin::of(&document);
            let mut document = to_record(document);
            let Some(counts) = statistics.filters.first_mut() else { return Ok(()) };
            match removals.of(index)? {
                None => {
                    count_decision(counts, &Ok(Decision::Keep));
                    kept.write(&document)?;
                    count_document(&mut statistics, &origin, End::Kept(document.text.len() as u64));
                }
                Some(removed) => {
                    let reason = if removed.exact { EXACT_DUPLICATE } else { NEAR_DUPLICATE };
                    count_decision(counts, &Ok(Decision::Drop(reason.to_owned())));
                    document.fields.insert("cluster".to_owned(), removed.cluster.to_string());
                    document.fields.insert("cluster_size".to_owned(), removed.size.to_string());
                    document.fields.insert("duplicate_of".to_owned(), removed.kept);
                    dropped.write(&DroppedLine { document, dropped_by: FILTER, reason })?;
                    count_document(&mut statistics, &origin, End::Dropped);
                }
            }
            index += 1;
        }
        Ok(())
    })?;
    if index != counts.documents || removals.next.is_some() {
        return Err(changed());
    }
    kept.finish()?;
    dropped.finish()?;
    Ok(Part { statistics, shown })
}

fn example(document: &record::Document) -> ClusterDocument {
    ClusterDocument {
        id: document.id.chars().take(BEGINNING).collect(),
        url: document.url.as_ref().map(|url| url.chars().take(BEGINNING).collect()),
        text_bytes: document.text.len() as u64,
        beginning: document.text.chars().take(BEGINNING).collect(),
    }
}

/// Joins what the units of [`removal()`] wrote, and removes the folder [`WORK`].
///
/// # Errors
/// [`DeduplicateError`], [`DeduplicateError::Unfinished`] where units are missing.
pub fn finish(run: &Run<'_>) -> Result<Statistics, DeduplicateError> {
    let counts = counted(run)?;
    let (found, input) = done(run, &counts)?;
    let settings = run.all_settings();
    let mut parts = Vec::new();
    let mut missing = Vec::new();
    for rank in 0..run.inputs.len() {
        match unit(rank, &input, &settings).done::<Part>(&part(run, rank, "done.json"))? {
            Some(done) => parts.push(done),
            None => missing.push(run.inputs[rank].display().to_string()),
        }
    }
    if let Some(first) = missing.first() {
        let (missing, first) = (missing.len(), first.clone());
        return Err(DeduplicateError::Unfinished { phase: PHASE, missing, units: run.inputs.len(), first });
    }
    let mut statistics = nothing_counted([FILTER]);
    let mut shown = BTreeMap::new();
    for (rank, one) in parts.into_iter().enumerate() {
        add(&mut statistics, one.statistics);
        shown.extend(one.shown.into_iter().map(|(document, example)| ((rank as u32, document), example)));
    }
    join(run, KEPT)?;
    join(run, DROPPED)?;
    write_record(&run.out.join(CLUSTERS), &report(found, &statistics, shown))?;
    write_record(&run.out.join(STATISTICS), &statistics)?;
    write_record(&finished_marker(run), &finished_key(run)?)?;
    clear(run)?;
    Ok(statistics)
}

fn report(
    found: Found,
    statistics: &Statistics,
    mut shown: BTreeMap<(u32, u32), ClusterDocument>,
) -> DuplicateClusters {
    let dropped = statistics.filters.first().map(|filter| &filter.dropped);
    let of_reason = |reason: &str| dropped.and_then(|dropped| dropped.get(reason)).copied().unwrap_or(0);
    let largest = found.largest.into_iter().map(|cluster| ClusterExample {
        cluster: u64::from(cluster.cluster),
        size: cluster.size,
        documents: cluster.documents.iter().filter_map(|place| shown.remove(place)).collect(),
    });
    DuplicateClusters {
        documents: found.documents,
        clusters: found.clusters,
        clustered: found.clustered,
        exact_duplicates: of_reason(EXACT_DUPLICATE),
        near_duplicates: of_reason(NEAR_DUPLICATE),
        largest: largest.collect(),
        sizes: found.sizes,
    }
}

fn write_record(path: &Path, record: &impl Serialize) -> Result<(), DataError> {
    let text = octo_record::to_json(record).map_err(|error| unwritable(path)(error.into()))?;
    atomic::write(path, &text)
}

/// Puts the shards of one name together. Frames of zstd one after the other are a file of zstd.
fn join(run: &Run<'_>, name: &str) -> Result<(), DataError> {
    let path = run.out.join(name);
    let mut whole = AtomicFile::create(&path)?;
    for rank in 0..run.inputs.len() {
        let part = part(run, rank, name);
        let mut shard = File::open(&part).map_err(unreadable(&part))?;
        io::copy(&mut shard, &mut whole).map_err(unwritable(&path))?;
    }
    whole.flush().map_err(unwritable(&path))?;
    whole.commit()
}

fn finished_marker(run: &Run<'_>) -> PathBuf {
    run.out.join(WORK).join("finished.json")
}

/// What a finished run was made from.
fn finished_key(run: &Run<'_>) -> Result<Vec<String>, DataError> {
    let mut key = vec![run.all_settings()];
    key.extend(digest::of_files(run.inputs)?);
    Ok(key)
}

/// What the run came to, where it was finished and then stopped while [`WORK`] was removed.
pub(super) fn finished(run: &Run<'_>) -> Result<Option<Statistics>, DeduplicateError> {
    let Some(key) = read_record::<Vec<String>>(&finished_marker(run))? else { return Ok(None) };
    if key != finished_key(run)? {
        let path = finished_marker(run);
        std::fs::remove_file(&path).map_err(|error| DataError::file("remove", &path, error))?;
        return Ok(None);
    }
    let statistics = read_record(&run.out.join(STATISTICS))?;
    clear(run)?;
    Ok(statistics)
}

fn read_record<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, DataError> {
    match std::fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path)(error)),
    }
}

/// Removes [`WORK`], the marker that all is finished last.
fn clear(run: &Run<'_>) -> Result<(), DataError> {
    let work = run.out.join(WORK);
    for phase in [PHASE, clusters::PHASE, "pairs", "about", "exact", "signatures"] {
        let folder = work.join(phase);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(DataError::file("remove", &folder, error));
            }
            _ => {}
        }
    }
    std::fs::remove_dir_all(&work).map_err(|error| DataError::file("remove", &work, error))
}
