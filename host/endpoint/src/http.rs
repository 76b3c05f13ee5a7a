//! One try of one call.
//!
//! Every call has a connection of its own. A call of a language model takes a second or more, so a handshake costs little,
//! and what a server sends too much after one answer can never be taken for the next one.

use std::io::{self, Read};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderName};
use ureq::{Agent, Error, Timeout};

use crate::answer::{Answer, message_of};
use crate::backoff::retry_after;
use crate::secret::{ApiKey, shortened};
use crate::settings::{Settings, Timeouts};
use crate::trouble::Trouble;

/// Bytes that are read of an answer that says no.
const MESSAGE: u64 = 16 << 10;

pub(crate) struct Http {
    agent: Agent,
    base: String,
    api_key: Option<ApiKey>,
    timeouts: Timeouts,
    largest_reply: u64,
}

impl Http {
    /// # Errors
    /// What is wrong with the address.
    pub(crate) fn new(settings: &Settings) -> Result<Http, String> {
        let base = settings.base()?;
        let timeouts = settings.timeouts;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .user_agent(concat!("octo/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .proxy(settings.proxy_of_environment.then(ureq::Proxy::try_from_env).flatten())
            .timeout_resolve(Some(timeouts.connect))
            .timeout_connect(Some(timeouts.connect))
            .timeout_recv_response(Some(timeouts.first_byte))
            .timeout_global(Some(timeouts.whole))
            .input_buffer_size(16 << 10)
            .output_buffer_size(16 << 10);
        let Settings { api_key, largest_reply, .. } = settings.clone();
        Ok(Http { agent: config.build().into(), base, api_key, timeouts, largest_reply })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Closes the connections of all calls that are under way, and refuses further ones.
    pub(crate) fn close(&self) {
        self.agent.clone().shutdown();
    }

    /// Sends `body` to `path` below the base, and reads the answer.
    pub(crate) fn post(&self, path: &str, body: &str) -> Result<Answer, Trouble> {
        let mut request = self.agent.post(format!("{}/{path}", self.base)).content_type("application/json");
        request = request.header("connection", "close");
        if let Some(key) = &self.api_key {
            request = request.header("authorization", key.header());
        }
        let response = request.send(body.as_bytes()).map_err(|error| self.trouble(error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let reader = response.into_body().into_reader();
        if (300..400).contains(&status) {
            return Err(Trouble::Redirect(self.shown(text_of(&headers, LOCATION))));
        }
        if !(200..300).contains(&status) {
            return Err(self.refusal(status, &headers, reader));
        }
        let encoding = text_of(&headers, CONTENT_ENCODING);
        if !matches!(encoding.trim(), "" | "identity") {
            return Err(Trouble::Encoding(self.shown(encoding)));
        }
        if text_of(&headers, CONTENT_LENGTH).trim().parse::<u64>().is_ok_and(|length| length > self.largest_reply) {
            return Err(Trouble::TooLarge(self.largest_reply));
        }
        let mut bytes = Vec::new();
        let read = reader.take(self.largest_reply + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > self.largest_reply {
            return Err(Trouble::TooLarge(self.largest_reply));
        }
        read.map_err(|error| self.trouble(Error::from(error)))?;
        let text = String::from_utf8(bytes).map_err(|_| Trouble::NotUtf8)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Answer::read(self.redacted(text)).map_err(|trouble| match trouble {
            Trouble::ErrorInReply(message) => Trouble::ErrorInReply(self.shown(&message)),
            other => other,
        })
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, reader: impl Read) -> Trouble {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let retry_after = headers.get(RETRY_AFTER).and_then(|header| retry_after(header.to_str().ok()?, now));
        let mut bytes = Vec::new();
        // What could be read of the reason is enough.
        let _ = reader.take(MESSAGE).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let message = match serde_json::from_str::<Value>(&text) {
            Ok(body) => match body.pointer("/error/code").and_then(Value::as_str) {
                Some(code) => format!("{} ({code})", message_of(&body)),
                None => message_of(&body),
            },
            Err(_) if text.trim_start().starts_with('<') => "a page of HTML".to_owned(),
            Err(_) => text.into_owned(),
        };
        Trouble::Status { status, message: self.shown(&message), retry_after }
    }

    fn redacted(&self, text: &str) -> String {
        match &self.api_key {
            Some(key) => key.redact(text).into_owned(),
            None => text.to_owned(),
        }
    }

    /// A server's words, for a message of ours.
    fn shown(&self, text: &str) -> String {
        shortened(&self.redacted(text))
    }

    fn trouble(&self, error: Error) -> Trouble {
        match error {
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => Trouble::ConnectTimeout(self.timeouts.connect),
            Error::Timeout(Timeout::RecvResponse) => Trouble::FirstByteTimeout(self.timeouts.first_byte),
            Error::Timeout(_) => Trouble::WholeTimeout(self.timeouts.whole),
            Error::Io(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::NotConnected
                | io::ErrorKind::BrokenPipe => Trouble::Closed,
                io::ErrorKind::InvalidData | io::ErrorKind::Other => Trouble::Protocol(self.shown(&error.to_string())),
                _ => Trouble::Connect(self.shown(&error.to_string())),
            },
            error @ (Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) | Error::BodyStalled) => {
                Trouble::Protocol(self.shown(&error.to_string()))
            }
            other => Trouble::Connect(self.shown(&other.to_string())),
        }
    }
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|header| header.to_str().ok()).unwrap_or_default()
}
