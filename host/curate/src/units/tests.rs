use super::*;
use octo_data::rows::parts::{Part, Place};

fn part(weight: u64) -> Part {
    Part { place: Place::Whole, bytes: weight, weight }
}

#[test]
fn shards_are_named_from_zero_and_share_all_units() {
    let refused = |text: &str| text.parse::<Shard>().unwrap_err();
    assert_eq!(refused("8/8"), "\"8/8\" is not a shard: shards are counted from 0, so the last of 8 is 7/8");
    assert_eq!(refused("0/0"), "\"0/0\" is not a shard: there must be at least one; write I/N, such as 0/8");
    for text in ["", "3", "a/8", "-1/8", "1/8/2"] {
        assert_eq!(refused(text), format!("{text:?} is not a shard; write I/N, such as 0/8"));
    }
    let shards: Vec<Shard> = (0..3).map(|number| format!("{number}/3").parse().unwrap()).collect();
    for unit in 0..20 {
        assert_eq!(shards.iter().filter(|shard| shard.has(unit)).count(), 1);
    }
    assert_eq!((shards[2].to_string().as_str(), shards[2].has(5)), ("2/3", true));
    assert_eq!(shards[0].shards_with(&[0, 3, 4, 9]), 2);
}

#[test]
fn small_files_share_a_unit_and_large_ones_have_several() {
    let files = vec![vec![part(3), part(3)], vec![part(1)], vec![part(4)], vec![part(20)], vec![], vec![part(2)]];
    let units = plan::group(files, 5);
    let shape: Vec<Vec<(usize, u64)>> =
        units.iter().map(|unit| unit.parts.iter().map(|part| (part.input, part.part.bytes)).collect()).collect();
    assert_eq!(shape, [vec![(0, 3)], vec![(0, 3), (1, 1)], vec![(2, 4)], vec![(3, 20)], vec![(5, 2)]]);
    assert_eq!(units.iter().map(|unit| unit.number).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let many = plan::group(vec![vec![part(0)]; 2500], 5);
    assert_eq!(many.iter().map(|unit| unit.parts.len()).collect::<Vec<_>>(), [1000, 1000, 500]);
}

#[test]
fn a_shard_without_a_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let setting = Setting { shard: Some("0/2".parse().unwrap()), ..Setting::default() };
    let cut = |_: usize, _: u64| Ok(vec![part(1)]);
    let error = Units::new(&[], &cut, (folder.path(), FOLDER), &["a.jsonl"], &setting).err().unwrap().to_string();
    assert!(error.starts_with("a shard of the work needs a key"), "{error}");
}
