//! Attention: who sees whom, and where keys and values are kept.

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
    Causal { cache: Option<&'a KeyValueCache> },
    /// Those of its own document, up to its own position.
    Documents(&'a [i64]),
    /// Those of its row in the cache, and its own.
    Cached { cache: &'a KeyValueCache, further: &'a Further, mask: Tensor },
}

/// One further token for each of the first rows of a cache.
pub(crate) struct Further {
    /// `[b]` i64: the position of each row's token, which is the count of those before it.
    pub(crate) positions: Tensor,
    /// `[b]` i64: where in the cache its key and value go; see [`KeyValueCache::append`].
    pub(crate) places: Tensor,
    /// Tokens of a row that are looked at, at least the largest position and one. Those behind a row's own end are
    /// hidden, so this may be any number up to the cache's capacity.
    pub(crate) length: i64,
}

impl<'a> Attention<'a> {
    /// Whole sequences of `length` tokens, whose keys and values are also written into the front of a cache, if one
    /// is given.
    ///
    /// Shorter sequences are filled up at their end: a token sees nothing behind it, so the filling is seen by nobody
    /// and needs no mask.
    pub(crate) fn whole(rotary: &Rotary, length: i64, cache: Option<&'a KeyValueCache>, kind: Kind) -> Self {
        let index = Tensor::arange(length, (Kind::Int64, rotary.device()));
        Self { rotation: rotary.at(&index, kind), visible: Visible::Causal { cache } }
    }

    /// Packed sequences.
    pub(crate) fn documents(rotary: &Rotary, documents: &'a Documents, kind: Kind) -> Self {
        Self { rotation: rotary.at(documents.positions(), kind), visible: Visible::Documents(documents.lengths()) }
    }

    /// One further token for each of the first rows of a cache.
    pub(crate) fn further(rotary: &Rotary, further: &'a Further, cache: &'a KeyValueCache, kind: Kind) -> Self {
        let positions = further.positions.unsqueeze(1);
        let index = Tensor::arange(further.length, (Kind::Int64, rotary.device()));
        let hidden = index.gt_tensor(&positions).view([-1, 1, 1, further.length]);
        let mask = hidden.to_kind(kind).masked_fill(&hidden, f64::NEG_INFINITY);
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
                // Rows are laid end to end. `split`'s backward pass is one concatenation, where that of as many
                // `narrow`s would fill as many tensors of full size.
                let parts = |states: &Tensor| by_head(&states.flatten(0, 1).unsqueeze(0)).split_with_sizes(*lengths, 2);
                let (queries, keys, values) = (parts(&query), parts(&key), parts(value));
                let attended: Vec<Tensor> = queries
                    .iter()
                    .zip(&keys)
                    .zip(&values)
                    .map(|((query, key), value)| attend(query, key, value))
                    .collect();
                let mut size = query.size();
                size.truncate(2);
                size.push(-1);
                by_head(&Tensor::cat(&attended, 2)).reshape(&size[..])
            }
            Visible::Cached { cache, further, mask } => {
                cache.append(layer, &further.places, &key, value);
                let rows = query.size().first().copied().unwrap_or(0);
                let Some((keys, values)) = cache.layer(layer, rows, further.length) else {
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

/// Causal attention of `[b, heads, t, width]` to fewer key heads. libtorch's flash attention on CPU wants as many key heads
/// as query heads, so each key head is repeated for the queries that share it.
fn attend(query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
    let heads = |states: &Tensor| states.size().get(1).copied().unwrap_or(1).max(1);
    let repeat = heads(query) / heads(key);
    if repeat == 1 {
        return scaled(query, key, value, None, true);
    }
    let spread = |states: &Tensor| states.unsqueeze(2).expand([-1, -1, repeat, -1, -1], false).flatten(1, 2);
    scaled(query, &spread(key), &spread(value), None, true)
}

fn scaled(query: &Tensor, key: &Tensor, value: &Tensor, mask: Option<&Tensor>, causal: bool) -> Tensor {
    Tensor::scaled_dot_product_attention(query, key, value, mask, 0.0, causal, None, false)
}
