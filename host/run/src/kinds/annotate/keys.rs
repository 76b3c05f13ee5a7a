//! The keys of an `annotate` stage.

use std::time::Duration;

use anyhow::{Result, bail};
use octo_curate::annotate::Asking;
use octo_endpoint::{ApiKey, Backoff, Budget, Prices, Rates, Settings, Timeouts};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::recipe::stage::StageTable;
use crate::recipe::values::Texts;

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Files of documents.
    pub inputs: Texts,
    /// Role of the annotator plugin.
    pub annotator: String,
    /// The server that answers. Of its keys only `model` decides what the stage makes.
    pub endpoint: Option<EndpointKeys>,
    /// The model folder that this program runs itself, instead of a server: `@STAGE/path`, or a path.
    pub model_folder: Option<String>,
    /// How the model folder is run; it decides nothing but the speed.
    #[serde(default)]
    pub engine: EngineKeys,
    /// How answers are sampled; what is not given is as the annotator asks for.
    #[serde(default)]
    pub sampling: SamplingKeys,
    /// How often a document is asked again, with the next seed, where the annotator cannot read its answer.
    #[serde(default)]
    pub ask_again: u32,
    /// Folder that keeps every answer, relative to the recipe; `.answers` in the store where it is not given. Stages and
    /// processes on one machine may share it.
    pub answers: Option<String>,
    /// Documents that are expected, for the forecast while the inputs are not there yet.
    pub expected_documents: Option<u64>,
    /// Characters of such a document, for the same forecast.
    #[serde(default = "expected_characters")]
    pub expected_characters: usize,
    /// Whether lines that cannot be read are counted and left out, instead of ending the stage.
    #[serde(default)]
    pub skip_bad_lines: bool,
}

/// How a model folder is run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineKeys {
    /// Where it runs: `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
    /// Answers under way at one time.
    #[serde(default = "batch")]
    #[schemars(range(min = 1))]
    pub batch: usize,
    /// Threads.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub threads: usize,
}

impl Default for EngineKeys {
    fn default() -> EngineKeys {
        EngineKeys { device: cpu(), batch: batch(), threads: one() }
    }
}

impl EngineKeys {
    /// These, where they can be meant.
    ///
    /// # Errors
    /// What is wrong with one, with its place.
    pub fn checked(self, table: &StageTable<'_>) -> Result<EngineKeys> {
        for (key, value) in [("batch", self.batch), ("threads", self.threads)] {
            if value == 0 {
                bail!("{}: must be at least 1", table.place(&format!("engine.{key}")));
            }
        }
        Ok(self)
    }
}

fn expected_characters() -> usize {
    6000
}

fn cpu() -> String {
    "cpu".to_owned()
}

fn batch() -> usize {
    16
}

fn one() -> usize {
    1
}

/// How answers are sampled, in place of what the annotator asks for.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SamplingKeys {
    /// The most tokens of an answer; the annotator may ask for fewer.
    #[schemars(range(min = 1))]
    pub max_tokens: Option<u32>,
    /// The temperature; 0 takes the likeliest token.
    #[schemars(range(min = 0.0))]
    pub temperature: Option<f64>,
    /// Share of the probability that tokens are drawn from.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub top_p: Option<f64>,
    /// Seed of the server's draws; none is sent where it is not given.
    pub seed: Option<u64>,
    /// Further keys of requests that the server knows, such as `chat_template_kwargs`. One of ours is replaced.
    #[serde(default)]
    pub extra: Map<String, Value>,
}

/// A server that speaks OpenAI's API.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointKeys {
    /// Base of the API, such as `http://127.0.0.1:8080/v1`; `/chat/completions` is added.
    pub url: String,
    /// The model's name, as the server knows it.
    pub model: String,
    /// Environment variable that holds the API key, where the server wants one. The key itself is written nowhere.
    pub api_key_env: Option<String>,
    /// Calls at once.
    #[serde(default = "concurrency")]
    #[schemars(range(min = 1))]
    pub concurrency: usize,
    /// Most requests per minute.
    #[schemars(range(min = 1))]
    pub requests_per_minute: Option<u32>,
    /// Most tokens per minute, of prompts and answers.
    #[schemars(range(min = 1))]
    pub tokens_per_minute: Option<u64>,
    /// Seconds for one call, from its beginning to the last byte of its answer.
    #[serde(default = "timeout")]
    pub timeout: f64,
    /// Seconds to a connection.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: f64,
    /// Further tries of a request after the first, where another can help.
    #[serde(default = "retries")]
    pub retries: u32,
    /// Seconds before the second try; they double from try to try.
    #[serde(default = "first_wait")]
    pub first_wait: f64,
    /// The longest wait between tries in seconds, also where the server asks for more.
    #[serde(default = "longest_wait")]
    pub longest_wait: f64,
    /// Requests in a row without an answer, all tries used, after which the stage ends since the server seems to be gone; 0 for
    /// never.
    #[serde(default = "give_up_after")]
    pub give_up_after: u32,
    /// Largest answer that is read, in bytes.
    #[serde(default = "largest_reply")]
    #[schemars(range(min = 1))]
    pub largest_reply: u64,
    /// Whether the proxy of the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) is used.
    #[serde(default)]
    pub proxy: bool,
    /// Money per million tokens of prompts.
    #[serde(default)]
    pub price_in: f64,
    /// Money per million tokens of answers.
    #[serde(default)]
    pub price_out: f64,
    /// What all calls of the stage may cost, those of earlier runs included. The stage ends before it is exceeded, and resumes
    /// with a larger one.
    #[serde(default)]
    pub budget: BudgetKeys,
}

/// What calls may cost together.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetKeys {
    /// Calls, each try counted.
    pub calls: Option<u64>,
    /// Tokens of prompts and answers.
    pub tokens: Option<u64>,
    /// Money, at `price_in` and `price_out`.
    pub money: Option<f64>,
}

fn concurrency() -> usize {
    Settings::new("", "").concurrency
}

fn timeout() -> f64 {
    Timeouts::default().whole.as_secs_f64()
}

fn connect_timeout() -> f64 {
    Timeouts::default().connect.as_secs_f64()
}

fn retries() -> u32 {
    Settings::new("", "").retries
}

fn first_wait() -> f64 {
    Backoff::default().first.as_secs_f64()
}

fn longest_wait() -> f64 {
    Backoff::default().longest.as_secs_f64()
}

fn give_up_after() -> u32 {
    Settings::new("", "").give_up_after
}

fn largest_reply() -> u64 {
    Settings::new("", "").largest_reply
}

/// Most calls at once: each is a thread.
const MOST_AT_ONCE: usize = 1024;
/// The longest time that a key can name, in seconds: a week.
const LONGEST: f64 = 7.0 * 86_400.0;
/// The largest reply that can be asked for. What is kept of it stays within the cache's longest line.
const LARGEST_REPLY: u64 = 8 << 20;

impl EndpointKeys {
    /// As an endpoint wants them, without the API key.
    ///
    /// # Errors
    /// What is wrong with one, with its place.
    pub fn settings(self, table: &StageTable<'_>) -> Result<Settings> {
        let place = |key: &str| table.place(&format!("endpoint.{key}"));
        let seconds = |key: &str, value: f64| match value {
            value if value > 0.0 && value <= LONGEST => Ok(Duration::from_secs_f64(value)),
            _ => bail!("{}: is {value}; give seconds, more than 0 and at most {LONGEST}", place(key)),
        };
        let price = |key: &str, value: f64| match value {
            value if value >= 0.0 && value.is_finite() => Ok(value),
            _ => bail!("{}: is {value}; a price is 0 or more", place(key)),
        };
        if !(1..=MOST_AT_ONCE).contains(&self.concurrency) {
            bail!("{}: is {}; give a number from 1 to {MOST_AT_ONCE}", place("concurrency"), self.concurrency);
        }
        if self.model.trim().is_empty() {
            bail!("{}: is empty; give the name that the server knows the model by", place("model"));
        }
        for (key, zero) in [
            ("requests_per_minute", self.requests_per_minute == Some(0)),
            ("tokens_per_minute", self.tokens_per_minute == Some(0)),
            ("largest_reply", self.largest_reply == 0),
        ] {
            if zero {
                bail!("{}: must be at least 1", place(key));
            }
        }
        if self.largest_reply > LARGEST_REPLY {
            bail!("{}: is {}; at most {LARGEST_REPLY} bytes are read", place("largest_reply"), self.largest_reply);
        }
        if self.retries > 100 {
            bail!("{}: is {}; give at most 100", place("retries"), self.retries);
        }
        let BudgetKeys { calls, tokens, money } = self.budget;
        if let Some(money) = money {
            price("budget.money", money)?;
            if self.price_in == 0.0 && self.price_out == 0.0 {
                bail!("{}: needs `price_in` or `price_out`, else nothing costs anything", place("budget.money"));
            }
        }
        let whole = seconds("timeout", self.timeout)?;
        let connect = seconds("connect_timeout", self.connect_timeout)?;
        let (first, longest) = (seconds("first_wait", self.first_wait)?, seconds("longest_wait", self.longest_wait)?);
        let prices = Prices { input: price("price_in", self.price_in)?, output: price("price_out", self.price_out)? };
        let settings = Settings {
            concurrency: self.concurrency,
            rates: Rates { requests_per_minute: self.requests_per_minute, tokens_per_minute: self.tokens_per_minute },
            timeouts: Timeouts { connect, first_byte: whole, whole },
            retries: self.retries,
            backoff: Backoff { first, longest },
            largest_reply: self.largest_reply,
            give_up_after: self.give_up_after,
            proxy_of_environment: self.proxy,
            prices,
            budget: Budget { calls, tokens, money },
            ..Settings::new(&self.url, &self.model)
        };
        if let Err(problem) = settings.base() {
            bail!("{}: {problem}", place("url"));
        }
        Ok(settings)
    }
}

impl SamplingKeys {
    /// As the annotating filter wants them.
    ///
    /// # Errors
    /// What is wrong with one, with its place.
    pub fn asking(self, table: &StageTable<'_>, ask_again: u32) -> Result<Asking> {
        let SamplingKeys { max_tokens, temperature, top_p, seed, extra } = self;
        let place = |key: &str| table.place(&format!("sampling.{key}"));
        if max_tokens == Some(0) {
            bail!("{}: must be at least 1", place("max_tokens"));
        }
        if let Some(value) = temperature.filter(|value| !(*value >= 0.0 && value.is_finite())) {
            bail!("{}: is {value}; it is 0 or more", place("temperature"));
        }
        if let Some(value) = top_p.filter(|value| !(*value > 0.0 && *value <= 1.0)) {
            bail!("{}: is {value}; it is over 0 and up to 1", place("top_p"));
        }
        for key in ["messages", "model", "stream"] {
            if extra.contains_key(key) {
                bail!("{}: {key:?} is the stage's own", place("extra"));
            }
        }
        if ask_again > 100 {
            bail!("{}: is {ask_again}; give at most 100", table.place("ask_again"));
        }
        Ok(Asking { max_tokens, temperature, top_p, seed, extra, ask_again })
    }
}

/// The API key in the environment variable, where one is named.
///
/// # Errors
/// What is wrong with it, without its value.
pub fn api_key(variable: Option<&str>) -> Result<Option<ApiKey>, String> {
    variable.map(ApiKey::from_variable).transpose()
}
