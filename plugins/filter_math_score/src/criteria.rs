//! From counts to shares, and from shares to the score.

use crate::evidence::Evidence;

/// How far a page meets each criterion, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// It has any mathematics: formulas, equations, terms.
    pub content: f64,
    /// It is about mathematics: several of its terms, densely.
    pub topics: f64,
    /// It poses and solves problems, or reasons.
    pub solving: f64,
    /// It explains step by step: relations with words that lead from one to the next.
    pub steps: f64,
    /// It suits a school, and is detailed.
    pub level: f64,
}

impl Shares {
    /// The shares of a text.
    pub fn of(text: &str) -> Self {
        Shares::from_evidence(&Evidence::of(text))
    }

    fn from_evidence(found: &Evidence) -> Self {
        let up_to = |count: f64, enough: f64| (count / enough).min(1.0);
        let formulas = f64::from(found.formulas + found.equations);
        let distinct = f64::from(found.distinct_terms);
        // Two formulas, or a formula and four terms, or eight terms. What is a passing mention on a long page is none.
        let signs = formulas + distinct / 4.0;
        let dense = up_to(100.0 * (formulas + f64::from(found.terms)) / found.words.max(1.0), 1.0);
        let content = up_to(signs, 2.0) * dense;
        // Five different terms, at least one of them per 100 words. Sums of numbers stand for terms on a worked solution.
        let sums = f64::from(found.sums.min(4));
        let topics = up_to(distinct + sums, 5.0)
            * up_to(100.0 * f64::from(found.terms + found.sums) / found.words.max(1.0), 1.0);
        // Four different words of problems and reasoning, or sums, where there is mathematics to reason about.
        let solving = content * up_to(f64::from(found.distinct_reasoning) + sums / 2.0, 4.0) * up_to(formulas, 2.0);
        // Four relations, with three words that lead on or lines that say what they compute.
        let steps =
            content * up_to(f64::from(found.relations), 4.0) * up_to(f64::from(found.leading + found.explained), 3.0);
        // Three different terms of school or sums of numbers, a page of some length, and no terms of research.
        let school = up_to(f64::from(found.distinct_school) + sums / 2.0, 3.0);
        let research = up_to(f64::from(found.distinct_research), 4.0);
        let level = steps * school * (1.0 - research) * up_to(found.words, 60.0);
        Shares { content, topics, solving, steps, level }
    }

    /// One point for each criterion with a share of a half or more.
    pub fn score(&self) -> u32 {
        self.named().map(|(_, share)| u32::from(share >= 0.5)).into_iter().sum()
    }

    /// The shares with their names.
    pub fn named(&self) -> [(&'static str, f64); 5] {
        [
            ("content", self.content),
            ("topics", self.topics),
            ("solving", self.solving),
            ("steps", self.steps),
            ("level", self.level),
        ]
    }
}
