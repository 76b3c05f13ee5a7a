//! English contractions without their apostrophe, which spaCy splits in two or three.

use std::sync::OnceLock;

/// Endings, and the words that take them.
const FORMS: &[(&[&str], &str)] = &[
    (
        &["nt"],
        "ai are ca could dare did do does had has have is may might must need ought sha should was were wo would",
    ),
    (&["nt", "ve"], "ca could did do does had may might must need ought sha should wo would"),
    (
        &["ve"],
        "i you we they could might must should would not how that there these this those what when where who why",
    ),
    (&["d"], "i you he it they how that there these this those what when where who why we"),
    (&["d", "ve"], "i you he she it we they how that there these this those what when where who why"),
    (&["ll"], "you it they how that there these this those what when where who why"),
    (&["ll", "ve"], "i you he she it we they how that there these this those what when where who why"),
    (&["re"], "you they how there these those what when where who why"),
    (&["s"], "he she how that there this what when where who why"),
    (&["m"], "i"),
    (&["m", "a"], "i"),
    (&["all"], "y"),
    (&["not"], "can"),
    (&["na"], "gon"),
    (&["ta"], "got"),
];

/// The longest of them, in bytes.
const LONGEST: usize = 16;

/// The lengths of all parts of `word` but the last, where it is a contraction.
pub(super) fn parts(word: &str) -> Option<&'static [usize]> {
    static ALL: OnceLock<Vec<(u128, Vec<usize>)>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let mut all = Vec::new();
        for (endings, stems) in FORMS {
            for stem in stems.split(' ') {
                let mut lengths = vec![stem.len()];
                lengths.extend(endings[..endings.len() - 1].iter().map(|ending| ending.len()));
                let whole = format!("{stem}{}", endings.concat());
                all.push((packed(whole.as_bytes()), lengths));
            }
        }
        all.sort();
        all
    });
    if !matches!(word.len(), 2..=LONGEST) || !word.bytes().last().is_some_and(|last| b"adelmst".contains(&last)) {
        return None;
    }
    let found = all.binary_search_by_key(&packed(word.as_bytes()), |(word, _)| *word).ok()?;
    Some(&all[found].1)
}

fn packed(word: &[u8]) -> u128 {
    word.iter().fold(0, |packed, byte| packed << 8 | u128::from(*byte))
}
