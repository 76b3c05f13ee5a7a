//! Several processes that train one model on parts of each batch: data parallelism.
//!
//! Every rank holds the whole model and the whole optimiser. Rank 0 is the leader: the others connect to it over TCP,
//! send it their numbers, and get back the sum. It adds in the order of ranks, in fp32 (or f64), and all get the same
//! bytes, so the sum does not depend on timing and no rank can drift from the others.
//!
//! Where every rank trains on a GPU and has NCCL, gradients are summed by that, where they lie, in an order that is NCCL's
//! own. All else goes over TCP still, and so do gradients where a rank lacks NCCL.
//!
//! What is not here: overlap of communication with the backward pass, a sharded optimiser (ZeRO, FSDP), tensor, pipeline
//! and context parallelism.
//!
//! Connections are neither encrypted nor authenticated, as with torch's own stores: for a trusted network only.

mod gradients;
mod link;
mod nccl;

use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use octo_data::sampler::Rank;
use tch::Device;

use crate::error::TrainError;
pub(crate) use gradients::sum_gradients;
use link::{Link, Number};
use nccl::Communicator;

/// How long ranks wait for each other to start.
const CONNECT: Duration = Duration::from_secs(600);

/// This process among those that train together.
pub struct Ranks {
    rank: usize,
    world: usize,
    /// To rank 0, or from rank 0 to each other rank in order. Empty where there is one rank only.
    links: Mutex<Vec<Link>>,
    /// Among GPUs, once [`Ranks::join_gpus`] has found that all ranks have some.
    gpus: Mutex<Option<Communicator>>,
}

impl Ranks {
    /// A process on its own.
    pub fn alone() -> Ranks {
        Ranks { rank: 0, world: 1, links: Mutex::new(Vec::new()), gpus: Mutex::new(None) }
    }

    /// The ranks that `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT` tell of, as `torchrun --no-python` sets
    /// them; without `WORLD_SIZE`, or where it is 1, a process on its own.
    ///
    /// `torchrun` often listens at `MASTER_PORT` itself and says so with `TORCHELASTIC_USE_AGENT_STORE`: then the port
    /// behind it is taken.
    pub fn from_environment() -> Result<Ranks, TrainError> {
        let text = |key: &str| std::env::var(key).ok().filter(|value| !value.trim().is_empty());
        let Some(world) = text("WORLD_SIZE") else { return Ok(Ranks::alone()) };
        let number = |key: &str, value: Option<String>| -> Result<usize, TrainError> {
            let value = value.ok_or_else(|| {
                TrainError::Ranks(format!("WORLD_SIZE is set and {key} is not; start ranks with torchrun or srun"))
            })?;
            value.trim().parse().map_err(|_| TrainError::Ranks(format!("{key}={value:?} is not a whole number")))
        };
        let world = number("WORLD_SIZE", Some(world))?;
        if world <= 1 {
            return Ok(Ranks::alone());
        }
        let rank = number("RANK", text("RANK"))?;
        let address = text("MASTER_ADDR").unwrap_or_else(|| "127.0.0.1".to_owned());
        let port = number("MASTER_PORT", text("MASTER_PORT"))?;
        let taken = text("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let port = u16::try_from(port + usize::from(taken))
            .map_err(|_| TrainError::Ranks(format!("MASTER_PORT={port} is not a port")))?;
        Ranks::connect(rank, world, &address, port)
    }

    /// Joins `world` ranks, of which this is `rank`; rank 0 listens at `address` and `port`. Returns once all are
    /// connected.
    pub fn connect(rank: usize, world: usize, address: &str, port: u16) -> Result<Ranks, TrainError> {
        if world == 0 || rank >= world {
            return Err(TrainError::Ranks(format!("RANK={rank} is not below WORLD_SIZE={world}")));
        }
        let links = match (world, rank) {
            (1, _) => Vec::new(),
            (_, 0) => lead(world, address, port)?,
            _ => vec![follow(rank, world, address, port)?],
        };
        Ok(Ranks { rank, world, links: Mutex::new(links), gpus: Mutex::new(None) })
    }

    /// This process's number, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many there are.
    pub fn world(&self) -> usize {
        self.world
    }

    /// Whether this is the one that writes.
    pub fn leads(&self) -> bool {
        self.rank == 0
    }

    /// This process's place among those that share a batch, or any other row of items; see [`Rank::part_of`].
    pub fn place(&self) -> Rank {
        Rank { rank: self.rank, world_size: self.world }
    }

    /// Replaces `values` by their sum over all ranks, added in the order of ranks. All must call it with as many.
    pub fn sum(&self, values: &mut [f32]) -> Result<(), TrainError> {
        self.sum_of(values)
    }

    /// [`Ranks::sum`] in double precision.
    pub fn sum_double(&self, values: &mut [f64]) -> Result<(), TrainError> {
        self.sum_of(values)
    }

    fn sum_of<N: Number>(&self, values: &mut [N]) -> Result<(), TrainError> {
        let mut links = self.links();
        if self.rank > 0 {
            links[0].send(N::bytes(values).as_slice())?;
            let sum = links[0].receive(values.len() * N::SIZE)?;
            N::read(&sum, values);
            return Ok(());
        }
        let mut other = values.to_vec();
        for link in links.iter_mut() {
            let bytes = link.receive(values.len() * N::SIZE)?;
            N::read(&bytes, &mut other);
            values.iter_mut().zip(&other).for_each(|(value, other)| *value = *value + *other);
        }
        let bytes = N::bytes(values);
        links.iter_mut().try_for_each(|link| link.send(&bytes))
    }

    /// Has NCCL sum the gradients from now on, where all ranks' models are on GPUs and all have the library; else they
    /// go through the host, and a warning says why. All ranks call it, with the device of their own model.
    pub fn join_gpus(&self, device: Device) -> Result<(), TrainError> {
        if self.world == 1 {
            return Ok(());
        }
        let able = if device.is_cuda() { nccl::present() } else { Err("its model is on the CPU".to_owned()) };
        self.join_gpus_if(device, able)
    }

    /// [`Ranks::join_gpus`], where `able` says whether this rank can, and if not why.
    fn join_gpus_if(&self, device: Device, able: Result<(), String>) -> Result<(), TrainError> {
        *self.gpus() = None;
        if self.any(able.is_err())? {
            if device.is_cuda() {
                let why = able.err().unwrap_or_else(|| "another rank has none, and says why".to_owned());
                tracing::warn!("rank {}: gradients go through the host, since there is no NCCL: {why}", self.rank);
            }
            return Ok(());
        }
        // Whatever fails here is told to all, so that none waits for one that has given up.
        let id = if self.leads() { nccl::new_id() } else { Ok(String::new()) };
        let shared = self.leaders(id.as_deref().unwrap_or_default())?;
        id?;
        if shared.is_empty() {
            return Err(TrainError::Ranks("NCCL failed on rank 0; its own message says how".to_owned()));
        }
        let joined = Communicator::new(self.rank, self.world, &shared, device);
        let failed = self.any(joined.is_err())?;
        *self.gpus() = Some(joined?);
        if failed {
            *self.gpus() = None;
            return Err(TrainError::Ranks("NCCL failed on another rank; its own message says how".to_owned()));
        }
        tracing::info!("rank {} of {}: gradients go over NCCL", self.rank, self.world);
        Ok(())
    }

    fn gpus(&self) -> MutexGuard<'_, Option<Communicator>> {
        self.gpus.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether any rank says yes.
    pub fn any(&self, mine: bool) -> Result<bool, TrainError> {
        if self.world == 1 {
            return Ok(mine);
        }
        let mut votes = [if mine { 1.0 } else { 0.0 }];
        self.sum(&mut votes)?;
        Ok(votes[0] > 0.0)
    }

    /// What the leader says, told to all. Only the leader's `mine` counts.
    pub fn leaders(&self, mine: &str) -> Result<String, TrainError> {
        let mut links = self.links();
        if self.rank > 0 {
            let bytes = links[0].receive_any()?;
            return String::from_utf8(bytes).map_err(|_| TrainError::Ranks("rank 0 sent no text".to_owned()));
        }
        links.iter_mut().try_for_each(|link| link.send(mine.as_bytes()))?;
        Ok(mine.to_owned())
    }

    /// Fails on the ranks whose `mine` is not the leader's: two recipes, two versions of the data, two seeds.
    pub fn agree(&self, what: &str, mine: &str) -> Result<(), TrainError> {
        let leaders = self.leaders(mine)?;
        // All hear of it, so that none waits for one that has given up.
        let differs = leaders != mine;
        if self.any(differs)? {
            let message = if differs {
                format!("rank {}: its {what} is not that of rank 0 ({mine}; {leaders} there)", self.rank)
            } else {
                format!("another rank's {what} is not that of rank 0; its own message says how they differ")
            };
            return Err(TrainError::Ranks(message));
        }
        Ok(())
    }

    fn links(&self) -> MutexGuard<'_, Vec<Link>> {
        self.links.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Waits for every other rank; links come back in the order of ranks.
fn lead(world: usize, address: &str, port: u16) -> Result<Vec<Link>, TrainError> {
    let failed = |error: std::io::Error| {
        TrainError::Ranks(format!("rank 0 could not listen at {address}:{port}: {error}; is MASTER_PORT free?"))
    };
    let listener = TcpListener::bind((address, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let started = Instant::now();
    let mut links: Vec<Option<Link>> = (1..world).map(|_| None).collect();
    while links.iter().any(Option::is_none) {
        match listener.accept() {
            // Whatever else knocks at a port is sent away; it is no reason to stop.
            Ok((stream, from)) => match greet(stream, world) {
                Ok((rank, link)) if links[rank - 1].is_none() => links[rank - 1] = Some(link),
                Ok((rank, _)) => {
                    return Err(TrainError::Ranks(format!("two processes say that they are rank {rank}")));
                }
                Err(error) => tracing::warn!("a connection from {from} was no rank of this run: {error}"),
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
    let rank = rank.ok_or_else(|| TrainError::Ranks(format!("it said {hello:?}")))?;
    link.rename(format!("rank {rank}"));
    link.send(hello.as_bytes())?;
    Ok((rank, link))
}

fn greeting(world: usize) -> String {
    format!("octo {} of {world}, rank ", env!("CARGO_PKG_VERSION"))
}

/// Connects to rank 0, which may start later.
fn follow(rank: usize, world: usize, address: &str, port: u16) -> Result<Link, TrainError> {
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
                    let message = format!("what listens at {address}:{port} is no rank 0 of this version of octo");
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `work` on `world` threads as ranks; ports are the system's.
    fn together<T: Send>(world: usize, work: impl Fn(&Ranks) -> T + Sync) -> Vec<T> {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        std::thread::scope(|scope| {
            let start = |rank| {
                let work = &work;
                scope.spawn(move || work(&Ranks::connect(rank, world, "127.0.0.1", port).expect("connects")))
            };
            let threads: Vec<_> = (0..world).map(start).collect();
            threads.into_iter().map(|thread| thread.join().expect("ends")).collect()
        })
    }

    #[test]
    fn the_sum_is_in_the_order_of_ranks_and_the_same_everywhere() {
        // In fp32 the order shows: (1e8 + 1) - 1e8 is 0, and 1e8 - 1e8 + 1 is 1.
        let parts = [[1e8f32, 1.0], [1.0, 2.0], [-1e8, 3.0]];
        let sums = together(3, |ranks| {
            let mut mine = parts[ranks.rank()];
            ranks.sum(&mut mine).expect("sums");
            mine
        });
        assert_eq!(sums, [[0.0, 6.0]; 3]);
        let alone = Ranks::alone();
        let mut mine = [1.5];
        alone.sum_double(&mut mine).expect("sums");
        assert_eq!((mine, alone.place()), ([1.5], Rank::ALONE));
    }

    #[test]
    fn large_sums_pass_whole() {
        let sums = together(2, |ranks| {
            let mut mine: Vec<f32> = (0..3_000_000).map(|index| (index % 97) as f32).collect();
            ranks.sum(&mut mine).expect("sums");
            mine.iter().enumerate().all(|(index, sum)| *sum == 2.0 * (index % 97) as f32)
        });
        assert_eq!(sums, [true, true]);
    }

    #[test]
    fn shares_cover_everything_once() {
        let shares = together(3, |ranks| ranks.place().part_of(8));
        assert_eq!(shares, [0..2, 2..5, 5..8]);
    }

    #[test]
    fn ranks_that_differ_say_so_and_none_hangs() {
        let outcomes = together(3, |ranks| {
            let recipe = if ranks.rank() == 2 { "rate 2" } else { "rate 1" };
            ranks.agree("recipe", "same").expect("all agree");
            ranks.agree("recipe", recipe).expect_err("one differs").to_string()
        });
        assert!(outcomes[2].contains("rate 2; rate 1 there"), "{outcomes:?}");
        assert!(outcomes[0].contains("another rank's recipe"), "{outcomes:?}");
    }

    #[test]
    fn gradients_go_over_tcp_where_a_rank_has_no_gpu_or_no_nccl() {
        let summed = |able: &(dyn Fn(usize) -> Result<(), String> + Sync)| {
            together(2, |ranks| {
                ranks.join_gpus_if(Device::Cpu, able(ranks.rank())).expect("falls back");
                assert!(ranks.gpus().is_none());
                let leaf = tch::Tensor::from_slice(&[1.0f32, 2.0]).set_requires_grad(true);
                (&leaf * (1.0 + ranks.rank() as f64)).sum(tch::Kind::Float).backward();
                let parameters = [("weight".to_owned(), leaf)];
                sum_gradients(ranks, &parameters).expect("sums");
                Vec::<f32>::try_from(parameters[0].1.grad()).expect("numbers")
            })
        };
        assert_eq!(summed(&|_| Err("none".to_owned())), [[3.0, 3.0]; 2]);
        assert_eq!(summed(&|rank| if rank == 1 { Err("none".to_owned()) } else { Ok(()) }), [[3.0, 3.0]; 2]);
        let joined = together(2, |ranks| ranks.join_gpus(Device::Cpu).map(|()| ranks.gpus().is_some()).expect("tcp"));
        assert_eq!(joined, [false, false]);
    }

    #[test]
    fn nccl_that_cannot_start_is_an_error_on_every_rank_and_none_hangs() {
        // Without the library rank 0 finds no id, and with it no rank finds a GPU on the CPU.
        let outcomes = together(2, |ranks| {
            let error = ranks.join_gpus_if(Device::Cpu, Ok(())).expect_err("there is no GPU").to_string();
            assert!(ranks.gpus().is_none());
            error
        });
        match nccl::present() {
            Err(missing) => {
                assert_eq!(outcomes[0], missing);
                assert!(outcomes[1].contains("NCCL failed on rank 0"), "{outcomes:?}");
            }
            Ok(()) => assert!(outcomes.iter().all(|error| error.contains("is no GPU")), "{outcomes:?}"),
        }
    }

    #[test]
    fn a_rank_that_goes_away_is_an_error_with_its_name() {
        let outcomes = together(2, |ranks| {
            if ranks.rank() == 1 {
                return String::new();
            }
            ranks.any(true).expect_err("rank 1 has gone").to_string()
        });
        assert!(outcomes[0].contains("rank 1"), "{outcomes:?}");
    }

    #[test]
    fn ranks_of_different_length_are_told_and_not_added() {
        let outcomes = together(2, |ranks| ranks.sum(&mut vec![1.0; 3 + ranks.rank()]).map_err(|e| e.to_string()));
        assert!(outcomes[0].as_ref().expect_err("lengths differ").contains("16 bytes"), "{outcomes:?}");
    }
}
