//! Asks a language model how well a page teaches mathematics, and reads a score from 0 to 5 out of its reply.
//!
//! The criteria are those of FineMath, which OctoThinker's corpus was scored by: five points that add up. The prompt is
//! our own. A reply counts only where one score can be read from it beyond doubt (`score.rs` has the rules); any other is
//! refused, so its document goes to the dead letters and can be asked about again, and never becomes a 0.

mod config;
mod prompt;
mod score;

pub use config::{Config, Fractions};
pub use score::{Score, read_score};

use octo_sdk::{Annotator, Decision, Document, Field, FinishReason, Message, Plugin, PluginError, Reply, Request};

/// Scores each document by itself.
pub struct MathScore {
    config: Config,
}

impl Plugin for MathScore {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        config.check()?;
        Ok(MathScore { config })
    }
}

impl Annotator for MathScore {
    fn ask(&self, document: &Document) -> Result<Option<Request>, PluginError> {
        if document.text.trim().is_empty() {
            return Err(PluginError::invalid_input("the document has no text to score"));
        }
        let config = &self.config;
        let page = octo_documents::centre(&document.text, config.max_characters as usize);
        let question = prompt::question(config, page, document.url.as_deref());
        Ok(Some(Request {
            messages: config.system.iter().map(Message::system).chain([Message::user(question)]).collect(),
            max_tokens: config.max_tokens,
            temperature: config.temperature,
            top_p: config.top_p,
            stop: Vec::new(),
        }))
    }

    fn read(&self, _document: &Document, reply: &Reply) -> Result<Decision, PluginError> {
        let refuse = |why: &str| Err(PluginError::invalid_input(why));
        // The score comes last, so what a cut reply says before may be a part of the sum.
        if reply.finish == FinishReason::Length {
            return refuse("the reply was cut at its length before its end, where the score is; raise max_tokens");
        }
        let Some(answer) = octo_documents::answer(&reply.text) else {
            return refuse("the reply is thoughts without an answer");
        };
        if answer.is_empty() {
            return refuse("the reply is empty");
        }
        let Score { points, reason } = match read_score(answer, self.config.fractions) {
            Ok(score) => score,
            Err(why) => return refuse(&why),
        };
        if self.config.min_score.is_some_and(|least| points < least) {
            return Ok(Decision::Drop(format!("math-score-{points}")));
        }
        let mut fields = vec![Field::new(&self.config.field, points.to_string())];
        if let Some(name) = &self.config.reason_field {
            fields.push(Field::new(name, octo_documents::beginning(&reason, self.config.reason_characters as usize)));
        }
        Ok(Decision::Annotate(fields))
    }
}

octo_sdk::export!(annotator: MathScore);

#[cfg(test)]
mod tests;
