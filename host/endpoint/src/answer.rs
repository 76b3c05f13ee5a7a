//! What a model answered, read from what a server sent.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::request::Request;
use crate::trouble::Trouble;

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model ended it, or a stop text did.
    Stop,
    /// The limit on its tokens cut it.
    Length,
    /// For a reason of the server's own, such as `content_filter`; empty where it gave none.
    Other(String),
}

/// Tokens of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub answer_tokens: u64,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the model wrote.
    pub text: String,
    /// How it ended.
    pub finish: Finish,
    /// Tokens, as the server counted them; none where it did not say, or said nonsense.
    pub usage: Option<Usage>,
    /// What the engine sent, as it came: a server's body.
    pub raw: String,
}

/// More tokens than any call has: a count above is nonsense.
const MOST_TOKENS: u64 = 1 << 40;

impl Answer {
    /// What an engine that is not a server wrote, with the body that a server would have sent for it, by which caches know
    /// it.
    pub fn of_engine(text: &str, finish: Finish, usage: Usage) -> Answer {
        let reason = match &finish {
            Finish::Stop => "stop",
            Finish::Length => "length",
            Finish::Other(reason) => reason,
        };
        let Usage { prompt_tokens, answer_tokens } = usage;
        let raw = json!({
            "choices": [{ "finish_reason": reason, "text": text }],
            "usage": { "completion_tokens": answer_tokens, "prompt_tokens": prompt_tokens },
        });
        Answer { text: text.to_owned(), finish, usage: Some(usage), raw: raw.to_string() }
    }

    /// Reads the body of a successful reply, of either kind of endpoint.
    ///
    /// # Errors
    /// What keeps it from being an answer.
    pub fn read(raw: String) -> Result<Answer, Trouble> {
        let body: Value = serde_json::from_str(&raw).map_err(|error| {
            if raw.trim_start().starts_with('<') {
                Trouble::Html
            } else if error.is_eof() {
                Trouble::CutBody
            } else {
                Trouble::NotJson(error.to_string())
            }
        })?;
        if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
            return Err(Trouble::ErrorInReply(message_of(error)));
        }
        let Some(choice) = body.get("choices").and_then(|choices| choices.get(0)) else {
            return Err(Trouble::NoChoice);
        };
        let text = choice.pointer("/message/content").or_else(|| choice.get("text")).and_then(Value::as_str);
        let Some(text) = text.map(str::to_owned) else { return Err(Trouble::NoText) };
        let finish = match choice.get("finish_reason").and_then(Value::as_str) {
            Some("stop") => Finish::Stop,
            Some("length") => Finish::Length,
            other => Finish::Other(other.unwrap_or_default().chars().take(64).collect()),
        };
        let count = |name: &str| body.get("usage")?.get(name)?.as_u64().filter(|count| *count <= MOST_TOKENS);
        let usage = count("prompt_tokens")
            .zip(count("completion_tokens"))
            .map(|(prompt_tokens, answer_tokens)| Usage { prompt_tokens, answer_tokens });
        Ok(Answer { text, finish, usage, raw })
    }

    /// Tokens as a budget counts them: as the server did, or else the most that they can be.
    pub fn counted(&self, request: &Request) -> Usage {
        self.usage.unwrap_or_else(|| Usage {
            prompt_tokens: request.most_prompt_tokens(),
            answer_tokens: (self.text.len() as u64).min(u64::from(request.sampling.max_tokens)),
        })
    }
}

/// The message of an error as servers write it: `{"error": {"message": …}}`, `{"error": "…"}` or `{"message": …}`.
pub(crate) fn message_of(error: &Value) -> String {
    let inner = error.get("error").unwrap_or(error);
    match inner.get("message").or_else(|| inner.get("detail")).unwrap_or(inner) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_reply_are_read() {
        let chat = r#"{"choices":[{"message":{"role":"assistant","content":"4"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":1}}"#;
        let answer = Answer::read(chat.to_owned()).unwrap();
        let usage = Some(Usage { prompt_tokens: 7, answer_tokens: 1 });
        assert_eq!(answer, Answer { text: "4".into(), finish: Finish::Stop, usage, raw: chat.into() });
        let text = r#" {"choices":[{"text":" four","finish_reason":"length"}],"usage":{"prompt_tokens":-1,"completion_tokens":1}}"#;
        let answer = Answer::read(text.to_owned()).unwrap();
        assert_eq!((answer.text.as_str(), answer.finish, answer.usage), (" four", Finish::Length, None));
        let filtered = r#"{"choices":[{"text":"","finish_reason":"content_filter"}]}"#;
        assert_eq!(Answer::read(filtered.to_owned()).unwrap().finish, Finish::Other("content_filter".into()));
        let silent = r#"{"choices":[{"text":"x"}],"usage":{"prompt_tokens":1e30,"completion_tokens":1}}"#;
        let answer = Answer::read(silent.to_owned()).unwrap();
        assert_eq!((answer.finish, answer.usage), (Finish::Other(String::new()), None));
    }

    #[test]
    fn what_is_not_an_answer_is_named() {
        let say = |raw: &str| Answer::read(raw.to_owned()).unwrap_err().to_string();
        assert_eq!(say("\n<!doctype html><title>x</title>"), "it answered with HTML instead of JSON");
        assert_eq!(say("{\"choices\":[{\"mess"), "its answer is cut off in the middle");
        assert_eq!(say(""), "its answer is cut off in the middle");
        assert_eq!(say("Not found"), "it answered with something that is not JSON: expected value at line 1 column 1");
        assert_eq!(say("{}"), "its answer has no choices");
        assert_eq!(say("{\"choices\":[]}"), "its answer has no choices");
        assert_eq!(say("{\"choices\":[{\"message\":{\"content\":null}}]}"), "its answer has no text");
        assert_eq!(say("{\"error\":{\"message\":\"overloaded\"}}"), "it answered with an error: overloaded");
        assert_eq!(say("{\"error\":\"busy\"}"), "it answered with an error: busy");
    }

    #[test]
    fn what_an_engine_wrote_is_read_back() {
        for finish in [Finish::Stop, Finish::Length, Finish::Other("deadline".into())] {
            let answer = Answer::of_engine("a \"b\"\n", finish, Usage { prompt_tokens: 3, answer_tokens: 4 });
            assert_eq!(Answer::read(answer.raw.clone()), Ok(answer));
        }
    }

    #[test]
    fn deep_nesting_is_not_json_and_no_overflow() {
        let deep = "[".repeat(200_000);
        assert!(matches!(Answer::read(deep), Err(Trouble::NotJson(_))));
    }
}
