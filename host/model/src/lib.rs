//! Llama on libtorch, Hugging Face checkpoints and the generation engine.
