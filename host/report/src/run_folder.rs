//! Reads a run folder. Metrics may be cut short by a kill, so a bad last line is left out; the lock must be whole.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ReportError;

/// Samples kept from each stage; the report is for reading, the folder has all.
const SAMPLES_PER_STAGE: usize = 6;

/// A run, as far as the report needs it.
pub struct Run {
    /// The recipe's name.
    pub name: String,
    /// `run.lock.json`.
    pub lock: Value,
    /// In the order in which they depend on one another.
    pub stages: Vec<Stage>,
}

/// One stage's outputs.
pub struct Stage {
    /// The recipe's name for it.
    pub name: String,
    /// `generate`, `curate`, `tokenizer`, `midtrain`, `rl` or `eval`.
    pub kind: String,
    /// Its entry in the lock.
    pub lock: Value,
    /// Lines of `metrics.jsonl` that are training steps.
    pub steps: Vec<Value>,
    /// Held-out evaluations during reinforcement learning, by step; of all sets.
    pub held_out: Vec<HeldOut>,
    /// Some rows of `samples.jsonl`: the first and the last.
    pub samples: Vec<Value>,
    /// `results.json` or `statistics.json`, where the stage wrote one.
    pub results: Option<Value>,
    /// Stage that this one continued, by its position in the run.
    pub initial: Option<usize>,
}

/// One held-out evaluation.
pub struct HeldOut {
    /// The set's name, where the recipe names its sets.
    pub set: Option<String>,
    /// Reinforcement-learning steps done.
    pub step: f64,
    /// Share of problems whose verdict is `correct`, 0 to 1.
    pub accuracy: f64,
    /// Mean tokens a response.
    pub response_length: f64,
}

impl Stage {
    /// A number of `results.json`.
    pub fn result(&self, key: &str) -> Option<f64> {
        self.results.as_ref()?.get(key)?.as_f64()
    }

    /// Names of the held-out sets, in the order in which they were measured.
    pub fn sets(&self) -> Vec<Option<&str>> {
        let mut found = Vec::new();
        for at in &self.held_out {
            if !found.contains(&at.set.as_deref()) {
                found.push(at.set.as_deref());
            }
        }
        found
    }

    /// The evaluations on one set, by step.
    pub fn held_out_of(&self, set: Option<&str>) -> impl DoubleEndedIterator<Item = &HeldOut> {
        self.held_out.iter().filter(move |at| at.set.as_deref() == set)
    }

    /// Alarms that were up: name, first and last step, and at how many.
    pub fn alarms(&self) -> Vec<(&str, [u64; 3])> {
        let alarms = self.results.as_ref().and_then(|results| results.get("alarms")).and_then(Value::as_object);
        let number = |alarm: &Value, key: &str| alarm.get(key).and_then(Value::as_u64).unwrap_or(0);
        let steps = |alarm: &Value| ["first", "last", "steps"].map(|key| number(alarm, key));
        alarms.into_iter().flatten().map(|(name, alarm)| (name.as_str(), steps(alarm))).collect()
    }

    /// One curve: a number of every step line that has both.
    pub fn curve(&self, x: &str, y: &str) -> Vec<(f64, f64)> {
        self.steps.iter().filter_map(|line| Some((line.get(x)?.as_f64()?, line.get(y)?.as_f64()?))).collect()
    }
}

impl Run {
    /// Reads the folder that `octo-host run` keeps.
    ///
    /// # Errors
    /// Where `run.lock.json` is missing or is not what a run writes.
    pub fn read(folder: &Path) -> Result<Run, ReportError> {
        let path = folder.join("run.lock.json");
        let text = std::fs::read_to_string(&path).map_err(|source| ReportError::Io { path: path.clone(), source })?;
        let damaged = |message: &str| ReportError::Damaged { path: path.clone(), message: message.to_owned() };
        let lock: Value = serde_json::from_str(&text)
            .map_err(|error| damaged(&format!("not valid JSON ({error}); run the recipe again to rewrite it")))?;
        let entries = lock
            .get("stages")
            .and_then(Value::as_object)
            .ok_or_else(|| damaged("has no `stages`; is this a run folder of octo-host?"))?;
        let mut stages: Vec<Stage> = Vec::new();
        for (name, entry) in entries {
            if name.contains(['/', '\\']) || name.starts_with('.') {
                return Err(damaged(&format!("names a stage {name:?}, which can't be a folder")));
            }
            stages.push(Stage::read(&folder.join("stages").join(name), name, entry)?);
        }
        let stages = in_order(stages);
        let name = lock.get("name").and_then(Value::as_str).unwrap_or("run").to_owned();
        Ok(Run { name, lock, stages })
    }
}

impl Stage {
    fn read(folder: &Path, name: &str, lock: &Value) -> Result<Stage, ReportError> {
        let mut steps = Vec::new();
        let mut held_out = Vec::new();
        for line in lines(&folder.join("metrics.jsonl"))? {
            match line.get("held_out") {
                None => steps.push(line),
                Some(at) => {
                    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
                    if let (Some(step), Some(accuracy)) = (number(line.get("step")), number(at.get("accuracy"))) {
                        let response_length = number(at.get("response_length")).unwrap_or(0.0);
                        let set = line.get("set").and_then(Value::as_str).map(str::to_owned);
                        held_out.push(HeldOut { set, step, accuracy, response_length });
                    }
                }
            }
        }
        held_out.sort_by(|a, b| a.step.total_cmp(&b.step));
        let samples = lines(&folder.join("samples.jsonl"))?;
        let results = ["results.json", "statistics.json"].iter().find_map(|file| {
            let text = std::fs::read_to_string(folder.join(file)).ok()?;
            serde_json::from_str(&text).ok()
        });
        Ok(Stage {
            name: name.to_owned(),
            kind: lock.get("kind").and_then(Value::as_str).unwrap_or("").to_owned(),
            lock: lock.clone(),
            steps,
            held_out,
            samples: pick(samples),
            results,
            initial: None,
        })
    }
}

/// Half from the beginning, half from the end: what changed is what one wants to read.
fn pick(samples: Vec<Value>) -> Vec<Value> {
    let held: Vec<Value> = samples
        .iter()
        .filter(|sample| sample.get("split").and_then(Value::as_str) == Some("held-out"))
        .cloned()
        .collect();
    let mut samples = if held.is_empty() { samples } else { held };
    if samples.len() > SAMPLES_PER_STAGE {
        let tail = samples.split_off(samples.len() - SAMPLES_PER_STAGE / 2);
        samples.truncate(SAMPLES_PER_STAGE - tail.len());
        samples.extend(tail);
    }
    samples
}

fn lines(path: &PathBuf) -> Result<Vec<Value>, ReportError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(ReportError::Io { path: path.clone(), source }),
    }
}

/// The key of the stage behind an input, which the lock writes as `KEY/path`.
fn input_keys(lock: &Value) -> Vec<(String, String)> {
    let inputs = lock.get("inputs").and_then(Value::as_object);
    inputs
        .into_iter()
        .flatten()
        .filter_map(|(slot, value)| {
            let (key, _) = value.as_str()?.split_once('/')?;
            Some((slot.clone(), key.to_owned()))
        })
        .collect()
}

/// Sorts stages behind their inputs (by name where free), and notes which model each one continued.
fn in_order(mut waiting: Vec<Stage>) -> Vec<Stage> {
    let mut ordered: Vec<Stage> = Vec::new();
    let key = |stage: &Stage| stage.lock.get("key").and_then(Value::as_str).unwrap_or("").to_owned();
    while !waiting.is_empty() {
        let open: Vec<String> = waiting.iter().map(key).collect();
        let ready =
            waiting.iter().position(|stage| input_keys(&stage.lock).iter().all(|(_, from)| !open.contains(from)));
        // A lock written by hand may hold a cycle; its stages are shown in the order of the file.
        let mut stage = waiting.remove(ready.unwrap_or(0));
        let from = input_keys(&stage.lock).into_iter().find(|(slot, _)| slot == "initial" || slot == "model");
        stage.initial = from.and_then(|(_, from)| ordered.iter().position(|before| key(before) == from));
        ordered.push(stage);
    }
    ordered
}
