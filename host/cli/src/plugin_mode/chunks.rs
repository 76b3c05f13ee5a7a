//! Rows into chunks of records: bounded in memory, in order, cut at the same places on every machine.
//!
//! One thread reads and parses while the plugin works on the chunk before. Where a chunk ends depends on the rows
//! alone, never on time or threads, so neither do the batches that the plugin sees.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use octo_data::DataError;
use octo_data::jsonl::NO_ROWS;
use octo_data::row::Row;
use octo_data::rows::faults::Faults;
use octo_data::rows::{Numbered, Rows, Wanted, files};
use serde_json::Value;

use super::Stopped;
use crate::terminal::Terminal;

/// Most records in a chunk. A multiple of the runtime's batches, so that a chunk's end splits none of them.
const CHUNK_RECORDS: usize = 8192;
/// Bytes of its rows, all of their columns, after which a chunk ends early.
const CHUNK_BYTES: usize = 32 << 20;
/// Most records that may have to stay together: a group of rollouts.
const TOGETHER: usize = 1 << 17;
/// Most bytes of them.
const TOGETHER_BYTES: usize = 1 << 30;

/// A record and where it came from.
pub struct Entry<T> {
    /// The file, where there are several inputs.
    pub file: Option<Arc<str>>,
    /// Its line, or its row where the file has no lines, from 1.
    pub line: u64,
    pub id: Option<Value>,
    pub record: T,
    /// Bytes that it takes, its id and all that was read with it.
    bytes: usize,
}

/// Whether two neighbours may be in different chunks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seam {
    /// They must stay together.
    Closed,
    /// A chunk may end here.
    Open,
    /// A chunk must end here.
    Cut,
}

/// What a line of the input is read as.
pub trait Record: Send + Sized + 'static {
    /// Whether [`Record::seam`] decides where a chunk ends; otherwise it ends as soon as it is full.
    const GROUPED: bool = false;

    /// Bytes of text in it, about.
    fn bytes(&self) -> usize;

    fn seam(&self, _next: &Self) -> Seam {
        Seam::Open
    }
}

/// The files to read, one after the other.
pub struct Input {
    sources: Vec<Source>,
    /// How to call it in messages.
    pub name: String,
    /// Someone types the lines, and wants each answer at once.
    typed: bool,
    wanted: Wanted,
    /// The regular files, which can be digested before they are read.
    pub files: Vec<PathBuf>,
}

/// One file, or standard input.
enum Source {
    File(PathBuf),
    Stdin(Box<Rows>),
}

impl Input {
    /// Opens `files`, which may be patterns; none and `-` are standard input. Of a Parquet file only the columns that are
    /// `wanted` are read.
    pub fn open(files: &[PathBuf], wanted: &Wanted) -> Result<Input> {
        let stdin = [PathBuf::from("-")];
        let files = if files.is_empty() { &stdin } else { files };
        let (mut sources, mut names) = (Vec::new(), Vec::new());
        let mut typed = false;
        for file in files {
            if file == Path::new("-") {
                if names.iter().any(|name| name == "stdin") {
                    bail!("`-` is given twice, and standard input is read once");
                }
                let stdin = std::io::stdin();
                typed = stdin.is_terminal();
                sources.push(Source::Stdin(Box::new(Rows::from_reader("stdin", stdin)?)));
                names.push("stdin".to_owned());
                continue;
            }
            for path in files::expand(file)? {
                // A file that is not there is said before hours are spent on those in front of it.
                files::check(&path, files::Kind::Stream)?;
                names.push(path.display().to_string());
                sources.push(Source::File(path));
            }
        }
        let name = match &names[..] {
            [only] => only.clone(),
            several => format!("{} files", several.len()),
        };
        let regular = |source: &Source| match source {
            Source::File(path) if path.is_file() => Some(path.clone()),
            _ => None,
        };
        let files = sources.iter().filter_map(regular).collect();
        Ok(Input { sources, name, typed, wanted: wanted.clone(), files })
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    pub good: u64,
    pub bad: u64,
}

/// Reads `input` to its end, or to its first bad row if `strict`, and hands every chunk to `work`.
///
/// A bad row is reported to `terminal`, the first few of each kind, counted and left out. An input that breaks off is an
/// error, after the records in front of the break were worked on; so is one that has no row at all.
/// Once `stop` is raised no more chunks are worked on, and the error is [`Stopped`].
pub fn for_each<T: Record>(
    input: Input,
    strict: bool,
    terminal: &Terminal,
    stop: &AtomicBool,
    read: impl FnMut(&Row, Place<'_>) -> Result<(Option<Value>, T), String> + Send + 'static,
    mut work: impl FnMut(Vec<Entry<T>>) -> Result<()>,
) -> Result<Lines> {
    // One chunk waits while another is worked on; a full channel stops the reader.
    let (sender, receiver) = mpsc::sync_channel(1);
    let terminal = terminal.clone();
    let reader = thread::Builder::new()
        .name("read".to_owned())
        .spawn(move || read_all(input, strict, &terminal, read, sender))
        .context("could not start the thread that reads the input")?;
    let mut rows = 0;
    loop {
        // Standard input may have nothing to give for as long as it likes, and the user still wants to stop.
        let chunk = match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(chunk) => Some(chunk),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if stop.load(Ordering::SeqCst) {
            return Err(Stopped { rows }.into());
        }
        let Some(chunk) = chunk else { continue };
        rows += chunk.len() as u64;
        // On an error the reader is not waited for: it may wait for a line of standard input that never comes.
        work(chunk)?;
    }
    match reader.join() {
        Ok(lines) => lines,
        Err(_) => bail!("the thread that reads the input panicked; this is a bug of octo-host"),
    }
}

/// Where a row was found.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The file, or "stdin".
    pub file: &'a str,
    /// Its line, or its row where the file has no lines, from 1.
    pub line: u64,
}

fn read_all<T: Record>(
    input: Input,
    strict: bool,
    terminal: &Terminal,
    mut read: impl FnMut(&Row, Place<'_>) -> Result<(Option<Value>, T), String>,
    sender: mpsc::SyncSender<Vec<Entry<T>>>,
) -> Result<Lines> {
    let Input { sources, name, typed, wanted, .. } = input;
    let several = sources.len() > 1;
    let mut filling = Filling { entries: Vec::new(), bytes: 0, limit: if typed { 1 } else { CHUNK_RECORDS }, sender };
    let mut counted = Lines::default();
    let mut faults = Faults::default();
    let mut ended = Ok(());
    for source in sources {
        let rows = match source {
            Source::File(path) => Rows::stream(&path, &wanted),
            Source::Stdin(rows) => Ok(*rows),
        };
        let file = File { several, strict, terminal };
        ended = match rows {
            Ok(rows) => file.read(rows, &mut read, &mut filling, &mut counted, &mut faults),
            Err(error) => Err(Stop::Failed(error.into())),
        };
        if ended.is_err() {
            break;
        }
    }
    faults.rest().iter().for_each(|line| terminal.say(line));
    match ended {
        // The other side has failed, and says why.
        Err(Stop::NobodyListens) => Ok(counted),
        // An error of the input doesn't take back the good records in front of it.
        Err(Stop::Failed(error)) => {
            let _ = filling.send();
            Err(error)
        }
        Ok(()) if counted.good + counted.bad == 0 => bail!("{name}: {NO_ROWS}"),
        Ok(()) => {
            let _ = filling.send();
            Ok(counted)
        }
    }
}

/// How the rows of one file are read.
struct File<'a> {
    several: bool,
    strict: bool,
    terminal: &'a Terminal,
}

impl File<'_> {
    fn read<T: Record>(
        &self,
        rows: Rows,
        read: &mut impl FnMut(&Row, Place<'_>) -> Result<(Option<Value>, T), String>,
        filling: &mut Filling<T>,
        counted: &mut Lines,
        faults: &mut Faults,
    ) -> Result<(), Stop> {
        let file = rows.path().display().to_string();
        let shared: Option<Arc<str>> = self.several.then(|| file.as_str().into());
        let unit = if rows.are_lines() { "line" } else { "row" };
        for Numbered { number: line, row } in rows {
            let message = match row {
                Ok(row) => match read(&row, Place { file: &file, line }) {
                    Ok((id, record)) => {
                        // All that the row had was held to read it, whatever the record keeps of it.
                        let bytes = row.bytes().max(record.bytes());
                        filling.add(Entry { file: shared.clone(), line, id, record, bytes }).map_err(
                            |stop| match stop {
                                Stop::Failed(error) => Stop::Failed(anyhow!("{file}, {unit} {line}: {error}")),
                                stop => stop,
                            },
                        )?;
                        counted.good += 1;
                        continue;
                    }
                    Err(message) => message,
                },
                Err(DataError::Line { message, .. } | DataError::Row { message, .. }) => message,
                Err(error) => return Err(Stop::Failed(error.into())),
            };
            counted.bad += 1;
            if let Some(said) = faults.add(&format!("{file}, {unit} {line}"), &message) {
                self.terminal.say(said);
            }
            if self.strict {
                return Err(Stop::Failed(anyhow!("stopped at {unit} {line} of {file}, because of --strict")));
            }
        }
        Ok(())
    }
}

/// Why the reader stops early.
enum Stop {
    /// The other side has failed.
    NobodyListens,
    Failed(anyhow::Error),
}

/// The chunk that is being filled.
struct Filling<T> {
    entries: Vec<Entry<T>>,
    bytes: usize,
    limit: usize,
    sender: mpsc::SyncSender<Vec<Entry<T>>>,
}

impl<T: Record> Filling<T> {
    fn add(&mut self, entry: Entry<T>) -> Result<(), Stop> {
        if T::GROUPED
            && let Some(last) = self.entries.last()
        {
            match last.record.seam(&entry.record) {
                Seam::Cut => self.send()?,
                Seam::Open if self.is_full() => self.send()?,
                Seam::Closed if self.entries.len() >= TOGETHER => {
                    return Err(Stop::Failed(anyhow!(
                        "more than {TOGETHER} lines in a row belong to one group; a group is the rollouts of one prompt"
                    )));
                }
                Seam::Closed if self.bytes >= TOGETHER_BYTES => {
                    return Err(Stop::Failed(anyhow!(
                        "the lines of one group hold more than {} MiB; a group is the rollouts of one prompt",
                        TOGETHER_BYTES >> 20
                    )));
                }
                Seam::Open | Seam::Closed => {}
            }
        }
        self.bytes += entry.bytes;
        self.entries.push(entry);
        if !T::GROUPED && self.is_full() { self.send() } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.limit || self.bytes >= CHUNK_BYTES
    }

    fn send(&mut self) -> Result<(), Stop> {
        self.bytes = 0;
        if self.entries.is_empty() {
            return Ok(());
        }
        self.sender.send(std::mem::take(&mut self.entries)).map_err(|_| Stop::NobodyListens)
    }
}
