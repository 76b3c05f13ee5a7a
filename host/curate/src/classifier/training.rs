//! Which documents are learnt from, and the training itself.

use super::labelled::{Example, Labelled};
use super::{ClassifierError, Settings};
use fasttext::args::{Args, LossName};
use fasttext::fasttext::FastText;
use octo_data::DataError;
use octo_data::atomic::AtomicFile;
use octo_record::LabelCounts;
use octo_record::layout::{CLASSIFIER_MODEL, CLASSIFIER_QUANTISED};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The file that fastText reads, gone when the stage is done.
const LINES: &str = "lines.tmp";

/// The examples to learn from, in the order of their hashes: of each class those with the least hashes, if it has more
/// than are wanted. Then how many were left out so.
pub(super) fn draw(examples: &[Example], settings: &Settings) -> (Vec<Example>, LabelCounts) {
    let most = settings.most_per_class.unwrap_or(u64::MAX);
    let (mut taken, mut left_out) = (LabelCounts::default(), LabelCounts::default());
    let mut chosen = Vec::new();
    for example in examples.iter().filter(|example| !example.held_out) {
        let class = |counts: &mut LabelCounts| -> u64 {
            let count = if example.positive { &mut counts.positive } else { &mut counts.negative };
            *count += 1;
            *count
        };
        if class(&mut taken) <= most {
            chosen.push(*example);
        } else {
            class(&mut left_out);
        }
    }
    (chosen, left_out)
}

/// Writes the lines that fastText learns from.
pub(super) fn lines(
    labelled: &mut Labelled,
    chosen: &[Example],
    out: &Path,
    settings: &Settings,
) -> Result<PathBuf, DataError> {
    let path = out.join(LINES);
    let failed = |error| DataError::file("write", &path, error);
    let mut writer = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(failed)?);
    for example in chosen {
        let label = if example.positive { &settings.positive_label } else { &settings.negative_label };
        let text = labelled.text(example)?;
        writeln!(writer, "__label__{label} {text}").map_err(failed)?;
    }
    writer.flush().map_err(failed)?;
    Ok(path)
}

/// Trains on the lines at `path`, and writes the model, and its quantised form where that is wanted.
pub(super) fn train(
    path: &Path,
    out: &Path,
    settings: &Settings,
    stop: &Arc<AtomicBool>,
) -> Result<(), ClassifierError> {
    let mut args = Args::default();
    args.apply_supervised_defaults();
    args.input = path.to_path_buf();
    args.loss = LossName::Softmax;
    args.dim = settings.dim;
    args.lr = settings.learning_rate;
    args.word_ngrams = settings.word_ngrams;
    args.min_count = settings.min_count;
    args.epoch = settings.epochs;
    args.bucket = if settings.word_ngrams > 1 { settings.bucket } else { 0 };
    args.thread = 1;
    args.seed = (settings.seed & 0x7fff_ffff) as i32;
    let stopped = || if stop.load(Ordering::Relaxed) { Err(ClassifierError::Stopped) } else { Ok(()) };
    let mut model = guarded(|| FastText::train_with_abort(args, stop.clone()))?;
    stopped()?;
    save(&model, &out.join(CLASSIFIER_MODEL))?;
    if let Some(quantise) = settings.quantise {
        let args = Args { qnorm: true, cutoff: quantise.cutoff, ..Args::default() };
        let rows = model.input_matrix().data().len() / settings.dim as usize;
        let rows = if quantise.cutoff > 0 { rows.min(quantise.cutoff) } else { rows };
        check_rows(rows, settings.dim)?;
        guarded(|| model.quantize(&args))?;
        stopped()?;
        save(&model, &out.join(CLASSIFIER_QUANTISED))?;
    }
    Ok(())
}

/// Rows that can be quantised: product quantisation has 256 centroids to learn, and a 32-bit number of codes.
fn check_rows(rows: usize, dim: i32) -> Result<(), ClassifierError> {
    let codes = rows as u64 * (dim as u64).div_ceil(2);
    if rows < 256 {
        return Err(ClassifierError::Training(format!(
            "a model of {rows} words and n-grams cannot be quantised, which needs 256; leave quantise out, or raise bucket"
        )));
    }
    if codes > i32::MAX as u64 {
        return Err(ClassifierError::Training(format!(
            "a quantised model of {rows} words and n-grams would have {codes} codes, more than the format can; give a cutoff"
        )));
    }
    Ok(())
}

/// Calls the crate, whose panics are errors of this stage alone.
fn guarded<T>(call: impl FnOnce() -> fasttext::error::Result<T>) -> Result<T, ClassifierError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| ClassifierError::Training(error.to_string())),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it ended without a reason");
            Err(ClassifierError::Training(said.to_owned()))
        }
    }
}

fn save(model: &FastText, path: &Path) -> Result<(), ClassifierError> {
    let mut file = AtomicFile::create(path)?;
    model.save(&mut file).map_err(|error| DataError::file("write", path, std::io::Error::other(error.to_string())))?;
    Ok(file.commit()?)
}
