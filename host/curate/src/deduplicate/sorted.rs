//! Sorted files of records, a key of several numbers and a document's index each, made and read in bounded memory.
//!
//! A record is datatrove's: the key's numbers, 4 or 8 bytes each, then the index, 4 bytes, all with the lowest byte first.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use octo_data::DataError;
use octo_data::atomic::AtomicFile;

use super::{unreadable, unwritable};

/// Records that are sorted in memory at once.
pub const RUN: usize = 1 << 15;
/// Files that are read side by side; more are merged in several rounds. With as many for each of 14 buckets and the exact
/// copies a process stays below the 1,024 open files that systems allow by default.
pub(super) const SIDE_BY_SIDE: usize = 48;
/// Bytes that are read ahead of each.
const AHEAD: usize = 16 << 10;

/// How many numbers a key has, and their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) numbers: usize,
    pub(super) bytes: usize,
    /// Whether the index of the file stands before that of the document: in files of an earlier round.
    pub(super) with_file: bool,
}

impl Layout {
    fn record(self) -> usize {
        self.numbers * self.bytes + 4 + if self.with_file { 4 } else { 0 }
    }
}

/// A record of one of several files. They are ordered by key, then by file, then by document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub(super) key: Vec<u64>,
    pub(super) file: u32,
    pub(super) document: u32,
}

impl Record {
    fn write(&self, layout: Layout, buffer: &mut Vec<u8>) {
        buffer.clear();
        self.key.iter().for_each(|number| buffer.extend(&number.to_le_bytes()[..layout.bytes]));
        if layout.with_file {
            buffer.extend(self.file.to_le_bytes());
        }
        buffer.extend(self.document.to_le_bytes());
    }
}

/// Sorts records of one file that come one by one, by way of runs on the disk where they are many.
pub(super) struct Sorter {
    path: PathBuf,
    layout: Layout,
    keys: Vec<u64>,
    documents: Vec<u32>,
    runs: usize,
}

impl Sorter {
    /// Sorts into the file `path`.
    pub(super) fn new(path: PathBuf, layout: Layout) -> Sorter {
        Sorter { path, layout, keys: Vec::new(), documents: Vec::new(), runs: 0 }
    }

    pub(super) fn push(&mut self, key: &[u64], document: u32) -> Result<(), DataError> {
        if self.documents.len() == RUN {
            self.write(&self.run(self.runs))?;
            self.runs += 1;
        }
        self.keys.extend_from_slice(key);
        self.documents.push(document);
        Ok(())
    }

    /// Where a run lies. A name that a kill leaves is used again by the next try.
    fn run(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".run-{number}"));
        name.into()
    }

    /// Writes what is held, sorted, and holds nothing then.
    fn write(&mut self, path: &Path) -> Result<(), DataError> {
        let (numbers, keys, documents) = (self.layout.numbers, &self.keys, &self.documents);
        let key = |place: u32| &keys[place as usize * numbers..][..numbers];
        let mut order: Vec<(u64, u32)> = (0..documents.len() as u32).map(|place| (key(place)[0], place)).collect();
        order.sort_unstable_by(|(a, first), (b, second)| {
            let rest =
                || key(*first).cmp(key(*second)).then(documents[*first as usize].cmp(&documents[*second as usize]));
            a.cmp(b).then_with(rest)
        });
        let mut file = AtomicFile::create(path)?;
        let mut buffer = Vec::with_capacity(self.layout.record());
        for (_, place) in order {
            buffer.clear();
            key(place).iter().for_each(|number| buffer.extend(&number.to_le_bytes()[..self.layout.bytes]));
            buffer.extend(documents[place as usize].to_le_bytes());
            file.write_all(&buffer).map_err(unwritable(path))?;
        }
        file.commit()?;
        self.keys.clear();
        self.documents.clear();
        Ok(())
    }

    /// Writes the file.
    pub(super) fn finish(mut self) -> Result<(), DataError> {
        if self.runs == 0 {
            let path = self.path.clone();
            return self.write(&path);
        }
        self.write(&self.run(self.runs))?;
        let runs: Vec<PathBuf> = (0..=self.runs).map(|number| self.run(number)).collect();
        let mut file = AtomicFile::create(&self.path)?;
        let mut buffer = Vec::new();
        // A later run has later documents, so where keys are equal the order of runs is that of documents.
        merge(&runs, self.layout, &mut |record| {
            record.write(self.layout, &mut buffer);
            file.write_all(&buffer).map_err(unwritable(&self.path))
        })?;
        file.commit()?;
        for run in runs {
            std::fs::remove_file(&run).map_err(|error| DataError::file("remove", &run, error))?;
        }
        Ok(())
    }
}

/// Reads a sorted file.
struct Reader {
    input: BufReader<File>,
    path: PathBuf,
    layout: Layout,
    buffer: Vec<u8>,
    /// Records that are still to come.
    left: u64,
    file: u32,
}

impl Reader {
    fn open(path: &Path, layout: Layout, file: usize) -> Result<Reader, DataError> {
        let input = File::open(path).map_err(unreadable(path))?;
        let bytes = input.metadata().map_err(unreadable(path))?.len();
        let record = layout.record();
        if bytes % record as u64 != 0 {
            let message =
                format!("has {bytes} bytes, which are not whole records of {record}; remove it and run again");
            return Err(DataError::Format { path: path.to_path_buf(), message });
        }
        Ok(Reader {
            input: BufReader::with_capacity(AHEAD, input),
            path: path.to_path_buf(),
            layout,
            buffer: vec![0; record],
            left: bytes / record as u64,
            file: file as u32,
        })
    }

    /// Reads the next record into `record`; false at the end.
    fn read(&mut self, record: &mut Record) -> Result<bool, DataError> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        self.input.read_exact(&mut self.buffer).map_err(unreadable(&self.path))?;
        let (key, rest) = self.buffer.split_at(self.layout.numbers * self.layout.bytes);
        record.key.clear();
        record.key.extend(key.chunks_exact(self.layout.bytes).map(number));
        let (file, document) = rest.split_at(rest.len() - 4);
        record.file = if self.layout.with_file { number(file) as u32 } else { self.file };
        record.document = number(document) as u32;
        Ok(true)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The next record of a reader, least first in a heap.
#[derive(PartialEq, Eq)]
struct Head {
    record: Record,
    reader: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> std::cmp::Ordering {
        other.record.cmp(&self.record).then_with(|| other.reader.cmp(&self.reader))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Gives the records of the sorted files `paths`, whose numbers are their places, to `each` in order.
pub(super) fn merge<E: From<DataError>>(
    paths: &[PathBuf],
    layout: Layout,
    each: &mut dyn FnMut(&Record) -> Result<(), E>,
) -> Result<(), E> {
    merge_from(paths, 0, layout, each)
}

fn merge_from<E: From<DataError>>(
    paths: &[PathBuf],
    first: usize,
    layout: Layout,
    each: &mut dyn FnMut(&Record) -> Result<(), E>,
) -> Result<(), E> {
    if paths.len() > SIDE_BY_SIDE {
        return merge_in_rounds(paths, layout, each);
    }
    let mut readers = Vec::with_capacity(paths.len());
    let mut heads = BinaryHeap::with_capacity(paths.len());
    for (place, path) in paths.iter().enumerate() {
        let mut reader = Reader::open(path, layout, first + place)?;
        let mut record = Record::default();
        if reader.read(&mut record)? {
            heads.push(Head { record, reader: place });
        }
        readers.push(reader);
    }
    while let Some(mut head) = heads.peek_mut() {
        each(&head.record)?;
        let reader = head.reader;
        if !readers[reader].read(&mut head.record)? {
            PeekMut::pop(head);
        }
    }
    Ok(())
}

/// Merges groups of files into files that know whose their records are, and these in turn.
fn merge_in_rounds<E: From<DataError>>(
    paths: &[PathBuf],
    layout: Layout,
    each: &mut dyn FnMut(&Record) -> Result<(), E>,
) -> Result<(), E> {
    let inner = Layout { with_file: true, ..layout };
    let mut groups = Vec::new();
    for (number, group) in paths.chunks(SIDE_BY_SIDE).enumerate() {
        let mut name = group[0].clone().into_os_string();
        name.push(if layout.with_file { ".again" } else { ".group" });
        let path = PathBuf::from(name);
        let mut file = AtomicFile::create(&path)?;
        let mut buffer = Vec::new();
        merge_from::<E>(group, number * SIDE_BY_SIDE, layout, &mut |record| {
            record.write(inner, &mut buffer);
            file.write_all(&buffer).map_err(unwritable(&path))?;
            Ok(())
        })?;
        file.commit()?;
        groups.push(path);
    }
    merge_from(&groups, 0, inner, each)?;
    for group in groups {
        std::fs::remove_file(&group).map_err(|error| DataError::file("remove", &group, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Layout = Layout { numbers: 2, bytes: 4, with_file: false };

    fn all(paths: &[PathBuf]) -> Vec<Record> {
        let mut records = Vec::new();
        merge::<DataError>(paths, KEYS, &mut |record| {
            records.push(record.clone());
            Ok(())
        })
        .expect("merges");
        records
    }

    /// Keys of which many are equal.
    fn key(number: u32) -> [u64; 2] {
        let mixed = number.wrapping_mul(2_654_435_761);
        [u64::from(mixed >> 22), u64::from(mixed >> 31)]
    }

    #[test]
    fn runs_on_the_disk_are_sorted_as_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/er.sig");
        let count = 2 * RUN as u32 + 7;
        let mut sorter = Sorter::new(path.clone(), KEYS);
        (0..count).for_each(|number| sorter.push(&key(number), number).expect("writes"));
        sorter.finish().expect("writes");
        let mut expected: Vec<Record> =
            (0..count).map(|document| Record { key: key(document).to_vec(), file: 0, document }).collect();
        expected.sort();
        assert_eq!(all(std::slice::from_ref(&path)), expected);
        assert_eq!(std::fs::read_dir(folder.path().join("deep")).expect("lists").count(), 1, "the runs are gone");
        assert_eq!(path.metadata().expect("is there").len(), u64::from(count) * 12);
    }

    #[test]
    fn more_files_than_are_read_side_by_side_are_merged_in_rounds() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = SIDE_BY_SIDE as u32 + 44;
        let mut expected = Vec::new();
        let mut paths = Vec::new();
        for file in 0..files {
            let path = folder.path().join(format!("{file}.sig"));
            let mut sorter = Sorter::new(path.clone(), KEYS);
            for document in 0..file % 5 {
                let key = key(file % 7 + document);
                sorter.push(&key, document).expect("writes");
                expected.push(Record { key: key.to_vec(), file, document });
            }
            sorter.finish().expect("writes");
            paths.push(path);
        }
        expected.sort();
        assert_eq!(all(&paths), expected);
        assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), files as usize);
    }

    #[test]
    fn a_file_that_was_cut_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cut.sig");
        std::fs::write(&path, [0; 25]).expect("writes");
        let error = merge::<DataError>(std::slice::from_ref(&path), KEYS, &mut |_| Ok(()))
            .expect_err("25 is not 24")
            .to_string();
        let expected = "has 25 bytes, which are not whole records of 12; remove it and run again";
        assert_eq!(error, format!("{}: {expected}", path.display()));
    }
}
