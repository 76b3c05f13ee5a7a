use super::*;
use crate::packing::Packing;
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
    fn an_epoch_has_every_token_once_and_documents_stay_in_order_within_a_window(
        documents in prop::collection::vec(1usize..20, 1..12),
        context in 1usize..40,
        seed in any::<u64>(),
    ) {
        let source = sources(std::slice::from_ref(&documents));
        let epoch = source[0].tokens();
        let packing = Packing { tokens: epoch, context: context as u64 };
        let epochs = 3;
        let mut sampler = Sampler::new(source, context, seed).unwrap();
        let sequences = packing.first_of(epochs) as usize;
        let batch = sampler.next_batch(&[1.0], sequences).unwrap();
        let mut counts = BTreeMap::new();
        for window in batch.tokens.chunks(context + 1) {
            for token in &window[..context] {
                *counts.entry(*token).or_insert(0u64) += 1;
            }
            for neighbours in window.windows(2).filter(|pair| pair[0] != 0 && pair[1] != 0) {
                prop_assert_eq!(neighbours[0] + 1, neighbours[1]);
            }
        }
        let over = (sequences * context) as u64 - epochs * epoch;
        let ends = counts.remove(&0).unwrap();
        let total: usize = documents.iter().sum();
        prop_assert_eq!(counts.len(), total, "no token is lost");
        prop_assert_eq!(counts.values().sum::<u64>() + ends, epochs * epoch + over);
        // But for what the last window has of the next epoch, none is repeated.
        let again: u64 = counts.values().map(|count| count - epochs).sum::<u64>() + ends - epochs * documents.len() as u64;
        prop_assert_eq!(again, over);
        prop_assert!(over < context as u64);
    }

    #[test]
    fn all_ranks_together_see_what_one_would_and_any_world_goes_on_where_another_stopped(
        lengths in lengths(),
        context in 1usize..20,
        steps in prop::collection::vec((prop::collection::vec(0.01f64..1.0, 4), 0usize..20), 2..6),
        worlds in prop::collection::vec(prop::sample::select(vec![1usize, 2, 3, 4, 8]), 6),
        seed in any::<u64>(),
    ) {
        let count = lengths.len();
        let mut alone = Sampler::new(sources(&lengths), context, seed).unwrap();
        let mut saved = alone.state();
        for ((weights, sequences), world_size) in steps.iter().zip(&worlds) {
            let whole = alone.next_batch(&weights[..count], *sequences).unwrap();
            let mut together = Batch { tokens: vec![], source: vec![], segments: vec![] };
            let mut states = Vec::new();
            // Every step is taken by fresh processes that resume from one checkpoint, in a world of another size.
            for rank in 0..*world_size {
                let mut own = Sampler::new(sources(&lengths), context, seed).unwrap();
                own.restore(&saved).unwrap();
                let part = own.next_batch_of(Rank { rank, world_size: *world_size }, &weights[..count], *sequences).unwrap();
                prop_assert!(part.source.len() == sequences / world_size || part.source.len() == sequences / world_size + 1);
                together.tokens.extend(part.tokens);
                together.source.extend(part.source);
                together.segments.extend(part.segments);
                states.push(own.state());
            }
            prop_assert_eq!(together, whole);
            prop_assert!(states.iter().all(|state| *state == alone.state()));
            saved = states.swap_remove(world_size - 1);
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

#[test]
fn with_long_windows_shares_are_within_one_window_of_the_weights_and_a_thousandth_takes_a_thousand_windows() {
    let (context, weights) = (8192usize, [0.3, 0.7]);
    let mut sampler = Sampler::new(sources(&[vec![3], vec![3]]), context, 1).unwrap();
    let farthest = |sampler: &mut Sampler, sequences: u64| {
        sampler.next_batch(&weights, 1).unwrap();
        let shares = sampler.realised_shares();
        let off = weights.iter().zip(&shares).map(|(weight, share)| (weight - share).abs()).fold(0.0, f64::max);
        assert!(off < 1.0 / sequences as f64, "after {sequences} sequences: {off}");
        off
    };
    let off: Vec<f64> = (1..=1100).map(|sequences| farthest(&mut sampler, sequences)).collect();
    // A million tokens are 122 windows, of which neither 36 nor 37 are three tenths.
    assert_eq!(1_000_000 / context, 122);
    assert!(off[121] > 0.001, "{}", off[121]);
    assert!(off[999..].iter().all(|off| *off < 0.001));
}

proptest! {
    // A case draws up to 15,000 sequences.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn over_a_million_tokens_shares_are_within_a_thousandth_of_the_weights(
        weights in prop::collection::vec(1e-3f64..1.0, 2..8),
        context in prop::sample::select(vec![64usize, 128, 512, 1000]),
    ) {
        let sources = sources(&vec![vec![3]; weights.len()]);
        let total: f64 = weights.iter().sum();
        let mut sampler = Sampler::new(sources, context, 1).unwrap();
        for _ in 0..10 {
            sampler.next_batch(&weights, 1_000_000usize.div_ceil(10 * context)).unwrap();
        }
        for (weight, share) in weights.iter().zip(sampler.realised_shares()) {
            prop_assert!((weight / total - share).abs() <= 0.001, "{} {share}", weight / total);
        }
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
        let mut sampler = Sampler::new(sources(&[vec![1; 50]]), 10, seed).unwrap();
        sampler.next_batch(&[1.0], 10).unwrap().tokens
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
    let mut sampler = Sampler::new(sources(&[vec![1; 50]]), 10, 1).unwrap();
    let epochs = sampler.next_batch(&[1.0], 20).unwrap().tokens;
    assert_ne!(epochs[..110], epochs[110..], "the second epoch has an order of its own");
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

#[test]
fn a_source_at_its_cap_gives_no_more_and_the_others_share_what_it_would_have_given() {
    // 20, 10 and 40 tokens an epoch; 5 are a sequence.
    let mut sampler = Sampler::new(sources(&[vec![19], vec![9], vec![39]]), 5, 1).unwrap();
    sampler.cap_epochs(&BTreeMap::from([("source-0".into(), 1.5), ("source-1".into(), 2.0)])).unwrap();
    let mut counts = [0; 3];
    let mut draw = |sampler: &mut Sampler, sequences| {
        for source in sampler.next_batch(&[0.4, 0.4, 0.2], sequences).unwrap().source {
            counts[source] += 1;
        }
        counts
    };
    assert_eq!(draw(&mut sampler, 5), [2, 2, 1]);
    assert!(sampler.capped().is_empty());
    assert_eq!(draw(&mut sampler, 30), [6, 4, 25], "30 tokens, 20 tokens, and the rest");
    assert_eq!(sampler.capped(), ["source-0", "source-1"]);
    // A sampler that resumes has the caps of its own config, and stands at them.
    let mut resumed = Sampler::new(sources(&[vec![19], vec![9], vec![39]]), 5, 1).unwrap();
    resumed.cap_epochs(&BTreeMap::from([("source-0".into(), 1.5), ("source-1".into(), 2.0)])).unwrap();
    resumed.restore(&sampler.state()).unwrap();
    assert_eq!(resumed.next_batch(&[1.0, 0.0, 1.0], 2).unwrap().source, [2, 2]);
}

#[test]
fn when_all_are_capped_the_error_says_what_to_do_and_nothing_moves() {
    let mut sampler = Sampler::new(sources(&[vec![9], vec![9]]), 5, 1).unwrap();
    sampler.cap_epochs(&BTreeMap::from([("source-0".into(), 1.0)])).unwrap();
    sampler.next_batch(&[1.0, 0.0], 2).unwrap();
    let before = sampler.state();
    let error = sampler.next_batch(&[1.0, 0.0], 1).unwrap_err().to_string();
    assert!(error.contains("\"source-0\" (10 tokens per epoch)") && error.contains("max_epochs"), "{error}");
    assert!(!error.contains("source-1"), "{error}");
    assert!(error.contains("fewer tokens"), "{error}");
    assert_eq!(sampler.state(), before);
    sampler.next_batch(&[1.0, 1.0], 3).unwrap();
    for (name, most) in [("web", 1.0), ("source-0", 0.0), ("source-0", f64::NAN)] {
        assert!(sampler.cap_epochs(&BTreeMap::from([(name.into(), most)])).is_err(), "{name} {most}");
    }
}

#[test]
fn a_rank_outside_its_world_is_refused() {
    let mut sampler = Sampler::new(sources(&[vec![5]]), 4, 1).unwrap();
    for (rank, world_size) in [(0, 0), (2, 2), (7, 3)] {
        assert!(sampler.next_batch_of(Rank { rank, world_size }, &[1.0], 4).is_err());
    }
    assert_eq!(sampler.tokens_seen(), [0]);
}
