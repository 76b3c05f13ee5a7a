//! A server as a language model: calls side by side, within rates and a budget, tried again where that can help.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::answer::{Answer, Usage};
use crate::budget::{Ledger, Spending};
use crate::http::Http;
use crate::model::{Deliver, Halt, LanguageModel, NoAnswer};
use crate::pace::Pace;
use crate::request::Request;
use crate::settings::Settings;
use crate::trouble::{Next, Trouble};

/// Time between two looks at the stop flag.
const LOOK: Duration = Duration::from_millis(10);

/// A server that speaks the API of OpenAI: `chat/completions` and `completions`.
pub struct Endpoint {
    settings: Settings,
    http: Http,
    pace: Pace,
    ledger: Ledger,
    gate: Gate,
    /// Requests in a row that had no answer through the server's fault.
    without_answer: AtomicU32,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    answered: AtomicU64,
    retried: AtomicU64,
    failed: AtomicU64,
}

/// What an endpoint has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls, each try counted.
    pub calls: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Tries after the first.
    pub retried: u64,
    /// Requests without an answer.
    pub failed: u64,
    /// What calls have cost, those before this process included.
    pub spent: Spending,
}

impl Endpoint {
    /// The server that `settings` name. Nothing is sent yet. `earlier` is what calls have cost before, for the budget.
    ///
    /// # Errors
    /// What is wrong with the address, as the end of a sentence.
    pub fn new(settings: Settings, earlier: Spending) -> Result<Endpoint, String> {
        let http = Http::new(&settings)?;
        if settings.key_is_in_the_clear() {
            tracing::warn!("{} is not https: the API key crosses the network in the clear", http.base());
        }
        let ledger = Ledger::new(settings.budget, settings.prices);
        ledger.count_earlier(earlier);
        Ok(Endpoint {
            http,
            pace: Pace::new(settings.rates, Instant::now()),
            ledger,
            gate: Gate::new(settings.concurrency.max(1)),
            without_answer: AtomicU32::new(0),
            counts: Counts::default(),
            settings,
        })
    }

    /// What it has done so far.
    pub fn tally(&self) -> Tally {
        let Counts { calls, answered, retried, failed } = &self.counts;
        let [calls, answered, retried, failed] =
            [calls, answered, retried, failed].map(|count| count.load(Ordering::Relaxed));
        Tally { calls, answered, retried, failed, spent: self.ledger.spent() }
    }

    /// Asks until there is an answer, or none is to be had.
    fn ask(&self, request: &Request, stopped: &dyn Fn() -> bool) -> Result<Result<Answer, NoAnswer>, Halt> {
        let unwritable = |error| Halt::Engine(format!("a request cannot be written as JSON: {error}"));
        let body = request.body(&self.settings.model).map_err(unwritable)?;
        let key = request.key(&self.settings.model).map_err(unwritable)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let trouble = match self.try_once(request, &body, stopped)? {
                Ok(answer) => {
                    self.without_answer.store(0, Ordering::Relaxed);
                    self.counts.answered.fetch_add(1, Ordering::Relaxed);
                    return Ok(Ok(answer));
                }
                Err(trouble) => trouble,
            };
            tracing::debug!("try {tries} of request {}: {trouble}", &key.hex()[..12]);
            let refused = || Halt::Refused { url: self.http.base().to_owned(), why: trouble.to_string() };
            let last = match trouble.next() {
                Next::Halt => return Err(refused()),
                Next::GiveUpOrHalt if self.counts.answered.load(Ordering::Relaxed) == 0 => return Err(refused()),
                Next::GiveUp | Next::GiveUpOrHalt => true,
                Next::Retry => tries > self.settings.retries,
            };
            if last {
                self.counts.failed.fetch_add(1, Ordering::Relaxed);
                self.count_without_answer(&trouble)?;
                return Ok(Err(NoAnswer { why: trouble.to_string(), tries }));
            }
            self.counts.retried.fetch_add(1, Ordering::Relaxed);
            let wait = self.settings.backoff.wait(&key, tries, trouble.retry_after());
            if trouble.retry_after().is_some() {
                // A server that says when wants no call before, whoever's.
                self.pace.pause(Instant::now(), wait);
            }
            sleep_until(Instant::now() + wait, stopped)?;
        }
    }

    /// One try, in its turn; the calls under way are at most as many as the settings allow.
    fn try_once(
        &self,
        request: &Request,
        body: &str,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Result<Answer, Trouble>, Halt> {
        let Some(_turn) = self.gate.enter(stopped) else { return Err(Halt::Stopped) };
        let answer_tokens = u64::from(request.sampling.max_tokens);
        let most = Spending::call(Usage { prompt_tokens: request.most_prompt_tokens(), answer_tokens });
        if self.ledger.reserve(most, stopped).map_err(Halt::Budget)?.is_none() {
            return Err(Halt::Stopped);
        }
        let guessed = request.guessed_prompt_tokens() + answer_tokens;
        let mut start = self.pace.take(Instant::now(), guessed);
        loop {
            if let Err(stopped) = sleep_until(start, stopped) {
                self.ledger.settle(most, Spending::default());
                return Err(stopped);
            }
            let later = self.pace.paused_until(start);
            if later <= Instant::now() {
                break;
            }
            start = later;
        }
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        let result = self.http.post(request.path(), body);
        let spent = match &result {
            Ok(answer) => Spending::call(answer.counted(request)),
            Err(trouble) if trouble.may_be_charged() => most,
            Err(_) => Spending { calls: 1, ..Spending::default() },
        };
        self.ledger.settle(most, spent);
        self.pace.correct(guessed, spent.tokens());
        Ok(result)
    }

    /// Many requests without an answer, and none with one between them: the server is gone.
    fn count_without_answer(&self, trouble: &Trouble) -> Result<(), Halt> {
        if !trouble.is_of_the_server() {
            return Ok(());
        }
        let requests = self.without_answer.fetch_add(1, Ordering::Relaxed) + 1;
        let most = self.settings.give_up_after;
        if most > 0 && requests >= most {
            return Err(Halt::Gone { url: self.http.base().to_owned(), requests, why: trouble.to_string() });
        }
        Ok(())
    }
}

impl LanguageModel for Endpoint {
    fn name(&self) -> &str {
        &self.settings.model
    }

    fn answer(&self, requests: &[Request], stop: &AtomicBool, deliver: &Deliver<'_>) -> Result<(), Halt> {
        let next = AtomicUsize::new(0);
        let halted = AtomicBool::new(false);
        let halt: Mutex<Option<Halt>> = Mutex::new(None);
        let stopped = || stop.load(Ordering::Relaxed) || halted.load(Ordering::Relaxed);
        let work = || -> Result<(), Halt> {
            while !stopped() {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(index) else { return Ok(()) };
                deliver(index, self.ask(request, &stopped)?)?;
            }
            Err(Halt::Stopped)
        };
        let work = || {
            if let Err(error) = work() {
                halted.store(true, Ordering::Relaxed);
                let mut first = halt.lock().unwrap_or_else(PoisonError::into_inner);
                // That others have stopped since is no news.
                if first.is_none() || matches!(*first, Some(Halt::Stopped)) {
                    *first = Some(error);
                }
            }
        };
        let workers = self.settings.concurrency.clamp(1, requests.len().max(1));
        thread::scope(|scope| {
            let (alive, ended) = mpsc::channel::<()>();
            for index in 0..workers {
                let alive = alive.clone();
                let work = &work;
                let started = thread::Builder::new().name("endpoint".to_owned()).spawn_scoped(scope, move || {
                    work();
                    drop(alive);
                });
                if let Err(error) = started {
                    if index == 0 {
                        let error = Halt::Engine(format!("no thread could be started: {error}"));
                        *halt.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    }
                    break;
                }
            }
            drop(alive);
            let mut closing: Option<Instant> = None;
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if stop.load(Ordering::Relaxed) {
                    let at = *closing.get_or_insert_with(|| Instant::now() + self.settings.grace);
                    if Instant::now() >= at {
                        self.http.close();
                    }
                }
            }
        });
        match halt.into_inner().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(_) if stop.load(Ordering::Relaxed) => Err(Halt::Stopped),
            Some(error) => Err(error),
        }
    }
}

/// Sleeps to `time`, unless it is stopped before.
fn sleep_until(time: Instant, stopped: &dyn Fn() -> bool) -> Result<(), Halt> {
    loop {
        if stopped() {
            return Err(Halt::Stopped);
        }
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(LOOK));
    }
}

/// Lets so many in at once.
struct Gate {
    free: Mutex<usize>,
    changed: Condvar,
}

struct Turn<'a>(&'a Gate);

impl Gate {
    fn new(places: usize) -> Gate {
        Gate { free: Mutex::new(places), changed: Condvar::new() }
    }

    /// Waits for a place; none where it is stopped before.
    fn enter(&self, stopped: &dyn Fn() -> bool) -> Option<Turn<'_>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            if stopped() {
                return None;
            }
            free = self.changed.wait_timeout(free, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        if stopped() {
            return None;
        }
        *free -= 1;
        Some(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.changed.notify_one();
    }
}
