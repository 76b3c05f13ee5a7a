//! A classifier as filters ask it: texts are prepared first, as they were when it was trained.

use super::preprocessing::Preprocessing;
use crate::fasttext_model::FastTextModel;
use octo_plugin::TextClassifier;

/// A fastText model with the way that its texts are prepared. Labels are named without `__label__`.
pub struct PreparedClassifier {
    /// The model.
    pub model: FastTextModel,
    /// How each text is prepared.
    pub preprocessing: Preprocessing,
}

impl TextClassifier for PreparedClassifier {
    fn classify(&self, texts: &[&str], top: u32) -> Result<Vec<Vec<(String, f32)>>, String> {
        let prepared: Vec<String> = texts.iter().map(|text| self.preprocessing.apply(text)).collect();
        let prepared: Vec<&str> = prepared.iter().map(String::as_str).collect();
        self.model.classify(&prepared, top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn texts_are_prepared_before_they_are_asked_about() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/fasttext/no_ngrams.bin");
        let with = |preprocessing| {
            let model = FastTextModel::load(Path::new(golden)).expect("a golden model");
            PreparedClassifier { model, preprocessing }
        };
        let text = "KERNEL, IDEAL; MATRIX";
        let mathematics = with(Preprocessing::Mathematics).classify(&[text, ""], 1).expect("labels");
        let plain = with(Preprocessing::None).classify(&["kernel ideal matrix", text], 1).expect("labels");
        assert_eq!(mathematics[0], plain[0]);
        assert_eq!(mathematics[0][0].0, "algebra");
        assert_eq!(mathematics[1], plain[1], "words that are not known are no words");
    }
}
