//! Runs the stages of a plan: independent ones side by side, each on a thread of its own.
//!
//! A stage takes as many lanes as its `threads`; small models gain more from two stages side by side than from two
//! threads in one. What a stage computes does not depend on the number of lanes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread::Builder;

use anyhow::Result;

use crate::kind::Ended;

/// One unit of work: which units come before it, and how many lanes it takes.
pub struct Unit {
    /// Indexes of the units that must be done before it.
    pub after: Vec<usize>,
    /// Lanes that it takes; at most all.
    pub lanes: usize,
    /// Already done by an earlier call.
    pub done: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Progress {
    Waiting,
    Running,
    Done,
    NotDone,
}

/// Calls `work` for every unit in dependency order. The first error stops the others at their next checkpoint.
///
/// # Errors
/// The first error of a unit.
pub fn run(
    units: &[Unit],
    lanes: usize,
    stop: &AtomicBool,
    work: impl Fn(usize) -> Result<Ended> + Sync,
) -> Result<Ended> {
    let lanes = lanes.max(1);
    let progress: Vec<Progress> =
        units.iter().map(|unit| if unit.done { Progress::Done } else { Progress::Waiting }).collect();
    let state = Mutex::new((progress, lanes, None::<anyhow::Error>));
    let changed = Condvar::new();
    std::thread::scope(|scope| {
        let mut guard = state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        loop {
            let free = guard.1;
            let ready = units.iter().enumerate().position(|(index, unit)| {
                guard.0[index] == Progress::Waiting
                    && unit.lanes.clamp(1, lanes) <= free
                    && unit.after.iter().all(|before| guard.0[*before] == Progress::Done)
            });
            let running = guard.0.contains(&Progress::Running);
            match ready {
                Some(index) if !stop.load(Ordering::Relaxed) && guard.2.is_none() => {
                    let taken = units[index].lanes.clamp(1, lanes);
                    guard.0[index] = Progress::Running;
                    guard.1 -= taken;
                    let (state, changed, work) = (&state, &changed, &work);
                    let run_one = move || {
                        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(index)))
                            .unwrap_or_else(|_| Err(anyhow::anyhow!("a stage panicked; this is a bug of octo-host")));
                        let mut guard = state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                        guard.1 += taken;
                        guard.0[index] = match result {
                            Ok(Ended::Done) => Progress::Done,
                            Ok(Ended::Stopped) => Progress::NotDone,
                            Err(error) => {
                                guard.2.get_or_insert(error);
                                stop.store(true, Ordering::Relaxed);
                                Progress::NotDone
                            }
                        };
                        changed.notify_all();
                    };
                    let started = Builder::new().name("stage".to_owned()).spawn_scoped(scope, run_one);
                    if let Err(error) = started {
                        guard.0[index] = Progress::NotDone;
                        guard.2 = Some(anyhow::anyhow!("a stage's thread could not be started: {error}"));
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                _ if running => {
                    guard = changed.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner());
                }
                _ => break,
            }
        }
    });
    let (progress, _, error) = state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    match error {
        Some(error) => Err(error),
        None if progress.iter().all(|unit| *unit == Progress::Done) => Ok(Ended::Done),
        None => Ok(Ended::Stopped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn unit(after: &[usize], lanes: usize) -> Unit {
        Unit { after: after.to_vec(), lanes, done: false }
    }

    #[test]
    fn a_unit_waits_for_what_comes_before_it() {
        let order = Mutex::new(Vec::new());
        let units = [unit(&[], 1), unit(&[0], 2), unit(&[1], 1), unit(&[1], 1)];
        let stop = AtomicBool::new(false);
        let ended = run(&units, 2, &stop, |index| {
            order.lock().unwrap().push(index);
            Ok(Ended::Done)
        });
        assert!(matches!(ended, Ok(Ended::Done)));
        let order = order.into_inner().unwrap();
        assert_eq!(order[..2], [0, 1]);
        assert_eq!(order.len(), 4);
    }

    #[test]
    fn an_error_starts_nothing_new_and_is_returned() {
        let started = AtomicUsize::new(0);
        let units = [unit(&[], 1), unit(&[0], 1)];
        let stop = AtomicBool::new(false);
        let ended = run(&units, 1, &stop, |_| {
            started.fetch_add(1, Ordering::Relaxed);
            anyhow::bail!("no")
        });
        assert_eq!(ended.err().unwrap().to_string(), "no");
        assert_eq!(started.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_panic_is_an_error_and_not_a_hang() {
        let stop = AtomicBool::new(false);
        let ended = run(&[unit(&[], 5)], 2, &stop, |_| panic!("test"));
        assert!(ended.is_err());
    }
}
