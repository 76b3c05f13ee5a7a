//! Texts to tokens on many threads, in the order of the files.
//!
//! One thread reads rows and hands them out in batches; each worker tokenises with a copy of the tokenizer of its own,
//! whose cache no other touches; the caller's thread takes the results in order. Batches in flight are bounded, so a
//! slow document holds the others up instead of letting them pile up.

use crate::error::DataError;
use crate::field_map::FieldMap;
use crate::rows::{TextRow, TextRows};
use crate::tokenizer::Tokenizer;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::Builder;

/// Rows of a batch, and the bytes of text that end one early.
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 512 << 10;
/// Batches in flight for every worker.
const AHEAD: usize = 3;

/// One row, tokenised.
#[derive(Debug)]
pub(crate) struct EncodedRow {
    /// Index of its file.
    pub input: usize,
    /// Its number in the file, from 1.
    pub number: u64,
    /// Its tokens, or what is wrong with it alone.
    pub tokens: Result<Tokens, DataError>,
}

/// Tokens of a text, without an end-of-text token, and where it is from.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub ids: Vec<u32>,
    pub source: Option<String>,
    pub year: Option<u16>,
}

/// What is read, from where on, and how.
pub(crate) struct Reading<'a> {
    pub inputs: &'a [PathBuf],
    pub map: &'a FieldMap,
    /// The file to begin with and the rows of it to pass over.
    pub start: (usize, u64),
    /// Workers.
    pub threads: usize,
    /// Bytes read so far as they lie on disk, of the files from `start` on; kept up to date.
    pub bytes_read: &'a AtomicU64,
}

struct Batch {
    input: usize,
    lines: bool,
    rows: Vec<(u64, Result<TextRow, DataError>)>,
    done: SyncSender<Vec<EncodedRow>>,
}

/// Gives `sink` every row of the inputs after the start, in order, until it breaks. Its first error ends the work, as
/// does an error that is not of one row alone.
pub(crate) fn encode_in_order(
    reading: &Reading<'_>,
    tokenizer: &Tokenizer,
    mut sink: impl FnMut(EncodedRow) -> Result<ControlFlow<()>, DataError>,
) -> Result<ControlFlow<()>, DataError> {
    let threads = reading.threads.max(1);
    let (work, waiting) = channel::<Batch>();
    let (in_order, results) = sync_channel::<Result<Receiver<Vec<EncodedRow>>, DataError>>(threads * AHEAD);
    let waiting = Mutex::new(waiting);
    std::thread::scope(|scope| {
        let (waiting, inputs) = (&waiting, reading.inputs);
        let refused = |error| DataError::Tokenizer(format!("a thread could not be started: {error}"));
        let read_all = move || {
            let failed = read(reading, &mut |batch: Batch, result| {
                // A closed channel: the caller's thread has ended the work.
                work.send(batch).is_ok() && in_order.send(Ok(result)).is_ok()
            });
            if let Err(error) = failed {
                let _ = in_order.send(Err(error));
            }
        };
        Builder::new().name("read".to_owned()).spawn_scoped(scope, read_all).map_err(refused)?;
        for _ in 0..threads {
            let encode = move || {
                let own = tokenizer.clone();
                loop {
                    let next = waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
                    let Ok(batch) = next else { break };
                    let _ = batch.done.send(encode_batch(inputs, batch.input, batch.lines, batch.rows, &own));
                }
            };
            Builder::new().name("tokenize".to_owned()).spawn_scoped(scope, encode).map_err(refused)?;
        }
        // Owned here, so that an early return closes it and the reader ends.
        let results = results;
        for result in results.iter() {
            let rows = result?.recv().map_err(|_| DataError::Tokenizer("a worker thread ended early".into()))?;
            for row in rows {
                if sink(row)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Reads every row into batches; `hand_out` says whether more are wanted.
fn read(
    reading: &Reading<'_>,
    hand_out: &mut dyn FnMut(Batch, Receiver<Vec<EncodedRow>>) -> bool,
) -> Result<(), DataError> {
    let (first, mut skip) = reading.start;
    let mut bytes_before = 0;
    for (input, path) in reading.inputs.iter().enumerate().skip(first) {
        let mut rows = TextRows::open(path, reading.map, std::mem::take(&mut skip))?;
        let mut fatal = None;
        while fatal.is_none() {
            let mut batch = Vec::with_capacity(BATCH_ROWS);
            let mut bytes = 0;
            while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
                match rows.next() {
                    None => break,
                    Some(numbered) => match numbered.row {
                        Err(error) if !error.is_one_line() => {
                            fatal = Some(error);
                            break;
                        }
                        row => {
                            bytes += row.as_ref().map_or(0, TextRow::bytes);
                            batch.push((numbered.number, row));
                        }
                    },
                }
            }
            reading.bytes_read.store(bytes_before + rows.bytes_read(), Ordering::Relaxed);
            if batch.is_empty() {
                break;
            }
            let (done, result) = sync_channel(1);
            if !hand_out(Batch { input, lines: rows.are_lines(), rows: batch, done }, result) {
                return Ok(());
            }
        }
        if let Some(error) = fatal {
            return Err(error);
        }
        bytes_before += rows.bytes_read();
    }
    Ok(())
}

fn encode_batch(
    inputs: &[PathBuf],
    input: usize,
    lines: bool,
    rows: Vec<(u64, Result<TextRow, DataError>)>,
    tokenizer: &Tokenizer,
) -> Vec<EncodedRow> {
    let encode = |row: TextRow| -> Result<Tokens, String> {
        // A tokenizer is data too: one that panics on a text costs that text.
        let ids = catch_unwind(AssertUnwindSafe(|| tokenizer.encode_document(&row.text)))
            .map_err(|_| "makes the tokenizer panic".to_owned())?
            .map_err(|error| error.to_string())?;
        Ok(Tokens { ids, source: row.source, year: row.year })
    };
    let rows = rows.into_iter().map(|(number, row)| {
        let tokens = row
            .and_then(|row| encode(row).map_err(|message| DataError::of_row(&inputs[input], lines, number, message)));
        EncodedRow { input, number, tokens }
    });
    rows.collect()
}
