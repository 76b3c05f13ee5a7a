//! A model folder as an engine of `octo-endpoint`: what a server is asked, it answers itself.
//!
//! Requests with the same sampling go through the model in one batch; each answer is handed out as soon as it is
//! complete. An answer's draws follow from its request alone. What shares a forward pass with it moves its probabilities by
//! rounding, which rarely moves a draw from one token to the next; where the cache has an answer, it is the one that stays.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use octo_data::prompt::Conversations;
use octo_data::seed;
use octo_data::tokenizer::Tokenizer;
use octo_endpoint::{Answer, Deliver, Finish, Halt, LanguageModel, NoAnswer, Prompt, Request, Role, Usage};
use octo_model::{Engine, Model, Precision, Response, Sampling};
use rand_chacha::rand_core::Rng;

use crate::error::TrainError;
use crate::generation::texts::{end_tokens, names_special, response_text};
use crate::stage;

/// How a model folder answers.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// Model folder with its tokenizer and, for conversations, its chat template.
    pub folder: PathBuf,
    /// What the model is called in the keys of answers: what differs in weights, tokenizer or template has another name.
    pub name: String,
    /// Answers under way at one time.
    pub batch: usize,
    /// Threads of libtorch.
    pub threads: usize,
    /// Where the model runs: `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Number format of the passes.
    pub compute: Precision,
}

/// A model folder that answers requests. It is read with the first of them, and one batch is at work at a time.
pub struct LocalModel {
    settings: LocalSettings,
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    model: Model,
    tokenizer: Tokenizer,
    conversations: Option<Conversations>,
}

impl LocalModel {
    /// A model by its settings; nothing is read yet.
    pub fn new(settings: LocalSettings) -> LocalModel {
        LocalModel { settings, loaded: Mutex::new(None) }
    }

    fn load(&self) -> Result<Loaded, TrainError> {
        let LocalSettings { folder, device, compute, .. } = &self.settings;
        let tokenizer = Tokenizer::load(folder)?;
        let model = Model::load(folder, stage::device(device)?)?.compute_in(*compute);
        model.config().check_tokenizer(&tokenizer)?;
        Ok(Loaded { model, tokenizer, conversations: None })
    }

    /// Answers `asked`, which share `sampling`: requests by their index, with their prompts.
    fn batch(
        &self,
        loaded: &Loaded,
        requests: &[Request],
        asked: &[(usize, Vec<u32>)],
        deliver: &Deliver<'_>,
    ) -> Result<(), Halt> {
        let Some(sampling) = asked.first().map(|(index, _)| &requests[*index].sampling) else { return Ok(()) };
        let sampling = Sampling {
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            stop: sampling.stop.clone(),
            end_tokens: end_tokens(&loaded.model, &loaded.tokenizer),
            ..Sampling::new(sampling.max_tokens as usize)
        };
        let (decode, decode_special) =
            (|ids: &[u32]| loaded.tokenizer.decode(ids, true), |ids: &[u32]| loaded.tokenizer.decode(ids, false));
        let mut engine = Engine::new(&loaded.model, &decode).slots(self.settings.batch).cut_at_context();
        if names_special(&loaded.tokenizer, &sampling.stop) {
            engine = engine.decode_special(&decode_special);
        }
        let prompts: Vec<Vec<u32>> = asked.iter().map(|(_, prompt)| prompt.clone()).collect();
        let seeds: Vec<u64> = asked.iter().map(|(index, _)| self.draws(&requests[*index])).collect();
        let mut delivered = Ok(());
        engine
            .generate(&prompts, &seeds, &sampling, &mut |place, response| {
                if delivered.is_ok() {
                    delivered = deliver(asked[place].0, Ok(answer(loaded, &prompts[place], response, &sampling)));
                }
            })
            .map_err(|error| Halt::Engine(error.to_string()))?;
        delivered
    }

    /// The seed of a request's draws.
    fn draws(&self, request: &Request) -> u64 {
        let key = request.key(&self.settings.name).map(|key| key.hex()).unwrap_or_default();
        seed::rng(request.sampling.seed.unwrap_or(0), &["annotate", &key], 0).next_u64()
    }
}

impl LanguageModel for LocalModel {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn answer(&self, requests: &[Request], stop: &AtomicBool, deliver: &Deliver<'_>) -> Result<(), Halt> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = &mut *loaded;
        // A request that cannot be a prompt of this model is that request's alone; the order of the others is kept.
        let work = || {
            let loaded = match loaded {
                Some(loaded) => loaded,
                none => none.insert(self.load()?),
            };
            let mut groups: Vec<Vec<(usize, Vec<u32>)>> = Vec::new();
            for (index, request) in requests.iter().enumerate() {
                match loaded.prompt(request, &self.settings.folder) {
                    Err(why) => {
                        if let Err(halt) = deliver(index, Err(NoAnswer { why, tries: 1 })) {
                            return Ok(Err(halt));
                        }
                    }
                    Ok(prompt) => {
                        let alike = |group: &&mut Vec<(usize, Vec<u32>)>| {
                            group.len() < self.settings.batch
                                && group.first().is_some_and(|(first, _)| alike(&requests[*first], request))
                        };
                        match groups.iter_mut().find(alike) {
                            Some(group) => group.push((index, prompt)),
                            None => groups.push(vec![(index, prompt)]),
                        }
                    }
                }
            }
            for group in groups {
                if stop.load(Ordering::Relaxed) {
                    return Ok(Err(Halt::Stopped));
                }
                if let Err(halt) = self.batch(loaded, requests, &group, deliver) {
                    return Ok(Err(halt));
                }
            }
            Ok(Ok(()))
        };
        stage::on_own_thread("annotate", self.settings.threads, work)
            .unwrap_or_else(|error| Err(Halt::Engine(error.to_string())))
    }
}

impl Loaded {
    /// The tokens that a request continues, or why there are none.
    fn prompt(&mut self, request: &Request, folder: &Path) -> Result<Vec<u32>, String> {
        let Loaded { model, tokenizer, conversations } = self;
        let said = |error: octo_data::DataError| error.to_string();
        let prompt = match &request.prompt {
            Prompt::Text(text) => tokenizer.encode_prompt(text).map_err(said)?,
            Prompt::Chat(messages) => {
                let conversations = match conversations {
                    Some(conversations) => conversations,
                    none => none.insert(Conversations::of_model(folder).map_err(said)?),
                };
                let turns = messages.iter().map(|message| {
                    let role = match message.role {
                        Role::System => "system",
                        Role::User => "user",
                        Role::Assistant => "assistant",
                    };
                    (role, message.content.as_str())
                });
                conversations.encode(&turns.collect::<Vec<_>>(), tokenizer).map_err(said)?
            }
        };
        let context = model.config().max_position_embeddings;
        if prompt.is_empty() {
            return Err("the prompt is empty, and a model continues at least one token".to_owned());
        }
        if prompt.len() >= context {
            return Err(format!("the prompt has {} tokens, and the model reads {context}", prompt.len()));
        }
        Ok(prompt)
    }
}

/// Whether two requests can go through the model together.
fn alike(one: &Request, other: &Request) -> bool {
    let (one, other) = (&one.sampling, &other.sampling);
    one.max_tokens == other.max_tokens
        && one.temperature == other.temperature
        && one.top_p == other.top_p
        && one.stop == other.stop
}

fn answer(loaded: &Loaded, prompt: &[u32], response: &Response, sampling: &Sampling) -> Answer {
    let finish = match response.finish {
        octo_model::Finish::Stop => Finish::Stop,
        octo_model::Finish::Length => Finish::Length,
    };
    let usage = Usage { prompt_tokens: prompt.len() as u64, answer_tokens: response.tokens.len() as u64 };
    Answer::of_engine(&response_text(&loaded.tokenizer, response, &sampling.stop), finish, usage)
}
