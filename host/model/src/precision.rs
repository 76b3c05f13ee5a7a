//! The number formats that weights are held in, computed in and saved in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Kind;

/// A floating-point format, named as `config.json` names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    Float32,
    /// 16 bits with the range of fp32 and 8 bits of precision.
    BFloat16,
    /// 16 bits with 11 bits of precision, and a largest number of 65,504.
    Float16,
}

impl Precision {
    /// The name in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Float32 => "float32",
            Precision::BFloat16 => "bfloat16",
            Precision::Float16 => "float16",
        }
    }

    /// The kind that libtorch has for it.
    pub fn kind(self) -> Kind {
        match self {
            Precision::Float32 => Kind::Float,
            Precision::BFloat16 => Kind::BFloat16,
            Precision::Float16 => Kind::Half,
        }
    }
}
