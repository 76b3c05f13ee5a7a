//! A filter that misbehaves on request, for the host's tests.
//!
//! `good`: drops documents that contain `DROP`, rewrites those that contain `REWRITE` to upper case, annotates those
//! that contain `NOTE`, and keeps the rest. The modes of bad text apply to what each of these decisions carries.

use std::cell::Cell;

use hostile_behaviour::{Config, Export, Mode, entries, misbehave, read, sized, text};
use octo_sdk::{DataFilter, Decision, Document, Field, Plugin, PluginError, Rewritten};

/// Counts its calls.
pub struct Hostile {
    config: Config,
    calls: Cell<u64>,
}

impl Plugin for Hostile {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        misbehave(&config, Export::Configure)?;
        Ok(Hostile { config, calls: Cell::new(0) })
    }
}

impl Hostile {
    fn decide(&self, index: usize, document: &Document) -> Result<Decision, PluginError> {
        read(&document.text)?;
        let field = |name: &str, value: &str| Field::new(text(&self.config, index, name), value);
        Ok(if self.config.mode == Mode::Count {
            let calls = self.calls.get().to_string();
            Decision::Annotate(vec![field("calls", &calls), field("index", &index.to_string())])
        } else if document.text.contains("DROP") {
            Decision::Drop(text(&self.config, index, "asked-for"))
        } else if document.text.contains("REWRITE") {
            let text = text(&self.config, index, &document.text.to_uppercase());
            Decision::Rewrite(Rewritten { text, fields: entries(&self.config, vec![field("rewritten", "yes")]) })
        } else if document.text.contains("NOTE") {
            Decision::Annotate(entries(&self.config, vec![field("note", "seen")]))
        } else {
            Decision::Keep
        })
    }
}

impl DataFilter for Hostile {
    fn filter(&self, document: &Document) -> Result<Decision, PluginError> {
        self.decide(0, document)
    }

    fn filter_batch(&self, documents: &[Document]) -> Vec<Result<Decision, PluginError>> {
        if let Err(refusal) = misbehave(&self.config, Export::Call) {
            return documents.iter().map(|_| Err(refusal.clone())).collect();
        }
        if self.config.mode == Mode::ClassifyForEver {
            loop {
                let _ = octo_sdk::classify("no such model", &["text".to_owned()], 1);
            }
        }
        self.calls.set(self.calls.get() + 1);
        let decisions = documents.iter().enumerate().map(|(index, document)| self.decide(index, document));
        sized(&self.config, decisions.collect(), || Ok(Decision::Keep))
    }
}

octo_sdk::export!(filter: Hostile);
