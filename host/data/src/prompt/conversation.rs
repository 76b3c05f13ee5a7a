//! Conversations of any turns, by the chat template of a model's folder.

use std::collections::BTreeMap;
use std::path::Path;

use super::chat;
use super::jinja::{Data, Template};
use crate::error::DataError;
use crate::tokenizer::Tokenizer;

/// The chat template of a model, ready for conversations that others make up.
pub struct Conversations {
    template: Template,
    given: Vec<(String, Data)>,
}

impl Conversations {
    /// The template of the model in `folder`.
    ///
    /// # Errors
    /// A model without a chat template, or one that cannot be read as a template, with its file and line.
    pub fn of_model(folder: &Path) -> Result<Conversations, DataError> {
        let (template, mut given) = chat::load(folder, &BTreeMap::new())?;
        given.push(("add_generation_prompt".to_owned(), Data::Bool(true)));
        Ok(Conversations { template, given })
    }

    /// The tokens of a conversation, by role (`system`, `user`, `assistant`) and text, up to where the model's next turn
    /// begins.
    ///
    /// # Errors
    /// What the template ran into or raised, with its line: some take no system message, or want turns to alternate.
    pub fn encode(&self, turns: &[(&str, &str)], tokenizer: &Tokenizer) -> Result<Vec<u32>, DataError> {
        let turn = |(role, text): &(&str, &str)| {
            Data::Map(vec![("role".into(), Data::from(*role)), ("content".into(), Data::from(*text))])
        };
        let mut given = self.given.clone();
        given.push(("messages".to_owned(), Data::List(turns.iter().map(turn).collect())));
        tokenizer.encode(&self.template.render(&given)?)
    }
}
