//! One TCP connection between two ranks: messages with their length in front.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Add;
use std::time::Duration;

use crate::error::TrainError;

/// A rank that sends nothing for so long has hung: no step and no evaluation takes as long.
const SILENCE: Duration = Duration::from_secs(3600);
/// Most bytes of what two processes send each other before they trust lengths.
const LONGEST_GREETING: u64 = 256;
/// Most bytes of any message; a stranger's length is not believed.
const LONGEST: u64 = 1 << 32;

/// A number that ranks add up.
pub(crate) trait Number: Copy + Add<Output = Self> {
    /// Bytes of one number.
    const SIZE: usize;
    /// Little-endian bytes of all numbers.
    fn bytes(values: &[Self]) -> Vec<u8>;
    /// Reads numbers back from their bytes, of which `bytes` has as many as `into` needs.
    fn read(bytes: &[u8], into: &mut [Self]);
}

macro_rules! number {
    ($kind:ty) => {
        impl Number for $kind {
            const SIZE: usize = size_of::<$kind>();

            fn bytes(values: &[Self]) -> Vec<u8> {
                values.iter().flat_map(|value| value.to_le_bytes()).collect()
            }

            fn read(bytes: &[u8], into: &mut [Self]) {
                for (value, bytes) in into.iter_mut().zip(bytes.as_chunks().0) {
                    *value = <$kind>::from_le_bytes(*bytes);
                }
            }
        }
    };
}
number!(f32);
number!(f64);

pub(crate) struct Link {
    stream: TcpStream,
    /// Who is at the other end, for messages.
    peer: String,
}

impl Link {
    pub(crate) fn new(stream: TcpStream, peer: String) -> Result<Link, TrainError> {
        let failed = |error: std::io::Error| TrainError::Ranks(format!("{peer}: {error}"));
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(failed)?;
        stream.set_write_timeout(Some(SILENCE)).map_err(failed)?;
        Ok(Link { stream, peer })
    }

    pub(crate) fn rename(&mut self, peer: String) {
        self.peer = peer;
    }

    pub(crate) fn send(&mut self, message: &[u8]) -> Result<(), TrainError> {
        let length = (message.len() as u64).to_le_bytes();
        let sent = self.stream.write_all(&length).and_then(|()| self.stream.write_all(message));
        sent.map_err(|error| self.lost(&error))
    }

    /// A message of exactly `length` bytes.
    pub(crate) fn receive(&mut self, length: usize) -> Result<Vec<u8>, TrainError> {
        self.receive_at_most(LONGEST, Some(length))
    }

    /// A message of any length, for which there is no hurry: between two stages that all ranks share, rank 0 may work
    /// for days.
    pub(crate) fn receive_any(&mut self) -> Result<Vec<u8>, TrainError> {
        self.wait_at_most(None)?;
        let message = self.receive_at_most(LONGEST, None)?;
        self.wait_at_most(Some(SILENCE))?;
        Ok(message)
    }

    fn wait_at_most(&mut self, time: Option<Duration>) -> Result<(), TrainError> {
        self.stream.set_read_timeout(time).map_err(|error| self.lost(&error))
    }

    /// The first message of a connection, short and soon; from then on the other end may take its time.
    pub(crate) fn receive_greeting(&mut self) -> Result<Vec<u8>, TrainError> {
        let greeting = self.receive_at_most(LONGEST_GREETING, None)?;
        self.wait_at_most(Some(SILENCE))?;
        Ok(greeting)
    }

    fn receive_at_most(&mut self, most: u64, wanted: Option<usize>) -> Result<Vec<u8>, TrainError> {
        let mut length = [0; 8];
        self.stream.read_exact(&mut length).map_err(|error| self.lost(&error))?;
        let length = u64::from_le_bytes(length);
        if length > most || wanted.is_some_and(|wanted| wanted as u64 != length) {
            let wanted = wanted.map_or(String::new(), |wanted| format!(" where {wanted} were due"));
            let message = format!(
                "{} sent {length} bytes{wanted}: it is at another place of the run; do all ranks run the same recipe?",
                self.peer
            );
            return Err(TrainError::Ranks(message));
        }
        let mut message = vec![0; length as usize];
        self.stream.read_exact(&mut message).map_err(|error| self.lost(&error))?;
        Ok(message)
    }

    fn lost(&self, error: &std::io::Error) -> TrainError {
        let why = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "it has ended".to_owned(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
                "it has sent nothing for too long".to_owned()
            }
            _ => error.to_string(),
        };
        TrainError::Ranks(format!("{} is gone: {why}; its own output says why", self.peer))
    }
}
