use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Sources whose tokens are all different (but for the end token 0), so that any loss or repetition shows.
fn sources(lengths: &[Vec<usize>]) -> Vec<TokenSource> {
    let mut next = 0;
    let mut sources = Vec::new();
    for (index, documents) in lengths.iter().enumerate() {
        let documents = documents.iter().map(|length| {
            (0..*length)
                .map(|_| {
                    next += 1;
                    next
                })
                .collect()
        });
        let name = format!("source-{index}");
        sources.push(TokenSource::from_tokens(&name, documents.collect(), 0).unwrap());
    }
    sources
}

fn lengths() -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(1usize..20, 1..8), 1..5)
}

proptest! {
    #[test]
    fn an_epoch_has_every_token_once_and_the_next_has_another_order(
        documents in prop::collection::vec(1usize..20, 1..12),
        context in 1usize..40,
        seed in any::<u64>(),
    ) {
        let source = sources(std::slice::from_ref(&documents));
        let epoch = source[0].tokens() as usize;
        let epochs = 3;
        let mut sampler = Sampler::new(source, context, seed).unwrap();
        let sequences = (epochs * epoch).div_ceil(context);
        let batch = sampler.next_batch(&[1.0], sequences).unwrap();
        let windows: Vec<&[u32]> = batch.tokens.chunks(context + 1).collect();
        prop_assert_eq!(windows.len(), sequences);
        for pair in windows.windows(2) {
            prop_assert_eq!(pair[0].last(), pair[1].first());
        }
        let inputs: Vec<u32> = windows.iter().flat_map(|window| &window[..context]).copied().collect();
        for tokens in inputs.chunks_exact(epoch).take(epochs) {
            let mut counts = BTreeMap::new();
            for token in tokens {
                *counts.entry(*token).or_insert(0usize) += 1;
            }
            let total: usize = documents.iter().sum();
            prop_assert_eq!(counts.remove(&0), Some(documents.len()), "one end token a document");
            prop_assert_eq!(counts.len(), total);
            prop_assert!(counts.values().all(|count| *count == 1));
            // Documents stay whole: within one, tokens count up.
            for neighbours in tokens.windows(2).filter(|pair| pair[0] != 0 && pair[1] != 0) {
                prop_assert_eq!(neighbours[0] + 1, neighbours[1]);
            }
        }
    }

    #[test]
    fn while_weights_stay_every_source_is_within_one_sequence_of_its_share(
        weights in prop::collection::vec(prop_oneof![Just(0.0), 1e-4f64..1.0, Just(0.5), Just(1.0)], 2..40),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0.0));
        let sources = sources(&vec![vec![3]; weights.len()]);
        let total: f64 = weights.iter().sum();
        let mut sampler = Sampler::new(sources, 2, 1).unwrap();
        let mut counts = vec![0u64; weights.len()];
        for drawn in 1..=600u64 {
            let batch = sampler.next_batch(&weights, 1).unwrap();
            counts[batch.source[0]] += 1;
            for (weight, count) in weights.iter().zip(&counts) {
                let share = weight / total * drawn as f64;
                prop_assert!((share - *count as f64).abs() < 1.0, "share {share}, given {count}");
                prop_assert!(*weight > 0.0 || *count == 0);
            }
        }
        let seen: Vec<u64> = counts.iter().map(|count| count * 2).collect();
        prop_assert_eq!(sampler.tokens_seen(), seen);
    }

    #[test]
    fn after_a_restore_the_next_batches_are_identical(
        lengths in lengths(),
        context in 1usize..30,
        steps in prop::collection::vec((prop::collection::vec(0.01f64..1.0, 4), 0usize..7), 2..12),
        cut in 0usize..12,
    ) {
        let fresh = || Sampler::new(sources(&lengths), context, 5).unwrap();
        let count = lengths.len();
        let mut whole = fresh();
        let mut resumed = fresh();
        let cut = cut.min(steps.len());
        for (weights, sequences) in &steps[..cut] {
            whole.next_batch(&weights[..count], *sequences).unwrap();
        }
        let saved = serde_json::to_string(&whole.state()).unwrap();
        resumed.restore(&serde_json::from_str(&saved).unwrap()).unwrap();
        for (weights, sequences) in &steps[cut..] {
            prop_assert_eq!(
                whole.next_batch(&weights[..count], *sequences).unwrap(),
                resumed.next_batch(&weights[..count], *sequences).unwrap()
            );
        }
        prop_assert_eq!(whole.state(), resumed.state());
        // Back to the beginning as well: a restore owes nothing to where the sampler stood.
        whole.restore(&fresh().state()).unwrap();
        prop_assert_eq!(whole.next_batch(&[1.0; 4][..count], 5), fresh().next_batch(&[1.0; 4][..count], 5));
    }

    #[test]
    fn a_batch_does_not_depend_on_how_it_was_asked_for(lengths in lengths(), context in 1usize..30) {
        let weights: Vec<f64> = (1..=lengths.len()).map(|weight| weight as f64).collect();
        let mut at_once = Sampler::new(sources(&lengths), context, 9).unwrap();
        let mut singly = at_once.clone();
        let batch = at_once.next_batch(&weights, 12).unwrap();
        let mut tokens = Vec::new();
        for source in &batch.source {
            let single = singly.next_batch(&weights, 1).unwrap();
            prop_assert_eq!(&single.source, &[*source]);
            tokens.extend(single.tokens);
        }
        prop_assert_eq!(batch.tokens, tokens);
    }
}

impl PartialEq for DataError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

#[test]
fn the_seed_decides_the_order_of_documents() {
    let order = |seed| {
        let mut sampler = Sampler::new(sources(&[vec![1; 50]]), 100, seed).unwrap();
        sampler.next_batch(&[1.0], 1).unwrap().tokens
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
    let mut sampler = Sampler::new(sources(&[vec![1; 50]]), 100, 1).unwrap();
    let epochs = sampler.next_batch(&[1.0], 2).unwrap().tokens;
    assert_ne!(epochs[..100], epochs[101..201], "the second epoch has an order of its own");
}

#[test]
fn a_restore_to_changed_data_is_refused_with_what_changed() {
    let now = sources(&[vec![5, 6], vec![7]]);
    let mut sampler = Sampler::new(now.clone(), 8, 1).unwrap();
    sampler.next_batch(&[1.0, 1.0], 3).unwrap();
    let before = sampler.state();
    let refused = |sources: Vec<TokenSource>, context, seed| {
        let mut other = Sampler::new(sources, context, seed).unwrap();
        let untouched = other.state();
        let error = other.restore(&before).unwrap_err().to_string();
        assert_eq!(other.state(), untouched);
        error
    };
    let error = refused(now.clone(), 9, 2);
    assert!(error.contains("context was 8, is 9") && error.contains("seed was 1, is 2"), "{error}");
    let error = refused(vec![now[1].clone(), now[0].clone()], 8, 1);
    assert!(error.contains("source-0, source-1") && error.contains("source-1, source-0"), "{error}");
    let error = refused(sources(&[vec![5, 6], vec![8]]), 8, 1);
    assert!(error.contains("\"source-1\"") && error.contains("8 tokens then, 9 now"), "{error}");
    assert!(!error.contains("\"source-0\""), "{error}");
    let mut damaged = before.clone();
    damaged.sources[0].sequences = u64::MAX;
    let error = sampler.restore(&damaged).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
    sampler.restore(&before).unwrap();
}

#[test]
fn weights_that_make_no_sense_are_refused() {
    let mut sampler = Sampler::new(sources(&[vec![5], vec![6]]), 4, 1).unwrap();
    for weights in [&[1.0][..], &[0.0, 0.0], &[1.0, -0.1], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0]] {
        let before = sampler.state();
        assert!(sampler.next_batch(weights, 1).is_err(), "{weights:?}");
        assert_eq!(sampler.state(), before);
    }
    let batch = sampler.next_batch(&[f64::MAX, f64::MAX], 4).unwrap();
    assert_eq!(batch.source.iter().filter(|source| **source == 0).count(), 2);
    assert!(Sampler::new(vec![], 4, 1).is_err());
    assert!(Sampler::new(sources(&[vec![5]]), 0, 1).is_err());
    let mut twice = sources(&[vec![5]]);
    twice.extend(twice.clone());
    assert!(Sampler::new(twice, 4, 1).unwrap_err().to_string().contains("source-0"));
}

#[test]
fn two_tokens_fill_a_window_of_any_length() {
    let mut sampler = Sampler::new(sources(&[vec![1]]), 5, 1).unwrap();
    assert_eq!(sampler.next_batch(&[1.0], 2).unwrap().tokens, [1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1]);
}

#[test]
fn a_source_left_out_for_a_while_gives_nothing_meanwhile() {
    let mut sampler = Sampler::new(sources(&[vec![9], vec![9], vec![9]]), 4, 1).unwrap();
    sampler.next_batch(&[0.2, 0.3, 0.5], 7).unwrap();
    let batch = sampler.next_batch(&[0.5, 0.5, 0.0], 100).unwrap();
    assert!(batch.source.iter().all(|source| *source < 2));
    let first = batch.source.iter().filter(|source| **source == 0).count();
    assert!((49..=51).contains(&first), "{first}");
}
