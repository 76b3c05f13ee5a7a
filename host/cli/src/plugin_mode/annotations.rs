//! Documents to what an annotator asks about them; and with a model's reply beside a document, to its decision.
//!
//! There is no model here: whoever has one asks it, and hands the same records back with its replies.

use anyhow::Result;
use octo_data::row::Row;
use octo_plugin::types::{Document, FinishReason, Reply, Request, Role};
use octo_plugin::{Annotator, Record as CaseRecord};
use serde::Serialize;
use serde_json::Value;

use super::chunks::{self, Place, Record};
use super::columns::Columns;
use super::documents::{self, read_document};
use super::summary::Summary;
use super::{Failed, Session};

/// Columns that `--map` can name.
pub const COLUMNS: [&str; 7] = ["id", "text", "url", "source", "year", "reply", "finish"];

/// What comes of a document: a request or nothing to ask, and of a reply one of the decisions.
const OUTCOMES: [&str; 6] = ["ask", "nothing-to-ask", "keep", "annotate", "rewrite", "drop"];

/// A document, and what a model said about it if it was asked.
struct Item {
    document: Document,
    reply: Option<Reply>,
}

impl Record for Item {
    fn bytes(&self) -> usize {
        self.document.bytes() + self.reply.as_ref().map_or(0, |reply| reply.text.len())
    }
}

#[derive(Serialize)]
struct Asked<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    request: Option<InJson<'a>>,
}

/// A request in the names of the interface that most servers of models have.
#[derive(Serialize)]
struct InJson<'a> {
    messages: Vec<MessageInJson<'a>>,
    max_tokens: u32,
    temperature: f64,
    top_p: f64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
}

#[derive(Serialize)]
struct MessageInJson<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> InJson<'a> {
    fn new(request: &'a Request) -> InJson<'a> {
        let role = |role| match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let messages = request.messages.iter();
        InJson {
            messages: messages.map(|said| MessageInJson { role: role(said.role), content: &said.content }).collect(),
            max_tokens: request.max_tokens,
            temperature: request.temperature,
            top_p: request.top_p,
            stop: &request.stop,
        }
    }
}

/// Prints one request or decision a line.
pub fn run(annotator: Annotator, session: Session) -> Result<Summary> {
    let Session { input, columns, strict, mut answers, mut failures, terminal, stop } = session;
    let mut summary = Summary::start(&terminal, &input.name, "annotator", ("Annotated", "documents"), &OUTCOMES);
    let read = move |record: &Row, place: Place<'_>| Ok((columns.id(record), read_item(&columns, record, place)?));
    let lines = chunks::for_each(input, strict, &terminal, &stop, read, |chunk| {
        // A chunk may have both: each half is asked in one call, and the answers come in the order of the records.
        let (unasked, answered): (Vec<&Item>, Vec<&Item>) =
            chunk.iter().map(|entry| &entry.record).partition(|item| item.reply.is_none());
        let unasked: Vec<Document> = unasked.into_iter().map(|item| item.document.clone()).collect();
        let pair = |item: &Item| Some((item.document.clone(), item.reply.clone()?));
        let answered: Vec<(Document, Reply)> = answered.into_iter().filter_map(pair).collect();
        let mut requests = annotator.ask(&unasked).into_iter();
        let mut decisions = annotator.read(&answered).into_iter();
        let none = "an annotator answers each item";
        let count = chunk.len();
        for entry in chunk {
            let (line, id, file) = (entry.line, entry.id.as_ref(), entry.file.as_deref());
            let Item { document, reply } = entry.record;
            let failure = match reply {
                None => match requests.next().expect(none) {
                    Ok(request) => {
                        summary.count(if request.is_some() { "ask" } else { "nothing-to-ask" });
                        answers.write(file, &Asked { line, id, request: request.as_ref().map(InJson::new) })?;
                        continue;
                    }
                    Err(failure) => failure,
                },
                Some(_) => match decisions.next().expect(none) {
                    Ok(decision) => {
                        let answer = documents::Answer::new(line, id, &decision);
                        summary.count(answer.decision);
                        answers.write(file, &answer)?;
                        continue;
                    }
                    Err(failure) => failure,
                },
            };
            summary.count_failure(&failure);
            answers.write(file, &Failed::new(line, id, &failure))?;
            failures.save(line, id, &failure, || CaseRecord::Annotator { document, reply })?;
        }
        summary.advance(count);
        answers.flush()
    })?;
    failures.report();
    Ok(summary.finish(lines))
}

fn read_item(columns: &Columns, record: &Row, place: Place<'_>) -> Result<Item, String> {
    let mut document = read_document(columns, record, place)?;
    let reply = match columns.text(record, "reply")? {
        None => None,
        Some(text) => {
            let finish = columns.text(record, "finish")?;
            let finish = match finish.as_deref() {
                None | Some("stop") => FinishReason::Stop,
                Some("length") => FinishReason::Length,
                Some(other) => {
                    let shown = octo_data::error::quoted(other);
                    return Err(format!("{} is {shown}; it is \"stop\" or \"length\"", columns.map().shown("finish")));
                }
            };
            Some(Reply { text, finish })
        }
    };
    // What the model said is no field of the document.
    if !columns.picks_fields() {
        let said = ["reply", "finish"].map(|field| columns.map().column(field));
        document.fields.retain(|field| !said.contains(&field.name.as_str()));
    }
    Ok(Item { document, reply })
}
