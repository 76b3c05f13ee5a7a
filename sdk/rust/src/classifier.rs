//! Text classifiers that the recipe names and the host runs natively. Only filters may ask for them.

use crate::PluginError;

/// One class that a classifier considers.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The class's name as the model spells it, such as `__label__math`.
    pub name: String,
    /// Between 0 and 1.
    pub probability: f32,
}

/// The `top` most probable labels of each text, best first: one list per text, in order. `model` is a name from the
/// recipe. Ask once per batch, in [`crate::DataFilter::filter_batch`]: the call costs more than most answers.
///
/// # Errors
/// [`crate::ErrorKind::InvalidInput`] where the recipe names other models; [`crate::ErrorKind::Unsupported`] where it
/// names none, and in a native build, without a host to ask; [`crate::ErrorKind::Internal`] where the model fails.
pub fn classify(model: &str, texts: &[String], top: u32) -> Result<Vec<Vec<Label>>, PluginError> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::services::classifier::classify(model, texts, top).map(|lists| {
        let label = |label: crate::bindings::services::classifier::Label| Label {
            name: label.name,
            probability: label.probability,
        };
        lists.into_iter().map(|labels| labels.into_iter().map(label).collect()).collect()
    });
    #[cfg(not(target_arch = "wasm32"))]
    Err(PluginError::unsupported(format!(
        "classifier `{model}` (top {top} of {} texts) was asked for in a native build; only a host has classifiers",
        texts.len()
    )))
}
