//! Parameters by the names that the model folder gives them.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::{ModelConfig, ModelError};

/// The list of a block's parameters, as a family spells it out.
pub(crate) struct Shapes {
    /// Width of the residual stream.
    pub(crate) hidden: i64,
    /// Width of the gated layer.
    pub(crate) inner: i64,
    /// Width of one head, of all queries, and of all keys.
    pub(crate) head: i64,
    pub(crate) query: i64,
    pub(crate) key: i64,
    list: Vec<(String, Vec<i64>)>,
}

impl Shapes {
    pub(crate) fn new(config: &ModelConfig) -> Self {
        let head = config.head_size();
        Self {
            hidden: config.hidden_size as i64,
            inner: config.intermediate_size as i64,
            head: head as i64,
            query: (config.num_attention_heads * head) as i64,
            key: (config.num_key_value_heads * head) as i64,
            list: Vec::new(),
        }
    }

    pub(crate) fn norm(&mut self, name: &str, width: i64) {
        self.list.push((format!("{name}.weight"), vec![width]));
    }

    pub(crate) fn linear(&mut self, name: &str, to: i64, from: i64, bias: bool) {
        self.list.push((format!("{name}.weight"), vec![to, from]));
        if bias {
            self.list.push((format!("{name}.bias"), vec![to]));
        }
    }

    pub(crate) fn into_list(self) -> Vec<(String, Vec<i64>)> {
        self.list
    }
}

/// A model's parameters while its parts take them; names are looked up with `prefix` before them.
pub(crate) struct Weights<'a> {
    pub(crate) config: &'a ModelConfig,
    by_name: &'a BTreeMap<&'a str, &'a Tensor>,
    prefix: String,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(config: &'a ModelConfig, by_name: &'a BTreeMap<&'a str, &'a Tensor>) -> Self {
        Self { config, by_name, prefix: String::new() }
    }

    /// The same parameters, seen from one part of the model.
    pub(crate) fn under(&self, part: &str) -> Self {
        Self { config: self.config, by_name: self.by_name, prefix: format!("{}{part}.", self.prefix) }
    }

    /// The parameter `name`, which shares its storage.
    pub(crate) fn take(&self, name: &str) -> Result<Tensor, ModelError> {
        self.optional(name)
            .ok_or_else(|| ModelError::Config(format!("parameter `{}{name}` is not among those given", self.prefix)))
    }

    /// [`Weights::take`] of one that not every model has, such as a bias.
    pub(crate) fn optional(&self, name: &str) -> Option<Tensor> {
        self.by_name.get(format!("{}{name}", self.prefix).as_str()).map(|tensor| tensor.shallow_clone())
    }
}
