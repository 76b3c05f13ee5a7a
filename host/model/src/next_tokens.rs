//! Choosing the next token of every row from its logits, where the logits are.
//!
//! A row's choice is a function of its logits and of one number between 0 and 1, drawn on the CPU from the row's own
//! seeded stream: the running sum of probabilities is searched for the place that the number marks. So the device
//! needs no random state, a row's draw does not depend on its neighbours, and only tokens and log-probabilities come
//! back, in one read.

use tch::{Kind, Tensor};

use crate::{ModelError, Sampling};

/// Probabilities are summed as whole numbers of this one's parts. Integers add up to the same in any order, so a draw
/// repeats on every device and with any number of threads; libtorch has no such sum of floats on a GPU. Tokens rarer
/// than 2^-40 are never drawn.
const WHOLE: f64 = (1_u64 << 40) as f64;
/// On a CPU, `top_p` looks among this many of the likeliest tokens before it sorts the whole vocabulary, which takes
/// longer than a small model's forward pass.
const LIKELIEST: i64 = 512;

/// A token for each row of `logits`, `[n, vocabulary]`, with its log-probability as
/// [`Response::log_probabilities`](crate::Response::log_probabilities) has it: NaN where a row's logits are not a
/// distribution. `marks` has a number in [0, 1) for each row.
pub(crate) fn choose(logits: &Tensor, marks: &[f64], sampling: &Sampling) -> Result<Vec<(u32, f32)>, ModelError> {
    let logits = logits.to_kind(Kind::Float);
    let (tokens, chosen) = if sampling.temperature == 0.0 {
        let tokens = logits.f_argmax(-1, true)?;
        let chosen = logits.f_log_softmax(-1, Kind::Float)?.f_gather(-1, &tokens, false)?;
        (tokens, chosen)
    } else {
        let marks = Tensor::from_slice(marks).f_unsqueeze(-1)?.f_to_device(logits.device())?;
        let all = if sampling.temperature == 1.0 { logits } else { logits.f_div_scalar(sampling.temperature)? };
        draw(&all.f_log_softmax(-1, Kind::Float)?, &marks, sampling)?
    };
    let both = Tensor::f_cat(&[tokens.to_kind(Kind::Double), chosen.to_kind(Kind::Double)], -1)?;
    let numbers = Vec::<f64>::try_from(&both.f_flatten(0, 1)?)?;
    Ok(numbers.chunks_exact(2).map(|pair| (pair[0] as u32, pair[1] as f32)).collect())
}

/// Tokens and log-probabilities, `[n, 1]` each, for log-probabilities `[n, vocabulary]` and marks `[n, 1]`.
fn draw(all: &Tensor, marks: &Tensor, sampling: &Sampling) -> Result<(Tensor, Tensor), ModelError> {
    // The order of the cuts is that of `transformers`: top-k, top-p of what it left, min-p.
    let sorted = sampling.top_k > 0 || sampling.top_p < 1.0;
    let (candidates, tokens) = if sorted { likeliest(all, sampling)? } else { (all.shallow_clone(), None) };
    // Scaling by a power of two is exact.
    let mut weights = (candidates.f_exp()? * WHOLE).f_to_kind(Kind::Int64)?;
    if sampling.top_p < 1.0 {
        let sums = weights.f_cumsum(-1, Kind::Int64)?;
        // Without top-k, all tokens together have 1, also those that are not among the candidates.
        let total = if sampling.top_k > 0 { last(&sums)? } else { Tensor::from(WHOLE as i64).to_device(sums.device()) };
        let before = &sums - &weights;
        weights *= before.f_lt_tensor(&(total.to_kind(Kind::Double) * sampling.top_p))?;
    }
    if sampling.min_p > 0.0 {
        let least = candidates.f_amax([-1_i64].as_slice(), true)? + sampling.min_p.ln();
        weights *= candidates.f_ge_tensor(&least)?;
    }
    let sums = weights.f_cumsum(-1, Kind::Int64)?;
    // A mark is below 1 by 2^-53 at least and a sum is below 2^41, so the product is below the last sum.
    let marks = (last(&sums)?.to_kind(Kind::Double) * marks).f_floor()?.f_to_kind(Kind::Int64)?;
    let places = marks.f_searchsorted(&sums, false, true, "right", None::<&Tensor>)?;
    // Only what comes of NaN is searched in vain.
    let places = places.f_clamp(0, sums.size().last().copied().unwrap_or(1) - 1)?;
    let chosen = candidates.f_gather(-1, &places, false)?;
    let places = match tokens {
        Some(tokens) => tokens.f_gather(-1, &places, false)?,
        None => places,
    };
    Ok((places, chosen))
}

/// The last column, `[n, 1]`.
fn last(sums: &Tensor) -> Result<Tensor, ModelError> {
    let columns = sums.size().last().copied().unwrap_or(1);
    Ok(sums.f_narrow(-1, columns - 1, 1)?)
}

/// Log-probabilities from the largest down, as many as the settings can choose from, and their tokens.
fn likeliest(all: &Tensor, sampling: &Sampling) -> Result<(Tensor, Option<Tensor>), ModelError> {
    let vocabulary = all.size().last().copied().unwrap_or(0);
    let top_k = i64::try_from(sampling.top_k).unwrap_or(i64::MAX);
    if top_k > 0 && top_k < vocabulary {
        let (candidates, tokens) = all.f_topk(top_k, -1, true, true)?;
        return Ok((candidates, Some(tokens)));
    }
    if top_k == 0 && LIKELIEST < vocabulary && !all.device().is_cuda() {
        let (candidates, tokens) = all.f_topk(LIKELIEST, -1, true, true)?;
        // Where a row is so flat that these do not have the share, all must be sorted. A NaN is found out later.
        let shares = candidates.f_exp()?.f_sum_dim_intlist([-1_i64].as_slice(), false, Kind::Double)?;
        if shares.f_min()?.f_double_value(&[])? > sampling.top_p {
            return Ok((candidates, Some(tokens)));
        }
    }
    let (candidates, tokens) = all.f_sort_stable(true, -1, true)?;
    Ok((candidates, Some(tokens)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::initial::uniform;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn chosen(logits: &[f32], sampling: &Sampling, count: usize) -> Vec<(u32, f32)> {
        let mut generator = ChaCha8Rng::seed_from_u64(5);
        let marks: Vec<f64> = (0..count).map(|_| uniform(&mut generator)).collect();
        let rows = Tensor::from_slice(logits).unsqueeze(0).expand([count as i64, -1], false);
        choose(&rows, &marks, sampling).unwrap()
    }

    /// The tokens that are ever drawn, in order.
    fn seen(logits: &[f32], sampling: &Sampling) -> Vec<u32> {
        let mut seen: Vec<u32> = chosen(logits, sampling, 4_000).iter().map(|(token, _)| *token).collect();
        seen.sort_unstable();
        seen.dedup();
        seen
    }

    #[test]
    fn frequencies_follow_the_tempered_probabilities() {
        let logits = [1.0_f32, 2.0, 0.0, -1.0];
        for temperature in [0.5, 1.0, 2.0] {
            let count = 20_000;
            let drawn = chosen(&logits, &Sampling { temperature, ..Sampling::new(1) }, count);
            let total: f64 = logits.iter().map(|&logit| (f64::from(logit) / temperature).exp()).sum();
            for (token, &logit) in logits.iter().enumerate() {
                let expected = (f64::from(logit) / temperature).exp() / total;
                let seen = drawn.iter().filter(|drawn| drawn.0 as usize == token).count() as f64 / count as f64;
                // Five standard deviations of a binomial share.
                let slack = 5.0 * (expected * (1.0 - expected) / count as f64).sqrt();
                assert!((seen - expected).abs() < slack, "{temperature} {token}: {seen} for {expected}");
            }
        }
    }

    #[test]
    fn greedy_takes_the_first_of_the_likeliest() {
        let greedy = Sampling { temperature: 0.0, ..Sampling::new(1) };
        assert_eq!(seen(&[0.5, 3.0, 3.0, -2.0], &greedy), [1]);
    }

    #[test]
    fn the_ends_of_the_marks_draw_tokens_that_can_be() {
        let logits = Tensor::from_slice(&[f32::NEG_INFINITY, 0.0, 1.0, f32::NEG_INFINITY]).repeat([2, 1]);
        let chosen = choose(&logits, &[0.0, 1.0 - f64::EPSILON / 2.0], &Sampling::new(1)).unwrap();
        assert_eq!(chosen.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn cuts_keep_what_they_say_alone_and_together() {
        // Probabilities 0.5, 0.3, 0.15, 0.05.
        let logits = [0.05_f32, 0.5, 0.15, 0.3].map(f32::ln);
        let all = Sampling::new(1);
        for (top_p, kept) in [(0.45, vec![1]), (0.75, vec![1, 3]), (0.9, vec![1, 2, 3]), (1.0, vec![0, 1, 2, 3])] {
            assert_eq!(seen(&logits, &Sampling { top_p, ..all.clone() }), kept, "top_p {top_p}");
        }
        for (top_k, kept) in [(1, vec![1]), (2, vec![1, 3]), (3, vec![1, 2, 3]), (9, vec![0, 1, 2, 3])] {
            assert_eq!(seen(&logits, &Sampling { top_k, ..all.clone() }), kept, "top_k {top_k}");
        }
        for (min_p, kept) in [(0.05, vec![0, 1, 2, 3]), (0.2, vec![1, 2, 3]), (0.5, vec![1, 3]), (1.0, vec![1])] {
            assert_eq!(seen(&logits, &Sampling { min_p, ..all.clone() }), kept, "min_p {min_p}");
        }
        // Of the two that top-k leaves, the likelier has 5/8.
        assert_eq!(seen(&logits, &Sampling { top_k: 2, top_p: 0.6, ..all.clone() }), [1]);
        assert_eq!(seen(&logits, &Sampling { top_k: 2, top_p: 0.7, ..all.clone() }), [1, 3]);
        assert_eq!(seen(&logits, &Sampling { top_k: 3, top_p: 0.99, min_p: 0.5, ..all }), [1, 3]);
    }

    #[test]
    fn a_flat_row_of_a_large_vocabulary_is_cut_where_a_sort_would_cut_it() {
        // Every token but the first is as likely as another, and all of them together half as likely as the first.
        let count = 4 * LIKELIEST as usize;
        let mut logits = vec![0.0_f32; count];
        logits[0] = (2.0 * (count - 1) as f32).ln();
        assert_eq!(seen(&logits, &Sampling { top_p: 0.6, ..Sampling::new(1) }), [0]);
        let wide = seen(&logits, &Sampling { top_p: 0.9, ..Sampling::new(1) });
        // Two thirds and then 70 % of the last third.
        let kept = wide.last().copied().unwrap() as f64 / count as f64;
        assert!((kept - 0.7).abs() < 0.01, "{kept}");
    }

    #[test]
    fn log_probabilities_are_of_the_tempered_model_before_any_cut() {
        let logits = [0.05_f32, 0.5, 0.15, 0.3].map(f32::ln);
        let cut = Sampling { top_p: 0.1, ..Sampling::new(1) };
        let one = |sampling: Sampling| chosen(&logits, &sampling, 1)[0];
        assert!((one(cut.clone()).1 - 0.5_f32.ln()).abs() < 1e-6);
        let expected = 0.25_f32 / (0.0025 + 0.25 + 0.0225 + 0.09);
        assert!((one(Sampling { temperature: 0.5, ..cut }).1 - expected.ln()).abs() < 1e-6);
        assert!((one(Sampling { temperature: 0.0, ..Sampling::new(1) }).1 - 0.5_f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn logits_that_are_not_numbers_are_reported_not_sampled() {
        let cuts = [(0.0, 1.0, 0), (1.0, 1.0, 0), (1.0, 0.9, 0), (1.0, 1.0, 1)];
        for (temperature, top_p, top_k) in cuts {
            let sampling = Sampling { temperature, top_p, top_k, ..Sampling::new(1) };
            for logits in [&[f32::NAN, 1.0][..], &[1.0, f32::NAN], &[1.0, f32::INFINITY], &[f32::NEG_INFINITY; 2]] {
                assert!(chosen(logits, &sampling, 1)[0].1.is_nan(), "{logits:?} {sampling:?}");
            }
            // A token that the model rules out is another case.
            assert_eq!(chosen(&[1.0, f32::NEG_INFINITY], &sampling, 1)[0], (0, 0.0));
        }
    }
}
