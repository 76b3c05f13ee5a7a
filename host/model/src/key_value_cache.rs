//! Keys and values of tokens already seen, so that generating a token costs one position and not the whole text.

use tch::{Device, Kind, Tensor};

use crate::ModelConfig;

/// Keys and values of every block, `[rows, key heads, capacity, head width]`, filled from the front.
///
/// Memory is reserved ahead, so that a decoding step writes in place. Rows can be picked, dropped and repeated.
#[derive(Debug)]
pub struct KeyValueCache {
    layers: Vec<(Tensor, Tensor)>,
    rows: i64,
    capacity: i64,
    length: i64,
}

impl KeyValueCache {
    /// Room for `rows` sequences of `capacity` tokens, in the kind that the model computes in.
    pub fn new(config: &ModelConfig, rows: i64, capacity: i64, (kind, device): (Kind, Device)) -> Self {
        let size = [rows, config.num_key_value_heads as i64, capacity, config.head_size() as i64];
        let room = || Tensor::empty(size, (kind, device));
        let layers = (0..config.num_hidden_layers).map(|_| (room(), room())).collect();
        Self { layers, rows, capacity, length: 0 }
    }

    /// Bytes that one token of one row takes.
    pub fn bytes_per_token(config: &ModelConfig, kind: Kind) -> usize {
        2 * config.num_hidden_layers * config.num_key_value_heads * config.head_size() * kind.elt_size_in_bytes()
    }

    /// Count of rows.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// Tokens held, the same for every row (padding included).
    pub fn length(&self) -> i64 {
        self.length
    }

    /// Tokens there is room for.
    pub fn capacity(&self) -> i64 {
        self.capacity
    }

    /// Writes `[b, key heads, t, head width]` for one layer, from row `row` and position `position` on. The caller
    /// moves the length on with [`KeyValueCache::set_length`] once every layer is written.
    pub(crate) fn store(&self, layer: usize, row: i64, position: i64, keys: &Tensor, values: &Tensor) {
        let Some((all_keys, all_values)) = self.layers.get(layer) else {
            return;
        };
        for (all, new) in [(all_keys, keys), (all_values, values)] {
            let size = new.size();
            if let [rows, _, tokens, _] = size[..] {
                all.narrow(0, row, rows).narrow(2, position, tokens).copy_(new);
            }
        }
    }

    /// The first `length` tokens of one layer's keys and values, as views.
    pub(crate) fn layer(&self, layer: usize, length: i64) -> Option<(Tensor, Tensor)> {
        let (keys, values) = self.layers.get(layer)?;
        Some((keys.narrow(2, 0, length), values.narrow(2, 0, length)))
    }

    /// Says how many tokens every row now holds.
    pub(crate) fn set_length(&mut self, length: i64) {
        self.length = length;
    }

    /// Keeps `rows` (`[n]` integers; a row may be named more than once) in that order, with room for `capacity`.
    pub fn select(&mut self, rows: &Tensor, capacity: i64) {
        let capacity = capacity.max(self.length);
        for (keys, values) in &mut self.layers {
            for states in [keys, values] {
                let mut size = states.size();
                let kept = states.narrow(2, 0, self.length).index_select(0, rows);
                if let [first, _, third, _] = &mut size[..] {
                    (*first, *third) = (kept.size().first().copied().unwrap_or(0), capacity);
                }
                let roomy = Tensor::empty(&size, (states.kind(), states.device()));
                roomy.narrow(2, 0, self.length).copy_(&kept);
                *states = roomy;
            }
        }
        self.rows = rows.size().first().copied().unwrap_or(0);
        self.capacity = capacity;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selecting_rows_keeps_their_content_and_makes_room() {
        let config: ModelConfig = serde_json::from_str(
            r#"{"vocab_size": 5, "hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 2,
                "num_attention_heads": 2, "num_key_value_heads": 1}"#,
        )
        .unwrap();
        let _no_grad = tch::no_grad_guard();
        let mut cache = KeyValueCache::new(&config, 3, 4, (Kind::Float, Device::Cpu));
        let states = Tensor::arange(3 * 3 * 2, (Kind::Float, Device::Cpu)).view([3, 1, 3, 2]);
        for layer in 0..2 {
            cache.store(layer, 0, 0, &states, &(&states + 100.0));
        }
        cache.set_length(3);
        cache.select(&Tensor::from_slice(&[2_i64, 0, 2]), 9);
        assert_eq!((cache.rows(), cache.length(), cache.capacity()), (3, 3, 9));
        let (keys, values) = cache.layer(1, 3).unwrap();
        let expected = states.index_select(0, &Tensor::from_slice(&[2_i64, 0, 2]));
        assert_eq!(keys.contiguous(), expected);
        assert_eq!(values.contiguous(), expected + 100.0);
        assert_eq!(KeyValueCache::bytes_per_token(&config, Kind::Float), 2 * 2 * 2 * 4);
    }
}
