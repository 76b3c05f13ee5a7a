//! Words: what a record says with one of a few fixed texts, as enums that are written and read as those texts.

use std::fmt;

/// A word that is none of those known in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// What the word should have been, such as `outcome`.
    pub kind: &'static str,
    /// The word that was found.
    pub word: String,
    /// The words that are known there.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "unknown {} {:?}, expected one of `{}`", self.kind, self.word, self.known.join("`, `"))
    }
}

impl std::error::Error for UnknownWord {}

/// An enum whose variants are words. They stand in alphabetical order, so that a map by word is written in the order
/// of its keys as text.
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $kind:literal: $($(#[$doc:meta])* $variant:ident = $word:literal,)+) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// All of them, in alphabetical order of their words.
            pub const ALL: [$name; [$($word),+].len()] = [$($name::$variant),+];

            /// The word that stands in files.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<$name, UnknownWord> {
                $name::ALL.into_iter().find(|known| known.as_str() == word).ok_or_else(|| UnknownWord {
                    kind: $kind,
                    word: word.to_owned(),
                    known: $name::ALL.map($name::as_str).to_vec(),
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

words! {
    /// What a verifier found a response to be.
    Outcome, "outcome":
    /// The answer agrees with a reference.
    Correct = "correct",
    /// There is an answer, and it agrees with no reference.
    Incorrect = "incorrect",
    /// The response gives no answer.
    NoAnswer = "no-answer",
    /// There is an answer that the verifier cannot read.
    Unparsable = "unparsable",
}

words! {
    /// Why a plugin has no result for an item.
    FailureKind, "kind of failure":
    /// The call took longer than its deadline.
    Deadline = "deadline",
    /// The item used up its fuel.
    Fuel = "fuel",
    /// What the plugin returned breaks the contract.
    InvalidOutput = "invalid-output",
    /// The plugin went over its limit of memory, table elements or handles.
    Memory = "memory",
    /// A language model that was asked about the item gave no reply, whatever was tried.
    NoReply = "no-reply",
    /// The plugin refused the item, with a reason.
    PluginError = "plugin-error",
    /// The plugin crashed.
    Trap = "trap",
}

words! {
    /// An alarm of reinforcement learning: what looks like health in the reward's curve and is not.
    AlarmName, "alarm":
    /// No group has rewards to learn from: all advantages are 0.
    ConstantReward = "constant-reward",
    /// The policy has all but stopped to explore.
    EntropyCollapse = "entropy-collapse",
    /// The verifier or the reward fails on too many rollouts.
    Failures = "failures",
    /// The policy has moved much further than it usually does, or training away from inference.
    KlJump = "kl-jump",
    /// Responses have become much longer within a few steps.
    LengthJump = "length-jump",
    /// Too many responses end in a loop.
    Repetition = "repetition",
    /// The length limit cuts off too many responses.
    Truncated = "truncated",
}

words! {
    /// What a sampled response was made for.
    Split, "split":
    /// An evaluation.
    HeldOut = "held-out",
    /// Training.
    Train = "train",
}

words! {
    /// Why a training rollout was picked as a sample.
    Pick, "pick":
    /// It has one of the highest rewards of its step.
    Best = "best",
    /// It was drawn from the others.
    Random = "random",
    /// It has one of the lowest rewards of its step.
    Worst = "worst",
}

words! {
    /// How a response ended.
    Finish, "way to finish":
    /// The length limit cut it.
    Length = "length",
    /// An end token or a stop text ended it.
    Stop = "stop",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Every word is read back, and words stand in alphabetical order.
    fn check<W>(all: &[W])
    where
        W: Copy + Ord + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned + std::fmt::Display,
    {
        for word in all {
            let text = serde_json::to_string(word).expect("writes");
            assert_eq!(text, format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<W>(&text).expect("reads"), *word);
        }
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert!(words.is_sorted() && all.is_sorted(), "{words:?}");
    }

    #[test]
    fn words_are_read_as_they_are_written_and_sorted_as_their_texts() {
        check(&Outcome::ALL);
        check(&FailureKind::ALL);
        check(&AlarmName::ALL);
        check(&Split::ALL);
        check(&Pick::ALL);
        check(&Finish::ALL);
    }

    #[test]
    fn an_unknown_word_is_an_error_that_names_it() {
        let error = serde_json::from_str::<Outcome>("\"right\"").expect_err("no such outcome").to_string();
        assert!(
            error.starts_with(
                "unknown outcome \"right\", expected one of `correct`, `incorrect`, `no-answer`, `unparsable`"
            ),
            "{error}"
        );
        assert!(serde_json::from_str::<Outcome>("0").is_err(), "a number is not a word");
        let counts = serde_json::from_str::<BTreeMap<Outcome, u64>>("{\"correct\":3,\"no-answer\":1}");
        assert_eq!(counts.expect("reads"), BTreeMap::from([(Outcome::Correct, 3), (Outcome::NoAnswer, 1)]));
        assert!(serde_json::from_str::<BTreeMap<Outcome, u64>>("{\"corect\":3}").is_err());
    }
}
