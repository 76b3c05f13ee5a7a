//! GSPO (Zheng et al., arXiv 2507.18071): the ratio is that of the whole response, as the geometric mean over its
//! tokens, so that one odd token neither explodes nor is clipped alone.
//!
//! Such a ratio moves little, hence the narrow clip: 3e-4 below and 4e-4 above are the paper's.

use super::aggregation::Aggregation;
use super::loss::ImportanceRatio;
use super::{Algorithm, grpo};

pub(super) const GSPO: Algorithm = Algorithm {
    ratio: ImportanceRatio::Sequence,
    clip: (3e-4, 4e-4),
    aggregation: Aggregation::Sequence,
    ..grpo::GRPO
};
