//! Dr. GRPO (Liu et al., arXiv 2503.20783): GRPO without its two biases.
//!
//! No division by the deviation, which makes prompts that are almost always or almost never solved count most; and no
//! division by a response's length, which lets long wrong answers off lightly. Each response's summed loss is divided
//! by a constant instead, the longest response allowed.

use super::advantage::AdvantageScale;
use super::aggregation::Aggregation;
use super::{Algorithm, grpo};

pub(super) const DR_GRPO: Algorithm =
    Algorithm { scale: Some(AdvantageScale::MeanCentred), aggregation: Aggregation::FixedLength, ..grpo::GRPO };
