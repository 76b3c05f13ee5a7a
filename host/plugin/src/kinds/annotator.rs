//! Annotators: one request per document, and one decision per reply to it.

use wasmtime::Store;

use super::{PluginKind, filter, returned};
use crate::cases::{Answer, Record};
use crate::contract::records::types::{Decision, Document, Reply, Request};
use crate::contract::world::{BatchResult, world};
use crate::failure::Failure;
use crate::sandbox::{Blueprint, Guest, Limits};

world!(
    /// An annotator of any version of the contract that has them.
    AnnotatorWorld { AnnotatorReady, "octo:plugin/annotator-plugin", AnnotatorPlugin, AnnotatorPluginPre }
    in V0_3 = v0_3; absent in V0_1, V0_2
);

impl AnnotatorWorld {
    fn ask(&self, store: &mut Store<Guest>, documents: &[Document]) -> BatchResult<Option<Request>> {
        match self {
            Self::V0_3(world) => world.octo_plugin_annotator().call_ask(store, documents).map(Ok),
        }
    }

    fn read(&self, store: &mut Store<Guest>, answered: &[(Document, Reply)]) -> BatchResult<Decision> {
        match self {
            Self::V0_3(world) => world.octo_plugin_annotator().call_read(store, answered).map(Ok),
        }
    }
}

/// A loaded annotator. Stateless: each batch starts from a fresh instance, so a reply is read by another instance than
/// the one that asked for it.
pub struct Annotator {
    plugin: Blueprint<AnnotatorWorld>,
}

impl Annotator {
    /// What to ask a language model about each document, on rayon's current pool: a request, nothing (the document is
    /// kept as it is) or a failure each, in their order. The same for any number of threads, any `batch_items`, and any
    /// neighbours.
    ///
    /// A request has at least one message, at most `returned_list_items` of them, at least 1 token for the reply, and
    /// numbers that one can sample by; all that one call returns is within `hostcall_bytes`.
    pub fn ask(&self, documents: &[Document]) -> Vec<Result<Option<Request>, Failure>> {
        self.plugin.run_items(
            documents,
            AnnotatorWorld::ask,
            |request| check_request(&self.plugin.limits, request),
            |document| Record::Annotator { document: document.clone(), reply: None },
        )
    }

    /// What the replies say about their documents, on rayon's current pool: one decision or failure each, in their order,
    /// independent of the same things.
    pub fn read(&self, answered: &[(Document, Reply)]) -> Vec<Result<Decision, Failure>> {
        self.plugin.run_items(
            answered,
            AnnotatorWorld::read,
            |decision| filter::check(&self.plugin.limits, &decision).map(|()| decision),
            |(document, reply)| Record::Annotator { document: document.clone(), reply: Some(reply.clone()) },
        )
    }
}

impl PluginKind for Annotator {
    type World = AnnotatorWorld;
    const INTERFACE: &'static str = "annotator";

    fn new(plugin: Blueprint<AnnotatorWorld>) -> Annotator {
        Annotator { plugin }
    }

    fn blueprint(&self) -> &Blueprint<AnnotatorWorld> {
        &self.plugin
    }

    fn blueprint_mut(&mut self) -> &mut Blueprint<AnnotatorWorld> {
        &mut self.plugin
    }

    fn answer(self, record: &Record) -> Option<Result<Answer, Failure>> {
        let Record::Annotator { document, reply } = record else { return None };
        match reply {
            None => self.ask(std::slice::from_ref(document)).pop().map(|request| request.map(Answer::Request)),
            Some(reply) => {
                self.read(&[(document.clone(), reply.clone())]).pop().map(|decision| decision.map(Answer::Decision))
            }
        }
    }
}

/// Something that a model can be asked. The texts of messages hold whole documents: they were bounded on their way by
/// `hostcall_bytes`, as a rewritten text is.
fn check_request(limits: &Limits, request: Option<Request>) -> Result<Option<Request>, Failure> {
    let Some(request) = request else { return Ok(None) };
    if request.messages.is_empty() {
        return Err(Failure::invalid_output(
            "a request has no messages; it has at least one, and a document with nothing to ask has no request",
        ));
    }
    returned::list(limits, "a request's list of messages", &request.messages)?;
    if request.messages.iter().all(|message| message.content.trim().is_empty()) {
        return Err(Failure::invalid_output("the messages of a request are all empty"));
    }
    if request.max_tokens == 0 {
        return Err(Failure::invalid_output("a request allows 0 tokens of reply; at least 1 is needed"));
    }
    returned::sampling("a request", request.temperature, request.top_p)?;
    returned::list(limits, "a request's list of stop texts", &request.stop)?;
    for stop in &request.stop {
        returned::string(limits, "a request's stop text", stop)?;
        if stop.is_empty() {
            return Err(Failure::invalid_output("a request has an empty stop text, at which every reply would end"));
        }
    }
    Ok(Some(request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::records::types::{Message, Role};

    fn request() -> Request {
        Request {
            messages: vec![Message { role: Role::User, content: "How useful is this page?".to_owned() }],
            max_tokens: 100,
            temperature: 0.0,
            top_p: 1.0,
            stop: vec!["\n\n".to_owned()],
        }
    }

    #[test]
    fn a_request_that_can_be_asked_is_passed_on_as_it_is() {
        let long = Message { role: Role::System, content: "x".repeat(1 << 20) };
        let whole = Request { messages: [request().messages, vec![long]].concat(), ..request() };
        for good in [None, Some(request()), Some(whole)] {
            assert_eq!(check_request(&Limits::default(), good.clone()), Ok(good));
        }
    }

    #[test]
    fn requests_that_cannot_be_asked_are_refused_with_what_is_wrong() {
        let limits = Limits { returned_string_bytes: 10, returned_list_items: 2, ..Limits::default() };
        let message = |content: &str| Message { role: Role::User, content: content.to_owned() };
        for (bad, words) in [
            (
                Request { messages: Vec::new(), ..request() },
                "a request has no messages; it has at least one, and a document with nothing to ask has no request",
            ),
            (
                Request { messages: vec![message("a"); 3], ..request() },
                "a request's list of messages has 3 entries; `returned_list_items` is 2",
            ),
            (Request { messages: vec![message(" \n"); 2], ..request() }, "the messages of a request are all empty"),
            (Request { max_tokens: 0, ..request() }, "a request allows 0 tokens of reply; at least 1 is needed"),
            (Request { temperature: f64::NAN, ..request() }, "a request's temperature is NaN, not a finite number"),
            (Request { temperature: -1.0, ..request() }, "a request's temperature is -1; it is 0 or more"),
            (Request { top_p: 0.0, ..request() }, "a request's top-p is 0; it is over 0 and up to 1"),
            (Request { top_p: f64::INFINITY, ..request() }, "a request's top-p is inf, not a finite number"),
            (
                Request { stop: vec!["a".to_owned(); 3], ..request() },
                "a request's list of stop texts has 3 entries; `returned_list_items` is 2",
            ),
            (
                Request { stop: vec!["x".repeat(11)], ..request() },
                "a request's stop text has 11 bytes; `returned_string_bytes` is 10",
            ),
            (
                Request { stop: vec![String::new()], ..request() },
                "a request has an empty stop text, at which every reply would end",
            ),
        ] {
            assert_eq!(check_request(&limits, Some(bad)), Err(Failure::invalid_output(words)));
        }
    }
}
