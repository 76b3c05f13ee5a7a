//! The first phase: what of each document is compared, a unit per input file.
//!
//! Beside the sorted signatures a unit keeps what later phases ask about a document by its index: a record of
//! [`About::BYTES`] bytes in `about/RRRRR.documents`, and its id in `about/RRRRR.ids`.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use octo_data::atomic::AtomicFile;
use octo_data::jsonl::read_documents;
use octo_data::record::Document;
use octo_data::rows::faults::Faults;
use octo_data::{DataError, digest};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::marker::Unit;
use super::minhash::MinHash;
use super::sorted::{Layout, Sorter};
use crate::datatrove::normal_form;
use crate::units::Shard;

use super::{DeduplicateError, Exact, Meter, Near, Run, has, no_documents, unreadable, unwritable};

/// The phase, as a word.
pub(super) const PHASE: &str = "signatures";
/// Documents of a chunk, and the bytes of text that end one early.
const CHUNK: usize = 1024;
const CHUNK_BYTES: usize = 8 << 20;
/// Bytes of an id that are kept to name the document that another is a copy of.
const ID_BYTES: usize = 1024;
/// How exact copies lie in sorted files: half a SHA-256, and the index.
pub(super) const EXACT: Layout = Layout { numbers: 2, bytes: 8, with_file: false };

/// What a unit counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Documents of the file.
    pub(super) documents: u64,
    /// Of these, those that have as many words as a shingle.
    pub(super) signatures: u64,
    /// Lines that are not documents.
    pub(super) bad_lines: u64,
    /// The digest of the file.
    pub(super) digest: String,
}

/// How signatures lie in sorted files.
pub(super) fn layout(near: &Near) -> Layout {
    Layout { numbers: near.hashes, bytes: if near.precision == 32 { 4 } else { 8 }, with_file: false }
}

/// The file of a bucket's signatures of an input.
pub(super) fn bucket_file(run: &Run<'_>, bucket: usize, rank: usize) -> PathBuf {
    run.work("signatures").join(format!("bucket_{bucket:03}")).join(format!("{rank:05}.minhash.sig"))
}

/// The file of an input's digests of texts.
pub(super) fn exact_file(run: &Run<'_>, rank: usize) -> PathBuf {
    run.work("exact").join(format!("{rank:05}.sig"))
}

fn about_file(run: &Run<'_>, rank: usize, ending: &str) -> PathBuf {
    run.work("about").join(format!("{rank:05}.{ending}"))
}

fn marker(run: &Run<'_>, rank: usize) -> PathBuf {
    run.work("signatures").join(format!("{rank:05}.json"))
}

/// Makes the signatures of the inputs of `shard`.
///
/// Where there are as many inputs as threads or more, each thread works on one; else all work on the documents of one
/// input after the other.
///
/// # Errors
/// [`DeduplicateError`]. Inputs that were done are kept.
pub fn signatures(run: &Run<'_>, shard: Option<Shard>) -> Result<(), DeduplicateError> {
    let settings = run.signature_settings();
    let own: Vec<usize> = (0..run.inputs.len()).filter(|rank| has(shard, *rank)).collect();
    let bytes = |rank: &usize| std::fs::metadata(&run.inputs[*rank]).map_or(0, |details| details.len());
    let meter = Meter::new(run, PHASE, own.iter().map(bytes).sum());
    let one = |rank: usize, threads: bool| -> Result<(), DeduplicateError> {
        run.may_go_on()?;
        let path = &run.inputs[rank];
        let input = digest::of_file(path)?;
        let unit = Unit { name: format!("{PHASE} {rank}"), input: input.clone(), settings: &settings };
        if let Some(done) = unit.done::<Counts>(&marker(run, rank))? {
            meter.add(done.documents, bytes(&rank));
            return Ok(());
        }
        let counts = Work { run, rank, threads, meter: &meter }.work(path, input)?;
        Ok(unit.mark(&marker(run, rank), &counts)?)
    };
    if own.len() >= rayon::current_num_threads() {
        own.par_iter().try_for_each(|rank| one(*rank, false))
    } else {
        own.iter().try_for_each(|rank| one(*rank, true))
    }
}

/// What the units counted, of all inputs. Files are not read for it: whether they are as they were, the phase that reads
/// them sees.
pub(super) fn counted(run: &Run<'_>) -> Result<Vec<Counts>, DeduplicateError> {
    let settings = run.signature_settings();
    let mut counts = Vec::with_capacity(run.inputs.len());
    let mut missing = Vec::new();
    for (rank, path) in run.inputs.iter().enumerate() {
        let marker = marker(run, rank);
        let input = std::fs::read(&marker).ok().and_then(|text| {
            let marker: serde_json::Value = serde_json::from_slice(&text).ok()?;
            Some(marker.get("input")?.as_str()?.to_owned())
        });
        let unit = Unit { name: format!("{PHASE} {rank}"), input: input.unwrap_or_default(), settings: &settings };
        match unit.done(&marker)? {
            Some(done) => counts.push(done),
            None => missing.push(path),
        }
    }
    if let Some(first) = missing.first() {
        let (missing, first) = (missing.len(), first.display().to_string());
        return Err(DeduplicateError::Unfinished { phase: PHASE, missing, units: run.inputs.len(), first });
    }
    if counts.iter().all(|one: &Counts| one.documents + one.bad_lines == 0) {
        return Err(no_documents(run).into());
    }
    Ok(counts)
}

/// The digest of all inputs, by the units' markers.
pub(super) fn digest_of(counts: &[Counts]) -> String {
    let all: String = counts.iter().map(|one| format!("{} {}\n", one.digest, one.documents)).collect();
    digest::of_bytes(all.as_bytes())
}

/// Reads the documents of a file a chunk at a time, as every phase counts them.
pub(super) fn each_chunk(
    run: &Run<'_>,
    path: &Path,
    meter: &Meter<'_>,
    each: &mut dyn FnMut(Vec<Document>) -> Result<(), DeduplicateError>,
) -> Result<u64, DeduplicateError> {
    let mut documents = read_documents(path)?;
    let mut faults = Faults::default();
    let mut read = 0;
    loop {
        run.may_go_on()?;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < CHUNK && bytes < CHUNK_BYTES {
            match documents.next() {
                Some(Ok(document)) => {
                    bytes += document.bytes();
                    chunk.push(document);
                }
                Some(Err(error)) if run.settings.skip_bad_lines && error.is_one_line() => {
                    let (place, message) = error.place_and_message();
                    if let Some(said) = faults.add(&place, &message) {
                        tracing::warn!("skipped {said}");
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => break,
            }
        }
        if chunk.is_empty() {
            faults.rest().iter().for_each(|line| tracing::warn!("skipped {line}"));
            return Ok(faults.total());
        }
        let count = chunk.len() as u64;
        each(chunk)?;
        let now = documents.bytes_read();
        meter.add(count, now - read);
        read = now;
    }
}

/// The work on one input.
struct Work<'a> {
    run: &'a Run<'a>,
    rank: usize,
    threads: bool,
    meter: &'a Meter<'a>,
}

/// What is compared of one document.
struct Signed {
    about: About,
    id: String,
    near: Option<Vec<u64>>,
}

impl Work<'_> {
    fn work(&self, path: &Path, digest: String) -> Result<Counts, DeduplicateError> {
        let (run, rank) = (self.run, self.rank);
        let near = run.settings.near;
        let functions = near.map(|near| MinHash::new(near.buckets * near.hashes, near.words, near.bits(), near.seed));
        let mut buckets: Vec<Sorter> = near
            .iter()
            .flat_map(|near| (0..near.buckets).map(|bucket| Sorter::new(bucket_file(run, bucket, rank), layout(near))))
            .collect();
        let mut exact = (run.settings.exact != Exact::Off).then(|| Sorter::new(exact_file(run, rank), EXACT));
        let mut about = AboutWriter::create(run, rank)?;
        let mut counts = Counts { digest, ..Counts::default() };
        counts.bad_lines = each_chunk(run, path, self.meter, &mut |chunk| {
            let sign = |document: &Document| signed(document, run.settings.exact, functions.as_ref());
            let signed: Vec<Signed> =
                if self.threads { chunk.par_iter().map(sign).collect() } else { chunk.iter().map(sign).collect() };
            for one in signed {
                let index = u32::try_from(counts.documents).map_err(|_| DataError::Format {
                    path: path.to_path_buf(),
                    message: format!("has more than {} documents, the most of one file; split it", u32::MAX),
                })?;
                about.write(one.about, &one.id)?;
                if let Some(exact) = &mut exact {
                    exact.push(&one.about.text.map(u64::from_be_bytes), index)?;
                }
                if let (Some(near), Some(hashes)) = (near, one.near) {
                    for (bucket, key) in buckets.iter_mut().zip(hashes.chunks_exact(near.hashes)) {
                        bucket.push(key, index)?;
                    }
                    counts.signatures += 1;
                }
                counts.documents += 1;
            }
            Ok(())
        })?;
        buckets.into_iter().chain(exact).try_for_each(Sorter::finish)?;
        about.finish()?;
        Ok(counts)
    }
}

fn signed(document: &Document, exact: Exact, functions: Option<&MinHash>) -> Signed {
    let text = match exact {
        Exact::Off | Exact::Text => half(&Sha256::digest(&document.text)),
        Exact::WhiteSpace => {
            let words: Vec<&str> = document.text.split_whitespace().collect();
            half(&Sha256::digest(words.join(" ")))
        }
        Exact::NormalForm => {
            let words: Vec<String> =
                normal_form(&document.text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            half(&Sha256::digest(words.join(" ")))
        }
    };
    let mut id = document.id.clone();
    id.truncate(id.floor_char_boundary(ID_BYTES));
    Signed {
        about: About { bytes: document.text.len() as u64, text, rest: rest(document), id: 0, id_bytes: 0 },
        id,
        near: functions.and_then(|functions| functions.signature(&document.text)),
    }
}

fn half(digest: &[u8]) -> [[u8; 8]; 2] {
    let eight = |from: usize| std::array::from_fn(|at| digest[from + at]);
    [eight(0), eight(8)]
}

/// Half a digest of a document without its id, by which documents of one length are ordered.
fn rest(document: &Document) -> [[u8; 8]; 2] {
    let mut sum = Sha256::new();
    let mut part = |bytes: &[u8]| {
        sum.update((bytes.len() as u64).to_le_bytes());
        sum.update(bytes);
    };
    part(document.text.as_bytes());
    part(document.url.as_deref().unwrap_or_default().as_bytes());
    part(document.source.as_bytes());
    part(document.year.map(|year| year.to_string()).unwrap_or_default().as_bytes());
    for (name, value) in &document.fields {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    half(&sum.finalize())
}

/// What later phases ask about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// Bytes of its text.
    pub(super) bytes: u64,
    /// Half the digest of what counts as its text.
    pub(super) text: [[u8; 8]; 2],
    /// Half the digest of all of it but its id.
    pub(super) rest: [[u8; 8]; 2],
    /// Where its id lies, and its bytes.
    id: u64,
    id_bytes: u64,
}

impl About {
    const BYTES: usize = 56;

    fn to_bytes(self) -> [u8; About::BYTES] {
        let mut bytes = [0; About::BYTES];
        let [a, b] = self.text;
        let [c, d] = self.rest;
        let parts = [self.bytes.to_le_bytes(), a, b, c, d, self.id.to_le_bytes(), self.id_bytes.to_le_bytes()];
        bytes.copy_from_slice(&parts.concat());
        bytes
    }

    fn from_bytes(bytes: &[u8; About::BYTES]) -> About {
        let eight = |at: usize| std::array::from_fn(|byte| bytes[at * 8 + byte]);
        let number = |at: usize| u64::from_le_bytes(eight(at));
        About {
            bytes: number(0),
            text: [eight(1), eight(2)],
            rest: [eight(3), eight(4)],
            id: number(5),
            id_bytes: number(6),
        }
    }
}

struct AboutWriter {
    records: AtomicFile,
    ids: AtomicFile,
    written: u64,
}

impl AboutWriter {
    fn create(run: &Run<'_>, rank: usize) -> Result<AboutWriter, DataError> {
        let records = AtomicFile::create(&about_file(run, rank, "documents"))?;
        Ok(AboutWriter { records, ids: AtomicFile::create(&about_file(run, rank, "ids"))?, written: 0 })
    }

    fn write(&mut self, about: About, id: &str) -> Result<(), DataError> {
        let about = About { id: self.written, id_bytes: id.len() as u64, ..about };
        let failed = |file: &AtomicFile, error| unwritable(file.path())(error);
        self.records.write_all(&about.to_bytes()).map_err(|error| failed(&self.records, error))?;
        self.ids.write_all(id.as_bytes()).map_err(|error| failed(&self.ids, error))?;
        self.written += id.len() as u64;
        Ok(())
    }

    fn finish(self) -> Result<(), DataError> {
        self.records.commit()?;
        self.ids.commit()
    }
}

/// What is known about the documents of an input, in order.
pub(super) struct AboutReader {
    records: BufReader<File>,
    path: PathBuf,
}

impl AboutReader {
    pub(super) fn open(run: &Run<'_>, rank: usize) -> Result<AboutReader, DataError> {
        let path = about_file(run, rank, "documents");
        Ok(AboutReader { records: BufReader::new(File::open(&path).map_err(unreadable(&path))?), path })
    }

    /// About the next document.
    pub(super) fn next(&mut self) -> Result<About, DataError> {
        let mut bytes = [0; About::BYTES];
        self.records.read_exact(&mut bytes).map_err(unreadable(&self.path))?;
        Ok(About::from_bytes(&bytes))
    }
}

/// What is known about the document of index `document` of an input, and its id.
pub(super) fn about(run: &Run<'_>, rank: usize, document: u64) -> Result<(About, String), DataError> {
    let read = |path: &Path, from: u64, bytes: &mut [u8]| -> std::io::Result<()> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(bytes)
    };
    let path = about_file(run, rank, "documents");
    let mut bytes = [0; About::BYTES];
    read(&path, document * About::BYTES as u64, &mut bytes).map_err(unreadable(&path))?;
    let about = About::from_bytes(&bytes);
    let path = about_file(run, rank, "ids");
    let mut id = vec![0; usize::try_from(about.id_bytes).unwrap_or(ID_BYTES).min(ID_BYTES)];
    read(&path, about.id, &mut id).map_err(unreadable(&path))?;
    Ok((about, String::from_utf8_lossy(&id).into_owned()))
}
