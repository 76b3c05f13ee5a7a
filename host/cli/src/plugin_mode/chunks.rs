//! Lines into chunks of records: bounded in memory, in order, cut at the same places on every machine.
//!
//! One thread reads and parses while the plugin works on the chunk before. Where a chunk ends depends on the records
//! alone, never on time or threads, so neither do the batches that the plugin sees.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use octo_data::DataError;
use octo_data::jsonl::JsonLines;
use serde_json::Value;

use crate::terminal::Terminal;

/// Most records in a chunk. A multiple of the runtime's batches, so that a chunk's end splits none of them.
const CHUNK_RECORDS: usize = 8192;
/// Bytes of text after which a chunk ends early.
const CHUNK_BYTES: usize = 32 << 20;
/// Most records that may have to stay together: a group of rollouts.
const TOGETHER: usize = 1 << 17;

/// A record and the line it came from.
pub struct Entry<T> {
    /// From 1.
    pub line: u64,
    pub id: Option<Value>,
    pub record: T,
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

/// A JSON Lines input.
pub struct Input {
    lines: JsonLines,
    /// How to call it in messages.
    pub name: String,
    /// Someone types the lines, and wants each answer at once.
    typed: bool,
}

impl Input {
    /// Opens `file`; none and `-` are standard input.
    pub fn open(file: Option<&PathBuf>) -> Result<Input> {
        match file {
            Some(path) if path != Path::new("-") => {
                Ok(Input { lines: JsonLines::open(path)?, name: path.display().to_string(), typed: false })
            }
            _ => {
                let stdin = std::io::stdin();
                let typed = stdin.is_terminal();
                Ok(Input { lines: JsonLines::from_reader("stdin", stdin)?, name: "stdin".to_owned(), typed })
            }
        }
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    pub good: u64,
    pub bad: u64,
}

/// Reads `input` to its end, or to its first bad line if `strict`, and hands every chunk to `work`.
///
/// A bad line is reported to `terminal`, counted and left out. An input that breaks off is an error, after the records in
/// front of the break were worked on.
pub fn for_each<T: Record>(
    input: Input,
    strict: bool,
    terminal: &Terminal,
    read: impl FnMut(&Value, u64) -> Result<(Option<Value>, T), String> + Send + 'static,
    mut work: impl FnMut(Vec<Entry<T>>) -> Result<()>,
) -> Result<Lines> {
    // One chunk waits while another is worked on; a full channel stops the reader.
    let (sender, receiver) = mpsc::sync_channel(1);
    let terminal = terminal.clone();
    let reader = thread::Builder::new()
        .spawn(move || read_all(input, strict, &terminal, read, sender))
        .context("could not start the thread that reads the input")?;
    for chunk in receiver {
        // On an error the reader is not waited for: it may wait for a line of standard input that never comes.
        work(chunk)?;
    }
    match reader.join() {
        Ok(lines) => lines,
        Err(_) => bail!("the thread that reads the input panicked; this is a bug of octo-host"),
    }
}

fn read_all<T: Record>(
    input: Input,
    strict: bool,
    terminal: &Terminal,
    mut read: impl FnMut(&Value, u64) -> Result<(Option<Value>, T), String>,
    sender: mpsc::SyncSender<Vec<Entry<T>>>,
) -> Result<Lines> {
    let Input { lines, name, typed } = input;
    let mut counted = Lines::default();
    let mut filling = Filling { entries: Vec::new(), bytes: 0, limit: if typed { 1 } else { CHUNK_RECORDS }, sender };
    let mut ended = Ok(());
    for line in lines {
        let (number, problem) = match line {
            Ok(line) => match read(&line.value, line.number) {
                Ok((id, record)) => match filling.add(Entry { line: line.number, id, record }) {
                    Ok(()) => {
                        counted.good += 1;
                        continue;
                    }
                    // The other side has failed, and says why.
                    Err(Stop::NobodyListens) => return Ok(counted),
                    Err(Stop::TooManyTogether) => {
                        ended = Err(anyhow!(
                            "{name}, line {}: more than {TOGETHER} lines in a row belong to one group; a group is the \
                             rollouts of one prompt",
                            line.number
                        ));
                        break;
                    }
                },
                Err(problem) => (line.number, problem),
            },
            Err(DataError::Line { line, message, .. }) => (line, message),
            Err(error) => {
                ended = Err(error.into());
                break;
            }
        };
        counted.bad += 1;
        terminal.say(format_args!("{name}, line {number}: {problem}"));
        if strict {
            ended = Err(anyhow!("stopped at line {number} of {name}, because of --strict"));
            break;
        }
    }
    // An error of the input doesn't take back the good lines in front of it.
    let _ = filling.send();
    ended.map(|()| counted)
}

/// Why the reader stops early.
enum Stop {
    NobodyListens,
    TooManyTogether,
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
                Seam::Closed if self.entries.len() >= TOGETHER => return Err(Stop::TooManyTogether),
                Seam::Open | Seam::Closed => {}
            }
        }
        self.bytes += entry.record.bytes();
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
