//! Several processes that train one model on parts of each batch: data parallelism.
//!
//! Every rank holds the whole model and the whole optimiser. Rank 0 is the leader: the others connect to it over TCP,
//! send it their numbers, and get back the sum. It adds in the order of ranks, in fp32 (or f64), and all get the same
//! bytes, so the sum does not depend on timing and no rank can drift from the others.
//!
//! Where every rank trains on a GPU and has NCCL, gradients are summed by that, where they lie, in an order that is
//! NCCL's own. All else goes over TCP still, and so do gradients where a rank lacks NCCL.
//!
//! `connect` is how ranks find each other, `link` a connection between two, `gradients` the sum in buckets, and `nccl`
//! the sum on GPUs.
//!
//! What is not here: overlap of communication with the backward pass, a sharded optimiser (ZeRO, FSDP), tensor,
//! pipeline and context parallelism.
//!
//! Connections are neither encrypted nor authenticated, as with torch's own stores: for a trusted network only.

mod connect;
mod gradients;
mod link;
mod nccl;

use std::sync::{Mutex, MutexGuard};

use octo_data::sampler::Rank;
use tch::Device;

use crate::error::TrainError;
use connect::{follow, lead};
pub(crate) use gradients::sum_gradients;
use link::{Link, Number};
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

impl Ranks {
    /// A process on its own.
    pub fn alone() -> Ranks {
        Ranks { rank: 0, world: 1, links: Mutex::new(Vec::new()), gpus: Mutex::new(None) }
    }

    /// The ranks that `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT` describe, as `torchrun --no-python` sets
    /// them; without `WORLD_SIZE`, or where it is 1, a process on its own.
    ///
    /// `torchrun` often listens at `MASTER_PORT` itself and reports that with `TORCHELASTIC_USE_AGENT_STORE`: then the
    /// port after it is taken.
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

    /// The leader's `mine`, sent to all ranks; that of the others does not count.
    pub fn leaders(&self, mine: &str) -> Result<String, TrainError> {
        let mut links = self.links();
        if self.rank > 0 {
            let bytes = links[0].receive_any()?;
            return String::from_utf8(bytes).map_err(|_| TrainError::Ranks("rank 0 sent what is not text".to_owned()));
        }
        links.iter_mut().try_for_each(|link| link.send(mine.as_bytes()))?;
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
