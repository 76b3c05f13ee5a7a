//! Attention of one query per sequence to what is cached of that sequence: a step of generation, on a CPU.
//!
//! libtorch's attention does this with one matrix-vector product for each head, padded to the longest sequence. On an
//! AMD processor, where MKL takes its plainest kernels, those products were 58 % of a small model's generation. Here a
//! sequence is looked at up to its own length, and its sum does not depend on its neighbours or on threads.

use tch::{Device, Kind, Tensor};

use crate::{Message, Pointer, outcome};

// As in cached_attention.cpp.
unsafe extern "C" {
    fn octo_shim_cached_attention(
        query: Pointer,
        keys: Pointer,
        values: Pointer,
        lengths: *const i64,
        count: usize,
        out: Pointer,
    ) -> Message;
}

/// Whether [`cached_attention`] does it: fp32 on a CPU.
pub fn is_for(kind: Kind, device: Device) -> bool {
    kind == Kind::Float && device == Device::Cpu
}

/// `[b, heads, width]`: for queries `[b, heads, width]`, the attention of query `i` to the first `lengths[i]` keys and
/// values of row `i` of a cache, `[rows, capacity, key heads, width]` each with at least `b` rows. Heads that follow
/// each other share a key head where there are fewer of those. No gradient.
///
/// # Errors
/// Where the tensors are not fp32, contiguous and on the CPU, or their shapes do not fit.
pub fn cached_attention(query: &Tensor, keys: &Tensor, values: &Tensor, lengths: &[i64]) -> Result<Tensor, String> {
    if [query, keys, values].iter().any(|tensor| !tensor.defined()) {
        return Err("an undefined tensor".to_owned());
    }
    let out = Tensor::f_empty(query.size(), (query.kind(), query.device())).map_err(|error| error.to_string())?;
    // SAFETY: four defined tensors and a slice that live through the call; the shim checks their kinds, places and
    // shapes against `lengths` before it touches their memory, keeps none, and writes to `out` alone, which nobody else
    // has yet.
    let refused = unsafe {
        octo_shim_cached_attention(
            query.as_ptr().cast(),
            keys.as_ptr().cast(),
            values.as_ptr().cast(),
            lengths.as_ptr(),
            lengths.len(),
            out.as_ptr().cast(),
        )
    };
    outcome(refused).map(|()| out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(size: &[i64], seed: f64) -> Tensor {
        let count: i64 = size.iter().product();
        ((Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.731 + seed).sin() * 2.0).view(size)
    }

    /// The same with libtorch's own attention, each sequence alone.
    fn plainly(query: &Tensor, keys: &Tensor, values: &Tensor, lengths: &[i64]) -> Tensor {
        let (heads, key_heads) = (query.size()[1], keys.size()[2]);
        let rows: Vec<Tensor> = (0..)
            .zip(lengths)
            .map(|(row, &length)| {
                let spread = |all: &Tensor| {
                    all.get(row)
                        .narrow(0, 0, length)
                        .repeat_interleave_self_int(heads / key_heads, 1, None)
                        .transpose(0, 1)
                };
                let query = query.get(row).unsqueeze(1);
                let (keys, values) = (spread(keys), spread(values));
                Tensor::scaled_dot_product_attention(&query, &keys, &values, None::<&Tensor>, 0.0, false, None, false)
                    .squeeze_dim(1)
            })
            .collect();
        Tensor::stack(&rows, 0)
    }

    #[test]
    fn it_is_libtorchs_attention_for_every_width_length_and_sharing_of_keys() {
        for (heads, key_heads, width) in [(4, 4, 24), (9, 3, 64), (8, 2, 128), (4, 1, 32), (2, 2, 10), (3, 3, 1)] {
            let lengths = [1, 7, 30, 31, 2];
            let query = numbers(&[5, heads, width], 0.3);
            let (keys, values) = (numbers(&[6, 31, key_heads, width], 1.1), numbers(&[6, 31, key_heads, width], 2.7));
            let found = cached_attention(&query, &keys, &values, &lengths).expect("fits");
            let difference = (found - plainly(&query, &keys, &values, &lengths)).abs().max().double_value(&[]);
            assert!(difference < 1e-5, "{heads} {key_heads} {width}: {difference}");
        }
    }

    #[test]
    fn a_sequence_does_not_depend_on_its_neighbours_to_the_bit() {
        let query = numbers(&[4, 4, 24], 0.3);
        let (keys, values) = (numbers(&[4, 50, 2, 24], 1.1), numbers(&[4, 50, 2, 24], 2.7));
        let together = cached_attention(&query, &keys, &values, &[50, 3, 20, 41]).expect("fits");
        for (row, length) in [(0, 50), (1, 3), (2, 20), (3, 41)] {
            let one = |all: &Tensor| all.narrow(0, row, 1).contiguous();
            let alone = cached_attention(&one(&query), &one(&keys), &one(&values), &[length]).expect("fits");
            assert_eq!(alone.get(0), together.get(row));
        }
    }

    #[test]
    fn scores_that_are_far_apart_or_not_numbers_come_out_as_they_should() {
        let key = Tensor::from_slice(&[200.0_f32, -200.0, 199.0]).view([1, 3, 1, 1]);
        let value = Tensor::from_slice(&[1.0_f32, 100.0, 3.0]).view([1, 3, 1, 1]);
        let query = Tensor::ones([1, 1, 1], (Kind::Float, Device::Cpu));
        let found = cached_attention(&query, &key, &value, &[3]).expect("fits").double_value(&[0, 0, 0]);
        let second = (-1.0_f64).exp();
        assert!((found - (1.0 + 3.0 * second) / (1.0 + second)).abs() < 1e-6, "{found}");
        for odd in [f64::NAN, f64::INFINITY] {
            let found = cached_attention(&(&query * odd), &key, &value, &[3]).expect("fits");
            assert!(found.double_value(&[0, 0, 0]).is_nan(), "{odd}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_in_words() {
        let cache = numbers(&[2, 5, 1, 8], 0.0);
        let query = numbers(&[2, 2, 8], 0.0);
        let refused =
            |query: &Tensor, lengths: &[i64]| cached_attention(query, &cache, &cache, lengths).expect_err("no");
        for lengths in [&[6, 1][..], &[0, 1], &[1], &[1, 1, 1]] {
            assert!(!refused(&query, lengths).is_empty());
        }
        assert!(refused(&query.to_kind(Kind::BFloat16), &[1, 1]).contains("fp32"));
        assert!(refused(&query.transpose(1, 2), &[1, 1]).contains("contiguous"));
        assert!(!refused(&numbers(&[3, 2, 8], 0.0), &[1, 1, 1]).is_empty(), "more sequences than rows");
    }
}
