//! What goes wrong with one try of a call, and whether another can help.

use std::time::Duration;

/// Why a try brought no answer. Its words begin with "it", which is the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// No connection.
    #[error("it could not be reached: {0}")]
    Connect(String),
    /// No connection in time.
    #[error("it accepted no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// A connection, and nothing came over it in time.
    #[error("it began no answer within {0:?}")]
    FirstByteTimeout(Duration),
    /// The answer began, and did not end in time.
    #[error("it did not finish its answer within {0:?}")]
    WholeTimeout(Duration),
    /// The connection ended before the answer did.
    #[error("it closed the connection before the end of its answer")]
    Closed,
    /// What came is not HTTP.
    #[error("it does not speak HTTP as it should: {0}")]
    Protocol(String),
    /// A status that says no.
    #[error("it answered with status {status}{}", said(.message))]
    Status {
        /// The status.
        status: u16,
        /// The server's words, shortened.
        message: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// It sends callers elsewhere, where no key and no text follows it.
    #[error("it redirects to {0:?}; set `url` to where the API is")]
    Redirect(String),
    /// The answer is larger than is read.
    #[error("its answer is larger than {0} bytes")]
    TooLarge(u64),
    /// The answer is compressed though nobody asked for that.
    #[error("its answer has the encoding {0:?}, which was not asked for")]
    Encoding(String),
    /// The answer is not UTF-8.
    #[error("its answer is not UTF-8")]
    NotUtf8,
    /// A page instead of an answer.
    #[error("it answered with HTML instead of JSON")]
    Html,
    /// JSON that ends early.
    #[error("its answer is cut off in the middle")]
    CutBody,
    /// Something else instead of an answer.
    #[error("it answered with something that is not JSON: {0}")]
    NotJson(String),
    /// A successful status with an error inside.
    #[error("it answered with an error: {0}")]
    ErrorInReply(String),
    /// JSON without an answer.
    #[error("its answer has no choices")]
    NoChoice,
    /// An answer without text, such as a call of a tool.
    #[error("its answer has no text")]
    NoText,
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// What to do after a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again: it may pass.
    Retry,
    /// This request has no answer; others may.
    GiveUp,
    /// No request will have an answer: the key, the model or the address is wrong.
    Halt,
    /// This request has no answer; others have none either if none had one before, as where a key may not use the model.
    GiveUpOrHalt,
}

impl Trouble {
    /// What to do.
    pub fn next(&self) -> Next {
        match self {
            Trouble::Connect(_)
            | Trouble::ConnectTimeout(_)
            | Trouble::FirstByteTimeout(_)
            | Trouble::WholeTimeout(_)
            | Trouble::Closed
            | Trouble::Protocol(_)
            | Trouble::NotUtf8
            | Trouble::Html
            | Trouble::CutBody
            | Trouble::NotJson(_)
            | Trouble::ErrorInReply(_)
            | Trouble::NoChoice
            | Trouble::NoText => Next::Retry,
            Trouble::TooLarge(_) => Next::GiveUp,
            Trouble::Redirect(_) | Trouble::Encoding(_) => Next::Halt,
            Trouble::Status { status, message, .. } => match status {
                429 if message.contains("insufficient_quota") => Next::Halt,
                401 | 402 | 404 | 405 | 501 | 505 => Next::Halt,
                403 => Next::GiveUpOrHalt,
                408 | 409 | 425 | 429 | 500.. => Next::Retry,
                _ => Next::GiveUp,
            },
        }
    }

    /// Whether it may be the server's state rather than this request: many of these in a row mean that the server is gone.
    pub fn is_of_the_server(&self) -> bool {
        self.next() == Next::Retry && !matches!(self, Trouble::NoText | Trouble::NoChoice)
    }

    /// Whether the server may have worked for it, and may ask for money.
    pub fn may_be_charged(&self) -> bool {
        !matches!(
            self,
            Trouble::Connect(_) | Trouble::ConnectTimeout(_) | Trouble::Status { .. } | Trouble::Redirect(_)
        )
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Trouble::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_decides_what_is_next() {
        let next = |status| Trouble::Status { status, message: String::new(), retry_after: None }.next();
        assert_eq!([408, 409, 425, 429, 500, 502, 503, 504, 529].map(next), [Next::Retry; 9]);
        assert_eq!([400, 410, 413, 422].map(next), [Next::GiveUp; 4]);
        assert_eq!([401, 402, 404, 405, 501, 505].map(next), [Next::Halt; 6]);
        assert_eq!(next(403), Next::GiveUpOrHalt);
        let broke = Trouble::Status { status: 429, message: "insufficient_quota".into(), retry_after: None };
        assert_eq!(broke.next(), Next::Halt);
        assert_eq!(broke.to_string(), "it answered with status 429: insufficient_quota");
    }
}
