//! Several attempts at one problem: pass@k and maj@k.
//!
//! A problem is a row, where `--map response=COLUMN.*` finds several responses in it, or all rows that have one text in
//! the column of `--group`. Attempts without a verdict count as not correct, as in a stage of kind `eval`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use octo_data::atomic::AtomicFile;
use octo_data::table::{self, Format};
use octo_record::statistics::{Interval, majority_at, mean_interval, pass_at, powers_of_two};
use serde::Serialize;
use serde_json::{Value, json};

use super::verdicts::Judged;

/// How a problem is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// By its file where there are several, its line, and the row's id where it has one.
    Row(Option<Arc<str>>, u64, Option<Value>),
    /// By its text in the column of `--group`.
    Group(String),
}

/// The attempts of all problems.
pub struct Problems {
    places: HashMap<String, usize>,
    problems: Vec<Problem>,
    /// The numbers of attempts that were asked for.
    asked: Vec<u64>,
}

struct Problem {
    name: Name,
    attempts: u64,
    correct: u64,
    failed: u64,
    /// Attempts without an answer to vote for.
    silent: u64,
    /// The correct answer, as the first that gave it wrote it.
    answer: Option<String>,
    /// Other answers by how they are written, and their votes, in the order in which they came.
    wrong: Vec<u64>,
    wrong_places: HashMap<String, usize>,
}

/// A mean over problems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mean {
    /// The number of attempts that it is about.
    pub k: u64,
    /// The mean, 0 to 1; `null` where no problem has as many attempts.
    pub mean: Option<f64>,
    /// Its 95 % interval over problems; `null` for fewer than two of them.
    pub interval: Option<Interval>,
    /// Problems with at least `k` attempts; the others are left out.
    pub problems: u64,
}

impl Problems {
    /// Without a problem so far. `asked` are the numbers of attempts of `--at`; empty are the powers of two.
    pub fn new(asked: &[u64]) -> Problems {
        let mut asked = asked.to_vec();
        asked.sort_unstable();
        asked.dedup();
        Problems { places: HashMap::new(), problems: Vec::new(), asked }
    }

    /// Takes in the attempts of a row.
    pub fn add(&mut self, name: Name, judged: &[Judged]) {
        let place = match &name {
            Name::Row(..) => None,
            Name::Group(text) => self.places.get(text).copied(),
        };
        let place = place.unwrap_or_else(|| {
            if let Name::Group(text) = &name {
                self.places.insert(text.clone(), self.problems.len());
            }
            self.problems.push(Problem::new(name));
            self.problems.len() - 1
        });
        judged.iter().for_each(|judged| self.problems[place].add(judged));
    }

    /// Problems so far.
    pub fn count(&self) -> u64 {
        self.problems.len() as u64
    }

    /// The fewest and the most attempts at a problem.
    pub fn attempts(&self) -> (u64, u64) {
        let each = || self.problems.iter().map(|problem| problem.attempts);
        (each().min().unwrap_or(0), each().max().unwrap_or(0))
    }

    /// The numbers of attempts to show.
    fn shown(&self) -> Vec<u64> {
        if self.asked.is_empty() { powers_of_two(self.attempts().1) } else { self.asked.clone() }
    }

    /// pass@k for each k, by rising k.
    pub fn pass_at(&self) -> Vec<Mean> {
        self.means(|problem, k| pass_at(problem.correct, problem.attempts, k))
    }

    /// maj@k for each k, by rising k.
    pub fn maj_at(&self) -> Vec<Mean> {
        self.means(|problem, k| majority_at(problem.correct, &problem.wrong, problem.silent, k))
    }

    fn means(&self, of: impl Fn(&Problem, u64) -> Option<f64>) -> Vec<Mean> {
        let mean = |k: u64| {
            let values: Vec<f64> = self.problems.iter().filter_map(|problem| of(problem, k)).collect();
            let problems = values.len() as u64;
            let within = |interval: Interval| Interval { low: interval.low.max(0.0), high: interval.high.min(1.0) };
            let mean = (problems > 0).then(|| values.iter().sum::<f64>() / problems as f64);
            Mean { k, mean, interval: mean_interval(&values).map(within), problems }
        };
        self.shown().into_iter().map(mean).collect()
    }

    /// Writes a row for each problem, in the order in which they came, in the format of `path`; `group` is the column of
    /// `--group`.
    pub fn write(&self, path: &Path, group: Option<&str>) -> Result<()> {
        let format = Format::of(path)?;
        let shown = self.shown();
        let shown = &shown;
        let lines = || Ok(self.problems.iter().map(move |problem| Ok(problem.row(group, shown).into_bytes())));
        table::write(AtomicFile::create(path)?, format, None, lines)
            .with_context(|| format!("could not write {}", path.display()))
    }
}

impl Problem {
    fn new(name: Name) -> Problem {
        Problem {
            name,
            attempts: 0,
            correct: 0,
            failed: 0,
            silent: 0,
            answer: None,
            wrong: Vec::new(),
            wrong_places: HashMap::new(),
        }
    }

    fn add(&mut self, judged: &Judged) {
        self.attempts += 1;
        if judged.is_correct() {
            self.correct += 1;
            if self.answer.is_none() {
                self.answer = judged.extracted().map(str::to_owned);
            }
            return;
        }
        self.failed += u64::from(judged.failure().is_some());
        let Some(answer) = judged.extracted() else {
            self.silent += 1;
            return;
        };
        let written = answer.split_whitespace().collect::<Vec<_>>().join(" ");
        let place = *self.wrong_places.entry(written).or_insert_with(|| {
            self.wrong.push(0);
            self.wrong.len() - 1
        });
        self.wrong[place] += 1;
    }

    /// The answer with the most votes; of several the correct one, then the first that came.
    fn majority(&self) -> Option<&str> {
        let most = self.wrong.iter().copied().max().unwrap_or(0).max(self.correct);
        if most == 0 {
            return None;
        }
        if self.correct == most {
            return self.answer.as_deref();
        }
        let place = self.wrong.iter().position(|votes| *votes == most)?;
        self.wrong_places.iter().find(|(_, at)| **at == place).map(|(answer, _)| answer.as_str())
    }

    fn row(&self, group: Option<&str>, shown: &[u64]) -> String {
        let mut row = Vec::new();
        match &self.name {
            Name::Row(file, line, id) => {
                row.extend(file.as_ref().map(|file| ("file".to_owned(), json!(**file))));
                row.push(("line".to_owned(), json!(line)));
                if let Some(id) = id {
                    row.push(("id".to_owned(), id.clone()));
                }
            }
            Name::Group(text) => row.push((group.unwrap_or("group").to_owned(), json!(text))),
        }
        row.push(("attempts".to_owned(), json!(self.attempts)));
        row.push(("correct".to_owned(), json!(self.correct)));
        row.push(("failed".to_owned(), json!(self.failed)));
        row.push(("majority".to_owned(), json!(self.majority())));
        for &k in shown {
            row.push((format!("pass@{k}"), json!(pass_at(self.correct, self.attempts, k).map(rounded))));
        }
        for &k in shown {
            row.push((format!("maj@{k}"), json!(majority_at(self.correct, &self.wrong, self.silent, k).map(rounded))));
        }
        object(&row)
    }
}

/// A share to twelve decimals: what comes after them is the noise of a sum.
fn rounded(share: f64) -> f64 {
    (share * 1e12).round() / 1e12
}

/// An object with its keys in this order, which serde_json's own map would sort.
fn object(entries: &[(String, Value)]) -> String {
    let entry = |(name, value): &(String, Value)| format!("{}:{value}", Value::from(name.as_str()));
    format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(answers: &[&str]) -> Vec<Judged> {
        answers.iter().map(|answer| Judged::of_test(answer)).collect()
    }

    fn shown(means: &[Mean]) -> String {
        let one = |mean: &Mean| match mean.mean {
            Some(value) => format!("{}:{value:.4}/{} ", mean.k, mean.problems),
            None => format!("{}:none ", mean.k),
        };
        means.iter().map(one).collect()
    }

    #[test]
    fn rows_of_one_group_are_one_problem_wherever_they_stand() {
        let mut problems = Problems::new(&[]);
        let group = |text: &str| Name::Group(text.to_owned());
        problems.add(group("a"), &judged(&["+7", "-8"]));
        problems.add(group("b"), &judged(&["-1"]));
        problems.add(group("a"), &judged(&["-8", "!"]));
        assert_eq!((problems.count(), problems.attempts()), (2, (1, 4)));
        // One of four is correct, and none of one.
        assert_eq!(shown(&problems.pass_at()), "1:0.1250/2 2:0.5000/1 4:1.0000/1 ");
        // 8 has two votes of four, and 7 one.
        assert_eq!(shown(&problems.maj_at()), "1:0.1250/2 2:0.3333/1 4:0.0000/1 ");
        let rows: Vec<String> = problems.problems.iter().map(|problem| problem.row(Some("p"), &[1, 4])).collect();
        assert_eq!(
            rows,
            [
                r#"{"p":"a","attempts":4,"correct":1,"failed":1,"majority":"8","pass@1":0.25,"pass@4":1.0,"maj@1":0.25,"maj@4":0.0}"#,
                r#"{"p":"b","attempts":1,"correct":0,"failed":0,"majority":"1","pass@1":0.0,"pass@4":null,"maj@1":0.0,"maj@4":null}"#
            ]
        );
    }

    #[test]
    fn answers_that_are_correct_are_one_answer_and_a_tie_counts_its_share() {
        let mut problems = Problems::new(&[4, 4, 9]);
        problems.add(Name::Row(None, 3, None), &judged(&["+0.5", "+1/2", "-3", "- 3"]));
        assert_eq!(shown(&problems.maj_at()), "4:0.5000/1 9:none ");
        assert_eq!(problems.problems[0].majority(), Some("0.5"));
        problems.add(Name::Row(None, 4, Some(json!("x"))), &judged(&["?", "?", "?", "?"]));
        assert_eq!(shown(&problems.maj_at()), "4:0.2500/2 9:none ");
        assert_eq!(problems.problems[1].majority(), None);
    }
}
