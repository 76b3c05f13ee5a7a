//! Whether the machine of another rank is still there.
//!
//! A rank that computes sends nothing for minutes, and one whose machine has lost its power sends nothing ever again. The
//! system's own probes tell them apart (TCP keepalive): the machine answers them, whatever its processes do. They are
//! sent only where nothing else waits for an answer, so they have a connection of their own, where nothing is ever sent.
//! A limit on unanswered messages in their place (`TCP_USER_TIMEOUT`) would also end a rank that only does not read yet.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};

/// Probes without an answer after which a machine is gone.
const PROBES: u32 = 3;

/// Has the system ask the other machine whether it is there, so that `gone` passes between its last answer and an error.
pub(super) fn keep_alive(stream: &TcpStream, gone: Duration) -> std::io::Result<()> {
    let between = (gone / (PROBES + 1)).max(Duration::from_secs(1));
    let settings = TcpKeepalive::new().with_time(between).with_interval(between).with_retries(PROBES);
    SockRef::from(stream).set_tcp_keepalive(&settings)
}

/// The connection on which nothing is sent.
pub(super) struct Pulse {
    stream: TcpStream,
    gone: Duration,
    /// Since when the other end has closed it.
    ended: Option<Instant>,
}

impl Pulse {
    pub(super) fn new(stream: TcpStream, gone: Duration) -> std::io::Result<Pulse> {
        keep_alive(&stream, gone)?;
        stream.set_nonblocking(true)?;
        Ok(Pulse { stream, gone, ended: None })
    }

    /// Why the other rank is gone, if it is.
    pub(super) fn lost(&mut self) -> Option<String> {
        let ended = match self.stream.peek(&mut [0]) {
            Ok(1..) => return None,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return None,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::TimedOut
                        | ErrorKind::HostUnreachable
                        | ErrorKind::NetworkUnreachable
                        | ErrorKind::NetworkDown
                ) =>
            {
                return Some(format!("its machine has not answered for {} s", self.gone.as_secs()));
            }
            // It ends with the process. What that sent before its end may still be on its way, so there is no hurry.
            Ok(0) | Err(_) => *self.ended.get_or_insert_with(Instant::now),
        };
        (ended.elapsed() > self.gone).then(|| "it has ended".to_owned())
    }
}
