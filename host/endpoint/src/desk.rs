//! A model with its cache: what was answered before is not asked again, and answers come in the order of the requests.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::answer::Answer;
use crate::cache::Cache;
use crate::model::{Halt, LanguageModel, NoAnswer};
use crate::request::{Key, Request};

/// Time between two looks at the stop flag while another batch asks the same.
const LOOK: Duration = Duration::from_millis(10);

/// A model with its cache. Batches may be asked from several threads at once.
pub struct Desk<'a> {
    model: &'a dyn LanguageModel,
    cache: &'a Cache,
    /// Requests that some batch asks now.
    asked: Mutex<HashSet<Key>>,
    changed: Condvar,
    from_cache: AtomicU64,
}

impl<'a> Desk<'a> {
    /// Of a model, whose answers are kept in `cache`.
    pub fn new(model: &'a dyn LanguageModel, cache: &'a Cache) -> Desk<'a> {
        Desk { model, cache, asked: Mutex::default(), changed: Condvar::new(), from_cache: AtomicU64::new(0) }
    }

    /// Requests whose answer was in the cache.
    pub fn from_cache(&self) -> u64 {
        self.from_cache.load(Ordering::Relaxed)
    }

    /// The answers to `requests`, in their order. Equal requests are asked once, also where other threads ask them at the
    /// same time. Every answer is in the cache before this returns, with an error too.
    ///
    /// # Errors
    /// What kept the model from going through all requests.
    pub fn answers(&self, requests: &[Request], stop: &AtomicBool) -> Result<Vec<Result<Answer, NoAnswer>>, Halt> {
        let name = self.model.name();
        let unwritable = |error| Halt::Engine(format!("a request cannot be written as JSON: {error}"));
        let keys: Vec<Key> =
            requests.iter().map(|request| request.key(name)).collect::<Result<_, _>>().map_err(unwritable)?;
        self.cache.refresh()?;
        // The first request of each key stands for all of it.
        let mut first = HashSet::new();
        let mut open: Vec<usize> = (0..keys.len()).filter(|index| first.insert(keys[*index])).collect();
        let mut results: HashMap<Key, Result<Answer, NoAnswer>> = HashMap::new();
        while !open.is_empty() {
            let claimed = Claimed { desk: self, keys: Mutex::default() };
            let (mut mine, mut others) = (Vec::new(), Vec::new());
            for index in open {
                let key = keys[index];
                if !self.claim(key) {
                    others.push(index);
                    continue;
                }
                claimed.lock().insert(key);
                // Looked up after the claim: who had it before may have been answered meanwhile.
                match self.cache.get(&key)? {
                    None => mine.push(index),
                    Some(answer) => {
                        claimed.give_back(&key);
                        self.from_cache.fetch_add(1, Ordering::Relaxed);
                        results.insert(key, Ok(answer));
                    }
                }
            }
            open = others;
            if mine.is_empty() {
                if !open.is_empty() {
                    self.wait(stop)?;
                }
                continue;
            }
            let batch: Vec<Request> = mine.iter().map(|index| requests[*index].clone()).collect();
            let done = Mutex::new(Vec::new());
            let deliver = |index: usize, result: Result<Answer, NoAnswer>| {
                let (Some(request), Some(at)) = (batch.get(index), mine.get(index)) else {
                    return Err(Halt::Engine(format!("the engine answered request {index} of {}", batch.len())));
                };
                if let Ok(answer) = &result {
                    self.cache.keep(&keys[*at], name, answer, answer.counted(request))?;
                }
                claimed.give_back(&keys[*at]);
                done.lock().unwrap_or_else(PoisonError::into_inner).push((keys[*at], result));
                Ok(())
            };
            self.model.answer(&batch, stop, &deliver)?;
            results.extend(done.into_inner().unwrap_or_else(PoisonError::into_inner));
            if let Some(at) = mine.iter().find(|at| !results.contains_key(&keys[**at])) {
                return Err(Halt::Engine(format!("the engine did not answer request {at}")));
            }
        }
        let answer = |key: &Key| results.get(key).cloned();
        keys.iter().map(answer).collect::<Option<_>>().ok_or_else(|| Halt::Engine("an answer is missing".to_owned()))
    }

    fn claim(&self, key: Key) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    fn wait(&self, stop: &AtomicBool) -> Result<(), Halt> {
        if stop.load(Ordering::Relaxed) {
            return Err(Halt::Stopped);
        }
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout(asked, LOOK));
        Ok(())
    }
}

/// What a batch has claimed. It is given back however the batch ends.
struct Claimed<'a, 'b> {
    desk: &'a Desk<'b>,
    keys: Mutex<HashSet<Key>>,
}

impl Claimed<'_, '_> {
    fn lock(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, key: &Key) {
        if self.lock().remove(key) {
            self.desk.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
            self.desk.changed.notify_all();
        }
    }
}

impl Drop for Claimed<'_, '_> {
    fn drop(&mut self) {
        let left: Vec<Key> = self.lock().iter().copied().collect();
        left.iter().for_each(|key| self.give_back(key));
    }
}
