//! Random streams that are independent of each other and of everything but their names.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The random stream of `seed`, `label` and `index`: the same on every machine, and unrelated to the stream of any
/// other seed, label or index. A label is a path of words, for example `["epoch-order", "web"]`.
pub fn rng(seed: u64, label: &[&str], index: u64) -> ChaCha8Rng {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    for part in label {
        // Lengths keep ["ab", "c"] and ["a", "bc"] apart.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(index.to_le_bytes());
    ChaCha8Rng::from_seed(hasher.finalize().into())
}

/// A number in `0..bound`, every one equally likely (Lemire's multiply-and-reject); 0 where `bound` is 0.
///
/// Written here rather than taken from `rand`, whose sampling may change with its version: a checkpoint's data order
/// has to outlive an upgrade.
pub fn below(rng: &mut impl Rng, bound: u64) -> u64 {
    if bound == 0 {
        return 0;
    }
    let unfair = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= unfair {
            return (product >> 64) as u64;
        }
    }
}

/// Puts `items` into an order drawn from `rng`, every order equally likely (Fisher–Yates, from the end).
pub fn shuffle<T>(rng: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_different_names_differ_and_the_same_name_repeats() {
        let first = |seed, label: &[&str], index| rng(seed, label, index).next_u64();
        assert_eq!(first(1, &["a", "b"], 2), first(1, &["a", "b"], 2));
        let streams = [
            first(1, &["a", "b"], 2),
            first(2, &["a", "b"], 2),
            first(1, &["ab"], 2),
            first(1, &["", "ab"], 2),
            first(1, &["a", "b"], 3),
            first(1, &["b", "a"], 2),
        ];
        for (i, left) in streams.iter().enumerate() {
            assert!(streams[i + 1..].iter().all(|right| left != right));
        }
    }

    #[test]
    fn the_order_of_a_seed_never_changes() {
        let mut items: Vec<u32> = (0..10).collect();
        shuffle(&mut rng(7, &["golden"], 0), &mut items);
        assert_eq!(items, GOLDEN_ORDER);
        let mut sorted = items.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<u32>>());
    }

    /// Written down on the day the code was: a change would reorder the data of every checkpoint.
    const GOLDEN_ORDER: [u32; 10] = [4, 1, 7, 0, 2, 5, 3, 9, 6, 8];

    #[test]
    fn every_value_below_a_bound_is_equally_likely() {
        let mut stream = rng(3, &["below"], 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[below(&mut stream, 7) as usize] += 1;
        }
        // Five standard deviations of a binomial with p = 1/7 are about 463.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 463), "{counts:?}");
        assert_eq!(below(&mut stream, 0), 0);
        assert_eq!(below(&mut stream, 1), 0);
    }
}
