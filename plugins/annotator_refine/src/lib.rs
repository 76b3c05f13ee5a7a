//! Asks a language model to rewrite a page as dense and faithful text, and takes its reply for the page's text.
//!
//! The intent is that of MegaMath-Web-Pro's refinement, which OctoThinker's corpus went through; the prompt is our own. A
//! rewriting is only as good as the model, so the page's numbers and formulas go along in a field, and `filter_refined`
//! compares.

mod config;
mod prompt;

pub use config::{Config, Original};

use octo_documents::Facts;
use octo_sdk::{
    Annotator, Decision, Document, Field, FinishReason, Message, Plugin, PluginError, Reply, Request, Rewritten,
};

/// Rewrites each document by itself.
pub struct Refine {
    config: Config,
}

impl Plugin for Refine {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        config.check()?;
        Ok(Refine { config })
    }
}

impl Refine {
    /// The part of a text that the model is shown: its beginning, as far as the limit goes.
    fn shown<'t>(&self, text: &'t str) -> &'t str {
        octo_documents::beginning(text, self.config.max_characters as usize)
    }
}

impl Annotator for Refine {
    fn ask(&self, document: &Document) -> Result<Option<Request>, PluginError> {
        let config = &self.config;
        let characters = document.text.trim().chars().count();
        if characters < (config.min_characters as usize).max(1) {
            return match characters {
                0 => Err(PluginError::invalid_input("the document has no text to rewrite")),
                // Hardly a page: there is nothing to make denser.
                _ => Ok(None),
            };
        }
        let page = self.shown(&document.text);
        Ok(Some(Request {
            messages: config
                .system
                .iter()
                .map(Message::system)
                .chain([Message::user(prompt::question(config, page))])
                .collect(),
            max_tokens: config.max_tokens,
            temperature: config.temperature,
            top_p: config.top_p,
            stop: Vec::new(),
        }))
    }

    fn read(&self, document: &Document, reply: &Reply) -> Result<Decision, PluginError> {
        let refuse = |why: &str| Err(PluginError::invalid_input(why));
        if reply.finish == FinishReason::Length {
            return refuse("the rewriting was cut at its length; raise max_tokens, or lower max_characters");
        }
        let Some(text) = octo_documents::answer(&reply.text) else {
            return refuse("the reply is thoughts without an answer");
        };
        if text.is_empty() {
            return refuse("the reply is empty");
        }
        let page = self.shown(&document.text);
        let mut fields = Vec::new();
        match self.config.original {
            Original::None => {}
            Original::Facts => fields.push(Field::new(&self.config.facts_field, Facts::of(page).to_json())),
            Original::Text => fields.push(Field::new(&self.config.text_field, page)),
        }
        let (all, taken) = (document.text.chars().count(), page.chars().count());
        if taken < all {
            fields.push(Field::new(&self.config.cut_field, format!("{taken} of {all}")));
        }
        Ok(Decision::Rewrite(Rewritten { text: text.to_owned(), fields }))
    }
}

octo_sdk::export!(annotator: Refine);

#[cfg(test)]
mod tests;
