//! English contractions without their apostrophe, which spaCy splits in two or three. Those that are words of their own
//! (`its`, `well`, `were`, `shed`) are not among them, and some others are not for no reason that could be seen.

use std::sync::OnceLock;

/// Endings, and the words that take them.
const FORMS: &[(&[&str], &str)] = &[
    (
        &["nt"],
        "ai are ca could dare did do does had has have is may might must need ought sha should was were wo would",
    ),
    (&["nt", "ve"], "ca could did do does had may might must need ought sha should wo would"),
    (&["ve"], "i you we they could might must should would not how there these those what when where who why"),
    (&["d"], "i you he it they how that there these this those what when where who why we"),
    (&["d", "ve"], "i you he she it we they how that there these this those what when where who why"),
    (&["ll"], "you it they how that there these this those what when where who why"),
    (&["ll", "ve"], "i you he she it we they how that there these this those what when where who why"),
    (&["re"], "you they how there these those what when where why"),
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

/// All of them, and which first letters, last letters and lengths there are.
struct Contractions {
    /// Packed, in order, with the lengths of all parts but the last.
    words: Vec<(u128, Vec<usize>)>,
    shapes: Vec<bool>,
}

fn all() -> &'static Contractions {
    static ALL: OnceLock<Contractions> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = Contractions { words: Vec::new(), shapes: vec![false; 26 * 26 * (LONGEST + 1)] };
        for (endings, stems) in FORMS {
            for stem in stems.split(' ') {
                let mut lengths = vec![stem.len()];
                lengths.extend(endings[..endings.len() - 1].iter().map(|ending| ending.len()));
                let whole = format!("{stem}{}", endings.concat());
                if let Some(shape) = shape(&whole) {
                    all.shapes[shape] = true;
                    all.words.push((packed(&whole), lengths));
                }
            }
        }
        all.words.sort();
        all
    })
}

/// The lengths of all parts of `word` but the last, where it is a contraction.
pub(super) fn parts(word: &str) -> Option<&'static [usize]> {
    let all = all();
    if !all.shapes[shape(word)?] {
        return None;
    }
    let found = all.words.binary_search_by_key(&packed(word), |(word, _)| *word).ok()?;
    Some(&all.words[found].1)
}

/// First letter, last letter and length in one number, so that most words are told apart from contractions at once; none
/// of a word that is too long or whose ends are not small Latin letters.
fn shape(word: &str) -> Option<usize> {
    let letter = |byte: &u8| byte.is_ascii_lowercase().then(|| usize::from(byte - b'a'));
    let bytes = word.as_bytes();
    let (first, last) = (letter(bytes.first()?)?, letter(bytes.last()?)?);
    (bytes.len() <= LONGEST).then_some((first * 26 + last) * (LONGEST + 1) + bytes.len())
}

/// A word of at most 16 bytes as a number.
fn packed(word: &str) -> u128 {
    word.bytes().fold(0, |packed, byte| packed << 8 | u128::from(byte))
}
