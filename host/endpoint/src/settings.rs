//! How a server is called.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::budget::{Budget, Prices};
use crate::pace::Rates;
use crate::secret::ApiKey;

/// How a server is called. None of it but the model's name is part of an answer's key.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base of the API, such as `http://127.0.0.1:8080/v1`; `chat/completions` is added.
    pub url: String,
    /// The model's name, as the server knows it.
    pub model: String,
    /// The API key, where the server wants one.
    pub api_key: Option<ApiKey>,
    /// Calls at once.
    pub concurrency: usize,
    /// Limits on the rate of calls.
    pub rates: Rates,
    /// Limits on the waits for one call.
    pub timeouts: Timeouts,
    /// Further tries of a request after the first.
    pub retries: u32,
    /// Waits between tries.
    pub backoff: Backoff,
    /// Largest body that is read, in bytes.
    pub largest_reply: u64,
    /// Requests in a row without an answer, all tries used, after which the server is taken for gone; 0 for never.
    pub give_up_after: u32,
    /// Whether the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) is used.
    pub proxy_of_environment: bool,
    /// Money per million tokens.
    pub prices: Prices,
    /// Limits on all calls together.
    pub budget: Budget,
    /// How long calls under way may still take where the work is to stop; after that their connections are closed.
    pub grace: Duration,
}

/// Limits on the waits for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To the connection, with name resolution and TLS.
    pub connect: Duration,
    /// From the request to the head of the answer. A server that does not stream sends it when the answer is done.
    pub first_byte: Duration,
    /// From the beginning to the last byte.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let [connect, first_byte, whole] = [10, 300, 300].map(Duration::from_secs);
        Timeouts { connect, first_byte, whole }
    }
}

impl Settings {
    /// For the server at `url` and its `model`, and else the defaults.
    pub fn new(url: &str, model: &str) -> Settings {
        Settings {
            url: url.to_owned(),
            model: model.to_owned(),
            api_key: None,
            concurrency: 8,
            rates: Rates::default(),
            timeouts: Timeouts::default(),
            retries: 6,
            backoff: Backoff::default(),
            largest_reply: 4 << 20,
            give_up_after: 8,
            proxy_of_environment: false,
            prices: Prices::default(),
            budget: Budget::default(),
            grace: Duration::from_secs(10),
        }
    }

    /// Checks the address: `http` or `https`, a host, and nothing that belongs elsewhere. Returns it without a slash at its
    /// end.
    ///
    /// # Errors
    /// What is wrong with it and what to do.
    pub fn base(&self) -> Result<String, String> {
        let url = self.url.trim_end_matches('/');
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err("has no `http://` or `https://` before it".to_owned());
        };
        if !matches!(scheme, "http" | "https") {
            return Err(format!("has the scheme {scheme:?}; only http and https are known"));
        }
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return Err("has a user or password in it; name the environment variable with the key instead".to_owned());
        }
        if rest.contains(['?', '#']) {
            return Err("has a query or a fragment; give the base of the API alone".to_owned());
        }
        for path in ["/chat/completions", "/completions"] {
            if let Some(base) = url.strip_suffix(path) {
                return Err(format!("names one call; give the base of the API, {base:?}"));
            }
        }
        match url.parse::<ureq::http::Uri>() {
            Ok(uri) if uri.host().is_some_and(|host| !host.is_empty()) => Ok(url.to_owned()),
            Ok(_) => Err("has no host".to_owned()),
            Err(error) => Err(format!("is not a URL: {error}")),
        }
    }

    /// Whether the key would cross a network in the clear.
    pub fn key_is_in_the_clear(&self) -> bool {
        let Some(rest) = self.url.strip_prefix("http://") else { return false };
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let loopback =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        self.api_key.is_some() && !loopback
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_or_https_and_has_nothing_that_belongs_elsewhere() {
        let base = |url: &str| Settings::new(url, "m").base();
        for url in ["http://127.0.0.1:8080/v1", "https://api.example.org/v1", "http://[::1]:9", "http://localhost"] {
            assert_eq!(base(url).as_deref(), Ok(url));
        }
        assert_eq!(base("http://host/v1//").as_deref(), Ok("http://host/v1"));
        for (url, problem) in [
            ("localhost:8080", "has no `http://` or `https://` before it"),
            ("file:///etc/passwd", "has the scheme \"file\"; only http and https are known"),
            (
                "https://me:word@host/v1",
                "has a user or password in it; name the environment variable with the key instead",
            ),
            ("https://host/v1?key=1", "has a query or a fragment; give the base of the API alone"),
            ("http://host/v1/chat/completions", "names one call; give the base of the API, \"http://host/v1\""),
            ("http://:80/v1", "has no host"),
        ] {
            assert_eq!(base(url), Err(problem.to_owned()), "{url}");
        }
        assert!(base("http://a b/v1").unwrap_err().starts_with("is not a URL: "));
    }

    #[test]
    fn a_key_over_http_is_in_the_clear_but_on_the_own_machine() {
        let in_the_clear = |url: &str, key: Option<&str>| {
            let api_key = key.map(|key| ApiKey::new(key).unwrap());
            Settings { api_key, ..Settings::new(url, "m") }.key_is_in_the_clear()
        };
        assert!(in_the_clear("http://10.0.0.5:80/v1", Some("k")));
        assert!(!in_the_clear("http://10.0.0.5:80/v1", None));
        for url in ["https://host/v1", "http://localhost:80/v1", "http://127.0.0.2/v1", "http://[::1]:80/v1"] {
            assert!(!in_the_clear(url, Some("k")), "{url}");
        }
    }
}
