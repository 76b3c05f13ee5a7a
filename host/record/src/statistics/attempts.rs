//! Several attempts at one problem: pass@k and maj@k.
//!
//! Both are means over every choice of k of the n attempts, so neither depends on the order of the attempts.

use super::ln_factorial;

/// The most attempts from which fewer are chosen for [`majority_at`]; its cost grows with the cube of their number.
pub const MOST_ATTEMPTS_CHOSEN_FROM: u64 = 256;

/// The chance that one of `k` attempts is correct, by the unbiased estimate of Chen et al. (2021, "Evaluating Large
/// Language Models Trained on Code", equation 1): 1 − C(n − c, k) ÷ C(n, k), for c = `correct` of n = `attempts`. None
/// where there are fewer than `k` attempts, or `k` is 0.
pub fn pass_at(correct: u64, attempts: u64, k: u64) -> Option<f64> {
    if k == 0 || k > attempts || correct > attempts {
        return None;
    }
    let wrong = attempts - correct;
    if wrong < k {
        return Some(1.0);
    }
    // As a product that never overflows, with as few factors as there are.
    let missed = if correct <= k {
        (wrong + 1..=attempts).map(|n| 1.0 - k as f64 / n as f64).product::<f64>()
    } else {
        (0..k).map(|taken| (wrong - taken) as f64 / (attempts - taken) as f64).product::<f64>()
    };
    Some(1.0 - missed)
}

/// The chance that the answer which is given most often among `k` attempts is the correct one.
///
/// `correct` attempts give the correct answer, `wrong` has the number of attempts of each other answer, and `silent`
/// attempts give none: they are among the `k` and vote for nothing. Where several answers have the most votes, one of
/// them is drawn, so the correct one counts its share of the tie: 1 ÷ 2 of two, 1 ÷ 3 of three. None where there are
/// fewer than `k` attempts, `k` is 0, or `k` are chosen from more than [`MOST_ATTEMPTS_CHOSEN_FROM`].
pub fn majority_at(correct: u64, wrong: &[u64], silent: u64, k: u64) -> Option<f64> {
    let attempts = correct + silent + wrong.iter().sum::<u64>();
    if k == 0 || k > attempts {
        return None;
    }
    if k == attempts {
        let tied = wrong.iter().filter(|&&votes| votes == correct).count();
        let beaten = correct == 0 || wrong.iter().any(|&votes| votes > correct);
        return Some(if beaten { 0.0 } else { 1.0 / (1 + tied) as f64 });
    }
    if attempts > MOST_ATTEMPTS_CHOSEN_FROM {
        return None;
    }
    // Every attempt is taken with the probability k ÷ n, on its own; given that k are taken, each choice is as likely as
    // another. So all factors are probabilities, and nothing overflows.
    let share = k as f64 / attempts as f64;
    let room = k as usize;
    let mut won = 0.0;
    for votes in 1..=correct.min(k) {
        // Answers that cannot reach as many votes limit nothing, so they are one with the silent attempts.
        let free = silent + wrong.iter().filter(|&&count| count < votes).sum::<u64>();
        let rivals: Vec<u64> = wrong.iter().copied().filter(|&count| count >= votes).collect();
        // By the number of ties so far and the attempts taken so far.
        let mut taken = vec![vec![0.0; room + 1]; rivals.len() + 1];
        let of_correct = binomial(correct, votes, share);
        for count in 0..=free.min(k - votes) {
            taken[0][(votes + count) as usize] = of_correct * binomial(free, count, share);
        }
        for (index, &rival) in rivals.iter().enumerate() {
            let chances: Vec<f64> = (0..=votes).map(|count| binomial(rival, count, share)).collect();
            let mut next = vec![vec![0.0; room + 1]; rivals.len() + 1];
            for (ties, of_ties) in taken.iter().enumerate().take(index + 1) {
                for (sum, &chance) in of_ties.iter().enumerate().filter(|(_, chance)| **chance > 0.0) {
                    for (count, &more) in chances.iter().enumerate().take(room - sum + 1) {
                        let tie = usize::from(count as u64 == votes);
                        next[ties + tie][sum + count] += chance * more;
                    }
                }
            }
            taken = next;
        }
        won += taken.iter().enumerate().map(|(ties, of_ties)| of_ties[room] / (1 + ties) as f64).sum::<f64>();
    }
    Some((won / binomial(attempts, k, share)).clamp(0.0, 1.0))
}

/// The chance that exactly `taken` of `count` attempts are taken, each with the probability `share` between 0 and 1.
fn binomial(count: u64, taken: u64, share: f64) -> f64 {
    let ways = ln_factorial(count) - ln_factorial(taken) - ln_factorial(count - taken);
    (ways + taken as f64 * share.ln() + (count - taken) as f64 * (-share).ln_1p()).exp()
}

/// 1, 2, 4 and so on up to `most`, and `most` itself: the numbers of attempts for which pass@k and maj@k are shown.
pub fn powers_of_two(most: u64) -> Vec<u64> {
    let powers = std::iter::successors(Some(1u64), |k| k.checked_mul(2)).take_while(|k| *k < most);
    powers.chain((most > 0).then_some(most)).collect()
}
