//! Many items through a guest: in fixed batches, each on a fresh instance, and one by one where a batch fails.
//!
//! A unit is what cannot be split: an item, or a group of rollouts. A batch call may use what its smallest unit may use
//! alone, so a unit that passes in a batch would pass alone, and one that fails in a batch is judged alone. That makes
//! results independent of batch boundaries and neighbours (given a plugin whose answers do not depend on earlier items
//! of the batch), and caps what a bad item costs its batch at one unit's fuel. An answer that is refused or invalid for
//! itself is not a failure of its batch.

use std::ops::Range;

use rayon::prelude::*;

use crate::failure::Failure;

/// Runs `call` over all items, on rayon's current pool. It gets a slice of whole units and the number of items whose
/// fuel it may use, and gives one answer per item. Answers come in the order of the items.
pub(crate) fn run<Item, T>(
    items: &[Item],
    units: &[Range<usize>],
    batch_items: usize,
    call: impl Fn(&[Item], usize) -> Result<Vec<Result<T, Failure>>, Failure> + Sync,
) -> Vec<Result<T, Failure>>
where
    Item: Sync,
    T: Send,
{
    let answers: Vec<Vec<Result<T, Failure>>> = batches(units, batch_items)
        .into_par_iter()
        .map(|batch| {
            let smallest = batch.iter().map(|unit| unit.len()).min().unwrap_or(0);
            match over(items, batch, smallest, &call) {
                Err(_) if batch.len() > 1 => {
                    let alone: Vec<_> = batch
                        .par_iter()
                        .map(|unit| {
                            let unit = std::slice::from_ref(unit);
                            each(over(items, unit, unit[0].len(), &call), unit)
                        })
                        .collect();
                    alone.into_iter().flatten().collect()
                }
                result => each(result, batch),
            }
        })
        .collect();
    answers.into_iter().flatten().collect()
}

/// The units of items that stand alone.
pub(crate) fn single(items: usize) -> Vec<Range<usize>> {
    (0..items).map(|index| index..index + 1).collect()
}

/// The units of items that belong together while `key` stays the same.
pub(crate) fn grouped<Item, Key: PartialEq>(items: &[Item], key: impl Fn(&Item) -> Key) -> Vec<Range<usize>> {
    let mut start = 0;
    items
        .chunk_by(|one, next| key(one) == key(next))
        .map(|group| {
            let unit = start..start + group.len();
            start = unit.end;
            unit
        })
        .collect()
}

/// One guest call over adjacent units.
fn over<Item, T>(
    items: &[Item],
    units: &[Range<usize>],
    fuel_items: usize,
    call: &impl Fn(&[Item], usize) -> Result<Vec<Result<T, Failure>>, Failure>,
) -> Result<Vec<Result<T, Failure>>, Failure> {
    let range = units.first().map_or(0, |unit| unit.start)..units.last().map_or(0, |unit| unit.end);
    let slice = &items[range];
    let answers = call(slice, fuel_items)?;
    if answers.len() != slice.len() {
        return Err(Failure::invalid_output(format!("gave {} answers for {} items", answers.len(), slice.len())));
    }
    Ok(answers)
}

/// A call's answers one by one, or its failure for every item.
fn each<T>(result: Result<Vec<Result<T, Failure>>, Failure>, units: &[Range<usize>]) -> Vec<Result<T, Failure>> {
    result.unwrap_or_else(|failure| units.iter().flat_map(Range::clone).map(|_| Err(failure.clone())).collect())
}

/// Adjacent units, as many as fit `batch_items`, and at least one.
fn batches(units: &[Range<usize>], batch_items: usize) -> Vec<&[Range<usize>]> {
    let mut batches = Vec::new();
    let mut rest = units;
    while let Some(first) = rest.first() {
        let fitting = rest.iter().take_while(|unit| unit.end - first.start <= batch_items).count().max(1);
        let (batch, after) = rest.split_at(fitting);
        batches.push(batch);
        rest = after;
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::failure::FailureKind;

    fn trap() -> Failure {
        Failure { kind: FailureKind::Trap, message: "bad item".to_owned() }
    }

    fn refusal() -> Failure {
        Failure { kind: FailureKind::PluginError, message: "this one not".to_owned() }
    }

    /// Doubles its items, refuses 0 and traps on a negative one.
    fn double(items: &[i64], _fuel_items: usize) -> Result<Vec<Result<i64, Failure>>, Failure> {
        let answer = |item: &i64| if *item < 0 { Err(trap()) } else { Ok(doubled(*item)) };
        items.iter().map(answer).collect()
    }

    fn doubled(item: i64) -> Result<i64, Failure> {
        if item == 0 { Err(refusal()) } else { Ok(2 * item) }
    }

    proptest! {
        #[test]
        fn answers_do_not_depend_on_batches_and_a_bad_item_costs_itself_alone(
            items in prop::collection::vec(-3i64..100, 0..80),
            batch_items in 1usize..20,
        ) {
            let expected: Vec<_> = items.iter().map(|item| if *item < 0 { Err(trap()) } else { doubled(*item) }).collect();
            prop_assert_eq!(run(&items, &single(items.len()), batch_items, double), expected);
        }

        #[test]
        fn groups_are_never_split_and_fail_whole(
            groups in prop::collection::vec((1usize..6, prop::bool::ANY), 0..20),
            batch_items in 1usize..12,
        ) {
            let items: Vec<(usize, bool)> =
                groups.iter().enumerate().flat_map(|(group, (size, bad))| vec![(group, *bad); *size]).collect();
            let calls = Mutex::new(Vec::new());
            let answers = run(&items, &grouped(&items, |item| item.0), batch_items, |slice, fuel_items| {
                calls.lock().unwrap().push((slice.to_vec(), fuel_items));
                if slice.iter().any(|item| item.1) { Err(trap()) } else { Ok(slice.iter().copied().map(Ok).collect()) }
            });
            prop_assert_eq!(answers.len(), items.len());
            for (item, answer) in items.iter().zip(&answers) {
                prop_assert_eq!(answer.is_err(), item.1);
            }
            for (slice, fuel_items) in calls.lock().unwrap().iter() {
                let mut smallest = usize::MAX;
                for group in slice.chunk_by(|one, next| one.0 == next.0) {
                    prop_assert_eq!(group.len(), groups[group[0].0].0, "a group was split");
                    smallest = smallest.min(group.len());
                }
                prop_assert_eq!(*fuel_items, smallest);
            }
        }
    }

    #[test]
    fn a_refused_item_is_not_asked_for_again_and_neither_are_its_neighbours() {
        let calls = Mutex::new(0);
        let answers = run(&[1, 0, 2], &single(3), 8, |items, fuel_items| {
            *calls.lock().unwrap() += 1;
            double(items, fuel_items)
        });
        assert_eq!((answers, *calls.lock().unwrap()), (vec![Ok(2), Err(refusal()), Ok(4)], 1));
    }

    #[test]
    fn too_few_or_too_many_answers_are_invalid_for_each_item_alone() {
        for wrong in [0usize, 2, 5] {
            let answers = run(&[1, 2, 3], &single(3), 8, |slice, _| {
                Ok(vec![Ok(0); if slice.len() == 1 && slice[0] != 2 { 1 } else { wrong }])
            });
            assert_eq!(answers[0], Ok(0));
            assert_eq!(answers[1].as_ref().expect_err("wrong number").kind, FailureKind::InvalidOutput);
            assert_eq!(answers[2], Ok(0));
        }
    }
}
