//! Several processes that train one model on parts of each batch: data parallelism.
//!
//! Every rank holds the whole model and the whole optimiser. Rank 0 is the leader: the others connect to it over TCP,
//! send it their numbers, and get back the sum. It adds in the order of ranks, in fp32 (or f64), and all get the same
//! bytes, so the sum does not depend on timing and no rank can drift from the others.
//!
//! Where every rank trains on a GPU and has NCCL, gradients are summed by that, where they lie, in an order that is
//! NCCL's own. All else goes over TCP still, and so do gradients where a rank lacks NCCL.
//!
//! `environment` reads which rank this process is and how long it waits; `connect` is how ranks find each other, with the
//! words of `greeting`; `link` is the connection between two, `pulse` how one notices that the other's machine is gone;
//! `gradients` is the sum in buckets, and `nccl` the sum on GPUs.
//!
//! No wait lasts for ever: see [`Patience`]. A signal ends a rank that waits: at once before the ranks have met and
//! between stages, where rank 0 may work for days, and within a stage once the others have had the time to come to the
//! end of their step, at which all ranks stop together.
//!
//! What is not here: overlap of communication with the backward pass, a sharded optimiser (ZeRO, FSDP), tensor,
//! pipeline and context parallelism.
//!
//! Connections are neither encrypted nor authenticated, as with torch's own stores: for a trusted network only.

mod connect;
mod environment;
mod gradients;
mod greeting;
mod link;
mod nccl;
mod pulse;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

use octo_data::sampler::Rank;
use tch::Device;

use crate::error::TrainError;
use connect::{follow, lead};
pub use environment::{Patience, Rendezvous};
pub(crate) use gradients::sum_gradients;
use link::{Link, Number, Wait};
use nccl::Communicator;

/// This process among those that train together.
pub struct Ranks {
    rank: usize,
    world: usize,
    /// The connection to rank 0, or those from rank 0 to each other rank in order; empty where there is one rank only.
    links: Mutex<Vec<Link>>,
    /// The connection among GPUs, once [`Ranks::join_gpus`] has found that all ranks have one.
    gpus: Mutex<Option<Communicator>>,
}

/// What every wait of this process looks at.
struct Process {
    rank: usize,
    patience: Patience,
    /// Raised where the process is to stop.
    stop: Arc<AtomicBool>,
    /// When a wait first found it raised.
    stopped_since: OnceLock<Instant>,
}

impl Process {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// When a wait for `whom` first found that the process is to stop, which is said then.
    fn stopped_since(&self, whom: &str) -> Instant {
        *self.stopped_since.get_or_init(|| {
            let seconds = self.patience.stop.as_secs();
            tracing::warn!(
                "rank {}: asked to stop; waits for {whom} to come to the end of the step, {seconds} s at most",
                self.rank
            );
            Instant::now()
        })
    }

    /// That a signal has ended the wait for `whom`.
    fn stopped(&self, whom: &str) -> TrainError {
        TrainError::StoppedWaiting(format!("rank {}: stopped while it waited for {whom}", self.rank))
    }
}

impl Ranks {
    /// A process on its own.
    pub fn alone() -> Ranks {
        Ranks { rank: 0, world: 1, links: Mutex::new(Vec::new()), gpus: Mutex::new(None) }
    }

    /// The ranks that the environment describes; see [`Rendezvous::read`] and [`Patience`]. Raising `stop` ends waits.
    ///
    /// # Errors
    /// Variables that cannot be meant, and the errors of [`Ranks::connect`].
    pub fn from_environment(stop: &Arc<AtomicBool>) -> Result<Ranks, TrainError> {
        let read = |key: &str| std::env::var_os(key).map(|value| value.to_string_lossy().into_owned());
        match Rendezvous::read(&read)? {
            None => Ok(Ranks::alone()),
            Some(rendezvous) => Ranks::connect(&rendezvous, Patience::read(&read)?, stop),
        }
    }

    /// Joins the ranks of `rendezvous`, of which rank 0 listens. Returns once all are connected.
    ///
    /// # Errors
    /// Ranks that do not come in time, that are of another run or another version, and [`TrainError::StoppedWaiting`]
    /// where `stop` was raised meanwhile.
    pub fn connect(rendezvous: &Rendezvous, patience: Patience, stop: &Arc<AtomicBool>) -> Result<Ranks, TrainError> {
        rendezvous.check()?;
        let &Rendezvous { rank, world, .. } = rendezvous;
        let own = Arc::new(Process { rank, patience, stop: stop.clone(), stopped_since: OnceLock::new() });
        let links = match (world, rank) {
            (1, _) => Vec::new(),
            (_, 0) => lead(&own, rendezvous)?,
            _ => vec![follow(&own, rendezvous)?],
        };
        Ok(Ranks { rank, world, links: Mutex::new(links), gpus: Mutex::new(None) })
    }

    /// This process's number, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many ranks there are.
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
    /// go through the host, and a warning gives the reason. All ranks call it, with the device of their own model.
    pub fn join_gpus(&self, device: Device) -> Result<(), TrainError> {
        if self.world == 1 {
            return Ok(());
        }
        let able = if device.is_cuda() { nccl::present() } else { Err("its model is on the CPU".to_owned()) };
        self.join_gpus_if(device, able)
    }

    /// [`Ranks::join_gpus`], where `able` is whether this rank can, and if not why.
    fn join_gpus_if(&self, device: Device, able: Result<(), String>) -> Result<(), TrainError> {
        *self.gpus() = None;
        if self.any(able.is_err())? {
            if device.is_cuda() {
                let why =
                    able.err().unwrap_or_else(|| "another rank has none, and its own message says why".to_owned());
                tracing::warn!("rank {}: gradients go through the host, since there is no NCCL: {why}", self.rank);
            }
            return Ok(());
        }
        // All ranks are notified of what fails here, so that none waits for one that has given up.
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

    /// Whether `mine` is true on any rank.
    pub fn any(&self, mine: bool) -> Result<bool, TrainError> {
        if self.world == 1 {
            return Ok(mine);
        }
        let mut votes = [if mine { 1.0 } else { 0.0 }];
        self.sum(&mut votes)?;
        Ok(votes[0] > 0.0)
    }

    /// The leader's `mine`, sent to all ranks; that of the others does not count. All call it at the same place of a
    /// stage.
    ///
    /// # Errors
    /// That a rank is gone or hangs, or [`TrainError::StoppedWaiting`].
    pub fn leaders(&self, mine: &str) -> Result<String, TrainError> {
        self.leaders_after(mine, Wait::Step)
    }

    /// [`Ranks::leaders`] between stages: what rank 0 calls the others to next. They wait for it as long as it takes.
    ///
    /// # Errors
    /// Those of [`Ranks::leaders`], but for a rank that hangs.
    pub fn call(&self, mine: &str) -> Result<String, TrainError> {
        self.leaders_after(mine, Wait::Call)
    }

    fn leaders_after(&self, mine: &str, wait: Wait) -> Result<String, TrainError> {
        let mut links = self.links();
        if self.rank > 0 {
            return links[0].receive_text(wait);
        }
        links.iter_mut().try_for_each(|link| link.send_text(mine))?;
        Ok(mine.to_owned())
    }

    /// Fails on the ranks whose `mine` is not the leader's: two recipes, two versions of the data, two seeds.
    pub fn agree(&self, what: &str, mine: &str) -> Result<(), TrainError> {
        let leaders = self.leaders(mine)?;
        // All ranks are notified, so that none waits for one that has given up.
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

#[cfg(test)]
mod tests;
