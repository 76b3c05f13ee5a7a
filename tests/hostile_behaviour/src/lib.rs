//! What the hostile plugins of the host's tests have in common: one config that says how to misbehave, and the ways.
//!
//! There is a plugin for each kind, because a component exports the world of one kind. What safe Rust cannot do, such as
//! returning text that is not UTF-8, is left to modules that the host's tests write by hand.

mod answers;
mod deeds;

pub use answers::{number, sized, text};
pub use deeds::{configure, misbehave, read};

/// How to misbehave.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The kind of misbehaviour.
    pub mode: Mode,
    /// Size of what the huge modes return or log.
    pub bytes: Option<u64>,
}

impl Config {
    /// Bytes of what the huge modes make; a gigabyte unless the test says otherwise.
    pub fn huge(&self) -> usize {
        usize::try_from(self.bytes.unwrap_or(1 << 30)).unwrap_or(usize::MAX)
    }
}

/// A kind of misbehaviour. All but `good` and the `configure-` modes begin with the first call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Answers properly, except for items whose text asks for trouble; see [`read`].
    #[default]
    Good,
    /// Answers properly and says how many calls this instance has had, which shows whether instances are fresh.
    Count,
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
    /// Logs a hundred thousand lines, then answers properly.
    LogFlood,
    /// Logs one huge line, then answers properly.
    LogHuge,
    /// Logs a line of control characters, then answers properly.
    LogControlCharacters,
    /// Never ends configuring.
    ConfigureSpin,
    /// Allocates without end when configured.
    ConfigureAllocate,
    /// Panics when configured.
    ConfigurePanic,
    /// Refuses its config, although it fits the schema.
    ConfigureRefuse,
    /// Logs a hundred thousand lines when configured, then is good.
    ConfigureLogFlood,
}
