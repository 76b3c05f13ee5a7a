//! The corpora and problems of the demo, made from a seed: the paper's data in miniature.
//!
//! Everything a small model needs to live through the whole recipe in minutes: prose to start from, web pages of good
//! and bad quality, questions with short answers, long chains of thought, instructions, and problems for RL. A problem
//! is a start and two changes ("Mia has 3 apples …"). One triple of operands in five is held out, by a hash, and appears
//! in no corpus and no training problem, under any pair of signs.
//!
//! This file writes the files of a corpus; what stands in them is in its folder:
//!
//! | file | what it makes |
//! |---|---|
//! | `task.rs` | the arithmetic: a start and two changes, and which of them are held out |
//! | `story.rs` | a problem in words, and its solution, short or long with a check |
//! | [`dialogue`] | questions with solutions, chats and instructions, from stories |
//! | `prose.rs` | plain prose without mathematics |
//! | `web.rs` | pages as a crawl finds them, good and bad |
//! | `words.rs` | the names, places and things that all of them draw from |

pub mod dialogue;
mod prose;
mod story;
mod task;
mod web;
mod words;

use crate::DataError;
use crate::jsonl::JsonlWriter;
use crate::record::{Document, Problem};
use crate::seed;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use story::Story;
use task::{Split, Task};

/// Sizes and shares of the demo's data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticConfig {
    /// Scenes of plain prose, about 80 tokens each.
    pub prose_documents: u64,
    /// Web pages, good and bad.
    pub web_pages: u64,
    /// Mean share of bad pages, 0 to 0.6; early years have more of them than late ones.
    pub bad_page_share: f64,
    /// Share of worked examples on the web that state a wrong answer.
    pub web_error_share: f64,
    /// Questions with short answers.
    pub qa_documents: u64,
    /// Questions with long chains of thought.
    pub long_documents: u64,
    /// Share of answers in a box where nobody asked for one, on the web and among both kinds of questions.
    pub boxed_share: f64,
    /// Share of chat turns, on the web and among both kinds of questions, that ask for a boxed answer.
    pub rule_share: f64,
    /// Share of those that get one.
    pub rule_kept_share: f64,
    /// Instructions with answers.
    pub instruction_documents: u64,
    /// Share of instructions that ask for a boxed answer.
    pub instruction_rule_share: f64,
    /// Problems to train on with RL.
    pub train_problems: u64,
    /// Problems to evaluate on, no two the same.
    pub held_out_problems: u64,
    /// Share of operand triples that are held out, 0.05 to 0.5.
    pub held_out_share: f64,
    /// The largest first operand, 2 to 99; changes are 1 to 9.
    pub largest_operand: u32,
}

impl Default for SyntheticConfig {
    fn default() -> SyntheticConfig {
        SyntheticConfig {
            prose_documents: 6_000,
            web_pages: 22_000,
            bad_page_share: 0.3,
            web_error_share: 0.03,
            qa_documents: 8_000,
            long_documents: 6_000,
            boxed_share: 0.1,
            rule_share: 0.5,
            rule_kept_share: 0.4,
            instruction_documents: 4_000,
            instruction_rule_share: 0.4,
            train_problems: 4_000,
            held_out_problems: 256,
            held_out_share: 0.2,
            largest_operand: 9,
        }
    }
}

/// What was written: documents or problems by file name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Lines of every file.
    pub files: BTreeMap<String, u64>,
}

impl SyntheticConfig {
    /// Checks every share and size.
    ///
    /// # Errors
    /// [`DataError::Invalid`] naming the key, its value and what is allowed.
    pub fn validate(&self) -> Result<(), DataError> {
        for (key, value, least, most) in [
            ("bad_page_share", self.bad_page_share, 0.0, 0.6),
            ("web_error_share", self.web_error_share, 0.0, 1.0),
            ("boxed_share", self.boxed_share, 0.0, 1.0),
            ("rule_share", self.rule_share, 0.0, 1.0),
            ("rule_kept_share", self.rule_kept_share, 0.0, 1.0),
            ("instruction_rule_share", self.instruction_rule_share, 0.0, 1.0),
            ("held_out_share", self.held_out_share, 0.05, 0.5),
            ("largest_operand", f64::from(self.largest_operand), 2.0, 99.0),
        ] {
            if !(least..=most).contains(&value) {
                return Err(DataError::Invalid(format!("{key} is {value}; it must be from {least} to {most}")));
            }
        }
        let (mut trained, mut held_out) = (0_u64, 0_u64);
        for task in Task::all(self.largest_operand) {
            if task.is_held_out(self.held_out_share) {
                held_out += 1;
            } else {
                trained += 1;
            }
        }
        if trained == 0 || self.held_out_problems > held_out {
            return Err(DataError::Invalid(format!(
                "held_out_problems is {}, but with largest_operand = {} and held_out_share = {} there are {held_out} \
                 different sums to hold out; ask for fewer problems or raise one of these",
                self.held_out_problems, self.largest_operand, self.held_out_share
            )));
        }
        Ok(())
    }

    fn task(&self, rng: &mut ChaCha8Rng, split: Split) -> Task {
        Task::draw(rng, self.largest_operand, self.held_out_share, split)
    }

    fn story(&self, rng: &mut ChaCha8Rng, split: Split) -> Story {
        let task = self.task(rng, split);
        Story::draw(rng, task)
    }
}

/// Writes the demo's corpora and problems into the folder `out`, which must exist: `prose`, `web`, `qa`, `long`,
/// `instructions`, `problems-train` and `problems-held-out`, each `.jsonl.zst`. The same config and seed give the same
/// bytes.
///
/// # Errors
/// An invalid config, or a file that cannot be written.
pub fn generate(config: &SyntheticConfig, seed: u64, out: &Path) -> Result<Manifest, DataError> {
    config.validate()?;
    let mut manifest = Manifest::default();
    let mut write = |name: &str, count: u64, make: &dyn Fn(&mut ChaCha8Rng, u64) -> Document| {
        let file = format!("{name}.jsonl.zst");
        let mut writer = JsonlWriter::create(&out.join(&file))?;
        for index in 0..count {
            let mut rng = seed::rng(seed, &["synthetic", name], index);
            writer.write(&make(&mut rng, index))?;
        }
        manifest.files.insert(file, writer.lines());
        writer.finish()
    };
    write("prose", config.prose_documents, &|rng, index| document("prose", index, prose::scene(rng)))?;
    write("web", config.web_pages, &|rng, index| web::page(rng, config, index))?;
    write("qa", config.qa_documents, &|rng, index| {
        let story = config.story(rng, Split::Train);
        let text = dialogue::question_and_answer(rng, config, &story, false);
        document("qa", index, text)
    })?;
    write("long", config.long_documents, &|rng, index| {
        let story = config.story(rng, Split::Train);
        let text = dialogue::question_and_answer(rng, config, &story, true);
        document("long", index, text)
    })?;
    write("instructions", config.instruction_documents, &|rng, index| {
        document("instructions", index, dialogue::exchange(rng, config))
    })?;

    let train = (0..config.train_problems).map(|index| {
        let mut rng = seed::rng(seed, &["synthetic", "problems-train"], index);
        problem("train", index, &config.story(&mut rng, Split::Train))
    });
    write_problems(&mut manifest, out, "problems-train", train)?;
    write_problems(&mut manifest, out, "problems-held-out", held_out(config, seed))?;
    Ok(manifest)
}

/// Held-out problems, no sum twice.
fn held_out(config: &SyntheticConfig, seed: u64) -> impl Iterator<Item = Problem> {
    let mut rng = seed::rng(seed, &["synthetic", "problems-held-out"], 0);
    let mut seen = BTreeSet::new();
    (0..config.held_out_problems).map(move |index| {
        loop {
            // Ends: validation counted at least as many sums as are asked for.
            let story = config.story(&mut rng, Split::HeldOut);
            if seen.insert(story.task) {
                return problem("held-out", index, &story);
            }
        }
    })
}

fn write_problems(
    manifest: &mut Manifest,
    out: &Path,
    name: &str,
    problems: impl Iterator<Item = Problem>,
) -> Result<(), DataError> {
    let file = format!("{name}.jsonl.zst");
    let mut writer = JsonlWriter::create(&out.join(&file))?;
    for problem in problems {
        writer.write(&problem)?;
    }
    manifest.files.insert(file, writer.lines());
    writer.finish()
}

fn document(source: &str, index: u64, text: String) -> Document {
    Document { id: format!("{source}-{index:06}"), text, source: source.to_string(), ..Document::default() }
}

fn problem(split: &str, index: u64, story: &Story) -> Problem {
    Problem {
        id: format!("{split}-{index:05}"),
        problem: story.problem(),
        references: vec![story.task.answer.to_string()],
        fields: BTreeMap::from([("solution".to_string(), story.short_solution())]),
    }
}

#[cfg(test)]
mod tests;
