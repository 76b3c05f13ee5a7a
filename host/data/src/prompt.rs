//! Prompts: how a problem is asked.
//!
//! A stage asks inline (`User: {problem}`), by a template file (Jinja syntax), or with the chat template of its model.
//! The recipe's reader resolves what it names into [`PromptSettings`], so that a stage's key holds the text and not a
//! path; [`PromptTemplate`] makes it ready and renders.
//!
//! Templates are data, and a model's folder brings one that nobody here has read: what it may use is limited (see
//! `prompt/jinja.rs`), it can't include another file, and nothing gives it the time.

mod chat;
mod conversation;
mod jinja;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::record::Problem;
use crate::tokenizer::Tokenizer;
use jinja::Template;

pub use conversation::Conversations;
pub use jinja::Data;

/// Where the problem goes in an inline prompt.
const PLACE: &str = "{problem}";
/// Bytes of a template, about ten times the longest that models bring.
pub const LONGEST_TEMPLATE: u64 = 1 << 20;
/// What a template is given by name, besides the recipe's `variables`.
const GIVEN: [&str; 4] = ["problem", "fields", "epoch", "examples"];

/// How a stage asks, with what its recipe names resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PromptSettings {
    /// A text with `{problem}` in it.
    Inline(String),
    /// A template.
    Template(TemplateSettings),
}

/// A template and what it is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateSettings {
    /// How errors call it: the recipe's path, or `chat`.
    pub name: String,
    /// The template's text; none is the chat template of the stage's model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The user's message of a chat, with `{problem}` in it; none is the problem alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The system message of a chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Further variables of the template, by name; keys of objects stay in the order in which they were written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Data>,
    /// Worked examples, as many as any epoch shows and one to spare.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
    /// Examples shown in each epoch; epochs after the last entry are like it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_epoch: Vec<usize>,
}

/// A worked example in front of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What is asked.
    pub problem: String,
    /// The first accepted answer.
    pub answer: String,
    /// The worked solution; the answer alone where the data has none.
    pub solution: String,
    /// The columns that a map names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

impl From<Problem> for Example {
    /// The solution is the problem's field of that name.
    fn from(problem: Problem) -> Example {
        let answer = problem.references.into_iter().next().unwrap_or_default();
        let solution = problem.fields.get("solution").cloned().unwrap_or_else(|| answer.clone());
        Example { problem: problem.problem, answer, solution, fields: problem.fields }
    }
}

impl PromptSettings {
    /// Checks all that needs no model: the place of the problem, and the template's own text.
    ///
    /// # Errors
    /// Those of [`PromptTemplate::new`], but for what the model's folder lacks.
    pub fn check(&self) -> Result<(), DataError> {
        match self {
            PromptSettings::Template(TemplateSettings { text: None, message, .. }) => {
                message.as_ref().map_or(Ok(()), |message| check_place("prompt", message))
            }
            _ => PromptTemplate::new(self, Path::new("")).map(|_| ()),
        }
    }
}

/// A prompt that is ready to be filled in.
pub struct PromptTemplate {
    text: PromptText,
    settings: TemplateSettings,
}

enum PromptText {
    Inline(String),
    File(Template),
    Chat { template: Template, special: Vec<(String, Data)> },
}

impl PromptTemplate {
    /// Compiles the template. `model` is the folder whose chat template is taken, where it is asked for.
    ///
    /// # Errors
    /// An inline prompt without its place, a template that cannot be read as one, uses what it is not given or never asks the
    /// problem; a model without a chat template. The file and, as far as known, the line are named.
    pub fn new(settings: &PromptSettings, model: &Path) -> Result<PromptTemplate, DataError> {
        let settings = match settings {
            PromptSettings::Inline(text) => {
                check_place("prompt", text)?;
                return Ok(PromptTemplate {
                    text: PromptText::Inline(text.clone()),
                    settings: TemplateSettings::default(),
                });
            }
            PromptSettings::Template(settings) => settings.clone(),
        };
        let text = match &settings.text {
            Some(text) => {
                let template = Template::strict(&settings.name, text)?;
                let given = GIVEN.into_iter().chain(settings.variables.keys().map(String::as_str));
                template.check_variables(&given.collect::<Vec<_>>(), "problem")?;
                PromptText::File(template)
            }
            None => {
                if let Some(message) = &settings.message {
                    check_place("prompt", message)?;
                }
                let (template, special) = chat::load(model, &settings.variables)?;
                PromptText::Chat { template, special }
            }
        };
        Ok(PromptTemplate { text, settings })
    }

    /// The last epoch whose prompts differ from the one before; held-out problems are asked as in this one throughout, so
    /// that their curve has no steps.
    pub fn last_epoch(&self) -> usize {
        self.settings.by_epoch.len().saturating_sub(1)
    }

    /// The tokens of the prompt of `problem` in an epoch, counted from 0. What the tokenizer puts before a text is there
    /// once: a chat template writes it itself where it belongs.
    ///
    /// # Errors
    /// Those of [`PromptTemplate::render`], and a prompt that cannot be tokenised.
    pub fn encode(&self, problem: &Problem, epoch: usize, tokenizer: &Tokenizer) -> Result<Vec<u32>, DataError> {
        let text = self.render(problem, epoch)?;
        match self.text {
            PromptText::Chat { .. } => tokenizer.encode(&text),
            _ => tokenizer.encode_prompt(&text),
        }
    }

    /// The prompt of `problem` in an epoch, counted from 0.
    ///
    /// # Errors
    /// What the template ran into, with its file and line.
    pub fn render(&self, problem: &Problem, epoch: usize) -> Result<String, DataError> {
        let epoch = epoch.min(self.last_epoch());
        let shown = self.settings.by_epoch.get(epoch).copied().unwrap_or(0);
        // A problem that is an example itself would be asked with its solution in front.
        let others = self.settings.examples.iter().filter(|example| example.problem != problem.problem);
        let examples: Vec<&Example> = others.take(shown).collect();
        let variables = || self.settings.variables.iter().map(|(name, value)| (name.clone(), value.clone()));
        let described = |error: DataError| DataError::Invalid(format!("{error} (problem {})", problem.id));
        match &self.text {
            PromptText::Inline(text) => Ok(text.replace(PLACE, &problem.problem)),
            PromptText::File(template) => {
                let mut given: Vec<(String, Data)> = variables().collect();
                given.push(("problem".into(), Data::from(&*problem.problem)));
                given.push(("fields".into(), fields_of(&problem.fields)));
                given.push(("epoch".into(), Data::Whole(epoch as i128)));
                given.push(("examples".into(), Data::List(examples.into_iter().map(Example::data).collect())));
                template.render(&given).map_err(described)
            }
            PromptText::Chat { template, special } => {
                let mut given = special.clone();
                given.extend(variables());
                given.push(("messages".into(), self.messages(problem, &examples)));
                given.push(("add_generation_prompt".into(), Data::Bool(true)));
                template.render(&given).map_err(described)
            }
        }
    }

    /// The chat: the system's message, a turn of each side for every example, and the problem.
    fn messages(&self, problem: &Problem, examples: &[&Example]) -> Data {
        let asked = |problem: &str| match &self.settings.message {
            Some(message) => message.replace(PLACE, problem),
            None => problem.to_owned(),
        };
        let message = |role: &str, content: &str| {
            Data::Map(vec![("role".into(), Data::from(role)), ("content".into(), Data::from(content))])
        };
        let mut messages = Vec::new();
        if let Some(system) = &self.settings.system {
            messages.push(message("system", system));
        }
        for example in examples {
            messages.push(message("user", &asked(&example.problem)));
            messages.push(message("assistant", &example.solution));
        }
        messages.push(message("user", &asked(&problem.problem)));
        Data::List(messages)
    }
}

fn fields_of(fields: &BTreeMap<String, String>) -> Data {
    Data::Map(fields.iter().map(|(name, text)| (name.clone(), Data::from(&**text))).collect())
}

impl Example {
    /// What a template sees of it.
    fn data(&self) -> Data {
        let mut pairs: Vec<(String, Data)> =
            [("problem", &self.problem), ("answer", &self.answer), ("solution", &self.solution)]
                .map(|(name, text)| (name.to_owned(), Data::from(&**text)))
                .into();
        if !self.fields.is_empty() {
            pairs.push(("fields".into(), fields_of(&self.fields)));
        }
        Data::Map(pairs)
    }
}

/// A chat template by itself, with any conversation: what `transformers` calls `apply_chat_template`.
pub struct ChatTemplate(Template);

impl ChatTemplate {
    /// Compiles a template, whose `name` errors begin with. `today` is the day that `strftime_now` gives, such as
    /// `2025-01-31`; without one, a template that asks for the day is refused where it does.
    ///
    /// # Errors
    /// What is not a template, with its line; a day that is none.
    pub fn new(name: &str, text: &str, today: Option<&str>) -> Result<ChatTemplate, DataError> {
        let mut template = Template::lenient(name, text)?;
        if let Some(today) = today {
            template.set_today(today)?;
        }
        Ok(ChatTemplate(template))
    }

    /// The text of what is given by name: `messages`, `tools`, `add_generation_prompt`, special tokens.
    ///
    /// # Errors
    /// What the template ran into or raised, with its line.
    pub fn render(&self, given: &[(String, Data)]) -> Result<String, DataError> {
        self.0.render(given)
    }
}

fn check_place(key: &str, text: &str) -> Result<(), DataError> {
    if text.contains(PLACE) {
        return Ok(());
    }
    Err(DataError::Invalid(format!("{key}: {text:?} has no {PLACE} in it, where the problem goes")))
}

#[cfg(test)]
mod tests;
