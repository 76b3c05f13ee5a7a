//! What the hostile plugins of the host's tests have in common: one config that says how to misbehave, and the ways.
//!
//! There is a plugin for each kind, because a component exports the world of one kind. What safe Rust cannot do, such as
//! returning text that is not UTF-8, is left to modules that the host's tests write by hand.

mod answers;
mod deeds;
mod description;

pub use answers::{entries, memory, number, sized, text};
pub use deeds::{misbehave, read};

/// How to misbehave.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = description::misbehave)]
pub struct Config {
    /// The kind of misbehaviour.
    pub mode: Mode,
    /// The export that misbehaves, for what every export can do.
    pub at: Export,
    /// Size of what the huge modes return or log.
    pub bytes: Option<u64>,
}

impl Config {
    /// Bytes of what the huge modes make; a gigabyte unless the test says otherwise.
    pub fn huge(&self) -> usize {
        usize::try_from(self.bytes.unwrap_or(1 << 30)).unwrap_or(usize::MAX)
    }
}

/// The exports that a config can reach. `describe` comes before there is one; see [`description`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Export {
    /// The function of the kind.
    #[default]
    Call,
    /// An annotator's `read`; its `ask` is the function of the kind.
    Read,
    /// `configure`.
    Configure,
    /// A stateful plugin's `save`.
    Save,
    /// A stateful plugin's `restore`.
    Restore,
}

/// A kind of misbehaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Answers properly, except for items whose text asks for trouble; see [`read`].
    #[default]
    Good,
    /// Answers properly and says how many calls this instance has had, which shows whether instances are fresh.
    Count,
    /// Calls everything correct, whatever it says. Verifiers only.
    AcceptAll,
    /// Never ends, without allocating or calling the host.
    Spin,
    /// Allocates and touches memory without end.
    Allocate,
    /// Panics with a message.
    Panic,
    /// Executes an `unreachable` instruction.
    Unreachable,
    /// Calls itself without end.
    StackOverflow,
    /// Returns an error of the plugin's own.
    Refuse,
    /// Returns an error whose message has control characters.
    RefuseControlCharacters,
    /// Returns an error with a huge message.
    RefuseHuge,
    /// Leaves out the last answer.
    TooFew,
    /// Repeats the last answer.
    TooMany,
    /// Returns an empty list.
    NoAnswers,
    /// Returns a huge list.
    HugeList,
    /// Returns huge text where there is text.
    HugeText,
    /// Returns text with escape sequences, line ends and overrides of the writing direction.
    ControlCharacters,
    /// Returns empty text where there is text.
    EmptyText,
    /// Returns another text for each item where the host counts texts.
    EndlessTexts,
    /// Returns NaN where there is a number.
    NotANumber,
    /// Returns infinity where there is a number.
    Infinite,
    /// Returns -1 where there is a number.
    Negative,
    /// Returns 0 where there is a number.
    Zero,
    /// Returns the largest finite number where there is a number.
    Enormous,
    /// Returns every name twice where there is a list of named things.
    RepeatedNames,
    /// Returns a thousand entries where there is a list of named things.
    ManyEntries,
    /// Logs ten thousand lines, then answers properly.
    LogFlood,
    /// Logs ten thousand empty lines, then answers properly.
    LogEmptyLines,
    /// Does nothing but log, without end.
    LogForEver,
    /// Logs one huge line, then answers properly.
    LogHuge,
    /// Logs a line of control characters, then answers properly.
    LogControlCharacters,
    /// Does nothing but ask for a classifier, without end. Filters only: no other kind may ask.
    ClassifyForEver,
}
