//! Several reward functions added up, each by its weight.

use super::RewardFunction;
use crate::contract::records::types::{Progress, Reward, RewardPart, Rollout};
use crate::failure::Failure;

/// Weights beyond this would make a total that is not finite out of rewards that are.
const LARGEST_WEIGHT: f64 = 1e6;

/// One reward function of a sum.
pub struct RewardTerm {
    /// What its parts and its failures are named by; letters, digits, '-' and '_'.
    pub name: String,
    /// What its total is multiplied by. 0 only watches it: its parts are still there.
    pub weight: f64,
    /// The plugin.
    pub function: RewardFunction,
}

/// What a stage pays: the weighted sum of the totals of its reward functions.
///
/// The parts are those of all terms, named `TERM.PART` and in each plugin's own units, so that a curve does not depend on
/// a weight. A rollout on which one term fails has no reward, whatever the others say; its failure names the first such
/// term. A function alone is a sum too: then nothing is renamed.
pub struct RewardSum {
    terms: Vec<RewardTerm>,
    named: bool,
}

impl From<RewardFunction> for RewardSum {
    fn from(function: RewardFunction) -> RewardSum {
        RewardSum { terms: vec![RewardTerm { name: String::new(), weight: 1.0, function }], named: false }
    }
}

impl RewardSum {
    /// A sum of named terms.
    ///
    /// # Errors
    /// No term, a name twice or with other characters (a part's name would be ambiguous), or a weight that is not within
    /// ±1,000,000; in words.
    pub fn new(terms: Vec<RewardTerm>) -> Result<RewardSum, String> {
        check(&terms.iter().map(|term| (term.name.as_str(), term.weight)).collect::<Vec<_>>())?;
        Ok(RewardSum { terms, named: true })
    }

    /// The terms, in order.
    pub fn terms(&self) -> &[RewardTerm] {
        &self.terms
    }

    /// Rewards rollouts on rayon's current pool: one reward or failure each, in their order. Rollouts of one group must
    /// be adjacent.
    pub fn score(&self, at: &Progress, rollouts: &[Rollout]) -> Vec<Result<Reward, Failure>> {
        self.total(self.score_each(at, rollouts))
    }

    /// The answers of every term, in order, each as [`RewardFunction::score`] gives them. Every term sees all rollouts,
    /// those too on which another fails.
    pub fn score_each(&self, at: &Progress, rollouts: &[Rollout]) -> Vec<Vec<Result<Reward, Failure>>> {
        self.terms.iter().map(|term| term.function.score(at, rollouts)).collect()
    }

    /// Adds up the answers of the terms.
    pub fn total(&self, scored: Vec<Vec<Result<Reward, Failure>>>) -> Vec<Result<Reward, Failure>> {
        let mut totals: Vec<Result<Reward, Failure>> = Vec::new();
        for (term, answers) in self.terms.iter().zip(scored) {
            if totals.is_empty() {
                totals = answers.iter().map(|_| Ok(Reward { total: 0.0, parts: Vec::new() })).collect();
            }
            for (total, answer) in totals.iter_mut().zip(answers) {
                let Ok(so_far) = total else { continue };
                match answer {
                    Ok(reward) => {
                        self.add(term, so_far, reward);
                        if !so_far.total.is_finite() {
                            let message = format!("with reward `{}` the total is {}", term.name, so_far.total);
                            *total = Err(Failure::invalid_output(message));
                        }
                    }
                    Err(failure) => *total = Err(self.named_failure(term, failure)),
                }
            }
        }
        totals
    }

    fn add(&self, term: &RewardTerm, total: &mut Reward, reward: Reward) {
        if !self.named {
            *total = reward;
            return;
        }
        total.total += term.weight * reward.total;
        let parts = reward.parts.into_iter();
        total.parts.extend(parts.map(|part| RewardPart { name: format!("{}.{}", term.name, part.name), ..part }));
    }

    fn named_failure(&self, term: &RewardTerm, failure: Failure) -> Failure {
        match self.named {
            true => Failure { message: format!("reward `{}`: {}", term.name, failure.message), ..failure },
            false => failure,
        }
    }
}

/// Names and weights of a sum.
fn check(terms: &[(&str, f64)]) -> Result<(), String> {
    if terms.is_empty() {
        return Err("a sum of rewards needs at least one".to_owned());
    }
    for (index, (name, weight)) in terms.iter().enumerate() {
        let sound = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if name.is_empty() || !name.chars().all(sound) {
            return Err(format!("the reward {name:?} can't name its parts; use letters, digits, '-' and '_'"));
        }
        if terms.iter().take(index).any(|(other, _)| other == name) {
            return Err(format!("the reward {name:?} is there twice; give it one weight"));
        }
        if weight.is_nan() || weight.abs() > LARGEST_WEIGHT {
            return Err(format!("the weight of the reward {name:?} is {weight}; it must lie within ±{LARGEST_WEIGHT}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_whose_parts_could_be_mistaken_or_whose_weight_is_none_are_refused() {
        assert!(check(&[("outcome", 1.0), ("overlong", -0.5), ("watched", 0.0)]).is_ok());
        for (terms, words) in [
            (&[][..], "at least one"),
            (&[("a", 1.0), ("a", 2.0)][..], "twice"),
            (&[("a.b", 1.0)][..], "can't name"),
            (&[("", 1.0)][..], "can't name"),
            (&[("a", f64::NAN)][..], "weight"),
            (&[("a", f64::INFINITY)][..], "weight"),
        ] {
            let error = check(terms).expect_err("refused");
            assert!(error.contains(words), "{error}");
        }
    }
}
