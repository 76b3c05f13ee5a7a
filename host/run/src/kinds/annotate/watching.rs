//! The line of progress of an `annotate` stage: documents, answers per second, tokens, cost, and the time that is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use octo_curate::annotate::{Annotation, AnnotationStanding};
use octo_endpoint::{Endpoint, Prices, Spending, Tally};

use crate::figures::{human_count, human_duration};
use crate::progress::Line;

/// Time between two looks at the run's stop flag, and looks between two reports.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 25;

/// What is watched.
pub struct Watched<'a> {
    /// Where it is shown.
    pub line: &'a Line,
    /// The work.
    pub annotation: &'a Annotation<'a>,
    /// The server, if one answers.
    pub endpoint: Option<&'a Endpoint>,
    /// What was spent before this call.
    pub earlier: Spending,
    /// Money per million tokens.
    pub prices: Prices,
    /// Documents that there are, as far as is known.
    pub documents: Option<f64>,
}

impl Watched<'_> {
    /// Does `work`, and meanwhile reports, and raises `stop` where `asked` is.
    pub fn while_at_work<T>(&self, asked: &AtomicBool, stop: &AtomicBool, work: impl FnOnce() -> T) -> T {
        /// Ends the watching, however the work ends.
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut looks = 0u32;
                while !over.load(Ordering::Relaxed) {
                    if asked.load(Ordering::Relaxed) {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if looks.is_multiple_of(LOOKS) {
                        self.report();
                    }
                    looks = looks.wrapping_add(1);
                    thread::sleep(LOOK);
                }
            });
            let _over = Over(&over);
            work()
        })
    }

    /// One line of progress.
    pub fn report(&self) {
        let tally = self.endpoint.map(Endpoint::tally);
        let figures = Figures {
            standing: self.annotation.standing(),
            tally,
            seconds: self.line.seconds(),
            documents: self.documents,
            earlier: self.earlier,
            prices: self.prices,
        };
        self.line.report(&figures.message(), figures.share());
    }
}

struct Figures {
    standing: AnnotationStanding,
    tally: Option<Tally>,
    seconds: f64,
    documents: Option<f64>,
    earlier: Spending,
    prices: Prices,
}

impl Figures {
    /// Requests that have an answer, of the chunk at work too.
    fn answered(&self) -> u64 {
        self.tally.map_or(0, |tally| tally.answered + tally.failed) + self.standing.from_cache
    }

    /// Documents that are done, as far as requests tell.
    fn done(&self) -> f64 {
        self.answered().max(self.standing.decided) as f64
    }

    fn share(&self) -> f64 {
        self.documents.map_or(0.0, |documents| (self.done() / documents.max(1.0)).min(1.0))
    }

    fn message(&self) -> String {
        let mut words = vec![format!("{} documents", human_count(self.standing.decided))];
        if self.standing.from_cache > 0 {
            words.push(format!("{} answers from earlier", human_count(self.standing.from_cache)));
        }
        if self.standing.without_answer > 0 {
            words.push(format!("{} without an answer", human_count(self.standing.without_answer)));
        }
        let Some(tally) = self.tally else { return words.join("  ") };
        let rate = tally.answered as f64 / self.seconds.max(1e-9);
        words.push(format!("{rate:.1} answers/s"));
        words.push(format!("{} tokens", human_count(tally.spent.tokens() - self.earlier.tokens())));
        if self.prices != Prices::default() {
            words.push(format!("cost {:.2}", tally.spent.money(self.prices)));
        }
        if let Some(documents) = self.documents.filter(|_| rate > 0.0) {
            let left = (documents - self.done()).max(0.0) / rate;
            words.push(format!("eta {}", human_duration(Duration::from_secs_f64(left.min(1e9)))));
        }
        words.join("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_what_it_cost() {
        let standing = AnnotationStanding { decided: 1024, without_answer: 3, from_cache: 500 };
        let spent = Spending { calls: 1200, prompt_tokens: 2_000_000, answer_tokens: 100_000 };
        let tally = Tally { calls: 1150, answered: 1000, retried: 147, failed: 3, spent };
        let earlier = Spending { calls: 50, prompt_tokens: 100_000, answer_tokens: 0 };
        let prices = Prices { input: 0.5, output: 1.5 };
        let figures =
            Figures { standing, tally: Some(tally), seconds: 100.0, documents: Some(3006.0), earlier, prices };
        assert_eq!(
            figures.message(),
            "1,024 documents  500 answers from earlier  3 without an answer  10.0 answers/s  2,000,000 tokens  cost 1.15  \
             eta 2m 30s"
        );
        assert_eq!(figures.share(), 0.5);
        let standing = AnnotationStanding { decided: 7, ..AnnotationStanding::default() };
        let figures = Figures { standing, tally: None, documents: None, ..figures };
        assert_eq!((figures.message().as_str(), figures.share()), ("7 documents", 0.0));
    }
}
