//! What a family's block looks like to the model around it.

use std::fmt::Debug;

use tch::Tensor;

use crate::attention::Attention;

/// One block: attention and feed-forward, each added to the residual stream.
pub(crate) trait Block: Debug + Send {
    /// States `[b, t, hidden]` after the block numbered `layer`, which attends as `attention` says.
    fn forward(&self, states: &Tensor, layer: usize, attention: &Attention<'_>) -> Tensor;
}
