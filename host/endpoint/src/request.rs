//! What a model is asked, and the key under which the answer is kept.

use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions for the whole conversation.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    // The fields stand in alphabetical order, which is that of the canonical JSON.
    /// What is said.
    pub content: String,
    /// Who says it.
    pub role: Role,
}

/// What the model continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A conversation, to which the server applies the model's chat template: `/chat/completions`.
    Chat(Vec<Message>),
    /// A text, continued as it is: `/completions`.
    Text(String),
}

/// How an answer is sampled.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// Seed of the draws, for servers that know one.
    pub seed: Option<u64>,
    /// Texts that end the answer and are no part of it.
    pub stop: Vec<String>,
    /// Temperature; 0 takes the likeliest token.
    pub temperature: f64,
    /// Share of the probability that tokens are drawn from.
    pub top_p: f64,
    /// Further keys of the request's body that only some servers know, such as `chat_template_kwargs`.
    pub extra: Map<String, Value>,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { max_tokens: 512, seed: None, stop: Vec::new(), temperature: 0.0, top_p: 1.0, extra: Map::new() }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What the model continues.
    pub prompt: Prompt,
    /// How.
    pub sampling: Sampling,
}

/// SHA-256 of what decides an answer: the model, the request and the kind of endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 32]);

impl Key {
    /// 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The key that [`Key::hex`] wrote; none where `text` is not one.
    pub fn from_hex(text: &str) -> Option<Key> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Key(bytes))
    }
}

/// JSON with the keys of every object in alphabetical order, whatever the features of `serde_json`.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let mut pairs: Vec<_> = map.iter().map(|(key, value)| (key, Canonical(value))).collect();
                pairs.sort_by_key(|(key, _)| *key);
                out.collect_map(pairs)
            }
            Value::Array(values) => {
                let mut list = out.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&Canonical(value))?;
                }
                list.end()
            }
            other => other.serialize(out),
        }
    }
}

impl Request {
    /// The request's body as servers read it, its keys in alphabetical order.
    pub fn body(&self, model: &str) -> Result<String, serde_json::Error> {
        let Sampling { max_tokens, seed, stop, temperature, top_p, extra } = &self.sampling;
        let mut body = Map::new();
        body.insert("model".into(), model.into());
        match &self.prompt {
            Prompt::Chat(messages) => body.insert("messages".into(), serde_json::to_value(messages)?),
            Prompt::Text(text) => body.insert("prompt".into(), text.as_str().into()),
        };
        body.insert("max_tokens".into(), (*max_tokens).into());
        body.insert("stream".into(), false.into());
        body.insert("temperature".into(), (*temperature).into());
        body.insert("top_p".into(), (*top_p).into());
        if let Some(seed) = seed {
            body.insert("seed".into(), (*seed).into());
        }
        if !stop.is_empty() {
            body.insert("stop".into(), stop.clone().into());
        }
        // `null` takes a key out, for servers that refuse it.
        for (key, value) in extra {
            if value.is_null() {
                body.remove(key)
            } else {
                body.insert(key.clone(), value.clone())
            };
        }
        serde_json::to_string(&Canonical(&Value::Object(body)))
    }

    /// The endpoint's path below its base.
    pub fn path(&self) -> &'static str {
        match &self.prompt {
            Prompt::Chat(_) => "chat/completions",
            Prompt::Text(_) => "completions",
        }
    }

    /// The key of the answer that `model` gives.
    pub fn key(&self, model: &str) -> Result<Key, serde_json::Error> {
        let mut sum = Sha256::new();
        for part in [model, self.path(), &self.body(model)?] {
            // Lengths keep ("ab", "c") and ("a", "bc") apart.
            sum.update((part.len() as u64).to_le_bytes());
            sum.update(part.as_bytes());
        }
        Ok(Key(sum.finalize().into()))
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let (messages, text) = match &self.prompt {
            Prompt::Chat(messages) => (&messages[..], None),
            Prompt::Text(text) => (&[][..], Some(text.as_str())),
        };
        messages.iter().map(|message| message.content.as_str()).chain(text)
    }

    /// Tokens of the prompt as plans guess them: a quarter of its characters, and four for each message.
    pub fn guessed_prompt_tokens(&self) -> u64 {
        self.texts().map(|text| (text.chars().count() as u64).div_ceil(4) + 4).sum()
    }

    /// Tokens that the prompt does not exceed: a token has at least a byte, and what a chat template adds to a message is
    /// taken to be at most 64 tokens.
    pub fn most_prompt_tokens(&self) -> u64 {
        self.texts().map(|text| text.len() as u64 + 64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chat(content: &str) -> Request {
        let message = Message { role: Role::User, content: content.to_owned() };
        Request { prompt: Prompt::Chat(vec![message]), sampling: Sampling::default() }
    }

    #[test]
    fn a_body_has_its_keys_in_order_and_extra_ones_take_the_place_of_ours() {
        let mut request = chat("What is \"2\" + 2?");
        assert_eq!(
            request.body("m").unwrap(),
            r#"{"max_tokens":512,"messages":[{"content":"What is \"2\" + 2?","role":"user"}],"model":"m","stream":false,"temperature":0.0,"top_p":1.0}"#
        );
        request.sampling.seed = Some(u64::MAX);
        request.sampling.stop = vec!["\n\n".into()];
        let Value::Object(extra) = json!({"top_p": null, "max_tokens": null, "max_completion_tokens": 9, "z": {"b": 1, "a": [{"d": 1, "c": 2}]}})
        else {
            panic!("an object")
        };
        request.sampling.extra = extra;
        request.prompt = Prompt::Text("Two and two".into());
        assert_eq!(
            request.body("m").unwrap(),
            r#"{"max_completion_tokens":9,"model":"m","prompt":"Two and two","seed":18446744073709551615,"stop":["\n\n"],"stream":false,"temperature":0.0,"z":{"a":[{"c":2,"d":1}],"b":1}}"#
        );
    }

    #[test]
    fn a_key_is_of_all_that_decides_the_answer_and_of_nothing_else() {
        let request = chat("a");
        let key = request.key("m").unwrap();
        assert_eq!(key.hex(), "de8b60e11b70f6cf3a6bfe2926e9dba38c0204169005c248a9e7d0fa29a980eb");
        assert_eq!(Key::from_hex(&key.hex()), Some(key));
        assert_eq!(Key::from_hex("12"), None);
        assert_eq!(request.clone().key("m").unwrap(), key);
        let mut others = [chat("b"), chat("a"), chat("a"), chat("a")];
        others[1].sampling.seed = Some(0);
        others[2].sampling.temperature = 0.5;
        others[3].prompt = Prompt::Text("a".into());
        let mut keys: Vec<Key> = others.iter().map(|other| other.key("m").unwrap()).collect();
        keys.push(request.key("n").unwrap());
        keys.push(key);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 6);
    }

    #[test]
    fn prompts_are_guessed_by_characters_and_bounded_by_bytes() {
        let mut request = chat("éé é");
        assert_eq!((request.guessed_prompt_tokens(), request.most_prompt_tokens()), (5, 71));
        request.prompt = Prompt::Text("12345".into());
        assert_eq!((request.guessed_prompt_tokens(), request.most_prompt_tokens()), (6, 69));
    }
}
