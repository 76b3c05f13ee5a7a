//! What the environment says of this process: which rank it is, where rank 0 listens, and how long ranks wait.

use std::time::Duration;

use crate::error::TrainError;

/// Most processes of a run: each takes two connections of rank 0.
const MOST_RANKS: usize = 1 << 16;
/// Most seconds that a variable may ask for: a year.
const MOST_SECONDS: u64 = 365 * 24 * 3600;

/// Which rank a process is, and where rank 0 listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendezvous {
    /// The number of this process, from 0.
    pub rank: usize,
    /// How many processes there are; 1 to 65,536.
    pub world: usize,
    /// Name or address of the machine of rank 0.
    pub address: String,
    /// The port at which rank 0 listens.
    pub port: u16,
}

/// How long ranks wait for each other. A variable of the environment gives each in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For all ranks to start: `OCTO_RANKS_START_SECONDS`, 600.
    pub start: Duration,
    /// A machine that has answered no probe of the connection for so long is gone: `OCTO_RANKS_GONE_SECONDS`, 60. A rank
    /// that only computes is not: its machine answers.
    pub gone: Duration,
    /// For the next message of another rank within a stage, whose machine answers: `OCTO_RANKS_STEP_SECONDS`, 3600. A
    /// rank that sends nothing for so long has hung. Between stages there is no limit, since rank 0 may work for days.
    pub step: Duration,
    /// For the others to come to the end of their step after a signal: `OCTO_RANKS_STOP_SECONDS`, 300.
    pub stop: Duration,
    /// For a new connection to say which rank it is: 10, and no variable.
    pub greeting: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Patience {
            start: seconds(600),
            gone: seconds(60),
            step: seconds(3600),
            stop: seconds(300),
            greeting: seconds(10),
        }
    }
}

/// The value of a variable; one that is empty counts as not set.
fn text(read: &dyn Fn(&str) -> Option<String>, key: &str) -> Option<String> {
    read(key).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

impl Rendezvous {
    /// The one that `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT` describe, as `torchrun --no-python` sets them;
    /// `None` for a process on its own, without `WORLD_SIZE` or where it is 1. `read` gives a variable's value.
    ///
    /// `torchrun` often listens at `MASTER_PORT` itself and reports that with `TORCHELASTIC_USE_AGENT_STORE`: then the
    /// port after it is taken.
    ///
    /// # Errors
    /// Variables that are missing, that are not numbers, or that contradict each other.
    pub fn read(read: &dyn Fn(&str) -> Option<String>) -> Result<Option<Rendezvous>, TrainError> {
        let Some(world) = text(read, "WORLD_SIZE") else { return Ok(None) };
        let refused = |message: String| Err(TrainError::Ranks(message));
        let world = match world.parse::<usize>() {
            Ok(world) if (1..=MOST_RANKS).contains(&world) => world,
            _ => return refused(format!("WORLD_SIZE={world:?} is not a count of processes (1 to {MOST_RANKS})")),
        };
        if world == 1 {
            return Ok(None);
        }
        let wanted = |key: &str| {
            text(read, key).ok_or_else(|| {
                TrainError::Ranks(format!("WORLD_SIZE is set and {key} is not; start ranks with torchrun or srun"))
            })
        };
        let rank = wanted("RANK")?;
        let rank = match rank.parse::<usize>() {
            Ok(rank) if rank < world => rank,
            _ => return refused(format!("RANK={rank:?} is not a rank of WORLD_SIZE={world} (0 to {})", world - 1)),
        };
        let taken = text(read, "TORCHELASTIC_USE_AGENT_STORE").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let port = wanted("MASTER_PORT")?;
        let free = port.parse::<u16>().ok().and_then(|port| port.checked_add(u16::from(taken)));
        let Some(port) = free.filter(|port| *port > 0) else {
            let most = u16::MAX - u16::from(taken);
            return refused(format!("MASTER_PORT={port:?} is not a port (1 to {most})"));
        };
        let address = text(read, "MASTER_ADDR").unwrap_or_else(|| "127.0.0.1".to_owned());
        Ok(Some(Rendezvous { rank, world, address, port }))
    }

    /// Checks a rendezvous that was not read from the environment.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let Rendezvous { rank, world, .. } = self;
        if !(1..=MOST_RANKS).contains(world) || rank >= world {
            let message = format!("there is no rank {rank} of {world}; there may be {MOST_RANKS} at most");
            return Err(TrainError::Ranks(message));
        }
        Ok(())
    }
}

impl Patience {
    /// The defaults, with what the environment says otherwise. `read` gives a variable's value.
    ///
    /// # Errors
    /// A variable that is not a number of seconds.
    pub fn read(read: &dyn Fn(&str) -> Option<String>) -> Result<Patience, TrainError> {
        let mut patience = Patience::default();
        for (key, value) in [
            ("OCTO_RANKS_START_SECONDS", &mut patience.start),
            ("OCTO_RANKS_GONE_SECONDS", &mut patience.gone),
            ("OCTO_RANKS_STEP_SECONDS", &mut patience.step),
            ("OCTO_RANKS_STOP_SECONDS", &mut patience.stop),
        ] {
            let Some(given) = text(read, key) else { continue };
            match given.parse::<u64>() {
                Ok(seconds) if (1..=MOST_SECONDS).contains(&seconds) => *value = Duration::from_secs(seconds),
                _ => {
                    let message = format!("{key}={given:?} is not a whole number of seconds (1 to {MOST_SECONDS})");
                    return Err(TrainError::Ranks(message));
                }
            }
        }
        Ok(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendezvous(variables: &[(&str, &str)]) -> Result<Option<Rendezvous>, String> {
        let find = |key: &str| variables.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
        Rendezvous::read(&find).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_of_torchrun_are_read_and_a_process_on_its_own_needs_none() {
        assert_eq!(rendezvous(&[]), Ok(None));
        assert_eq!(rendezvous(&[("WORLD_SIZE", "1"), ("RANK", "7")]), Ok(None));
        let set = [("WORLD_SIZE", "4"), ("RANK", " 3"), ("MASTER_ADDR", "head"), ("MASTER_PORT", "29500")];
        let wanted = Rendezvous { rank: 3, world: 4, address: "head".to_owned(), port: 29500 };
        assert_eq!(rendezvous(&set), Ok(Some(wanted.clone())));
        let taken = [&set[..], &[("TORCHELASTIC_USE_AGENT_STORE", "True")]].concat();
        assert_eq!(rendezvous(&taken), Ok(Some(Rendezvous { port: 29501, ..wanted })));
    }

    #[test]
    fn variables_that_cannot_be_meant_are_refused_before_anything_is_made_of_them() {
        let refused = |world: &str, rank: &str, port: &str| {
            let set = [("WORLD_SIZE", world), ("RANK", rank), ("MASTER_PORT", port)];
            rendezvous(&set).expect_err("cannot be meant")
        };
        for world in ["0", "-1", "2.0", "1000000000000", "65537", "99999999999999999999999", "two"] {
            let message = format!("WORLD_SIZE={world:?} is not a count of processes (1 to 65536)");
            assert_eq!(refused(world, "0", "1"), message);
        }
        assert_eq!(refused("2", "2", "1"), "RANK=\"2\" is not a rank of WORLD_SIZE=2 (0 to 1)");
        assert_eq!(refused("2", "", "1"), "WORLD_SIZE is set and RANK is not; start ranks with torchrun or srun");
        for port in ["0", "65536", "18446744073709551615"] {
            assert_eq!(refused("2", "1", port), format!("MASTER_PORT={port:?} is not a port (1 to 65535)"));
        }
        let last =
            [("WORLD_SIZE", "2"), ("RANK", "1"), ("MASTER_PORT", "65535"), ("TORCHELASTIC_USE_AGENT_STORE", "True")];
        assert_eq!(rendezvous(&last), Err("MASTER_PORT=\"65535\" is not a port (1 to 65534)".to_owned()));
    }

    #[test]
    fn patience_is_the_environments_where_that_gives_seconds() {
        let read = |value: &'static str| {
            Patience::read(&move |key| (key == "OCTO_RANKS_GONE_SECONDS").then(|| value.to_owned()))
        };
        let patience = read("5").expect("seconds");
        assert_eq!(patience, Patience { gone: Duration::from_secs(5), ..Patience::default() });
        for broken in ["0", "1.5", "31536001", "soon"] {
            let message =
                format!("OCTO_RANKS_GONE_SECONDS={broken:?} is not a whole number of seconds (1 to 31536000)");
            assert_eq!(read(broken).expect_err("not seconds").to_string(), message);
        }
    }
}
