//! CISPO (MiniMax-M1, arXiv 2506.13585): the importance weight is clipped and detached, so that every token keeps a
//! gradient, also those that PPO's clip silences.
//!
//! As in the paper there is no lower bound (1 − 1 = 0). The paper does not give its upper one; 5 is what later work
//! settled on (ScaleRL, arXiv 2510.13786, found 4 to 8 to be alike).

use super::loss::ImportanceRatio;
use super::{Algorithm, grpo};

pub(super) const CISPO: Algorithm = Algorithm { ratio: ImportanceRatio::Detached, clip: (1.0, 4.0), ..grpo::GRPO };
