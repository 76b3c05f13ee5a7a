//! What calls may cost in all. A call starts only where even its dearest end stays within the budget.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::answer::Usage;

/// Money per million tokens, in whatever currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    /// Of prompts.
    pub input: f64,
    /// Of answers.
    pub output: f64,
}

/// Limits on all calls together; none where there is no number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// Calls, each try of a request counted.
    pub calls: Option<u64>,
    /// Tokens of prompts and answers.
    pub tokens: Option<u64>,
    /// Money at the given prices.
    pub money: Option<f64>,
}

/// What calls have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Calls.
    pub calls: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub answer_tokens: u64,
}

impl Spending {
    /// One call of this usage.
    pub fn call(usage: Usage) -> Spending {
        Spending { calls: 1, prompt_tokens: usage.prompt_tokens, answer_tokens: usage.answer_tokens }
    }

    /// Both together.
    pub fn plus(self, other: Spending) -> Spending {
        Spending {
            calls: self.calls.saturating_add(other.calls),
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            answer_tokens: self.answer_tokens.saturating_add(other.answer_tokens),
        }
    }

    fn minus(self, other: Spending) -> Spending {
        Spending {
            calls: self.calls.saturating_sub(other.calls),
            prompt_tokens: self.prompt_tokens.saturating_sub(other.prompt_tokens),
            answer_tokens: self.answer_tokens.saturating_sub(other.answer_tokens),
        }
    }

    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.answer_tokens)
    }

    /// Money at these prices.
    pub fn money(&self, prices: Prices) -> f64 {
        (self.prompt_tokens as f64 * prices.input + self.answer_tokens as f64 * prices.output) / 1e6
    }
}

/// A budget that the next call could exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Exhausted {
    /// Of calls.
    Calls(u64),
    /// Of tokens: the budget, what is spent, what the next call could have.
    Tokens(u64, u64, u64),
    /// Of money, likewise.
    Money(f64, f64, f64),
}

impl fmt::Display for Exhausted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exhausted::Calls(budget) => write!(out, "the budget of {budget} calls is spent"),
            Exhausted::Tokens(budget, spent, next) => write!(
                out,
                "the budget of {budget} tokens has no room for the next call: {spent} are spent, and it could take {next}"
            ),
            Exhausted::Money(budget, spent, next) => write!(
                out,
                "the budget of {budget} has no room for the next call: {spent:.4} are spent, and it could cost {next:.4}"
            ),
        }
    }
}

/// The books of a budget.
#[derive(Debug)]
pub(crate) struct Ledger {
    budget: Budget,
    prices: Prices,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    spent: Spending,
    /// The most that calls under way can cost.
    reserved: Spending,
}

impl Ledger {
    pub(crate) fn new(budget: Budget, prices: Prices) -> Ledger {
        Ledger { budget, prices, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Counts what was spent before.
    pub(crate) fn count_earlier(&self, spent: Spending) {
        let mut state = self.lock();
        state.spent = state.spent.plus(spent);
    }

    pub(crate) fn spent(&self) -> Spending {
        self.lock().spent
    }

    /// Reserves the most that a call can cost. Where there is room only if calls under way cost less than they could, waits
    /// for these; none where `stopped` says so meanwhile.
    ///
    /// # Errors
    /// That the call could exceed the budget.
    pub(crate) fn reserve(&self, most: Spending, stopped: &dyn Fn() -> bool) -> Result<Option<()>, Exhausted> {
        let mut state = self.lock();
        loop {
            let Some(exhausted) = self.exhausted(&state, most) else {
                state.reserved = state.reserved.plus(most);
                return Ok(Some(()));
            };
            if state.reserved.calls == 0 {
                return Err(exhausted);
            }
            if stopped() {
                return Ok(None);
            }
            let waited = self.changed.wait_timeout(state, Duration::from_millis(20));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn exhausted(&self, state: &State, most: Spending) -> Option<Exhausted> {
        let next = state.spent.plus(state.reserved).plus(most);
        let Budget { calls, tokens, money } = self.budget;
        if let Some(budget) = calls.filter(|budget| next.calls > *budget) {
            return Some(Exhausted::Calls(budget));
        }
        if let Some(budget) = tokens.filter(|budget| next.tokens() > *budget) {
            return Some(Exhausted::Tokens(budget, state.spent.tokens(), most.tokens()));
        }
        if let Some(budget) = money.filter(|budget| next.money(self.prices) > *budget) {
            return Some(Exhausted::Money(budget, state.spent.money(self.prices), most.money(self.prices)));
        }
        None
    }

    /// A call that had `most` reserved has cost `spent`.
    pub(crate) fn settle(&self, most: Spending, spent: Spending) {
        let mut state = self.lock();
        state.reserved = state.reserved.minus(most);
        state.spent = state.spent.plus(spent);
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(prompt_tokens: u64, answer_tokens: u64) -> Spending {
        Spending::call(Usage { prompt_tokens, answer_tokens })
    }

    #[test]
    fn a_call_starts_only_where_its_dearest_end_is_within_the_budget() {
        let go = || false;
        let prices = Prices { input: 1.0, output: 4.0 };
        let calls = Ledger::new(Budget { calls: Some(2), ..Budget::default() }, prices);
        for _ in 0..2 {
            assert_eq!(calls.reserve(call(10, 10), &go), Ok(Some(())));
            calls.settle(call(10, 10), call(1, 1));
        }
        let refused = calls.reserve(call(10, 10), &go).unwrap_err();
        assert_eq!(refused.to_string(), "the budget of 2 calls is spent");

        let tokens = Ledger::new(Budget { tokens: Some(100), ..Budget::default() }, prices);
        tokens.count_earlier(call(60, 20));
        assert_eq!(tokens.reserve(call(10, 10), &go), Ok(Some(())));
        tokens.settle(call(10, 10), call(10, 1));
        assert_eq!(
            tokens.reserve(call(5, 5), &go).unwrap_err().to_string(),
            "the budget of 100 tokens has no room for the next call: 91 are spent, and it could take 10"
        );
        assert_eq!(tokens.spent(), Spending { calls: 2, prompt_tokens: 70, answer_tokens: 21 });

        let money = Ledger::new(Budget { money: Some(0.5), ..Budget::default() }, prices);
        assert_eq!(money.reserve(call(100_000, 100_000), &go), Ok(Some(())), "exactly the budget");
        money.settle(call(100_000, 100_000), call(100_000, 50_000));
        assert_eq!(
            money.reserve(call(1, 50_000), &go).unwrap_err().to_string(),
            "the budget of 0.5 has no room for the next call: 0.3000 are spent, and it could cost 0.2000"
        );
    }

    #[test]
    fn a_call_waits_for_those_under_way_before_it_is_refused() {
        let ledger = Ledger::new(Budget { tokens: Some(100), ..Budget::default() }, Prices::default());
        assert_eq!(ledger.reserve(call(40, 40), &|| false), Ok(Some(())));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| ledger.reserve(call(40, 40), &|| false));
            ledger.settle(call(40, 40), call(5, 5));
            assert_eq!(waiting.join().unwrap(), Ok(Some(())));
        });
        assert_eq!(ledger.reserve(call(40, 40), &|| true), Ok(None), "stopped while it waits");
    }

    #[test]
    fn nonsense_of_servers_does_not_overflow() {
        let ledger = Ledger::new(Budget { tokens: Some(100), ..Budget::default() }, Prices::default());
        ledger.count_earlier(call(u64::MAX, u64::MAX));
        ledger.count_earlier(call(u64::MAX, 1));
        assert!(ledger.reserve(call(1, 1), &|| false).is_err());
    }
}
