//! Orders of millions of things that are never written down: the thing at any place is computed.
//!
//! A shuffled list of all windows of a corpus would take gigabytes, and starting in its middle would mean shuffling
//! all of it again. A pseudo-random permutation of 0..n needs neither: a Feistel network permutes the smallest square
//! of a power of two that holds n (Luby and Rackoff, "How to construct pseudorandom permutations", 1988), and a place
//! that it maps outside 0..n is mapped again until it is inside (cycle walking; Black and Rogaway, "Ciphers with
//! arbitrary finite domains", 2002). The square is less than four times n, so that takes four attempts on average.

use crate::seed;
use rand_chacha::rand_core::Rng;

/// Rounds of the network. Four are enough for a random look in theory; small halves want some more.
const ROUNDS: usize = 8;

/// A permutation of `0..length`, drawn from a seed.
#[derive(Clone, Debug)]
pub struct Permutation {
    length: u64,
    /// Bits of half a number of the square.
    half: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The permutation of `0..length` that belongs to `seed`, `label` and `index` (as in [`seed::rng`]).
    pub fn new(length: u64, seed: u64, label: &[&str], index: u64) -> Permutation {
        let bits = u64::BITS - length.saturating_sub(1).leading_zeros();
        let mut stream = seed::rng(seed, label, index);
        let mut keys = [0; ROUNDS];
        for key in &mut keys {
            *key = stream.next_u64();
        }
        Permutation { length, half: bits.div_ceil(2).max(1), keys }
    }

    /// Where `place` is sent: every number of `0..length` is the image of exactly one place. A place outside is its
    /// own image.
    pub fn at(&self, place: u64) -> u64 {
        if place >= self.length {
            return place;
        }
        let mut image = self.scramble(place);
        while image >= self.length {
            image = self.scramble(image);
        }
        image
    }

    /// One pass of the network over the whole square, of which it is a permutation whatever the round function does.
    fn scramble(&self, number: u64) -> u64 {
        let mask = (1u64 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mixed(right ^ key) & mask));
        }
        (left << self.half) | right
    }
}

/// Steele, Lea and Flood's finaliser ("Fast splittable pseudorandom number generators", 2014): every bit of the input
/// reaches every bit of the output.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(length: u64, seed: u64, epoch: u64) -> Vec<u64> {
        let permutation = Permutation::new(length, seed, &["test"], epoch);
        (0..length).map(|place| permutation.at(place)).collect()
    }

    proptest! {
        #[test]
        fn every_number_comes_exactly_once(length in 0u64..3000, seed in any::<u64>(), epoch in any::<u64>()) {
            let mut sorted = order(length, seed, epoch);
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..length).collect::<Vec<u64>>());
        }

        #[test]
        fn even_the_largest_domain_stays_inside_itself(length in 1u64.., place in any::<u64>(), seed in any::<u64>()) {
            let permutation = Permutation::new(length, seed, &["test"], 0);
            let image = permutation.at(place % length);
            prop_assert!(image < length);
            // Two places have two images.
            if place % length != 0 {
                prop_assert_ne!(image, permutation.at(0));
            }
        }
    }

    #[test]
    fn seeds_and_epochs_give_orders_of_their_own() {
        let first = order(1000, 1, 0);
        assert_eq!(first, order(1000, 1, 0));
        for other in [order(1000, 2, 0), order(1000, 1, 1)] {
            // Two random orders agree in one place on average.
            let same = first.iter().zip(&other).filter(|(left, right)| left == right).count();
            assert!(same < 10, "{same}");
        }
        let unmoved = first.iter().zip(0..).filter(|(image, place)| **image == *place).count();
        assert!(unmoved < 10, "{unmoved}");
    }

    #[test]
    fn every_place_gets_every_number_equally_often() {
        // 7 numbers, 7 places, 7,000 seeds: each pair 1,000 times, five standard deviations being about 146.
        let mut counts = [[0u32; 7]; 7];
        for seed in 0..7000 {
            for (place, image) in order(7, seed, 0).into_iter().enumerate() {
                counts[place][image as usize] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| count.abs_diff(1000) < 146), "{counts:?}");
    }

    #[test]
    fn neighbours_do_not_stay_together() {
        let order = order(100_000, 5, 0);
        let adjacent = order.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
        // A random order has 2 of them on average.
        assert!(adjacent < 12, "{adjacent}");
    }

    #[test]
    fn the_order_of_a_seed_never_changes() {
        assert_eq!(order(10, 7, 0), GOLDEN_ORDER);
    }

    /// Written down on the day the code was: a change would reorder the data of every checkpoint.
    const GOLDEN_ORDER: [u64; 10] = [6, 0, 8, 3, 4, 5, 1, 9, 7, 2];
}
