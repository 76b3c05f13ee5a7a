//! TensorBoard's event files: TFRecords (length and data, each with a masked CRC-32C) that hold `Event` messages in
//! protocol buffers.
//!
//! Only what scalars need is written, by hand: four fields of `Event`, two of `Summary.Value`, one of `SessionLog`
//! (`tensorboard/compat/proto/{event,summary}.proto`).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Castagnoli's polynomial, as iSCSI has it.
static CRC_32C: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

/// An event file being written.
pub struct EventFile {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl EventFile {
    /// Makes `path`, with the two events that open a file: the format's version, and the start of a session at step
    /// 0, by which a TensorBoard that has read an older file of the same run forgets what it has.
    pub fn create(path: &Path, time: f64) -> std::io::Result<EventFile> {
        let mut file = EventFile { path: path.to_owned(), writer: BufWriter::new(File::create(path)?) };
        file.record(&version(time))?;
        file.record(&session_start(time))?;
        Ok(file)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One event with scalars by tag. `time` is in seconds since 1970.
    pub fn scalars(&mut self, time: f64, step: u64, scalars: &[(String, f64)]) -> std::io::Result<()> {
        self.record(&event(time, step, scalars))
    }

    /// Hands what was written to the system, so that a reader sees it.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }

    fn record(&mut self, data: &[u8]) -> std::io::Result<()> {
        self.writer.write_all(&framed(data))
    }
}

/// A TFRecord.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_checksum(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_checksum(data).to_le_bytes());
    record
}

/// CRC-32C, rotated and shifted so that a checksum of data that holds checksums is no trouble.
fn masked_checksum(data: &[u8]) -> u32 {
    CRC_32C.checksum(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn version(time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    double(&mut event, 1, time);
    bytes(&mut event, 3, b"brain.Event:2");
    event
}

fn session_start(time: f64) -> Vec<u8> {
    let mut session = Vec::new();
    // SessionLog.START
    integer(&mut session, 1, 1);
    let mut event = Vec::new();
    double(&mut event, 1, time);
    bytes(&mut event, 7, &session);
    event
}

fn event(time: f64, step: u64, scalars: &[(String, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in scalars {
        let mut entry = Vec::new();
        bytes(&mut entry, 1, tag.as_bytes());
        single(&mut entry, 2, *value as f32);
        bytes(&mut summary, 1, &entry);
    }
    let mut event = Vec::new();
    double(&mut event, 1, time);
    if step > 0 {
        integer(&mut event, 2, step);
    }
    bytes(&mut event, 5, &summary);
    event
}

// The wire types of protocol buffers that occur: 0 is a varint, 1 eight bytes, 2 a length and bytes, 5 four bytes.

fn varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn integer(into: &mut Vec<u8>, field: u64, value: u64) {
    varint(into, field << 3);
    varint(into, value);
}

fn double(into: &mut Vec<u8>, field: u64, value: f64) {
    varint(into, (field << 3) | 1);
    into.extend(value.to_le_bytes());
}

fn bytes(into: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(into, (field << 3) | 2);
    varint(into, value.len() as u64);
    into.extend(value);
}

fn single(into: &mut Vec<u8>, field: u64, value: f32) {
    varint(into, (field << 3) | 5);
    into.extend(value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_that_tensorboards_own_writer_makes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("events");
        let mut file = EventFile::create(&path, 1.5).expect("makes");
        file.scalars(2.5, 0, &[("loss".to_owned(), 2.25)]).expect("writes");
        let long = "mixture/".to_owned() + &"x".repeat(200);
        file.scalars(1.7e9, 123_456_789, &[(long, -0.1), ("bytes".to_owned(), 3e9)]).expect("writes");
        file.flush().expect("writes");
        let golden = include_bytes!("../tests/golden/events.out");
        assert_eq!(std::fs::read(&path).expect("reads"), golden);
    }
}
