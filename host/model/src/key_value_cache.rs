//! Keys and values of tokens already seen, so that generating a token costs one position and not the whole text.

use tch::{Device, Kind, Tensor};

use crate::ModelConfig;

/// Keys and values of every block, `[rows, capacity, key heads, head width]`.
///
/// A row is a sequence and filled from its front; how far, its user knows. Rows do not depend on each other, so
/// a finished sequence can give its row to another at any time. What lies after a row's end is zero or left over from
/// an earlier user, so it must be hidden from attention, and is always finite.
#[derive(Debug)]
pub struct KeyValueCache {
    layers: Vec<(Tensor, Tensor)>,
    rows: i64,
    capacity: i64,
}

impl KeyValueCache {
    /// Room for `rows` sequences of `capacity` tokens, in the kind that the model computes in.
    pub fn new(config: &ModelConfig, rows: i64, capacity: i64, (kind, device): (Kind, Device)) -> Self {
        let size = [rows, capacity, config.num_key_value_heads as i64, config.head_size() as i64];
        let zeros = || Tensor::zeros(size, (kind, device));
        let layers = (0..config.num_hidden_layers).map(|_| (zeros(), zeros())).collect();
        Self { layers, rows, capacity }
    }

    /// Bytes that one token of one row takes.
    pub fn bytes_per_token(config: &ModelConfig, kind: Kind) -> usize {
        2 * config.num_hidden_layers * config.num_key_value_heads * config.head_size() * kind.elt_size_in_bytes()
    }

    /// Tokens there is room for in each row.
    pub fn capacity(&self) -> i64 {
        self.capacity
    }

    /// Writes `[b, t, key heads, head width]` of one layer into the front of the first `b` rows.
    pub(crate) fn fill(&self, layer: usize, keys: &Tensor, values: &Tensor) {
        let Some((all_keys, all_values)) = self.layers.get(layer) else {
            return;
        };
        for (all, new) in [(all_keys, keys), (all_values, values)] {
            if let [rows, tokens, ..] = new.size()[..] {
                all.narrow(0, 0, rows).narrow(1, 0, tokens).copy_(new);
            }
        }
    }

    /// Writes `[b, 1, key heads, head width]` of one layer at `places`, `[b]`: row times capacity plus position.
    pub(crate) fn append(&self, layer: usize, places: &Tensor, keys: &Tensor, values: &Tensor) {
        let Some((all_keys, all_values)) = self.layers.get(layer) else {
            return;
        };
        for (all, new) in [(all_keys, keys), (all_values, values)] {
            let _ = all.flatten(0, 1).index_copy_(0, places, &new.squeeze_dim(1));
        }
    }

    /// The first `length` tokens of the first `rows` rows of one layer, `[rows, key heads, length, head width]` views.
    pub(crate) fn layer(&self, layer: usize, rows: i64, length: i64) -> Option<(Tensor, Tensor)> {
        let (keys, values) = self.layers.get(layer)?;
        let view = |all: &Tensor| all.narrow(0, 0, rows).narrow(1, 0, length).transpose(1, 2);
        Some((view(keys), view(values)))
    }

    /// Keys and values of one layer, of all rows to their capacity.
    pub(crate) fn whole_layer(&self, layer: usize) -> Option<(&Tensor, &Tensor)> {
        self.layers.get(layer).map(|(keys, values)| (keys, values))
    }

    /// Copies the first `length` tokens of `sources`, rows of `from`, to the rows `targets`. No target may be named
    /// twice.
    pub fn copy_rows(&self, from: &KeyValueCache, sources: &[i64], targets: &[i64], length: i64) {
        for ((keys, values), (from_keys, from_values)) in self.layers.iter().zip(&from.layers) {
            let place = |rows: &[i64]| Tensor::from_slice(rows).to_device(keys.device());
            let (sources, targets) = (place(sources), place(targets));
            for (to, from) in [(keys, from_keys), (values, from_values)] {
                let copied = from.narrow(1, 0, length).index_select(0, &sources);
                let _ = to.narrow(1, 0, length).index_copy_(0, &targets, &copied);
            }
        }
    }

    /// Moves rows within the cache; as [`KeyValueCache::copy_rows`].
    pub fn move_rows(&self, sources: &[i64], targets: &[i64], length: i64) {
        self.copy_rows(self, sources, targets, length);
    }

    /// Has room for `rows` sequences of `capacity` tokens from now on; keeps what both sizes have room for.
    pub fn resize(&mut self, rows: i64, capacity: i64) {
        let (kept_rows, kept) = (self.rows.min(rows), self.capacity.min(capacity));
        for (keys, values) in &mut self.layers {
            for states in [keys, values] {
                let mut size = states.size();
                if let [first, second, ..] = &mut size[..] {
                    (*first, *second) = (rows, capacity);
                }
                let larger = Tensor::zeros(&size, (states.kind(), states.device()));
                let front = |all: &Tensor| all.narrow(0, 0, kept_rows).narrow(1, 0, kept);
                front(&larger).copy_(&front(states));
                *states = larger;
            }
        }
        (self.rows, self.capacity) = (rows, capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_content_when_copied_moved_and_given_room() {
        let config: ModelConfig = serde_json::from_str(
            r#"{"vocab_size": 5, "hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 2,
                "num_attention_heads": 2, "num_key_value_heads": 1}"#,
        )
        .unwrap();
        let _no_grad = tch::no_grad_guard();
        let options = (Kind::Float, Device::Cpu);
        let states = Tensor::arange(3 * 3 * 2, options).view([3, 3, 1, 2]);
        let read = KeyValueCache::new(&config, 3, 3, options);
        for layer in 0..2 {
            read.fill(layer, &states, &(&states + 100.0));
        }
        let mut cache = KeyValueCache::new(&config, 4, 5, options);
        cache.copy_rows(&read, &[2, 0, 2], &[0, 1, 3], 3);
        cache.move_rows(&[3], &[2], 3);
        cache.resize(3, 9);
        assert_eq!(cache.capacity(), 9);
        let row_at_three = Tensor::from_slice(&[3_i64, 9 + 3, 2 * 9 + 3]);
        let further = Tensor::from_slice(&[-1.0_f32, -2.0, -3.0, -4.0, -5.0, -6.0]).view([3, 1, 1, 2]);
        cache.append(1, &row_at_three, &further, &further);
        let (keys, values) = cache.layer(1, 3, 4).unwrap();
        let front = states.index_select(0, &Tensor::from_slice(&[2_i64, 0, 2]));
        assert_eq!(keys.transpose(1, 2).contiguous(), Tensor::cat(&[&front, &further], 1));
        assert_eq!(values.transpose(1, 2).contiguous(), Tensor::cat(&[&(front + 100.0), &further], 1));
        assert_eq!(KeyValueCache::bytes_per_token(&config, Kind::Float), 2 * 2 * 2 * 4);
    }
}
