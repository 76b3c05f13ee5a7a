//! Rollouts to rewards.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use octo_data::row::Row;
use octo_plugin::types::{Attempt, FinishReason, Progress, Reward, RewardPart, Rollout, Verdict};
use octo_plugin::{Failure, Record as CaseRecord, RewardSum};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::chunks::{self, Entry, Place, Record, Seam};
use super::columns::Columns;
use super::failures::Failures;
use super::summary::Summary;
use super::verdicts::OUTCOMES;
use super::{Failed, Judge, Session, progress};

/// Columns that `--map` can name.
pub const COLUMNS: [&str; 15] = [
    "id",
    "problem",
    "response",
    "reference",
    "references",
    "verdict",
    "verdict.outcome",
    "verdict.extracted",
    "verdict.reason",
    "group",
    "tokens",
    "finish",
    "stage",
    "step",
    "total_steps",
];

/// A rollout and where its run stood. The verdict is still to be found where there is none.
struct Line {
    at: Progress,
    attempt: Attempt,
    verdict: Option<Verdict>,
    group: u32,
    tokens: u32,
    finish: FinishReason,
}

impl Record for Line {
    const GROUPED: bool = true;

    fn bytes(&self) -> usize {
        self.attempt.bytes()
    }

    /// One call to the plugin is about one step, and holds whole groups.
    fn seam(&self, next: &Line) -> Seam {
        if self.at != next.at {
            Seam::Cut
        } else if self.group == next.group {
            Seam::Closed
        } else {
            Seam::Open
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    total: f64,
    #[serde(serialize_with = "in_order")]
    parts: &'a [RewardPart],
}

/// The parts as an object, in the plugin's order.
fn in_order<S: Serializer>(parts: &&[RewardPart], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(parts.len()))?;
    for part in *parts {
        map.serialize_entry(&part.name, &part.value)?;
    }
    map.end()
}

/// Prints one reward a line. `judge` finds the verdicts of rollouts that come without. The session's failures are those
/// of the first term, and `added` those of the others.
pub fn run(reward: RewardSum, added: Vec<Failures>, mut judge: Option<Judge>, session: Session) -> Result<Summary> {
    let Session { input, columns, strict, mut answers, failures, terminal, stop } = session;
    let mut failures: Vec<Failures> = std::iter::once(failures).chain(added).collect();
    let mut summary = Summary::start(&terminal, &input.name, "reward", ("Scored", "rollouts"), &[]);
    let mut groups = Groups::default();
    let may_lack_verdict = judge.is_some();
    let read = move |record: &Row, _: Place<'_>| {
        Ok((columns.id(record), read_line(&columns, record, &mut groups, may_lack_verdict)?))
    };
    let lines = chunks::for_each(input, strict, &terminal, &stop, read, |chunk| {
        let length = chunk.len();
        for ((file, line), id, answer) in score(&reward, judge.as_mut(), &mut failures, chunk)? {
            match &answer {
                Ok(reward) => answers.write(
                    file.as_deref(),
                    &Answer { line, id: id.as_ref(), total: reward.total, parts: &reward.parts },
                )?,
                Err(failure) => {
                    summary.count_failure(failure);
                    answers.write(file.as_deref(), &Failed::new(line, id.as_ref(), failure))?;
                }
            }
        }
        summary.advance(length);
        answers.flush()
    })?;
    judge.iter().for_each(|judge| judge.failures.report());
    failures.iter().for_each(Failures::report);
    Ok(summary.finish(lines))
}

/// The file, where there are several, and the line.
type Origin = (Option<Arc<str>>, u64);
type Scored = (Origin, Option<Value>, Result<Reward, Failure>);

/// Scores a chunk, all of one step. A rollout on which the verifier failed is left out of its group and keeps that
/// failure, as in training.
fn score(
    reward: &RewardSum,
    judge: Option<&mut Judge>,
    of_terms: &mut [Failures],
    chunk: Vec<Entry<Line>>,
) -> Result<Vec<Scored>> {
    let Some(at) = chunk.first().map(|entry| entry.record.at.clone()) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    if let Some(Judge { verifier, failures }) = judge {
        let unjudged = || chunk.iter().filter(|entry| entry.record.verdict.is_none());
        let attempts: Vec<Attempt> = unjudged().map(|entry| entry.record.attempt.clone()).collect();
        found = verifier.verify(&attempts);
        for (entry, verdict) in unjudged().zip(&found) {
            if let Err(failure) = verdict {
                let case = || CaseRecord::Verifier(entry.record.attempt.clone());
                failures.save(entry.line, entry.id.as_ref(), failure, case)?;
            }
        }
    }
    let mut found = found.into_iter();
    let mut places = Vec::with_capacity(chunk.len());
    let mut rollouts = Vec::with_capacity(chunk.len());
    for entry in chunk {
        let Line { attempt, verdict, group, tokens, finish, .. } = entry.record;
        let verdict = match verdict {
            Some(verdict) => Some(Ok(verdict)),
            None => found.next(),
        };
        let failure = match verdict {
            Some(Ok(verdict)) => {
                rollouts.push(Rollout { attempt, verdict, group, tokens, finish });
                None
            }
            Some(Err(failure)) => Some(Failure { message: format!("verifier: {}", failure.message), ..failure }),
            // Lines without a verdict are read only where there is a verifier, and it answers for each.
            None => continue,
        };
        places.push(((entry.file, entry.line), entry.id, failure));
    }
    let each = reward.score_each(&at, &rollouts);
    for (rewards, failures) in each.iter().zip(of_terms) {
        let judged = places.iter().filter(|(_, _, failure)| failure.is_none());
        save_groups(&at, &rollouts, rewards, judged.map(|((_, line), id, _)| (*line, id.as_ref())), failures)?;
    }
    let mut rewards = reward.total(each).into_iter();
    let answers = places
        .into_iter()
        .filter_map(|(line, id, failure)| match failure {
            Some(failure) => Some((line, id, Err(failure))),
            None => rewards.next().map(|reward| (line, id, reward)),
        })
        .collect();
    Ok(answers)
}

/// Saves the groups on which the plugin failed, each with the lines of its rollouts in `places`. A group that fails as a
/// whole is one case and not one a rollout.
fn save_groups<'p>(
    at: &Progress,
    rollouts: &[Rollout],
    rewards: &[Result<Reward, Failure>],
    places: impl Iterator<Item = (u64, Option<&'p Value>)>,
    failures: &mut Failures,
) -> Result<()> {
    if !failures.are_saved() {
        return Ok(());
    }
    let mut items = rewards.iter().zip(places);
    for group in rollouts.chunk_by(|one, next| one.group == next.group) {
        let mut seen: Vec<&Failure> = Vec::new();
        for (index, (reward, (line, id))) in items.by_ref().take(group.len()).enumerate() {
            if let Err(failure) = reward
                && !seen.contains(&failure)
            {
                seen.push(failure);
                let case = || CaseRecord::Reward { at: at.clone(), rollouts: group.to_vec(), failed: index };
                failures.save(line, id, failure, case)?;
            }
        }
    }
    Ok(())
}

fn read_line(columns: &Columns, record: &Row, groups: &mut Groups, may_lack_verdict: bool) -> Result<Line, String> {
    let response = columns.attempt(record)?;
    let mut verdict = read_verdict(columns, record)?;
    if verdict.is_none() && may_lack_verdict {
        verdict = response.verdict();
    }
    let attempt = response.attempt;
    if verdict.is_none() && !may_lack_verdict {
        return Err(format!("{}; --verifier finds it", columns.missing(record, "verdict")));
    }
    let finish = match columns.text(record, "finish")?.as_deref() {
        None | Some("stop") => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some(other) => return Err(format!("`finish` is {other:?}; it is \"stop\" or \"length\"")),
    };
    let tokens = columns.number(record, "tokens", 0)?;
    let at = progress(columns, record)?;
    let group = groups.number(&at, &attempt, columns.optional_number(record, "group")?)?;
    Ok(Line { at, attempt, verdict, group, tokens, finish })
}

/// The verdict as an object, or as its outcome alone.
fn read_verdict(columns: &Columns, record: &Row) -> Result<Option<Verdict>, String> {
    let outcome = match columns.text(record, "verdict.outcome")? {
        Some(outcome) => outcome,
        // An object without an outcome is reported as "not a text", which names the column.
        None => match columns.text(record, "verdict")? {
            Some(outcome) => outcome,
            None => return Ok(None),
        },
    };
    let Some((outcome, _)) = OUTCOMES.iter().find(|(_, name)| *name == outcome) else {
        let names = OUTCOMES.map(|(_, name)| name).join(", ");
        return Err(format!("the verdict's outcome is {outcome:?}; it is one of {names}"));
    };
    Ok(Some(Verdict {
        outcome: *outcome,
        extracted: columns.text(record, "verdict.extracted")?,
        reason: columns.text(record, "verdict.reason")?.unwrap_or_default(),
    }))
}

/// Numbers the groups of a step: with the record's own numbers, or by where the problem changes.
#[derive(Default)]
struct Groups {
    step: Option<Progress>,
    /// Whether the lines bring numbers; the first one decides.
    numbered: Option<bool>,
    current: Option<(u32, Attempt)>,
    /// Groups of this step that others have followed.
    ended: BTreeSet<u32>,
}

impl Groups {
    fn number(&mut self, at: &Progress, attempt: &Attempt, given: Option<u32>) -> Result<u32, String> {
        if *self.numbered.get_or_insert(given.is_some()) != given.is_some() {
            return Err("some lines have a `group` and some have none; give it to all of them, or to none".to_owned());
        }
        if self.step.as_ref() != Some(at) {
            self.step = Some(at.clone());
            self.current = None;
            self.ended.clear();
        }
        let number = match (given, &self.current) {
            (Some(given), _) => given,
            (None, None) => 0,
            (None, Some((number, last))) => {
                let same = !attempt.problem.is_empty()
                    && attempt.problem == last.problem
                    && attempt.references == last.references;
                if same { *number } else { number.checked_add(1).ok_or("a step has more groups than 32 bits count")? }
            }
        };
        if self.ended.contains(&number) {
            return Err(format!(
                "group {number} has rollouts after another group began; the rollouts of a group must be in a row \
                 (a new step may use its number again)"
            ));
        }
        if let Some((last, _)) = &self.current
            && *last != number
        {
            self.ended.insert(*last);
        }
        self.current = Some((number, Attempt { response: String::new(), fields: Vec::new(), ..attempt.clone() }));
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Progress {
        Progress { stage: "rl".into(), step, total_steps: 9, tokens: 0, total_tokens: 0, metrics: Vec::new() }
    }

    fn attempt(problem: &str) -> Attempt {
        Attempt { problem: problem.into(), response: "r".into(), references: vec!["1".into()], fields: Vec::new() }
    }

    #[test]
    fn groups_without_numbers_follow_the_problem() {
        let mut groups = Groups::default();
        let numbers: Vec<u32> = ["a", "a", "b", "", "", "a"]
            .iter()
            .map(|problem| groups.number(&at(0), &attempt(problem), None).unwrap())
            .collect();
        assert_eq!(numbers, [0, 0, 1, 2, 3, 4]);
        assert_eq!(groups.number(&at(1), &attempt("a"), None), Ok(0), "a step counts from 0");
    }

    #[test]
    fn a_group_that_comes_back_in_its_step_is_refused() {
        let mut groups = Groups::default();
        for (step, group) in [(0, 0), (0, 0), (0, 4), (1, 0)] {
            assert_eq!(groups.number(&at(step), &attempt("a"), Some(group)), Ok(group));
        }
        let mut groups = Groups::default();
        groups.number(&at(0), &attempt("a"), Some(0)).unwrap();
        groups.number(&at(0), &attempt("a"), Some(1)).unwrap();
        assert!(groups.number(&at(0), &attempt("a"), Some(0)).unwrap_err().contains("in a row"));
        assert!(groups.number(&at(0), &attempt("a"), None).unwrap_err().contains("all of them"));
    }
}
