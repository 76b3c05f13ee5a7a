//! Causal attention over sequences that lie end to end, each of which sees itself alone.
//!
//! On a GPU in bf16 or fp16 it is one call of libtorch's flash attention for sequences of varying length, which also
//! shares key heads without a copy of them. Everywhere else it is one call of `scaled_dot_product_attention` for each
//! sequence.

use tch::{Device, Kind, Tensor};

use crate::{Given, Message, Pointer, given, outcome, upload};

// As in attention.cpp.
unsafe extern "C" {
    fn octo_shim_packed_flash_attention(
        query: Pointer,
        key: Pointer,
        value: Pointer,
        boundaries: Pointer,
        longest: i64,
        attended: *mut Given,
    ) -> Message;
}

/// Lengths of sequences that lie end to end.
#[derive(Debug)]
pub struct PackedLengths {
    lengths: Vec<i64>,
    /// `[sequences + 1]` i32 on the device: where each begins, and where the last one ends.
    boundaries: Tensor,
    longest: i64,
}

impl PackedLengths {
    /// Of sequences of `lengths` tokens each, for states on `device`.
    ///
    /// # Errors
    /// libtorch's words where the device is short of memory, or the tokens are more than 2^31.
    pub fn new(lengths: Vec<i64>, device: Device) -> Result<Self, tch::TchError> {
        let mut end = 0i64;
        let ends = std::iter::once(0).chain(lengths.iter().map(|length| {
            end += length;
            end
        }));
        let boundaries = Tensor::f_from_slice(&ends.collect::<Vec<i64>>())?.f_to_kind(Kind::Int)?;
        if end > i64::from(i32::MAX) {
            return Err(tch::TchError::Shape(format!("{end} packed tokens are more than 2^31")));
        }
        let boundaries = upload(&boundaries, device)?;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        Ok(Self { lengths, boundaries, longest })
    }

    /// Their lengths.
    pub fn lengths(&self) -> &[i64] {
        &self.lengths
    }
}

/// Attention `[tokens, heads, width]` of queries of that shape to keys and values `[tokens, key heads, width]`, scaled
/// by the root of the width. `heads` is a multiple of `key heads`, and the lengths add up to `tokens`.
///
/// # Panics
/// Where shapes do not fit, as tch does.
pub fn packed_attention(query: &Tensor, key: &Tensor, value: &Tensor, lengths: &PackedLengths) -> Tensor {
    let narrow = matches!(query.kind(), Kind::BFloat16 | Kind::Half);
    if narrow && query.device().is_cuda() {
        // Refused are heads wider than 256 or not a multiple of 8, and GPUs older than Ampere.
        if let Ok(attended) = flash(query, key, value, lengths) {
            return attended;
        }
    }
    one_by_one(query, key, value, lengths)
}

fn flash(query: &Tensor, key: &Tensor, value: &Tensor, lengths: &PackedLengths) -> Result<Tensor, String> {
    let mut attended = std::ptr::null_mut();
    // SAFETY: all pointers are of tensors that are borrowed for this call. What the graph keeps, it keeps by counted
    // references of its own.
    outcome(unsafe {
        octo_shim_packed_flash_attention(
            query.as_ptr().cast(),
            key.as_ptr().cast(),
            value.as_ptr().cast(),
            lengths.boundaries.as_ptr().cast(),
            lengths.longest,
            &mut attended,
        )
    })?;
    given(attended)
}

fn one_by_one(query: &Tensor, key: &Tensor, value: &Tensor, lengths: &PackedLengths) -> Tensor {
    let heads = |states: &Tensor| states.size().get(1).copied().unwrap_or(1).max(1);
    let repeat = heads(query) / heads(key);
    // `split`'s backward pass is one concatenation, where that of as many `narrow`s would fill as many tensors of full
    // size.
    let parts = |states: &Tensor| states.transpose(0, 1).unsqueeze(0).split_with_sizes(lengths.lengths.as_slice(), 2);
    let spread = |states: &Tensor| match repeat {
        1 => states.shallow_clone(),
        // libtorch's flash attention on CPU wants as many key heads as query heads.
        repeat => states.unsqueeze(2).expand([-1, -1, repeat, -1, -1], false).flatten(1, 2),
    };
    let (queries, keys, values) = (parts(query), parts(key), parts(value));
    let attended: Vec<Tensor> = queries
        .iter()
        .zip(&keys)
        .zip(&values)
        .map(|((query, key), value)| {
            let mask = None::<&Tensor>;
            Tensor::scaled_dot_product_attention(query, &spread(key), &spread(value), mask, 0.0, true, None, false)
        })
        .collect();
    Tensor::cat(&attended, 2).squeeze_dim(0).transpose(0, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [i64; 5] = [9, 1, 64, 3, 130];

    /// Leaves `[tokens, heads, 16]`, `[tokens, key heads, 16]` twice, and what the attention is multiplied with.
    fn states(kind: Kind, device: Device) -> [Tensor; 4] {
        let tokens: i64 = LENGTHS.iter().sum();
        let wave = |heads: i64, step: f64| {
            let numbers = Tensor::arange(tokens * heads * 16, (Kind::Float, Device::Cpu)) * step;
            numbers.sin().view([tokens, heads, 16]).to_device(device).to_kind(kind)
        };
        let leaf = |states: Tensor| states.set_requires_grad(true);
        [leaf(wave(4, 0.37)), leaf(wave(2, 0.73)), leaf(wave(2, 1.91)), wave(4, 0.11)]
    }

    /// What one square of all tokens with a block-diagonal mask gives.
    fn masked(query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
        let numbers: Vec<i64> = (0..).zip(LENGTHS).flat_map(|(number, length)| vec![number; length as usize]).collect();
        let document = Tensor::from_slice(&numbers).to_device(query.device());
        let same = document.unsqueeze(0).eq_tensor(&document.unsqueeze(1)).tril(0);
        let spread = |states: &Tensor| states.repeat_interleave_self_int(2, 1, None).transpose(0, 1);
        let scores = query.transpose(0, 1).matmul(&spread(key).transpose(1, 2)) / 4.0;
        let shares = scores.masked_fill(&same.logical_not(), f64::NEG_INFINITY).softmax(-1, None::<Kind>);
        shares.matmul(&spread(value)).transpose(0, 1)
    }

    type Attend<'a> = &'a dyn Fn(&Tensor, &Tensor, &Tensor) -> Tensor;

    /// The attention, and the gradients of the three.
    fn run(attend: Attend<'_>, kind: Kind, device: Device) -> Vec<Tensor> {
        let [query, key, value, weights] = states(kind, device);
        let attended = attend(&query, &key, &value);
        (&attended * weights).sum(Kind::Float).backward();
        let found = [attended.detach(), query.grad(), key.grad(), value.grad()];
        found.map(|tensor| tensor.to_device(Device::Cpu).to_kind(Kind::Double)).into()
    }

    fn agree(ours: &[Tensor], wanted: &[Tensor], within: f64) {
        for (place, (ours, wanted)) in ours.iter().zip(wanted).enumerate() {
            assert_eq!(ours.size(), wanted.size());
            let difference = (ours - wanted).abs().max().double_value(&[]);
            let size = wanted.abs().max().double_value(&[]);
            assert!(difference <= within * size, "{place}: {difference} of {size}");
        }
    }

    #[test]
    fn one_by_one_is_the_masked_square_and_so_are_its_gradients() {
        let lengths = PackedLengths::new(LENGTHS.to_vec(), Device::Cpu).expect("fits");
        let ours = run(&|q, k, v| packed_attention(q, k, v, &lengths), Kind::Float, Device::Cpu);
        agree(&ours, &run(&masked, Kind::Float, Device::Cpu), 1e-5);
    }

    #[test]
    fn without_a_gpu_flash_says_so_and_changes_nothing() {
        let lengths = PackedLengths::new(LENGTHS.to_vec(), Device::Cpu).expect("fits");
        let [query, key, value, _] = states(Kind::BFloat16, Device::Cpu);
        let refused = flash(&query, &key, &value, &lengths).expect_err("there is none on a CPU");
        assert!(refused.contains("_flash_attention_forward"), "{refused}");
        assert_eq!(packed_attention(&query, &key, &value, &lengths).size(), query.size());
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn flash_is_the_masked_square_and_so_are_its_gradients_on_a_gpu() {
        let device = Device::Cuda(0);
        let lengths = PackedLengths::new(LENGTHS.to_vec(), device).expect("fits");
        let ours = run(&|q, k, v| flash(q, k, v, &lengths).expect("takes them"), Kind::BFloat16, device);
        agree(&ours, &run(&masked, Kind::Float, device), 3e-2);
        let plain = run(&|q, k, v| one_by_one(q, k, v, &lengths), Kind::BFloat16, device);
        agree(&ours, &plain, 3e-2);
    }
}
