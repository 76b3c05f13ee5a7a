//! What can go wrong with a model, in words for a person.

use std::path::{Path, PathBuf};

/// An error of loading, saving or running a model. Every message names the file or the argument at fault.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file was read, and its content cannot be used.
    #[error("{path}: {reason}")]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// A configuration that describes no model this crate can build.
    #[error("model configuration: {0}")]
    Config(String),
    /// A caller's argument cannot be used (prompt, seed or sampling setting).
    #[error("generation: {0}")]
    Argument(String),
    /// The model gave logits that are not numbers: its weights have diverged or are damaged.
    #[error(
        "the model's logits for prompt {prompt}, response token {token}, are not finite: its weights are damaged, \
         or training diverged (try a lower learning rate)"
    )]
    NotFinite {
        /// Index of the prompt.
        prompt: usize,
        /// Index of the response token that was to be sampled.
        token: usize,
    },
    /// A file of ours could not be put in place, or the tokenizer failed.
    #[error(transparent)]
    Data(#[from] octo_data::DataError),
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

impl ModelError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_path_buf(), source }
    }

    pub(crate) fn content(path: &Path, reason: impl Into<String>) -> Self {
        Self::Content { path: path.to_path_buf(), reason: reason.into() }
    }
}
