//! Attention: which keys a query sees, and where keys and values are kept.

use octo_shim::cached_attention::is_for;
use octo_shim::{PackedLengths, cached_attention, packed_attention};
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
    /// A query sees the keys of its own row, up to its own position.
    Causal { cache: Option<&'a KeyValueCache> },
    /// A query sees the keys of its own document, up to its own position.
    Documents(&'a PackedLengths),
    /// A query sees the keys of its row in the cache, and its own. The mask is there where [`fn@cached_attention`] cannot be
    /// used.
    Cached { cache: &'a KeyValueCache, further: &'a Further, mask: Option<Tensor> },
}

/// One further token for each of the first rows of a cache.
pub(crate) struct Further {
    /// `[b]` i64: the position of each row's token, which is the count of those before it.
    pub(crate) positions: Tensor,
    /// `[b]` i64: where in the cache its key and value go; see [`KeyValueCache::append`].
    pub(crate) places: Tensor,
    /// Tokens of each row, with the further one.
    pub(crate) lengths: Vec<i64>,
}

impl<'a> Attention<'a> {
    /// Whole sequences of `length` tokens, whose keys and values are also written into the front of a cache, if one
    /// is given.
    ///
    /// Shorter sequences are filled up at their end: a token sees nothing after it, so the filling is seen by nobody
    /// and needs no mask.
    pub(crate) fn whole(rotary: &Rotary, length: i64, cache: Option<&'a KeyValueCache>, kind: Kind) -> Self {
        let index = Tensor::arange(length, (Kind::Int64, rotary.device()));
        Self { rotation: rotary.at(&index, kind), visible: Visible::Causal { cache } }
    }

    /// Packed sequences.
    pub(crate) fn documents(rotary: &Rotary, documents: &'a Documents, kind: Kind) -> Self {
        Self { rotation: rotary.at(documents.positions(), kind), visible: Visible::Documents(documents.packed()) }
    }

    /// One further token for each of the first rows of a cache.
    pub(crate) fn further(rotary: &Rotary, further: &'a Further, cache: &'a KeyValueCache, kind: Kind) -> Self {
        let positions = further.positions.unsqueeze(1);
        let mask = (!is_for(kind, rotary.device())).then(|| {
            let length = looked_at(further, cache);
            let index = Tensor::arange(length, (Kind::Int64, rotary.device()));
            let hidden = index.gt_tensor(&positions).view([-1, 1, 1, length]);
            hidden.to_kind(kind).masked_fill(&hidden, f64::NEG_INFINITY)
        });
        Self { rotation: rotary.at(&positions, kind), visible: Visible::Cached { cache, further, mask } }
    }

    /// `[b, t, heads * head width]` for queries `[b, t, heads, head width]` and keys and values
    /// `[b, t, key heads, head width]`, not yet rotated.
    pub(crate) fn forward(&self, layer: usize, query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
        // Rotation comes before the transposition, while the memory is contiguous.
        let (query, key) = (self.rotation.apply(query), self.rotation.apply(key));
        let by_head = |states: &Tensor| states.transpose(1, 2);
        match &self.visible {
            Visible::Causal { cache } => {
                if let Some(cache) = cache {
                    cache.fill(layer, &key, value);
                }
                let (query, key, value) = (by_head(&query), by_head(&key), by_head(value));
                by_head(&attend(&query, &key, &value)).flatten(2, 3)
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
            Visible::Cached { cache, further, mask } => {
                cache.append(layer, &further.places, &key, value);
                let Some(mask) = mask else {
                    let Some((keys, values)) = cache.whole_layer(layer) else {
                        return query.flatten(2, 3);
                    };
                    let attended = cached_attention(&query.squeeze_dim(1), keys, values, &further.lengths)
                        .unwrap_or_else(|refused| panic!("attention to the cache: {refused}"));
                    return attended.flatten(1, 2).unsqueeze(1);
                };
                let rows = query.size().first().copied().unwrap_or(0);
                let Some((keys, values)) = cache.layer(layer, rows, looked_at(further, cache)) else {
                    return query.flatten(2, 3);
                };
                let [groups, width] = [1, 3].map(|place| keys.size().get(place).copied().unwrap_or(1));
                // With one query per head, the heads that share a key can stand as queries of one head, and keys need
                // no copy per head.
                let query = query.reshape([rows, groups, -1, width]);
                scaled(&query, &keys, &values, Some(mask), false).reshape([rows, 1, -1])
            }
        }
    }
}

/// Tokens of every row that masked attention looks at: the longest row's, and up to a multiple of 64, so that kernels
/// see few different shapes.
fn looked_at(further: &Further, cache: &KeyValueCache) -> i64 {
    let longest = further.lengths.iter().copied().max().unwrap_or(1);
    ((longest + 63) / 64 * 64).min(cache.capacity())
}

/// Causal attention of `[b, heads, t, width]` to fewer key heads. libtorch's flash attention on a GPU shares a key head
/// among its queries; that on CPU, and its kernels for fp32, want as many key heads as query heads, so each key head is
/// repeated there.
fn attend(query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
    let heads = |states: &Tensor| states.size().get(1).copied().unwrap_or(1).max(1);
    let repeat = heads(query) / heads(key);
    if repeat == 1 {
        return scaled(query, key, value, None, true);
    }
    let narrow = matches!(query.kind(), Kind::BFloat16 | Kind::Half);
    if narrow && query.device().is_cuda() {
        return Tensor::scaled_dot_product_attention(query, key, value, None::<&Tensor>, 0.0, true, None, true);
    }
    let spread = |states: &Tensor| states.unsqueeze(2).expand([-1, -1, repeat, -1, -1], false).flatten(1, 2);
    scaled(query, &spread(key), &spread(value), None, true)
}

fn scaled(query: &Tensor, key: &Tensor, value: &Tensor, mask: Option<&Tensor>, causal: bool) -> Tensor {
    Tensor::scaled_dot_product_attention(query, key, value, mask, 0.0, causal, None, false)
}
