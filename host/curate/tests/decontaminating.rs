//! `decontaminate` on real benchmarks, where they are present: the rows of one test set are found when they are planted,
//! and the rows of another, which are like them, are not taken for them.

use octo_curate::decontaminate::benchmarks::Benchmark;
use octo_curate::decontaminate::{BenchmarkRow, Index, IndexSettings, Matching, Rules, hits};
use octo_data::field_map::FieldMap;
use octo_test_support::shared;

const AROUND: &str =
    "The river rises in the hills and turns to the west below the old bridge, where the market is held.";

fn rows(path: &str, map: &str) -> Option<Vec<BenchmarkRow>> {
    let files = vec![shared(path)?];
    let benchmark = Benchmark { name: path.into(), files, map: FieldMap::parse(map).expect("a map"), rows: None };
    Some(benchmark.read().expect("reads").2)
}

fn solved(row: &BenchmarkRow) -> String {
    format!("{AROUND}\n\n{}\n\n{}\n\n{AROUND}", row.query, row.labels[0])
}

#[test]
fn rows_of_a_test_set_are_found_and_rows_like_them_are_not() {
    let map = "query=question,label=answer";
    let Some(test) = rows("data/problems/gsm8k_test.jsonl", map) else { return };
    let Some(train) = rows("data/problems/gsm8k_train.jsonl", map) else { return };
    for rules in [Rules::Ngram, Rules::Datatrove, Rules::Decon] {
        let matching = Matching::of(rules);
        let built = Index::build(IndexSettings::of(rules), vec![("gsm8k".into(), Vec::new(), test.clone())]);
        let index = built.expect("an index");
        assert_eq!(index.benchmarks[0].indexed, 1319, "{rules:?}");
        let names = |text: &str| -> Vec<String> {
            hits(&index, &matching, &[], text).iter().map(|hit| index.rows[hit.row as usize].name.clone()).collect()
        };
        for row in test.iter().step_by(13) {
            let found = names(&solved(row));
            assert!(found.contains(&row.name), "{rules:?} {}: {found:?}", row.name);
        }
        let taken = train.iter().step_by(13).filter(|row| !names(&solved(row)).is_empty()).count();
        // datatrove makes every number 0, so that sums of one problem match those of another.
        let expected = if rules == Rules::Datatrove { 69 } else { 0 };
        assert_eq!(taken, expected, "{rules:?}: rows of the training set that are taken for rows of the test set");
    }
}
