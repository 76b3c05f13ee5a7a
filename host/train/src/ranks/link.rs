//! The connection between two ranks: messages with their length in front, and a pulse beside them.
//!
//! A wait looks up a few times a second: whether the other machine is still there, whether this process was asked to
//! stop, and whether the other rank has been silent for longer than a step takes. See [`Patience`](super::Patience).

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Add;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Process;
use super::pulse::{self, Pulse};
use crate::error::TrainError;

/// Time between two looks at what may end a wait.
pub(super) const TURN: Duration = Duration::from_millis(100);
/// Most bytes of a message whose length the other rank decides: a digest, a recipe's settings, a stage's key.
const LONGEST_TEXT: u64 = 16 << 20;
/// Bytes of such a message for which memory is taken at once.
const PIECE: usize = 1 << 16;

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

/// What a rank waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The next message within a stage that all ranks work on.
    Step,
    /// The call to a stage. Rank 0 may work for days before it comes.
    Call,
}

pub(crate) struct Link {
    messages: TcpStream,
    pulse: Pulse,
    /// The rank at the other end.
    peer: usize,
    own: Arc<Process>,
}

impl Link {
    /// A connection to rank `peer`, after the greetings.
    pub(super) fn new(
        messages: TcpStream,
        pulse: TcpStream,
        peer: usize,
        own: &Arc<Process>,
    ) -> Result<Link, TrainError> {
        let gone = own.patience.gone;
        let set = || -> std::io::Result<Pulse> {
            messages.set_nonblocking(false)?;
            messages.set_nodelay(true)?;
            messages.set_read_timeout(Some(TURN))?;
            messages.set_write_timeout(Some(TURN))?;
            pulse::keep_alive(&messages, gone)?;
            Pulse::new(pulse, gone)
        };
        let pulse = set().map_err(|error| TrainError::Ranks(format!("rank {peer}: {error}")))?;
        Ok(Link { messages, pulse, peer, own: own.clone() })
    }

    /// Sends a message within a stage, or the call to one.
    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), TrainError> {
        self.write_all(&(message.len() as u64).to_le_bytes())?;
        self.write_all(message)
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), TrainError> {
        let mut since = Instant::now();
        while !bytes.is_empty() {
            match self.messages.write(bytes) {
                Ok(written) => {
                    bytes = &bytes[written..];
                    since = Instant::now();
                }
                Err(error) => self.look_up(error, Wait::Step, since)?,
            }
        }
        Ok(())
    }

    /// A message of exactly `length` bytes, within a stage.
    pub(super) fn receive(&mut self, length: usize) -> Result<Vec<u8>, TrainError> {
        let sent = self.length(Wait::Step)?;
        if sent != length as u64 {
            return Err(self.out_of_place(format!("{sent} bytes where {length} were due")));
        }
        let mut message = vec![0; length];
        self.read_exact(&mut message, Wait::Step)?;
        Ok(message)
    }

    /// A text of any length that texts have.
    pub(super) fn receive_text(&mut self, wait: Wait) -> Result<String, TrainError> {
        let length = self.length(wait)?;
        if length > LONGEST_TEXT {
            return Err(self.out_of_place(format!("{length} bytes where at most {LONGEST_TEXT} were due")));
        }
        let (mut text, mut left) = (Vec::new(), length as usize);
        while left > 0 {
            // A length is only believed as far as bytes have come.
            let start = text.len();
            text.resize(start + left.min(PIECE), 0);
            self.read_exact(&mut text[start..], Wait::Step)?;
            left -= text.len() - start;
        }
        String::from_utf8(text).map_err(|_| self.out_of_place("what is not text".to_owned()))
    }

    /// Sends a text that [`Link::receive_text`] takes.
    pub(super) fn send_text(&mut self, text: &str) -> Result<(), TrainError> {
        if text.len() as u64 > LONGEST_TEXT {
            let message =
                format!("{} bytes of settings or keys are more than ranks exchange ({LONGEST_TEXT})", text.len());
            return Err(TrainError::Ranks(message));
        }
        self.send(text.as_bytes())
    }

    fn length(&mut self, wait: Wait) -> Result<u64, TrainError> {
        let mut length = [0; 8];
        self.read_exact(&mut length, wait)?;
        Ok(u64::from_le_bytes(length))
    }

    fn read_exact(&mut self, into: &mut [u8], wait: Wait) -> Result<(), TrainError> {
        let (mut filled, mut since) = (0, Instant::now());
        while filled < into.len() {
            match self.messages.read(&mut into[filled..]) {
                Ok(0) => return Err(self.lost("it has ended")),
                Ok(read) => {
                    filled += read;
                    since = Instant::now();
                }
                Err(error) => self.look_up(error, wait, since)?,
            }
        }
        Ok(())
    }

    /// After a turn in which nothing came or went since `since`: whether to wait on.
    fn look_up(&mut self, error: std::io::Error, wait: Wait, since: Instant) -> Result<(), TrainError> {
        match error.kind() {
            ErrorKind::Interrupted => return Ok(()),
            ErrorKind::WouldBlock => {}
            ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                let gone = self.own.patience.gone.as_secs();
                return Err(self.lost(&format!("its machine has not answered for {gone} s")));
            }
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                return Err(self.lost("it has ended"));
            }
            _ => return Err(self.lost(&error.to_string())),
        }
        if let Some(why) = self.pulse.lost() {
            return Err(self.lost(&why));
        }
        if self.own.stopping() {
            let whom = format!("rank {}", self.peer);
            if wait == Wait::Call || self.own.stopped_since(&whom).elapsed() > self.own.patience.stop {
                return Err(self.own.stopped(&whom));
            }
        }
        let step = self.own.patience.step;
        if wait == Wait::Step && since.elapsed() > step {
            let message = format!(
                "rank {} has sent nothing for {} s, though its machine answers: it hangs, or its step takes longer than \
                 OCTO_RANKS_STEP_SECONDS; its own output may say more",
                self.peer,
                step.as_secs()
            );
            return Err(TrainError::Ranks(message));
        }
        Ok(())
    }

    fn out_of_place(&self, what: String) -> TrainError {
        let peer = self.peer;
        TrainError::Ranks(format!(
            "rank {peer} sent {what}: it is at another place of the run; do all ranks run the same recipe?"
        ))
    }

    fn lost(&self, why: &str) -> TrainError {
        let gone = format!("rank {} is gone: {why}", self.peer);
        if self.own.stopping() {
            return TrainError::StoppedWaiting(format!("rank {}: stopped; {gone}", self.own.rank));
        }
        TrainError::Ranks(format!("{gone}; its own output says why"))
    }
}
