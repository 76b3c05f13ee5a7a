//! Jinja as `transformers` sets it up for chat templates, with Python's values under it: a prompt that differs by a
//! byte from the one that a model was trained with is another prompt.
//!
//! ```text
//! text ── lexer ── parser ──► syntax ── run ──► text
//!                               │        ├── item, printing, json, printf    values and how Python writes them
//!                            undeclared  ├── operators, lookup, methods      what Python does with them
//!                                        ├── filters, predicates, clock         what Jinja and transformers add
//!                                        └── scope, work                     names; what a rendering may use
//! ```
//!
//! A template comes with a model that somebody else made, and its data come from files and models: neither can end the
//! process. Trees, values and evaluations have a depth each, values a size, and a rendering has fuel that pays for every
//! step and every byte. A template can't reach a file, the time, or anything that is not given to it.
//!
//! # Why not a library
//!
//! `minijinja` 3.1 has Jinja's grammar, and Rust's values: no `%` on texts and no way to add it, floats without exponents
//! where `~`, `join` or a list prints them, objects sorted by key, slices of nothing that are empty. It prints, compares
//! and drops values by recursion without a bound, so that a namespace in itself, or a tree of operators, ends the process
//! on any stack. Both are in its core. `tera` and `askama` have other languages.
//!
//! # What differs from Python
//!
//! Whole numbers have 38 digits, and a calculation beyond is an error. What Python prints with an address of memory
//! (functions, generators) is an error. `include`, `import`, `extends` and `block` are errors, as are the filters that
//! make HTML (`urlize`, `xmlattr`, `striptags`, …) and `random`. `strftime_now` gives the day that the recipe says.
//! Tests compare it with Python's Jinja byte by byte: `checks.rs` here, and `tests/templates` with other people's templates.

mod call;
mod clock;
mod data;
mod filters;
mod item;
mod json;
mod lexer;
mod lookup;
mod methods;
mod operators;
mod parser;
mod predicates;
mod printf;
mod printing;
mod run;
mod scope;
mod syntax;
mod trouble;
mod undeclared;
mod work;

#[cfg(test)]
mod checks;

pub use data::Data;

use super::LONGEST_TEMPLATE;
use crate::error::DataError;
use item::Function;
use parser::Parsed;
use trouble::{Fallible, Trouble};
use work::Work;

pub(super) use clock::date;

/// What one rendering may use: a step costs one, and so do 64 bytes of text that it makes or 2 places of a list. A chat
/// of ten long turns uses a thousandth of it.
const FUEL: u64 = 4_000_000;
/// Levels to which a template nests its blocks and brackets.
const NESTING: usize = 200;
/// Levels of an expression's tree.
const HEIGHT: u16 = 400;
/// Levels of a value's lists and dictionaries.
const DEPTH: u16 = 200;
/// Bytes of a value, as if it were printed.
const SIZE: usize = 64 << 20;
/// Scopes around one another, which macros that make macros can chain.
const SCOPES: usize = 500;
/// Numbers of a `range`, as in Jinja's sandbox.
const LONGEST_RANGE: usize = 100_000;
/// Levels of evaluation on the caller's stack, whose size nobody knows. What needs more is done again on [`STACK`].
const SHALLOW: usize = 120;
/// Levels of evaluation in all.
const DEEP: usize = 2_000;
/// Bytes of the stack of the thread that parses, and renders what is nested more deeply.
const STACK: usize = 64 << 20;

/// A compiled template.
pub(super) struct Template {
    name: String,
    strict: bool,
    parsed: Parsed,
    functions: Vec<Option<Function>>,
    today: Option<String>,
}

impl Template {
    /// One of ours: what is not defined is an error.
    pub fn strict(name: &str, text: &str) -> Result<Template, DataError> {
        Template::compile(name, text, true)
    }

    /// A model's: as the library that it was written for, an undefined variable prints nothing and is false.
    pub fn lenient(name: &str, text: &str) -> Result<Template, DataError> {
        Template::compile(name, text, false)
    }

    fn compile(name: &str, text: &str, strict: bool) -> Result<Template, DataError> {
        if text.len() as u64 > LONGEST_TEMPLATE {
            let message = format!("template {name} has {} bytes; the most is {LONGEST_TEMPLATE}", text.len());
            return Err(DataError::Invalid(message));
        }
        let parsed = on_a_deep_stack(|| parser::parse(text)).map_err(|trouble| described(name, &trouble))?;
        let functions = run::functions(&parsed, false);
        Ok(Template { name: name.to_owned(), strict, parsed, functions, today: None })
    }

    /// Sets the day that `strftime_now` gives, such as `2025-01-31`; without it there is no such function.
    pub fn set_today(&mut self, today: &str) -> Result<(), DataError> {
        date(today).map_err(DataError::Invalid)?;
        self.today = Some(today.to_owned());
        self.functions = run::functions(&self.parsed, true);
        Ok(())
    }

    /// Refuses a template that uses what it is not `given`, or that never uses `needed`.
    pub fn check_variables(&self, given: &[&str], needed: &str) -> Result<(), DataError> {
        let used = undeclared::undeclared(&self.parsed);
        let name_of = |name: u32| &**self.parsed.names.name(name);
        let is_function = |name: u32| matches!(self.functions.get(name as usize), Some(Some(_)));
        let unknown = used.iter().find(|(name, _)| !given.contains(&name_of(*name)) && !is_function(*name));
        if let Some((unknown, line)) = unknown {
            return Err(DataError::Invalid(format!(
                "template {}, line {line}, uses `{}`, which is not given; given are {}",
                self.name,
                name_of(*unknown),
                given.join(", ")
            )));
        }
        if !used.iter().any(|(name, _)| name_of(*name) == needed) {
            return Err(DataError::Invalid(format!(
                "template {} never uses `{needed}`, so it asks nothing",
                self.name
            )));
        }
        Ok(())
    }

    /// Fills it in.
    pub fn render(&self, given: &[(String, Data)]) -> Result<String, DataError> {
        let render = |deepest| {
            let work = Work::new(self.strict, deepest);
            run::render(&self.parsed, &self.functions, self.today.as_deref(), given, work)
        };
        // A thread costs more than most renderings, so that only what nests deeply gets one.
        let rendered = match render(SHALLOW) {
            Err(trouble) if trouble.is_deep() => on_a_deep_stack(|| render(DEEP)),
            rendered => rendered,
        };
        rendered.map_err(|trouble| described(&self.name, &trouble))
    }
}

/// Does something on a thread of its own, whose stack is large enough for every depth that is allowed.
fn on_a_deep_stack<T: Send>(work: impl FnOnce() -> Fallible<T> + Send) -> Fallible<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("template".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, work).map(|thread| thread.join()) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => Err(Trouble::new(format!("a thread for the template could not be started: {error}"))),
        }
    })
}

/// Characters of a message, which a template or its data may have written.
const LONGEST_MESSAGE: usize = 400;

/// The error of a template, with its name and line, and nothing in it that a terminal would obey.
fn described(name: &str, trouble: &Trouble) -> DataError {
    let line = trouble.line().map_or_else(String::new, |line| format!(", line {line}"));
    let message = trouble.message();
    let mut what: String = message.chars().take(LONGEST_MESSAGE).flat_map(cleaned).collect();
    if message.chars().nth(LONGEST_MESSAGE).is_some() {
        what.push('…');
    }
    let more = if message == "'strftime_now' is undefined" {
        "; prompts do not change with the day, so set the date that it shall print: variables = { today = \"2025-01-31\" }"
    } else {
        ""
    };
    DataError::Invalid(format!("template {name}{line}: {what}{more}"))
}

/// A control character as its escape, all others as they are.
fn cleaned(character: char) -> Vec<char> {
    let hidden = character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    if hidden { character.escape_default().collect() } else { vec![character] }
}
