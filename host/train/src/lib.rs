//! Mid-training, reinforcement learning and evaluation loops.
