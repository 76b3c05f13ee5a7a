//! Numbers of a model file, little-endian, never more of them than the file has bytes left.

use std::io::{BufReader, Read};

/// Bytes that are read at once.
const PIECE: usize = 1 << 18;
/// The longest word of a dictionary.
const LONGEST_WORD: usize = 1 << 20;

/// What keeps a model from being read.
pub(super) enum Wrong {
    Read(std::io::Error),
    Format(String),
}

impl From<&str> for Wrong {
    fn from(message: &str) -> Wrong {
        Wrong::Format(message.to_owned())
    }
}

impl From<String> for Wrong {
    fn from(message: String) -> Wrong {
        Wrong::Format(message)
    }
}

pub(super) struct ModelReader<R> {
    source: BufReader<R>,
    length: u64,
    left: u64,
}

impl<R: Read> ModelReader<R> {
    pub(super) fn new(source: R, length: u64) -> ModelReader<R> {
        ModelReader { source: BufReader::with_capacity(PIECE.min(length as usize + 1), source), length, left: length }
    }

    /// Bytes that come after what was read.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Wrong> {
        self.need(buffer.len() as u64, "it")?;
        self.source.read_exact(buffer).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Wrong::from("is shorter than it was when it was opened"),
            _ => Wrong::Read(error),
        })?;
        self.left -= buffer.len() as u64;
        Ok(())
    }

    /// Checks that `bytes` are left for `what`.
    fn need(&self, bytes: u64, what: &str) -> Result<(), Wrong> {
        if bytes > self.left {
            let (at, left) = (self.length - self.left, self.left);
            return Err(format!(
                "is cut short or damaged: at byte {at}, {what} should take {bytes} bytes and {left} are left"
            )
            .into());
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Wrong> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn i32(&mut self) -> Result<i32, Wrong> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, Wrong> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(super) fn f64(&mut self) -> Result<f64, Wrong> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// A byte that is 0 or 1.
    pub(super) fn flag(&mut self, what: &str) -> Result<bool, Wrong> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("is damaged: {what} is {other}, not 0 or 1").into()),
        }
    }

    /// Bytes up to a NUL, added to `text`.
    pub(super) fn word(&mut self, text: &mut Vec<u8>) -> Result<(), Wrong> {
        for _ in 0..LONGEST_WORD {
            match self.u8()? {
                0 => return Ok(()),
                byte => text.push(byte),
            }
        }
        Err(format!("is damaged: a word has more than {LONGEST_WORD} bytes").into())
    }

    /// `count` bytes.
    pub(super) fn bytes(&mut self, count: u64, what: &str) -> Result<Vec<u8>, Wrong> {
        self.need(count, what)?;
        let mut bytes = vec![0; count as usize];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// `count` numbers, all of them finite.
    pub(super) fn floats(&mut self, count: u64, what: &str) -> Result<Vec<f32>, Wrong> {
        self.need(count.saturating_mul(4), what)?;
        let mut numbers = Vec::with_capacity(count as usize);
        let mut piece = vec![0; PIECE.min(count as usize * 4)];
        while numbers.len() < count as usize {
            let bytes = ((count as usize - numbers.len()) * 4).min(piece.len());
            self.fill(&mut piece[..bytes])?;
            let read = piece[..bytes].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            numbers.extend(read);
        }
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(format!("is damaged: {what} has numbers that are not finite").into());
        }
        Ok(numbers)
    }
}
