//! Responses to problems outside of any recipe: a file of them, resumable, or one at a time.
//!
//! Rows go through the model in batches of a fixed size, in their order. The lines of each finished batch are appended
//! to `OUT.part` and synced; the last batch turns that into `OUT`. A call that finds an `OUT.part` of the same model,
//! rows and settings resumes after its last whole batch, and ends with the same lines as one that was never stopped: a
//! response depends on its own seed, and what shares a forward pass with it is the same both times. The part (`part.rs`)
//! is locked while it is open, so that two calls do not write to one file.
//!
//! A seed follows from the problem and the attempt (`draws.rs`). With other rows beside it a response is the same but
//! for the rounding of its log-probabilities, which rarely moves a draw from one token to the next.

mod part;

use std::path::{Path, PathBuf};

use octo_data::digest;
use octo_data::field_map::FieldMap;
use octo_data::jsonl::{MOST_HELD, NO_ROWS, too_much_held};
use octo_data::prompt::{PromptSettings, PromptTemplate};
use octo_data::record::Problem;
use octo_data::rows::{Numbered, Rows, Wanted};
use octo_data::tokenizer::Tokenizer;
use octo_model::{Engine, Finish, Model, Precision, Sampling};
use serde_json::{Map, Value, json};

use crate::control::{Clock, Control, Finished};
use crate::error::TrainError;
use crate::generation::draws::{Draws, ProblemDraws};
use crate::generation::texts::{end_tokens, names_special, response_text};
use crate::stage;
use part::{Part, refuse_finished};

/// Responses that are written at once, for each that is under way: the more, the less time slots stand empty.
const BATCHES_AT_ONCE: usize = 4;
/// Names the random streams of these responses.
const PURPOSE: &str = "generate";

/// How problems are answered.
#[derive(Debug, Clone)]
pub struct Answering {
    /// Model folder with its tokenizer.
    pub model: PathBuf,
    /// How problems are asked.
    pub prompt: PromptSettings,
    /// Responses to each problem.
    pub samples: usize,
    /// How responses are sampled and what ends them, besides the model's own end tokens. A stop text is not part of a
    /// response.
    pub sampling: Sampling,
    /// Seed of the random draws.
    pub seed: u64,
    /// Responses under way at one time; one that ends gives its place to the next.
    pub batch: usize,
    /// Threads of libtorch.
    pub threads: usize,
    /// Where the model runs: `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Number format of the passes.
    pub compute: Precision,
}

/// A response to one problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The response, without the stop text that ended it.
    pub text: String,
    /// Its length in tokens, the end token included.
    pub tokens: usize,
    /// How it ended: `stop` or `length`.
    pub finish: &'static str,
    /// Tokens that the model's context had left for it, where that is what ended it; 0 where the prompt left none, and
    /// the model was not asked.
    pub room: Option<usize>,
}

/// What is asked of the model at once.
struct Asked<'a> {
    problem: &'a Problem,
    draws: ProblemDraws,
    attempt: u64,
}

/// A model that is ready to answer.
struct Answerer<'a> {
    settings: &'a Answering,
    model: Model,
    tokenizer: Tokenizer,
    template: PromptTemplate,
}

impl Answering {
    /// Answers every row of `rows`, in any format in which `map` finds `problem`, and writes each with `response`,
    /// `tokens`, `finish` and `sample` added to `out`, in the order of the rows. A response that the model's context cut
    /// short has the column `room` too: the tokens that were left for it.
    ///
    /// # Errors
    /// Where `out` is there already, where an `out.part` was made with other settings or another process writes to it,
    /// and where a row, the model or the settings cannot be used. What was finished stays in `out.part`.
    pub fn file(&self, rows: &Path, map: &FieldMap, out: &Path, control: &Control) -> Result<Finished, TrainError> {
        self.check()?;
        refuse_finished(out)?;
        let problems = read(rows, map, &mut Draws::new(self.seed, PURPOSE))?;
        let total = problems.len().checked_mul(self.samples).ok_or_else(|| {
            let message = format!("{} responses to each of {} problems are too many", self.samples, problems.len());
            TrainError::config("samples", message)
        })?;
        stage::on_own_thread("generate", self.threads, || {
            let settings = self.settings(rows, map)?;
            let answerer = self.open()?;
            answerer.look_at(&problems)?;
            let at_once = self.batch.saturating_mul(BATCHES_AT_ONCE);
            let mut part = Part::open(out, &settings, at_once)?;
            let written = self.write(&answerer, &problems, total, &mut part, control);
            match written {
                Ok(Finished::Done) => part.finish(out).map(|()| Finished::Done),
                stopped_or_failed => {
                    part.drop_if_empty();
                    stopped_or_failed
                }
            }
        })
    }

    /// Writes what `part` lacks.
    fn write(
        &self,
        answerer: &Answerer<'_>,
        problems: &[Row],
        total: usize,
        part: &mut Part,
        control: &Control,
    ) -> Result<Finished, TrainError> {
        let at_once = self.batch.saturating_mul(BATCHES_AT_ONCE);
        let clock = Clock::start(part.lines as u64, total as u64);
        let (mut tokens, mut cut) = (0, 0);
        while part.lines < total {
            if control.stopping() {
                return Ok(Finished::Stopped);
            }
            let indices = part.lines..part.lines.saturating_add(at_once).min(total);
            let place = |index: usize| (&problems[index / self.samples], index % self.samples);
            let asked = indices.clone().map(place).map(|(row, sample)| row.attempt(sample)).collect::<Vec<_>>();
            let answers = answerer.answers(&asked)?;
            let mut text = String::new();
            for ((row, sample), answer) in indices.clone().map(place).zip(answers) {
                tokens += answer.tokens;
                cut += usize::from(answer.room.is_some_and(|room| room > 0));
                let mut added = vec![
                    ("response", json!(answer.text)),
                    ("tokens", json!(answer.tokens)),
                    ("finish", json!(answer.finish)),
                    ("sample", json!(sample)),
                ];
                // Rows may be an earlier call's.
                if answer.room.is_some() || row.columns.names().any(|name| name == "room") {
                    added.push(("room", json!(answer.room)));
                }
                text += &row.columns.to_json_with(&added);
                text.push('\n');
            }
            part.append(&text, indices.len())?;
            let (done, eta) = (part.lines, clock.eta(part.lines as u64));
            (control.report)(&format!("{done}/{total}  {tokens} tokens  {eta}"), done as f64 / total as f64);
        }
        if cut > 0 {
            tracing::warn!(
                "{cut} responses were cut short: the model reads {} tokens, prompt and response together; their rows \
                 have the column `room`",
                answerer.context()
            );
        }
        Ok(Finished::Done)
    }

    /// Refuses settings that cannot work.
    fn check(&self) -> Result<(), TrainError> {
        if self.samples == 0 || self.batch == 0 {
            return Err(TrainError::config("samples and batch", "must be at least 1"));
        }
        if self.samples > 1 && self.is_greedy() {
            let message =
                format!("{} responses without chance are all the same; set `temperature` above 0", self.samples);
            return Err(TrainError::config("samples", message));
        }
        Ok(self.sampling.validate()?)
    }

    /// Whether every attempt at a problem gives the same response.
    fn is_greedy(&self) -> bool {
        self.sampling.temperature == 0.0 || self.sampling.top_k == 1
    }

    /// Answers problems as they come from `problems`, one at a time; `on_answer` is called with each answer.
    ///
    /// # Errors
    /// Where the model or the settings cannot be used, and what `problems` and `on_answer` give back.
    pub fn one_by_one(
        &self,
        problems: impl Iterator<Item = std::io::Result<String>> + Send,
        on_answer: impl Fn(&Answer) -> std::io::Result<()> + Send,
    ) -> Result<(), TrainError> {
        self.check()?;
        stage::on_own_thread("generate", self.threads, move || {
            let answerer = self.open()?;
            let mut draws = Draws::new(self.seed, PURPOSE);
            let failed = |error| TrainError::io(Path::new("standard input or output"), error);
            for (index, problem) in problems.enumerate() {
                let problem = plain_problem(problem.map_err(failed)?, index);
                let draws = draws.of(&problem.problem);
                let mut samples = 0..self.samples as u64;
                while !samples.is_empty() {
                    let attempts = samples.by_ref().take(self.batch);
                    let asked = attempts.map(|attempt| Asked { problem: &problem, draws, attempt }).collect::<Vec<_>>();
                    for answer in answerer.answers(&asked)? {
                        on_answer(&answer).map_err(failed)?;
                    }
                }
            }
            Ok(())
        })
    }

    fn open(&self) -> Result<Answerer<'_>, TrainError> {
        let device = stage::device(&self.device)?;
        let template = PromptTemplate::new(&self.prompt, &self.model)?;
        let tokenizer = Tokenizer::load(&self.model)?;
        let model = Model::load(&self.model, device)?.compute_in(self.compute);
        model.config().check_tokenizer(&tokenizer)?;
        Ok(Answerer { settings: self, model, tokenizer, template })
    }

    /// All that responses depend on, except the machine.
    fn settings(&self, rows: &Path, map: &FieldMap) -> Result<Value, TrainError> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.model)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
            .map_err(|error| TrainError::io(&self.model, error))?;
        files.retain(|path| path.is_file());
        files.sort();
        let mut model = Map::new();
        for path in files {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            model.insert(name, json!(digest::of_file(&path)?));
        }
        Ok(json!({
            "model": model,
            "rows": digest::of_file(rows)?,
            "map": map.columns().collect::<Vec<_>>(),
            "prompt": self.prompt,
            "samples": self.samples,
            "max_response_tokens": self.sampling.max_response_tokens,
            "temperature": self.sampling.temperature,
            "top_k": self.sampling.top_k,
            "top_p": self.sampling.top_p,
            "min_p": self.sampling.min_p,
            "stop": self.sampling.stop,
            "seed": self.seed,
            "draws": "by problem and attempt",
            "batch": self.batch,
            "compute": self.compute,
        }))
    }
}

impl Answerer<'_> {
    /// Tokens that the model reads, prompt and response together.
    fn context(&self) -> usize {
        self.model.config().max_position_embeddings
    }

    fn prompt(&self, problem: &Problem) -> Result<Vec<u32>, TrainError> {
        let tokens = self.template.encode(problem, self.template.last_epoch(), &self.tokenizer)?;
        if tokens.is_empty() {
            return Err(TrainError::NothingToDo(
                "the prompt is empty, and a model continues at least one token".to_owned(),
            ));
        }
        Ok(tokens)
    }

    /// Looks at all prompts before any is answered: an error names its row, and those too long to be answered are
    /// counted.
    fn look_at(&self, problems: &[Row]) -> Result<(), TrainError> {
        let mut without_room = Vec::new();
        for row in problems {
            let named = |error: TrainError| TrainError::NothingToDo(format!("{}: {error}", row.place));
            if self.prompt(&row.problem).map_err(named)?.len() >= self.context() {
                without_room.push(row.place.as_str());
            }
        }
        if let Some(first) = without_room.first() {
            tracing::warn!(
                "{} of {} prompts leave no room for a response in the {} tokens that the model reads, first {first}; \
                 their rows have an empty response and `room` 0",
                without_room.len(),
                problems.len(),
                self.context()
            );
        }
        Ok(())
    }

    /// One answer to each of `asked`, as long as there is room for.
    fn answers(&self, asked: &[Asked<'_>]) -> Result<Vec<Answer>, TrainError> {
        let settings = self.settings;
        let mut sampling = settings.sampling.clone();
        sampling.end_tokens.extend(end_tokens(&self.model, &self.tokenizer));
        let prompts = asked.iter().map(|asked| self.prompt(asked.problem)).collect::<Result<Vec<_>, TrainError>>()?;
        let room = |prompt: &Vec<u32>| self.context().saturating_sub(prompt.len());
        let rooms: Vec<usize> = prompts.iter().map(room).collect();
        let (prompts, seeds): (Vec<_>, Vec<_>) = prompts
            .into_iter()
            .zip(asked)
            .filter(|(prompt, _)| room(prompt) > 0)
            .map(|(prompt, asked)| (prompt, asked.draws.attempt(asked.attempt)))
            .unzip();
        let decode = |tokens: &[u32]| self.tokenizer.decode(tokens, true);
        let decode_special = |tokens: &[u32]| self.tokenizer.decode(tokens, false);
        let mut engine = Engine::new(&self.model, &decode).slots(settings.batch).cut_at_context();
        if names_special(&self.tokenizer, &sampling.stop) {
            engine = engine.decode_special(&decode_special);
        }
        let mut responses = engine.generate(&prompts, &seeds, &sampling, &mut |_, _| {})?.into_iter();
        let none = || Answer { text: String::new(), tokens: 0, finish: Finish::Length.as_str(), room: Some(0) };
        let answer = |room: usize| {
            let Some(response) = (if room > 0 { responses.next() } else { None }) else { return none() };
            let cut = response.finish == Finish::Length && response.tokens.len() < sampling.max_response_tokens;
            Answer {
                text: response_text(&self.tokenizer, &response, &sampling.stop),
                tokens: response.tokens.len(),
                finish: response.finish.as_str(),
                room: cut.then_some(room),
            }
        };
        Ok(rooms.into_iter().map(answer).collect())
    }
}

/// A row, and the problem that it asks.
struct Row {
    columns: octo_data::row::Row,
    problem: Problem,
    draws: ProblemDraws,
    /// Its file and line.
    place: String,
}

impl Row {
    fn attempt(&self, sample: usize) -> Asked<'_> {
        Asked { problem: &self.problem, draws: self.draws, attempt: sample as u64 }
    }
}

/// Every row; its columns of text and numbers are the problem's fields.
fn read(path: &Path, map: &FieldMap, draws: &mut Draws) -> Result<Vec<Row>, TrainError> {
    let (mut found, mut held) = (Vec::new(), 0);
    let mut rows = Rows::open(path, &Wanted::All)?;
    while let Some(Numbered { number, row }) = rows.next() {
        let columns = row?;
        held = columns.bytes().saturating_add(held);
        let bad = |message: String| rows.bad_row(number, message);
        if held > MOST_HELD {
            return Err(bad(too_much_held()).into());
        }
        let text = map.text(&columns, "problem").map_err(bad)?.ok_or_else(|| {
            let column = map.column("problem");
            bad(format!("no text in the column `{column}`; --map problem=COLUMN names another"))
        })?;
        let fields = columns.all().filter_map(|(name, value)| Some((name.to_owned(), value.ok()?.text()?))).collect();
        let place = format!("{}:{number}", path.display());
        let id = FieldMap::default().text(&columns, "id").ok().flatten().unwrap_or_else(|| place.clone());
        let problem = Problem { id, problem: text, references: Vec::new(), fields };
        let draws = draws.of(&problem.problem);
        found.push(Row { columns, problem, draws, place });
    }
    if found.is_empty() {
        return Err(TrainError::NothingToDo(format!("{}: {NO_ROWS}", path.display())));
    }
    Ok(found)
}

fn plain_problem(text: String, index: usize) -> Problem {
    Problem { id: format!("problem {}", index + 1), problem: text, references: Vec::new(), fields: Default::default() }
}
