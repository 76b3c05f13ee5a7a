//! Attention: who sees whom, and where keys and values are kept.

use octo_shim::{PackedLengths, packed_attention};
use tch::{Kind, Tensor};

use crate::documents::Documents;
use crate::key_value_cache::KeyValueCache;
use crate::rotary::{Rotary, Rotation};

/// What the blocks of one forward pass have in common.
pub(crate) struct Attention<'a> {
    rotation: Rotation,
    visible: Visible<'a>,
}

/// Which keys a query sees.
enum Visible<'a> {
    /// Those of its own row, up to its own position.
    Causal { cache: Option<(&'a KeyValueCache, i64)> },
    /// Those that an additive mask, `[b, 1, t, t]`, leaves at 0.
    Masked { mask: Tensor, cache: Option<(&'a KeyValueCache, i64)> },
    /// Those of its own document, up to its own position.
    Documents(&'a PackedLengths),
    /// All that the cache holds, and its own, which becomes number `length`; without what an additive mask,
    /// `[b, 1, 1, length]`, hides.
    Cached { cache: &'a KeyValueCache, length: i64, mask: Option<Tensor> },
}

impl<'a> Attention<'a> {
    /// Whole sequences of `length` tokens, whose keys and values are also written into the front of a cache, if one
    /// is given, from a row on. `padding`, `[b]`, counts filling at the left.
    pub(crate) fn whole(
        rotary: &Rotary,
        length: i64,
        padding: Option<&Tensor>,
        cache: Option<(&'a KeyValueCache, i64)>,
        kind: Kind,
    ) -> Self {
        let index = Tensor::arange(length, (Kind::Int64, rotary.device()));
        match padding {
            None => Self { rotation: rotary.at(&index, kind), visible: Visible::Causal { cache } },
            Some(padding) => {
                let positions = (&index.unsqueeze(0) - padding.unsqueeze(1)).clamp_min(0);
                let mask = causal_mask(&index, padding, kind);
                Self { rotation: rotary.at(&positions, kind), visible: Visible::Masked { mask, cache } }
            }
        }
    }

    /// Packed sequences.
    pub(crate) fn documents(rotary: &Rotary, documents: &'a Documents, kind: Kind) -> Self {
        Self { rotation: rotary.at(documents.positions(), kind), visible: Visible::Documents(documents.packed()) }
    }

    /// One further token for each row of a cache. `padding` is `[b]` and comes with the additive mask
    /// `[b, 1, 1, capacity]` that hides it; absent where no row is padded.
    pub(crate) fn further(
        rotary: &Rotary,
        padding: Option<(&Tensor, &Tensor)>,
        cache: &'a KeyValueCache,
        kind: Kind,
    ) -> Self {
        let length = cache.length() + 1;
        let (positions, mask) = match padding {
            None => (Tensor::full([1], length - 1, (Kind::Int64, rotary.device())), None),
            Some((padding, hidden_keys)) => {
                let positions = (padding.neg() + (length - 1)).unsqueeze(1);
                (positions, Some(hidden_keys.narrow(3, 0, length).to_kind(kind)))
            }
        };
        Self { rotation: rotary.at(&positions, kind), visible: Visible::Cached { cache, length, mask } }
    }

    /// `[b, t, heads * head width]` for queries `[b, t, heads, head width]` and keys and values
    /// `[b, t, key heads, head width]`, not yet rotated.
    pub(crate) fn forward(&self, layer: usize, query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
        // Rotation comes before the transposition, while the memory is contiguous.
        let (query, key) = (self.rotation.apply(query), self.rotation.apply(key));
        let by_head = |states: &Tensor| states.transpose(1, 2);
        match &self.visible {
            Visible::Causal { cache } => {
                let (query, key, value) = (by_head(&query), by_head(&key), by_head(value));
                store(*cache, layer, &key, &value);
                by_head(&attend(&query, &key, &value, None, true)).flatten(2, 3)
            }
            Visible::Masked { mask, cache } => {
                let (query, key, value) = (by_head(&query), by_head(&key), by_head(value));
                store(*cache, layer, &key, &value);
                by_head(&attend(&query, &key, &value, Some(mask), false)).flatten(2, 3)
            }
            Visible::Documents(lengths) => {
                // Rows are laid end to end.
                let flat = |states: &Tensor| states.flatten(0, 1);
                let attended = packed_attention(&flat(&query), &flat(&key), &flat(value), lengths);
                let mut size = query.size();
                size.truncate(2);
                size.push(-1);
                attended.reshape(&size[..])
            }
            Visible::Cached { cache, length, mask } => {
                cache.store(layer, 0, length - 1, &by_head(&key), &by_head(value));
                let Some((keys, values)) = cache.layer(layer, *length) else {
                    return query.flatten(2, 3);
                };
                let [rows, groups, width] = [0, 1, 3].map(|place| keys.size().get(place).copied().unwrap_or(1));
                // With one query per head, the heads that share a key can stand as queries of one head, and keys need
                // no copy per head.
                let query = query.reshape([rows, groups, -1, width]);
                scaled(&query, &keys, &values, mask.as_ref(), false).reshape([rows, 1, -1])
            }
        }
    }
}

fn store(cache: Option<(&KeyValueCache, i64)>, layer: usize, key: &Tensor, value: &Tensor) {
    if let Some((cache, row)) = cache {
        cache.store(layer, row, 0, key, value);
    }
}

/// Attention of `[b, heads, t, width]` to fewer key heads. libtorch's flash attention on a GPU shares a key head among
/// its queries; that on CPU, and its kernels for fp32 or a mask, want as many key heads as query heads, so each key head
/// is repeated there.
fn attend(query: &Tensor, key: &Tensor, value: &Tensor, mask: Option<&Tensor>, causal: bool) -> Tensor {
    let heads = |states: &Tensor| states.size().get(1).copied().unwrap_or(1).max(1);
    let repeat = heads(query) / heads(key);
    if repeat == 1 {
        return scaled(query, key, value, mask, causal);
    }
    let narrow = matches!(query.kind(), Kind::BFloat16 | Kind::Half);
    if narrow && mask.is_none() && query.device().is_cuda() {
        return Tensor::scaled_dot_product_attention(query, key, value, mask, 0.0, causal, None, true);
    }
    let spread = |states: &Tensor| states.unsqueeze(2).expand([-1, -1, repeat, -1, -1], false).flatten(1, 2);
    scaled(query, &spread(key), &spread(value), mask, causal)
}

fn scaled(query: &Tensor, key: &Tensor, value: &Tensor, mask: Option<&Tensor>, causal: bool) -> Tensor {
    Tensor::scaled_dot_product_attention(query, key, value, mask, 0.0, causal, None, false)
}

/// Additive `[b, 1, t, t]`: 0 where a query may look, minus infinity elsewhere. A padding token sees itself, since a
/// row of nothing but minus infinity would be NaN and spread to the gradients.
fn causal_mask(index: &Tensor, padding: &Tensor, kind: Kind) -> Tensor {
    let (query, key) = (index.view([1, 1, -1, 1]), index.view([1, 1, 1, -1]));
    let real = key.ge_tensor(&padding.view([-1, 1, 1, 1]));
    let visible = real.logical_and(&key.le_tensor(&query)).logical_or(&key.eq_tensor(&query));
    visible.zeros_like().to_kind(kind).masked_fill(&visible.logical_not(), f64::NEG_INFINITY)
}
