//! Models of C++ fastText, its predictions, and files that lie.

use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Made by `tests/golden/fasttext/make.py`.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/fasttext");

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    models: BTreeMap<String, Vec<Vec<(String, f32)>>>,
}

fn golden() -> Golden {
    let text = std::fs::read_to_string(Path::new(GOLDEN).join("predictions.json")).expect("the golden file");
    serde_json::from_str(&text).expect("JSON")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(GOLDEN).join(name)).expect("a golden model")
}

fn read(bytes: &[u8]) -> Result<FastTextModel, String> {
    FastTextModel::read(Path::new("m.bin"), bytes, bytes.len() as u64).map_err(|error| error.to_string())
}

#[test]
fn every_loss_plain_pruned_and_quantised_predicts_as_cpp_fasttext() {
    let Golden { texts, models } = golden();
    assert_eq!((models.len(), texts.len()), (14, 16));
    for (name, expected) in models {
        let model = FastTextModel::load(&Path::new(GOLDEN).join(&name)).expect("a golden model");
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = model.classify(&texts, 8).expect("predictions");
        for ((text, found), expected) in texts.iter().zip(found).zip(expected) {
            let mut wanted = expected.clone();
            wanted.iter_mut().for_each(|(_, probability)| *probability = probability.min(1.0));
            assert_eq!(found.len(), wanted.len(), "{name} {text:?}\n{found:?}\n{wanted:?}");
            for ((label, probability), (other, wanted)) in found.iter().zip(&wanted) {
                assert!((probability - wanted).abs() < 2e-6, "{name} {text:?} {label}: {probability}, not {wanted}");
                // Labels of one probability have no order of their own.
                assert!(label == other || expected.iter().filter(|(_, one)| (one - wanted).abs() < 2e-6).count() > 1);
            }
        }
    }
}

#[test]
fn a_text_of_unknown_words_is_answered_and_line_breaks_are_blanks() {
    let model = read(&bytes("no_ngrams.bin")).expect("reads");
    let all = model.classify(&["qqqq zzzz", "", "butter oven", "butter\noven\r\n"], 1).expect("predictions");
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0].len(), 1, "the end of the sentence is known");
    assert_eq!(all[2], all[3]);
    assert_eq!(all[2][0].0, "kitchen");
    assert!(model.classify(&["butter"], 0).expect("none is asked for")[0].is_empty());
    let at = model.labels().iter().position(|label| label == "kitchen").expect("a label");
    let probability = model.probability("butter oven", at, &mut Scratch::default()).expect("a number");
    assert_eq!(probability, all[2][0].1);
}

#[test]
fn a_model_that_is_cut_short_anywhere_is_refused() {
    for name in golden().models.keys() {
        let bytes = bytes(name);
        for length in (0..bytes.len()).filter(|length| *length < 300 || length % 11 == 0) {
            let error = read(&bytes[..length]).err().unwrap_or_else(|| panic!("{name} of {length} bytes was read"));
            assert!(error.starts_with("m.bin: is "), "{error}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(read(&longer).err().expect("refused"), "m.bin: is damaged: 1 bytes come after its end");
        // The file has become shorter since its length was asked for.
        let error = FastTextModel::read(Path::new("m.bin"), &bytes[..bytes.len() - 1], bytes.len() as u64).err();
        assert_eq!(error.expect("refused").to_string(), "m.bin: is shorter than it was when it was opened");
    }
}

#[test]
fn a_model_with_any_byte_changed_is_refused_or_still_answers() {
    let Golden { texts, models } = golden();
    let (mut read_all, mut refused) = (0, 0);
    for name in models.keys() {
        let mut bytes = bytes(name);
        // The header, the dictionary, and the sizes of the matrices; numbers of a matrix are like each other.
        for at in (0..bytes.len()).filter(|at| *at < 300 || at % 37 == 0) {
            let own = bytes[at];
            for changed in [own ^ 0x80, own ^ 1, 0xff, 0x7f] {
                bytes[at] = changed;
                match read(&bytes) {
                    Ok(model) => {
                        read_all += 1;
                        for text in &texts[..9] {
                            let _ = model.predict(text, 3, &mut Scratch::default());
                        }
                    }
                    Err(_) => refused += 1,
                }
            }
            bytes[at] = own;
        }
    }
    assert!(read_all > 3_000 && refused > 3_000, "{read_all} were read, {refused} refused");
}

/// A golden model with the bytes at `at` replaced.
fn with(name: &str, at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes(name);
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn what_is_wrong_with_a_model_is_named() {
    let huge = i64::MAX.to_le_bytes();
    // The header ends at 64: words, labels and their counts follow it.
    let name = "no_ngrams.bin";
    let length = bytes(name).len();
    let output = length - 5 * 4 * 4 - 16;
    for (bytes, message) in [
        (b"PK\x03\x04 this is a zip file".to_vec(), "is not a model of fastText: it does not begin as one"),
        (Vec::new(), "is not a model of fastText: it does not begin as one"),
        (with(name, 4, &99i32.to_le_bytes()), "has version 99 of fastText's format; versions up to 12 are read"),
        (with(name, 8, &(-4i32).to_le_bytes()), "is damaged: its vectors have -4 numbers"),
        (with(name, 32, &9i32.to_le_bytes()), "is damaged: 9 is not the number of a loss"),
        (
            with(name, 36, &1i32.to_le_bytes()),
            "is a model of word vectors, not a classifier; train one with `fasttext supervised`",
        ),
        (
            with(name, 48, &i32::MAX.to_le_bytes()),
            "has n-grams of 0 to 2147483647 characters and up to 1 words in 0 buckets; lengths from 0 to 64 are read",
        ),
        (
            with(name, 64, &[0xff, 0xff, 0xff, 0x7f]),
            "is damaged: it says it has 2147483647 entries, 63 words and 5 labels",
        ),
        (
            with(name, output, &huge),
            "is cut short or damaged: at byte 2258, its output should take 18446744073709551615 bytes and 80 are left",
        ),
        (
            with(name, output + 8, &huge),
            "is damaged: its output is 5 x 9223372036854775807 where 4 columns are expected",
        ),
        (with(name, output + 16, &f32::NAN.to_le_bytes()), "is damaged: its output has numbers that are not finite"),
    ] {
        assert_eq!(read(&bytes).err().expect("refused"), format!("m.bin: {message}"));
    }
    let overflow = with(name, output + 16, &f32::MAX.to_le_bytes().repeat(20));
    let model = read(&overflow).expect("every number is finite");
    let said = model.classify(&["butter"], 1);
    assert!(said.is_err() || said.as_ref().is_ok_and(|found| found[0][0].1 <= 1.0), "{said:?}");

    let missing = FastTextModel::load(Path::new("/nowhere/m.bin")).err().expect("not there").to_string();
    assert_eq!(missing, "could not read /nowhere/m.bin: No such file or directory (os error 2)");
    let folder = tempfile::tempdir().expect("a folder");
    let error = FastTextModel::load(folder.path()).err().expect("a folder").to_string();
    assert_eq!(error, format!("{}: is not a file", folder.path().display()));
}

#[test]
fn a_tree_as_deep_as_it_has_labels_does_not_overflow_the_stack() {
    let mut counts: Vec<i64> = (0..45).map(|power| 1i64 << power).rev().collect();
    counts.resize(200_000, 0);
    let output =
        Output::new(Matrix::Dense { columns: 1, numbers: vec![0.0; 200_000] }, Loss::HierarchicalSoftmax, &counts);
    let found = output.ok().expect("a tree").best(&[1.0], 3, &mut Vec::new());
    assert_eq!(found.iter().map(|(label, _)| *label).collect::<Vec<_>>(), [0, 1, 2]);
    for counts in [vec![-1, 3], vec![i64::MAX, 1]] {
        let matrix = Matrix::Dense { columns: 1, numbers: vec![0.0; 2] };
        assert!(Output::new(matrix, Loss::HierarchicalSoftmax, &counts).is_err());
    }
}
