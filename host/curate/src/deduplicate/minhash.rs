//! MinHash signatures with datatrove's numbers.
//!
//! A signature has, for each of buckets × hashes functions `(a·x + b mod 2^64) mod p` with p = 2^61 − 1, the least value
//! over the shingles of a text. Documents whose hashes of one bucket are all equal are near-duplicates: with b buckets of
//! h hashes, texts of Jaccard similarity s are found with probability 1 − (1 − s^h)^b (Broder 1997; Leskovec, Rajaraman,
//! Ullman, *Mining of Massive Datasets*, section 3.4).

use twox_hash::{XxHash32, XxHash64};

use crate::datatrove::{Words, normal_form};

/// The Mersenne prime of the hash functions.
const PRIME: u64 = (1 << 61) - 1;

/// Functions that go through the hashes of a document together.
const TOGETHER: usize = 4;

/// How many bits a hash has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// XXH32 of shingles, and the low half of each value.
    Bits32,
    /// XXH64 of shingles, and values below 2^61 − 1.
    Bits64,
}

/// The hash functions of a signature.
#[derive(Clone, Debug)]
pub struct MinHash {
    shingle: usize,
    precision: Precision,
    factors: Vec<(u64, u64)>,
}

impl MinHash {
    /// As many functions as `functions`, drawn with `seed` as NumPy's `RandomState(seed).randint` draws them, over
    /// shingles of `shingle` words.
    #[must_use]
    pub fn new(functions: usize, shingle: usize, precision: Precision, seed: u32) -> MinHash {
        let mut random = MersenneTwister::new(seed);
        let a: Vec<u64> = (0..functions).map(|_| random.below(PRIME - 1) + 1).collect();
        let b: Vec<u64> = (0..functions).map(|_| random.below(PRIME)).collect();
        MinHash { shingle, precision, factors: a.into_iter().zip(b).collect() }
    }

    /// The signature of `text`, one value per function; none where it has fewer words than a shingle.
    #[must_use]
    pub fn signature(&self, text: &str) -> Option<Vec<u64>> {
        let words = Words::of(&normal_form(text));
        if words.len() < self.shingle {
            return None;
        }
        let shingles = words.shingles(self.shingle).map(str::as_bytes);
        Some(match self.precision {
            Precision::Bits64 => {
                self.least(&shingles.map(|shingle| XxHash64::oneshot(0, shingle)).collect::<Vec<_>>(), u64::MAX)
            }
            Precision::Bits32 => {
                let hashes = shingles.map(|shingle| u64::from(XxHash32::oneshot(0, shingle)));
                self.least(&hashes.collect::<Vec<_>>(), u64::from(u32::MAX))
            }
        })
    }

    /// The least value of each function over `hashes`, of whose bits those of `mask` count. Several functions at a time go
    /// through the hashes, so that their least values stay in registers.
    fn least(&self, hashes: &[u64], mask: u64) -> Vec<u64> {
        let mut least = Vec::with_capacity(self.factors.len());
        let (together, rest) = self.factors.as_chunks::<TOGETHER>();
        for factors in together {
            let mut values = [u64::MAX; TOGETHER];
            for hash in hashes {
                for ((a, b), least) in factors.iter().zip(&mut values) {
                    *least = (*least).min(value(*hash, *a, *b) & mask);
                }
            }
            least.extend(values);
        }
        for (a, b) in rest {
            least.push(hashes.iter().map(|hash| value(*hash, *a, *b) & mask).min().unwrap_or(u64::MAX));
        }
        least
    }
}

/// `(a·x + b mod 2^64) mod p`: 2^61 is 1 modulo p, so the three highest bits are added to the others.
#[inline]
fn value(x: u64, a: u64, b: u64) -> u64 {
    let sum = x.wrapping_mul(a).wrapping_add(b);
    let folded = (sum & PRIME) + (sum >> 61);
    folded.min(folded.wrapping_sub(PRIME))
}

/// MT19937 (Matsumoto and Nishimura 1998), seeded as its `init_genrand`.
struct MersenneTwister {
    state: [u32; 624],
    next: usize,
}

impl MersenneTwister {
    fn new(seed: u32) -> MersenneTwister {
        let mut state = [seed; 624];
        for index in 1..624 {
            let previous: u32 = state[index - 1];
            state[index] = (previous ^ (previous >> 30)).wrapping_mul(1_812_433_253).wrapping_add(index as u32);
        }
        MersenneTwister { state, next: 624 }
    }

    fn next(&mut self) -> u32 {
        if self.next == 624 {
            for index in 0..624 {
                let joined = (self.state[index] & 0x8000_0000) | (self.state[(index + 1) % 624] & 0x7fff_ffff);
                let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[index] = self.state[(index + 397) % 624] ^ (joined >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number below `end`, which is at most 2^61: 61 bits of two words, drawn again while they are too many.
    fn below(&mut self, end: u64) -> u64 {
        loop {
            let high = u64::from(self.next());
            let drawn = (high << 32 | u64::from(self.next())) & PRIME;
            if drawn < end {
                return drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_those_that_numpy_draws() {
        let functions = MinHash::new(112, 5, Precision::Bits64, 1).factors;
        assert_eq!(functions[0], (775_169_054_918_279_404, 1_062_448_801_025_099_917));
        assert_eq!(functions[1].0, 1_758_426_461_858_698_313);
    }
}
