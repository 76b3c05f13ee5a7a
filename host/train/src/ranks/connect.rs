//! How ranks find each other: rank 0 listens, the others connect with their numbers.

use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::link::Link;
use crate::error::TrainError;

/// How long ranks wait for each other to start.
const CONNECT: Duration = Duration::from_secs(600);

/// Waits for every other rank; links come back in the order of ranks.
pub(super) fn lead(world: usize, address: &str, port: u16) -> Result<Vec<Link>, TrainError> {
    let failed = |error: std::io::Error| {
        TrainError::Ranks(format!("rank 0 could not listen at {address}:{port}: {error}; is MASTER_PORT free?"))
    };
    let listener = TcpListener::bind((address, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let started = Instant::now();
    let mut links: Vec<Option<Link>> = (1..world).map(|_| None).collect();
    while links.iter().any(Option::is_none) {
        match listener.accept() {
            // Whatever else knocks at a port is sent away; that is not a reason to stop.
            Ok((stream, from)) => match greet(stream, world) {
                Ok((rank, link)) if links[rank - 1].is_none() => links[rank - 1] = Some(link),
                Ok((rank, _)) => {
                    let message = format!("two processes are rank {rank}; give each a `RANK` of its own");
                    return Err(TrainError::Ranks(message));
                }
                Err(error) => tracing::warn!("a connection from {from} was not a rank of this run: {error}"),
            },
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if started.elapsed() > CONNECT {
                    let missing: Vec<String> =
                        (1..world).filter(|rank| links[rank - 1].is_none()).map(|rank| rank.to_string()).collect();
                    let message = format!("waited {} s for the ranks {}", CONNECT.as_secs(), missing.join(", "));
                    return Err(TrainError::Ranks(message));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(links.into_iter().flatten().collect())
}

fn greet(stream: TcpStream, world: usize) -> Result<(usize, Link), TrainError> {
    stream.set_nonblocking(false).map_err(|error| TrainError::Ranks(error.to_string()))?;
    let mut link = Link::new(stream, "a new connection".to_owned())?;
    let hello = String::from_utf8_lossy(&link.receive_greeting()?).into_owned();
    let rank = hello.strip_prefix(&greeting(world)).and_then(|rank| rank.parse::<usize>().ok());
    let rank = rank.filter(|rank| (1..world).contains(rank));
    let rank = rank.ok_or_else(|| TrainError::Ranks(format!("it sent {hello:?}")))?;
    link.rename(format!("rank {rank}"));
    link.send(hello.as_bytes())?;
    Ok((rank, link))
}

fn greeting(world: usize) -> String {
    format!("octo {} of {world}, rank ", env!("CARGO_PKG_VERSION"))
}

/// Connects to rank 0, which may start later.
pub(super) fn follow(rank: usize, world: usize, address: &str, port: u16) -> Result<Link, TrainError> {
    let started = Instant::now();
    loop {
        let reached = (address, port).to_socket_addrs().and_then(|mut found| match found.next() {
            Some(found) => TcpStream::connect_timeout(&found, Duration::from_secs(5)),
            None => Err(std::io::Error::other("the name has no address")),
        });
        match reached {
            Ok(stream) => {
                let mut link = Link::new(stream, "rank 0".to_owned())?;
                let hello = format!("{}{rank}", greeting(world));
                link.send(hello.as_bytes())?;
                if link.receive_greeting()? != hello.as_bytes() {
                    let message = format!("what listens at {address}:{port} is not rank 0 of this version of octo");
                    return Err(TrainError::Ranks(message));
                }
                return Ok(link);
            }
            Err(error) if started.elapsed() > CONNECT => {
                return Err(TrainError::Ranks(format!(
                    "rank {rank} could not reach rank 0 at {address}:{port}: {error}"
                )));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
