//! Limits on requests and tokens per minute, as a timetable: each call takes the next free place.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Limits on the rate of calls; none where there is no number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Requests per minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens per minute, of prompts and answers.
    pub tokens_per_minute: Option<u64>,
}

/// When the next call may start. Calls stand evenly in the minute, so that no minute has more than the limit and one call.
#[derive(Debug)]
pub(crate) struct Pace {
    rates: Rates,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Before this, no request.
    requests: Instant,
    /// Before this, the tokens of earlier calls fill their minutes.
    tokens: Instant,
    /// Before this, the server wants no call.
    paused: Instant,
}

impl Pace {
    pub(crate) fn new(rates: Rates, now: Instant) -> Pace {
        Pace { rates, state: Mutex::new(State { requests: now, tokens: now, paused: now }) }
    }

    /// Takes a place for a call of `tokens`, as far as is known, and returns when it starts.
    pub(crate) fn take(&self, now: Instant, tokens: u64) -> Instant {
        let mut state = self.lock();
        let start = now.max(state.requests).max(state.tokens).max(state.paused);
        if let Some(per_minute) = self.rates.requests_per_minute {
            state.requests = start + Duration::from_secs(60) / per_minute.max(1);
        }
        state.tokens = start + self.time_of(tokens);
        start
    }

    /// A call that was taken for `guessed` tokens had `counted`.
    pub(crate) fn correct(&self, guessed: u64, counted: u64) {
        let mut state = self.lock();
        if counted > guessed {
            state.tokens += self.time_of(counted - guessed);
        } else if let Some(earlier) = state.tokens.checked_sub(self.time_of(guessed - counted)) {
            state.tokens = earlier;
        }
    }

    /// No call starts for the time `wait`: the server has asked for that.
    pub(crate) fn pause(&self, now: Instant, wait: Duration) {
        let mut state = self.lock();
        state.paused = state.paused.max(now + wait);
    }

    /// Whether a call that was to start at `start` has to wait on, since the server has asked for a pause meanwhile; until when.
    pub(crate) fn paused_until(&self, start: Instant) -> Instant {
        self.lock().paused.max(start)
    }

    fn time_of(&self, tokens: u64) -> Duration {
        let Some(per_minute) = self.rates.tokens_per_minute else { return Duration::ZERO };
        Duration::from_secs_f64((60.0 * tokens as f64 / per_minute.max(1) as f64).min(1e6))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_stand_evenly_in_the_minute() {
        let now = Instant::now();
        let rates = Rates { requests_per_minute: Some(60), tokens_per_minute: Some(600) };
        let pace = Pace::new(rates, now);
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(pace.take(now, 5), now);
        assert_eq!(pace.take(now, 5), at(1), "a second between requests");
        assert_eq!(pace.take(now, 100), at(2));
        assert_eq!(pace.take(now, 100), at(12), "100 tokens fill ten seconds");
        pace.correct(100, 10);
        assert_eq!(pace.take(now, 0), at(13), "they were fewer");
        pace.correct(0, 50);
        assert_eq!(pace.take(at(13), 0), at(18), "and more");
        pace.pause(at(14), Duration::from_secs(30));
        pace.pause(at(14), Duration::from_secs(3));
        assert_eq!(pace.paused_until(at(18)), at(44));
        assert_eq!(pace.take(at(18), 0), at(44));
        assert_eq!(pace.take(at(500), 0), at(500));
    }

    #[test]
    fn without_limits_calls_start_at_once() {
        let now = Instant::now();
        let pace = Pace::new(Rates::default(), now);
        for _ in 0..3 {
            assert_eq!(pace.take(now, u64::MAX), now);
        }
        pace.correct(0, u64::MAX);
        assert_eq!(pace.take(now, 0), now);
    }
}
