//! What kinds without memory share: each batch of items goes through a fresh instance.

use std::ops::Range;

use wasmtime::Store;

use super::batch;
use crate::cases::Record;
use crate::contract::world::{BatchResult, World};
use crate::failure::Failure;
use crate::sandbox::{Blueprint, Guest, size};

impl<W: World> Blueprint<W> {
    /// Items that stand alone, on rayon's current pool: one answer or failure each, in their order. `check` looks at each
    /// answer for itself; `record` copies an item that failed, for whoever keeps it.
    pub(crate) fn run_items<Item: Sync, T: Send>(
        &self,
        items: &[Item],
        call: impl Fn(&W, &mut Store<Guest>, &[Item]) -> BatchResult<T> + Sync,
        check: impl Fn(T) -> Result<T, Failure> + Sync,
        record: impl Fn(&Item) -> Record,
    ) -> Vec<Result<T, Failure>> {
        let _log = self.log.for_a_call();
        let answers = self.run_units(items, &batch::single(items.len()), call, check);
        self.failures.report_items(&answers, |index| record(&items[index]));
        answers
    }

    /// The same for items in groups that are never split, such as the rollouts of one prompt. `record` is given the whole
    /// group of an item that failed, and the item's place in it.
    pub(crate) fn run_groups<Item: Sync, T: Send>(
        &self,
        items: &[Item],
        groups: &[Range<usize>],
        call: impl Fn(&W, &mut Store<Guest>, &[Item]) -> BatchResult<T> + Sync,
        check: impl Fn(T) -> Result<T, Failure> + Sync,
        record: impl Fn(&[Item], usize) -> Record,
    ) -> Vec<Result<T, Failure>> {
        let _log = self.log.for_a_call();
        let answers = self.run_units(items, groups, call, check);
        self.failures.report_groups(&answers, groups, |group, failed| record(&items[group], failed));
        answers
    }

    fn run_units<Item: Sync, T: Send>(
        &self,
        items: &[Item],
        units: &[Range<usize>],
        call: impl Fn(&W, &mut Store<Guest>, &[Item]) -> BatchResult<T> + Sync,
        check: impl Fn(T) -> Result<T, Failure> + Sync,
    ) -> Vec<Result<T, Failure>> {
        batch::run(items, units, size(self.limits.batch_items), |items, fuel_items| {
            self.run_batch(fuel_items, |world, store| call(world, store, items), &check)
        })
    }

    /// One batch through a fresh instance, with the fuel of `fuel_items` items. Each answer is refused or checked for
    /// itself, since it stands for itself; what ends the call ends all of them.
    fn run_batch<T>(
        &self,
        fuel_items: usize,
        call: impl FnOnce(&W, &mut Store<Guest>) -> BatchResult<T>,
        check: impl Fn(T) -> Result<T, Failure>,
    ) -> Result<Vec<Result<T, Failure>>, Failure> {
        let answers = self.fresh()?.call(self.fuel(fuel_items), call)?;
        let checked = |answer: Result<T, _>| answer.map_err(|refusal| Failure::refused(&refusal)).and_then(&check);
        Ok(answers.into_iter().map(checked).collect())
    }
}
