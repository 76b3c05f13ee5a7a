//! The API key: read from the environment, sent to the server, and written nowhere.

use std::borrow::Cow;
use std::fmt;

/// The shortest key that is taken out of what servers send. Shorter ones, such as `none`, are what local servers want
/// instead of a key, and a word of many an answer.
const SECRET: usize = 12;

/// An API key.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key in the environment variable `name`.
    ///
    /// # Errors
    /// That it is not set, or cannot be sent in a header; the message does not have its value.
    pub fn from_variable(name: &str) -> Result<ApiKey, String> {
        match std::env::var_os(name) {
            None => Err(format!("the environment variable {name} is not set; put the API key there")),
            Some(value) => ApiKey::new(&value.to_string_lossy())
                .map_err(|problem| format!("the environment variable {name} {problem}")),
        }
    }

    /// This key; white space around it is left out.
    ///
    /// # Errors
    /// What is wrong with it, without its value.
    pub fn new(key: &str) -> Result<ApiKey, String> {
        let key = key.trim();
        if key.is_empty() {
            return Err("is empty; put the API key there".to_owned());
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has characters that no API key has: only visible ASCII can be sent".to_owned());
        }
        Ok(ApiKey(key.to_owned()))
    }

    /// The value of the header `Authorization`.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// `text` without the key, in case a server repeats it.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0.len() < SECRET || !text.contains(&self.0) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.replace(&self.0, "[API key]"))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ApiKey(..)")
    }
}

/// A server's words for a message of ours: one line of at most 200 characters, without control characters.
pub(crate) fn shortened(text: &str) -> String {
    let mut line = String::new();
    let mut characters = 0;
    for word in text.split(|character: char| character.is_whitespace() || character.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
            characters += 1;
        }
        for character in word.chars() {
            if characters == 200 {
                line.push('…');
                return line;
            }
            line.push(character);
            characters += 1;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_nowhere_and_taken_out_of_texts() {
        let key = ApiKey::new(" sk-0123456789abc\n").unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
        assert_eq!(key.header(), "Bearer sk-0123456789abc");
        assert_eq!(key.redact("wrong key sk-0123456789abc!"), "wrong key [API key]!");
        assert_eq!(ApiKey::new("none").unwrap().redact("none of these"), "none of these");
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_refused_without_its_value() {
        assert_eq!(ApiKey::new(" ").unwrap_err(), "is empty; put the API key there");
        for key in ["secret\r\nX-Other: 1", "sécret", "two words"] {
            let error = ApiKey::new(key).unwrap_err();
            assert_eq!(error, "has characters that no API key has: only visible ASCII can be sent");
        }
        let error = ApiKey::from_variable("OCTO_ENDPOINT_TEST_NOT_SET").unwrap_err();
        assert_eq!(error, "the environment variable OCTO_ENDPOINT_TEST_NOT_SET is not set; put the API key there");
    }

    #[test]
    fn words_of_servers_are_one_short_line() {
        assert_eq!(shortened(" a\n\tb\u{0}c\u{1b}[31m "), "a b c [31m");
        let long = shortened(&"é".repeat(500));
        assert_eq!(long.chars().count(), 201);
    }
}
