//! Which tokens of a source a training sequence is made of.
//!
//! A source is an endless stream: its tokens in order, again and again. The stream is cut into windows of `context`
//! tokens, and window k is the k-th sequence's inputs; its targets are one token further on, so a sequence holds
//! context + 1 tokens and shares one with the window after it. Every token of an epoch is an input once and a target
//! once. Documents are packed: a window begins and ends where it falls, and says where documents begin in it.
//!
//! The windows that begin in one epoch are drawn in an order of their own, a [`Permutation`] of the seed, the source's
//! name and the epoch: any sequence is found without those before it. An epoch is seldom a multiple of the context; the
//! window that reaches over its end takes the rest from the beginning of the next, whose windows are shifted by as
//! much. So nothing is lost, nothing is padded, and no two epochs cut a document at the same places.

use crate::permutation::Permutation;

/// The tokens of one epoch and of one window: enough to find any window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Tokens in one epoch; at least 1.
    pub tokens: u64,
    /// Tokens that a sequence predicts; at least 1.
    pub context: u64,
}

impl Packing {
    /// The epoch in which window `window` of the stream begins, from 0.
    pub fn epoch_of(&self, window: u64) -> u64 {
        (u128::from(window) * u128::from(self.context) / u128::from(self.tokens)) as u64
    }

    /// The first window that begins in `epoch` or after it.
    pub fn first_of(&self, epoch: u64) -> u64 {
        (u128::from(epoch) * u128::from(self.tokens)).div_ceil(u128::from(self.context)) as u64
    }

    /// Where sequence `sequence` of the source called `name` begins in its tokens, counted from 0 within an epoch. It
    /// wraps around from the end of the tokens to their beginning. Constant time, wherever the sequence is.
    pub fn start_of(&self, sequence: u64, seed: u64, name: &str) -> u64 {
        let epoch = self.epoch_of(sequence);
        let first = self.first_of(epoch);
        let order = Permutation::new(self.first_of(epoch + 1) - first, seed, &["window-order", name], epoch);
        let window = first + order.at(sequence - first);
        (u128::from(window) * u128::from(self.context) % u128::from(self.tokens)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whole_epochs_take_every_token_equally_often(
            tokens in 1u64..400,
            context in 1u64..60,
            epochs in 1u64..5,
            seed in any::<u64>(),
        ) {
            let packing = Packing { tokens, context };
            let sequences = packing.first_of(epochs);
            let mut counts = vec![0u64; tokens as usize];
            for sequence in 0..sequences {
                prop_assert!(packing.epoch_of(sequence) < epochs);
                let start = packing.start_of(sequence, seed, "a");
                for offset in 0..context {
                    counts[((start + offset) % tokens) as usize] += 1;
                }
            }
            // The window over the end of the last epoch has the beginning of the next.
            let over = sequences * context - epochs * tokens;
            prop_assert!(over < context);
            for (position, count) in counts.iter().enumerate() {
                let begun = over / tokens + u64::from((position as u64) < over % tokens);
                prop_assert_eq!(*count, epochs + begun, "token {}", position);
            }
        }
    }

    #[test]
    fn a_corpus_of_any_size_is_entered_anywhere_at_once() {
        let packing = Packing { tokens: 9_000_000_000_000_007, context: 8192 };
        let sequence = packing.first_of(3) - 1;
        assert_eq!(packing.epoch_of(sequence), 2);
        assert!(packing.start_of(sequence, 1, "web") < packing.tokens);
    }

    #[test]
    fn the_order_depends_on_seed_name_and_epoch() {
        let packing = Packing { tokens: 1000, context: 10 };
        let order = |seed, name: &str, epoch: u64| -> Vec<u64> {
            (0..100).map(|sequence| packing.start_of(epoch * 100 + sequence, seed, name)).collect()
        };
        assert_eq!(order(1, "a", 0), order(1, "a", 0));
        assert_ne!(order(1, "a", 0), order(2, "a", 0));
        assert_ne!(order(1, "a", 0), order(1, "b", 0));
        assert_ne!(order(1, "a", 0), order(1, "a", 1));
    }
}
