//! Why a template cannot be compiled or rendered.

/// What went wrong, and where.
#[derive(Debug)]
pub(super) struct Trouble(Box<Inner>);

#[derive(Debug)]
struct Inner {
    message: String,
    line: Option<u32>,
    deep: bool,
}

/// The result of what can fail.
pub(super) type Fallible<T> = Result<T, Trouble>;

impl Trouble {
    /// A message without a place.
    pub fn new(message: impl Into<String>) -> Trouble {
        Trouble(Box::new(Inner { message: message.into(), line: None, deep: false }))
    }

    /// The evaluation is nested deeper than the thread's stack is made for.
    pub fn deep(limit: usize) -> Trouble {
        let message = format!("the evaluation is nested more than {limit} levels deep");
        Trouble(Box::new(Inner { message, line: None, deep: true }))
    }

    /// Names the line, if none is named yet: the innermost is named first.
    pub fn at(mut self, line: u32) -> Trouble {
        self.0.line.get_or_insert(line);
        self
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<u32> {
        self.0.line
    }

    /// Whether it was the depth of the evaluation.
    pub fn is_deep(&self) -> bool {
        self.0.deep
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl From<String> for Trouble {
    fn from(message: String) -> Trouble {
        Trouble::new(message)
    }
}
