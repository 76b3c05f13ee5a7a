//! Responses to problems outside of any recipe: a file of them, resumable, or one at a time.
//!
//! Rows go through the model in batches of a fixed size, in their order. The lines of each finished batch are appended
//! to `OUT.part` and synced; the last batch turns that into `OUT`. A call that finds an `OUT.part` of the same model,
//! rows and settings resumes after its last whole batch, and ends with the same lines as one that was never stopped: a
//! response depends on its own seed, and what shares a forward pass with it is the same both times.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use octo_data::digest;
use octo_data::field_map::FieldMap;
use octo_data::jsonl::{MOST_HELD, NO_ROWS, too_much_held};
use octo_data::prompt::{PromptSettings, PromptTemplate};
use octo_data::record::Problem;
use octo_data::rows::{Numbered, Rows, Wanted};
use octo_data::seed;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Engine, Model, Precision, Sampling};
use rand_chacha::rand_core::Rng;
use serde_json::{Map, Value, json};

use crate::control::{Clock, Control, Finished};
use crate::error::TrainError;
use crate::generation::rollouts::{end_tokens, response_text};
use crate::stage;

/// Responses that are written at once, for each that is under way: the more, the less time slots stand empty.
const BATCHES_AT_ONCE: usize = 4;

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
    /// `tokens`, `finish` and `sample` added to `out`, in the order of the rows.
    ///
    /// # Errors
    /// Where `out` is there already, where an `out.part` was made with other settings, and where a row, the model or the
    /// settings cannot be used. What was finished stays in `out.part`.
    pub fn file(&self, rows: &Path, map: &FieldMap, out: &Path, control: &Control) -> Result<Finished, TrainError> {
        if self.samples == 0 || self.batch == 0 {
            return Err(TrainError::config("samples and batch", "must be at least 1"));
        }
        if out.exists() {
            let message = format!("{} is there already; remove it, or write to another file", out.display());
            return Err(TrainError::NothingToDo(message));
        }
        let problems = read(rows, map)?;
        stage::on_own_thread("generate", self.threads, || {
            let settings = self.settings(rows, map)?;
            let answerer = self.open()?;
            let at_once = self.batch.saturating_mul(BATCHES_AT_ONCE);
            let mut part = Part::open(out, &settings, at_once)?;
            let total = problems.len() * self.samples;
            let clock = Clock::start(part.lines as u64, total as u64);
            let mut tokens = 0;
            while part.lines < total {
                if control.stopping() {
                    return Ok(Finished::Stopped);
                }
                let indices = part.lines..part.lines.saturating_add(at_once).min(total);
                let asked: Vec<&Problem> =
                    indices.clone().map(|index| &problems[index / self.samples].problem).collect();
                let answers = answerer.answers(&asked, indices.start)?;
                let mut text = String::new();
                for (index, answer) in indices.clone().zip(answers) {
                    tokens += answer.tokens;
                    let added = [
                        ("response", json!(answer.text)),
                        ("tokens", json!(answer.tokens)),
                        ("finish", json!(answer.finish)),
                        ("sample", json!(index % self.samples)),
                    ];
                    text += &problems[index / self.samples].columns.to_json_with(&added);
                    text.push('\n');
                }
                part.append(&text, indices.len())?;
                let (done, eta) = (part.lines, clock.eta(part.lines as u64));
                (control.report)(&format!("{done}/{total}  {tokens} tokens  {eta}"), done as f64 / total as f64);
            }
            part.finish(out)?;
            Ok(Finished::Done)
        })
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
        stage::on_own_thread("generate", self.threads, move || {
            let answerer = self.open()?;
            let failed = |error| TrainError::io(Path::new("standard input or output"), error);
            for (index, problem) in problems.enumerate() {
                let problem = plain_problem(problem.map_err(failed)?, index);
                for answer in answerer.answers(&vec![&problem; self.samples], index * self.samples)? {
                    on_answer(&answer).map_err(failed)?;
                }
            }
            Ok(())
        })
    }

    fn open(&self) -> Result<Answerer<'_>, TrainError> {
        let device = stage::device(&self.device)?;
        Ok(Answerer {
            settings: self,
            template: PromptTemplate::new(&self.prompt, &self.model)?,
            tokenizer: Tokenizer::load(&self.model)?,
            model: Model::load(&self.model, device)?.compute_in(self.compute),
        })
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
            "batch": self.batch,
            "compute": self.compute,
        }))
    }
}

impl Answerer<'_> {
    /// One answer per problem; `first` is the number of the first among all.
    fn answers(&self, problems: &[&Problem], first: usize) -> Result<Vec<Answer>, TrainError> {
        let settings = self.settings;
        let mut sampling = settings.sampling.clone();
        sampling.end_tokens.extend(end_tokens(&self.model, &self.tokenizer));
        let epoch = self.template.last_epoch();
        let prompts = problems
            .iter()
            .map(|problem| Ok(self.tokenizer.encode(&self.template.render(problem, epoch)?)?))
            .collect::<Result<Vec<_>, TrainError>>()?;
        let seeds = (first..first + problems.len())
            .map(|index| seed::rng(settings.seed, &["generate"], index as u64).next_u64())
            .collect::<Vec<u64>>();
        let decode = |tokens: &[u32]| self.tokenizer.decode(tokens, true);
        let engine = Engine::new(&self.model, &decode).slots(settings.batch);
        let responses = engine.generate(&prompts, &seeds, &sampling, &mut |_, _| {})?;
        let answer = |response: &octo_model::Response| Answer {
            text: response_text(&self.tokenizer, response, &sampling.stop),
            tokens: response.tokens.len(),
            finish: response.finish.as_str(),
        };
        Ok(responses.iter().map(answer).collect())
    }
}

/// A row, and the problem that it asks.
struct Row {
    columns: octo_data::row::Row,
    problem: Problem,
}

/// Every row; its columns of text and numbers are the problem's fields.
fn read(path: &Path, map: &FieldMap) -> Result<Vec<Row>, TrainError> {
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
        let id = FieldMap::default().text(&columns, "id").ok().flatten().unwrap_or(place);
        let problem = Problem { id, problem: text, references: Vec::new(), fields };
        found.push(Row { columns, problem });
    }
    if found.is_empty() {
        return Err(TrainError::NothingToDo(format!("{}: {NO_ROWS}", path.display())));
    }
    Ok(found)
}

fn plain_problem(text: String, index: usize) -> Problem {
    Problem { id: format!("problem {}", index + 1), problem: text, references: Vec::new(), fields: Default::default() }
}

/// `OUT.part`: a line of settings, then the lines of whole batches.
struct Part {
    path: PathBuf,
    file: File,
    settings: String,
    /// Answers that the part has already.
    lines: usize,
}

impl Part {
    fn open(out: &Path, settings: &Value, batch: usize) -> Result<Part, TrainError> {
        let mut path = out.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let failed = |error| TrainError::io(&path, error);
        let settings = json!({ "octo_generate": settings }).to_string() + "\n";
        let mut kept = settings.len() as u64;
        let mut lines = 0;
        match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                octo_data::atomic::write(&path, settings.as_bytes())?;
            }
            Err(error) => return Err(failed(error)),
            Ok(file) => {
                let mut reader = BufReader::new(file);
                let mut line = Vec::new();
                reader.read_until(b'\n', &mut line).map_err(failed)?;
                if line != settings.as_bytes() {
                    return Err(TrainError::NothingToDo(format!(
                        "{} holds answers of another model, file or setting: remove it to begin anew, or resume with what \
                         it was made with",
                        path.display()
                    )));
                }
                let mut end = kept;
                loop {
                    line.clear();
                    let read = reader.read_until(b'\n', &mut line).map_err(failed)?;
                    // A line that a kill has cut does not count.
                    if read == 0 || line.last() != Some(&b'\n') {
                        break;
                    }
                    lines += 1;
                    end += read as u64;
                    if lines % batch == 0 {
                        kept = end;
                    }
                }
                lines -= lines % batch;
            }
        }
        let file = File::options().append(true).open(&path).map_err(failed)?;
        file.set_len(kept).map_err(failed)?;
        Ok(Part { file, settings, lines, path })
    }

    fn append(&mut self, text: &str, lines: usize) -> Result<(), TrainError> {
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| TrainError::io(&self.path, error))?;
        self.lines += lines;
        Ok(())
    }

    /// Writes the answers without the line of settings to `out`, and removes the part.
    fn finish(self, out: &Path) -> Result<(), TrainError> {
        let failed = |error| TrainError::io(&self.path, error);
        let mut reader = BufReader::new(File::open(&self.path).map_err(failed)?);
        let mut line = Vec::with_capacity(self.settings.len());
        reader.read_until(b'\n', &mut line).map_err(failed)?;
        let mut whole = octo_data::atomic::AtomicFile::create(out)?;
        std::io::copy(&mut reader, &mut whole).map_err(|error| TrainError::io(out, error))?;
        whole.commit()?;
        std::fs::remove_file(&self.path).map_err(failed)
    }
}
