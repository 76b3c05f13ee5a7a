//! How ranks find each other: rank 0 listens, the others connect with their numbers.
//!
//! Whatever else connects to the port is sent away: what says nothing after a while, what is not a greeting at once.
//! None of it keeps the ranks waiting. A rank of another version or another world is an error of the whole run, which
//! both sides are told, since it would be waited for in vain.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::greeting::{Greeting, Heard, Incoming, Part, framed, refusal, refused};
use super::link::{Link, TURN};
use super::{Process, Rendezvous};
use crate::error::TrainError;

/// Time between two looks at the port and at what has come through it.
const LOOK: Duration = Duration::from_millis(10);
/// Connections at most that have not said yet what they are; the oldest is sent away for a new one.
const MOST_STRANGERS: usize = 512;
/// Strangers that are warned of one by one; the others are counted.
const WARNED_OF: usize = 3;
/// How long one attempt to reach an address takes.
const DIAL: Duration = Duration::from_secs(5);
/// Ranks that a message names.
const NAMED: usize = 8;

/// Waits for every other rank; links come back in the order of ranks.
pub(super) fn lead(own: &Arc<Process>, at: &Rendezvous) -> Result<Vec<Link>, TrainError> {
    let Rendezvous { world, address, port, .. } = at;
    let failed = |error: std::io::Error| {
        TrainError::Ranks(format!("rank 0 could not listen at {address}:{port}: {error}; is MASTER_PORT free?"))
    };
    let listener = TcpListener::bind((address.as_str(), *port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let until = Instant::now() + own.patience.start;
    let mut door = Door { world: *world, own, strangers: VecDeque::new(), sent_away: 0, ranks: Vec::new() };
    door.ranks.resize_with(world - 1, Seat::default);
    while door.ranks.iter().any(|seat| !seat.is_taken()) {
        door.open_to(&listener)?;
        door.listen()?;
        let waited = Instant::now() > until;
        if waited || own.stopping() {
            let missing = missing(&door.ranks);
            return Err(match waited {
                false => own.stopped(&missing),
                true => TrainError::Ranks(format!(
                    "rank 0 waited {} s for {missing}; their own output says why they did not come",
                    own.patience.start.as_secs()
                )),
            });
        }
        std::thread::sleep(LOOK);
    }
    if door.sent_away > WARNED_OF {
        tracing::warn!("{} connections in all were not ranks of this run", door.sent_away);
    }
    let seats = (1..).zip(door.ranks);
    seats
        .filter_map(|(rank, seat)| Some((rank, seat.messages?, seat.pulse?)))
        .map(|(rank, messages, pulse)| Link::new(messages, pulse, rank, own))
        .collect()
}

/// The connections of one rank.
#[derive(Default)]
struct Seat {
    messages: Option<TcpStream>,
    pulse: Option<TcpStream>,
}

impl Seat {
    fn is_taken(&self) -> bool {
        self.messages.is_some() && self.pulse.is_some()
    }
}

/// A connection that has not said yet what it is.
struct Stranger {
    stream: TcpStream,
    from: SocketAddr,
    came: Instant,
    said: Incoming,
}

/// What became of a stranger.
enum Said {
    /// Not all yet.
    Nothing,
    /// A greeting.
    Greeting(Greeting),
    /// Something else, with what.
    Other(String),
}

struct Door<'a> {
    world: usize,
    own: &'a Process,
    strangers: VecDeque<Stranger>,
    sent_away: usize,
    /// Those of rank 1 and up.
    ranks: Vec<Seat>,
}

impl Door<'_> {
    /// Takes in all that has connected.
    fn open_to(&mut self, listener: &TcpListener) -> Result<(), TrainError> {
        loop {
            match listener.accept() {
                Ok((stream, from)) => {
                    if self.strangers.len() >= MOST_STRANGERS {
                        self.send_oldest_away("too many connections wait beside it");
                    }
                    if stream.set_nonblocking(true).is_ok() {
                        self.strangers.push_back(Stranger {
                            stream,
                            from,
                            came: Instant::now(),
                            said: Incoming::default(),
                        });
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // It has gone again.
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                // Such as too many open files: what nobody needs is closed first.
                Err(error) if self.strangers.is_empty() => {
                    let message =
                        format!("rank 0 could not take another connection: {error}; `ulimit -n` may be too low");
                    return Err(TrainError::Ranks(message));
                }
                Err(error) => self.send_oldest_away(&error.to_string()),
            }
        }
    }

    fn send_oldest_away(&mut self, why: &str) {
        if let Some(stranger) = self.strangers.pop_front() {
            self.send_away(&stranger.from, why);
        }
    }

    fn send_away(&mut self, from: &SocketAddr, why: &str) {
        self.sent_away += 1;
        if self.sent_away <= WARNED_OF {
            tracing::warn!("a connection from {from} was not a rank of this run: {why}");
        }
    }

    /// Hears what those at the door have said since.
    fn listen(&mut self) -> Result<(), TrainError> {
        for _ in 0..self.strangers.len() {
            let Some(mut stranger) = self.strangers.pop_front() else { break };
            match stranger.hear() {
                Said::Greeting(greeting) => self.seat(stranger, &greeting)?,
                Said::Other(what) => self.send_away(&stranger.from, &what),
                Said::Nothing if stranger.came.elapsed() > self.own.patience.greeting => {
                    self.send_away(&stranger.from, "it said nothing");
                }
                Said::Nothing => self.strangers.push_back(stranger),
            }
        }
        Ok(())
    }

    fn seat(&mut self, stranger: Stranger, greeting: &Greeting) -> Result<(), TrainError> {
        let Stranger { mut stream, from, .. } = stranger;
        let refuse = |stream: &mut TcpStream, reason: String| {
            let _ = stream.write_all(&framed(&refusal(&reason)));
            Err(TrainError::Ranks(reason))
        };
        if let Some(reason) = greeting.contradiction(self.world, &from.to_string()) {
            return refuse(&mut stream, reason);
        }
        let rank = greeting.rank;
        let Some(seat) = rank.checked_sub(1).and_then(|index| self.ranks.get_mut(index)) else {
            self.send_away(&from, &format!("there is no other rank {rank} of {}", self.world));
            return Ok(());
        };
        if greeting.part == Part::Messages {
            if seat.messages.as_ref().is_some_and(is_open) {
                let reason = format!("two processes are rank {rank}; give each a RANK of its own");
                return refuse(&mut stream, reason);
            }
            // One that has ended was started anew.
            *seat = Seat::default();
        }
        // Short enough for the buffer of a new connection.
        if let Err(error) = stream.write_all(&framed(&greeting.text())) {
            self.send_away(&from, &error.to_string());
            return Ok(());
        }
        match greeting.part {
            Part::Messages => seat.messages = Some(stream),
            Part::Pulse => seat.pulse = Some(stream),
        }
        Ok(())
    }
}

impl Stranger {
    fn hear(&mut self) -> Said {
        match self.said.hear(&mut self.stream) {
            Ok(Heard::NotYet) => Said::Nothing,
            Ok(Heard::Ended) => Said::Other("it has gone again".to_owned()),
            Ok(Heard::OtherProtocol) => Said::Other("it speaks another protocol".to_owned()),
            Ok(Heard::Text(text)) => match Greeting::parse(&text) {
                Some(greeting) => Said::Greeting(greeting),
                None => Said::Other(format!("it said {text:?}")),
            },
            Err(error) => Said::Other(error.to_string()),
        }
    }
}

/// Whether the other end of a connection on which it may say nothing yet is still there.
fn is_open(stream: &TcpStream) -> bool {
    matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// "rank 3", "ranks 1, 2 and 5".
fn missing(seats: &[Seat]) -> String {
    let missing: Vec<String> =
        (1..).zip(seats).filter(|(_, seat)| !seat.is_taken()).map(|(rank, _): (usize, _)| rank.to_string()).collect();
    match missing.as_slice() {
        [] => "no rank".to_owned(),
        [rank] => format!("rank {rank}"),
        many if many.len() > NAMED => {
            format!("ranks {} and {} more", many[..NAMED].join(", "), many.len() - NAMED)
        }
        [many @ .., last] => format!("ranks {} and {last}", many.join(", ")),
    }
}

/// Why an attempt to reach rank 0 came to nothing.
enum Failed {
    /// It may listen later.
    NotYet(String),
    /// It never will.
    ForGood(TrainError),
}

/// Connects to rank 0, which may start later.
pub(super) fn follow(own: &Arc<Process>, at: &Rendezvous) -> Result<Link, TrainError> {
    let until = Instant::now() + own.patience.start;
    loop {
        let why = match reach(own, at, until) {
            Ok(link) => return Ok(link),
            Err(Failed::ForGood(error)) => return Err(error),
            Err(Failed::NotYet(why)) => why,
        };
        if own.stopping() {
            return Err(own.stopped("rank 0"));
        }
        if Instant::now() > until {
            let Rendezvous { rank, address, port, .. } = at;
            let seconds = own.patience.start.as_secs();
            let message = format!("rank {rank} waited {seconds} s for rank 0 at {address}:{port}: {why}");
            return Err(TrainError::Ranks(message));
        }
        std::thread::sleep(TURN / 2);
    }
}

fn reach(own: &Arc<Process>, at: &Rendezvous, until: Instant) -> Result<Link, Failed> {
    let connect = |part| {
        let stream = dial(at).map_err(|error| Failed::NotYet(error.to_string()))?;
        greet(stream, own, at, part, until)
    };
    let messages = connect(Part::Messages)?;
    let pulse = connect(Part::Pulse)?;
    Link::new(messages, pulse, 0, own).map_err(Failed::ForGood)
}

/// A connection to the first address that answers.
fn dial(at: &Rendezvous) -> std::io::Result<TcpStream> {
    let mut failed = std::io::Error::other("the name has no address");
    for address in (at.address.as_str(), at.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, DIAL) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn greet(
    mut stream: TcpStream,
    own: &Process,
    at: &Rendezvous,
    part: Part,
    until: Instant,
) -> Result<TcpStream, Failed> {
    let not_yet = |error: std::io::Error| Failed::NotYet(error.to_string());
    let hello = Greeting::new(at.world, part, at.rank).text();
    stream.set_read_timeout(Some(TURN)).map_err(not_yet)?;
    stream.write_all(&framed(&hello)).map_err(not_yet)?;
    let until = until.min(Instant::now() + own.patience.greeting);
    let foreign = || {
        let message = format!("what listens at {}:{} is not rank 0 of octo", at.address, at.port);
        Failed::ForGood(TrainError::Ranks(message))
    };
    let mut said = Incoming::default();
    let answer = loop {
        match said.hear(&mut stream).map_err(not_yet)? {
            Heard::Text(answer) => break answer,
            Heard::OtherProtocol => return Err(foreign()),
            Heard::Ended => return Err(Failed::NotYet("it has closed the connection".to_owned())),
            Heard::NotYet if own.stopping() || Instant::now() > until => {
                return Err(Failed::NotYet("it does not answer".to_owned()));
            }
            Heard::NotYet => {}
        }
    };
    match refused(&answer) {
        _ if answer == hello => Ok(stream),
        Some(reason) => Err(Failed::ForGood(TrainError::Ranks(format!("rank 0 refused this process: {reason}")))),
        None => Err(foreign()),
    }
}
