//! DAPO (Yu et al., arXiv 2503.14476): GRPO with the upper clip raised, so that unlikely tokens can grow; the mean over
//! tokens; and groups of equal rewards, which have no gradient, replaced.
//!
//! Its soft penalty of overlong responses is a matter of the reward plugin.

use super::{Algorithm, grpo};

pub(super) const DAPO: Algorithm = Algorithm { clip: (0.2, 0.28), dynamic_sampling: true, ..grpo::GRPO };
