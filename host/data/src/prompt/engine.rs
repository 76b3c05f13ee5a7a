//! A compiled template of either kind, and errors that name its file and line.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value as Item};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value};

use super::LONGEST_TEMPLATE;
use crate::error::DataError;

/// What one rendering may use: an instruction costs one, and so do 64 bytes of what it makes. A chat of ten long turns
/// uses a thousandth of it.
const FUEL: u64 = 1_000_000;
/// Depth of nested blocks, macros and values.
const DEPTH: usize = 100;

/// One template.
pub(super) struct Template {
    environment: Environment<'static>,
    name: String,
}

impl Template {
    /// One of ours: what is not defined is an error.
    pub fn strict(name: &str, text: &str) -> Result<Template, DataError> {
        Template::compile(name, text, UndefinedBehavior::Strict)
    }

    /// A model's: as the library that it was written for, an undefined variable prints nothing and is false.
    pub fn lenient(name: &str, text: &str) -> Result<Template, DataError> {
        Template::compile(name, text, UndefinedBehavior::Lenient)
    }

    fn compile(name: &str, text: &str, undefined: UndefinedBehavior) -> Result<Template, DataError> {
        if text.len() as u64 > LONGEST_TEMPLATE {
            let message = format!("template {name} has {} bytes; the most is {LONGEST_TEMPLATE}", text.len());
            return Err(DataError::Invalid(message));
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(undefined);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(DEPTH);
        // Chat templates are written for these, and ours read better with them: a line of a tag alone leaves no line.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| described(name, &error))?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<Item, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        // Not the engine's own, which escapes for HTML.
        environment.add_filter("tojson", |value: Item| -> Result<String, Error> {
            serde_json::to_string(&value).map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
        });
        environment.add_template_owned(name.to_owned(), text.to_owned()).map_err(|error| described(name, &error))?;
        Ok(Template { environment, name: name.to_owned() })
    }

    /// Adds a function of no result but a text.
    pub fn add_function(
        &mut self,
        name: &'static str,
        function: fn(&str, &str) -> Result<String, String>,
        first: String,
    ) {
        self.environment.add_function(name, move |argument: String| -> Result<String, Error> {
            function(&first, &argument).map_err(|message| Error::new(ErrorKind::InvalidOperation, message))
        });
    }

    /// Refuses a template that uses what it is not `given`, or that never uses `needed`.
    pub fn check_variables(&self, given: &[&str], needed: &str) -> Result<(), DataError> {
        let template = self.environment.get_template(&self.name).map_err(|error| described(&self.name, &error))?;
        let globals: Vec<String> = self.environment.globals().map(|(name, _)| name.to_owned()).collect();
        let mut used: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        used.sort();
        let unknown = used.iter().find(|name| !given.contains(&name.as_str()) && !globals.contains(name));
        if let Some(unknown) = unknown {
            return Err(DataError::Invalid(format!(
                "template {}{} uses `{unknown}`, which is not given; given are {}",
                self.name,
                place(template.source(), unknown),
                given.join(", ")
            )));
        }
        if !used.iter().any(|name| name == needed) {
            return Err(DataError::Invalid(format!(
                "template {} never uses `{needed}`, so it asks nothing",
                self.name
            )));
        }
        Ok(())
    }

    /// Fills it in.
    pub fn render(&self, given: &Map<String, Value>) -> Result<String, DataError> {
        let rendered = self.environment.get_template(&self.name).and_then(|template| template.render(Serde(given)));
        rendered.map_err(|error| described(&self.name, &error))
    }
}

/// `, line 3` of the first line that has the word.
fn place(text: &str, word: &str) -> String {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let line = text.lines().position(|line| line.split(|character| !is_word(character)).any(|found| found == word));
    line.map_or_else(String::new, |line| format!(", line {},", line + 1))
}

fn described(name: &str, error: &Error) -> DataError {
    let line = error.line().map_or_else(String::new, |line| format!(", line {line}"));
    let what = error.to_string();
    // The engine ends its words with a place of its own form.
    let what = what.rsplit_once(" (in ").map_or(what.as_str(), |(words, _)| words);
    let more = match error.kind() {
        ErrorKind::OutOfFuel => format!("; a rendering may use {FUEL} units of work"),
        ErrorKind::UnknownFunction if what.contains("strftime_now") => {
            "; prompts do not change with the day, so set the date that it shall print: \
             variables = { today = \"2025-01-31\" }"
                .to_owned()
        }
        _ => String::new(),
    };
    DataError::Invalid(format!("template {name}{line}: {what}{more}"))
}
