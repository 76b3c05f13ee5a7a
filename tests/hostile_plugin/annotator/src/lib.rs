//! An annotator that misbehaves on request, for the host's tests.
//!
//! `good`: asks about every document but those that contain `SKIP`, with its text as the question. A reply that contains
//! `DROP` drops the document, `REWRITE` rewrites it to the reply, `NOTE` annotates it, and any other keeps it. Misbehaviour
//! of both calls follows `at`: `call` means `ask`, and `read` the other. The modes of bad text, lists and numbers apply
//! to whatever either answers.

use std::cell::Cell;

use hostile_behaviour::{Config, Export, Mode, entries, misbehave, number, read, sized, text};
use octo_sdk::{Annotator, Decision, Document, Field, Message, Plugin, PluginError, Reply, Request, Rewritten};

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
    fn request(&self, index: usize, document: &Document) -> Result<Option<Request>, PluginError> {
        read(&document.text)?;
        if document.text.contains("SKIP") {
            return Ok(None);
        }
        let question = match self.config.mode {
            Mode::Count => format!("call {}, document {index}", self.calls.get()),
            _ => text(&self.config, index, &document.text),
        };
        let messages = entries(&self.config, vec![Message::system("Be brief."), Message::user(question)]);
        Ok(Some(Request { temperature: number(&self.config, 0.5), ..Request::greedy(messages, 16) }))
    }

    fn decide(&self, index: usize, reply: &Reply) -> Result<Decision, PluginError> {
        read(&reply.text)?;
        let field = |name: &str, value: &str| Field::new(text(&self.config, index, name), value);
        Ok(if self.config.mode == Mode::Count {
            let calls = self.calls.get().to_string();
            Decision::Annotate(vec![field("calls", &calls), field("index", &index.to_string())])
        } else if reply.text.contains("DROP") {
            Decision::Drop(text(&self.config, index, "asked-for"))
        } else if reply.text.contains("REWRITE") {
            let text = text(&self.config, index, &reply.text);
            Decision::Rewrite(Rewritten { text, fields: entries(&self.config, vec![field("rewritten", "yes")]) })
        } else if reply.text.contains("NOTE") {
            Decision::Annotate(entries(&self.config, vec![field("note", "seen")]))
        } else {
            Decision::Keep
        })
    }
}

impl Annotator for Hostile {
    fn ask(&self, document: &Document) -> Result<Option<Request>, PluginError> {
        self.request(0, document)
    }

    fn read(&self, _document: &Document, reply: &Reply) -> Result<Decision, PluginError> {
        self.decide(0, reply)
    }

    fn ask_batch(&self, documents: &[Document]) -> Vec<Result<Option<Request>, PluginError>> {
        if let Err(refusal) = misbehave(&self.config, Export::Call) {
            return documents.iter().map(|_| Err(refusal.clone())).collect();
        }
        self.calls.set(self.calls.get() + 1);
        let requests = documents.iter().enumerate().map(|(index, document)| self.request(index, document));
        sized(&self.config, requests.collect(), || Ok(None))
    }

    fn read_batch(&self, answered: &[(Document, Reply)]) -> Vec<Result<Decision, PluginError>> {
        if let Err(refusal) = misbehave(&self.config, Export::Read) {
            return answered.iter().map(|_| Err(refusal.clone())).collect();
        }
        self.calls.set(self.calls.get() + 1);
        let decisions = answered.iter().enumerate().map(|(index, (_, reply))| self.decide(index, reply));
        sized(&self.config, decisions.collect(), || Ok(Decision::Keep))
    }
}

octo_sdk::export!(annotator: Hostile);
