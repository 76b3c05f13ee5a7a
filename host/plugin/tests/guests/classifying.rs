//! Classifiers of the tests, which say of a text what can be counted by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use octo_plugin::{Classifiers, TextClassifier};

/// Gives `__label__MATH` the share of a text's bytes that are digits.
#[derive(Default)]
pub struct Digits {
    /// Most texts and most bytes that it was handed at once.
    pub most_texts: AtomicUsize,
    pub most_bytes: AtomicUsize,
}

impl TextClassifier for Digits {
    fn classify(&self, texts: &[&str], top: u32) -> Result<Vec<Vec<(String, f32)>>, String> {
        self.most_texts.fetch_max(texts.len(), Ordering::Relaxed);
        self.most_bytes.fetch_max(texts.iter().map(|text| text.len()).sum(), Ordering::Relaxed);
        let labels = |text: &&str| {
            let share = text.bytes().filter(u8::is_ascii_digit).count() as f32 / text.len().max(1) as f32;
            let mut labels = vec![("__label__MATH".to_owned(), share), ("__label__OTHER".to_owned(), 1.0 - share)];
            labels.truncate(top as usize);
            labels
        };
        Ok(texts.iter().map(labels).collect())
    }
}

/// One classifier by its name.
pub fn named(name: &str, classifier: impl TextClassifier + 'static) -> Classifiers {
    [(name.to_owned(), Arc::new(classifier) as Arc<dyn TextClassifier>)].into_iter().collect()
}
