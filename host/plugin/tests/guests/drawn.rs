//! Items as models and crawls make them, drawn by a seed; and real ones, where they are.

use octo_plugin::types::{Attempt, DataSource, Document, FinishReason, Outcome, Rollout, Verdict};

use crate::guests;

/// The same draws on every machine and with every release of every library.
struct Draw(u64);

impl Draw {
    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }

    fn one<'o>(&mut self, of: &[&'o str]) -> &'o str {
        of[self.below(of.len() as u64) as usize]
    }

    /// Some of a list, joined; now and then a lot.
    fn some(&mut self, of: &[&str], most: u64, between: &str) -> String {
        let many = if self.below(10) == 0 { most * 8 } else { most };
        let count = self.below(many);
        (0..count).map(|_| self.one(of)).collect::<Vec<_>>().join(between)
    }
}

const STEPS: &[&str] = &[
    "First we add the two numbers.",
    "Let $x$ be the number of apples, so $2x + 3 = 11$.",
    "Wait, that is not right. Let me think again.",
    "\\begin{align} 2x &= 8 \\\\ x &= 4 \\end{align}",
    "Thus $\\frac{3}{4} \\cdot 12 = 9$ and $\\sqrt{16} = 4$.",
    "Therefore she has <<16-3-4=9>>9 left.",
    "Der Preis beträgt 3,50 €. 所以答案是三。",
    "\u{200b}\u{feff}hidden \u{202e}reversed",
    "So 1/0 is not a number, and neither is \\boxed{}.",
];

const ANSWERS: &[&str] = &[
    "\\boxed{42}",
    "The answer is 42.",
    "#### 42",
    "\\boxed{\\frac{84}{2}}",
    "\\boxed{4.2\\times 10^1}",
    "\\boxed{\\sqrt{1764}}",
    "Answer: 41",
    "\\boxed{x^2 + 2x + 1}",
    "\\boxed{(1, 2) \\cup [3, \\infty)}",
    "\\boxed{\\frac{\\frac{",
    "\\boxed{9^{9^{9}}}",
    "I do not know.",
    "",
];

const QUESTIONS: &[&str] = &[
    "Which is prime?\nA) 4\nB) 6\nC) 7\nD) 9",
    "What is half of 84?\n(A) 40 (B) 41 (C) 42 (D) none of these",
    "A question without options.",
];

const CHOSEN: &[&str] =
    &["The answer is (B).", "\\boxed{C}", "Answer: C) 7", "It is 42.", "A and D", "neither", "**D**", ""];

const REFERENCES: &[&str] = &["42", "\\frac{1}{2}", "(x+1)^2", "[3,\\infty)", "0.333", "forty-two"];

const SENTENCES: &[&str] = &[
    "The cat sat on the mat and the dog was in the house.",
    "That is what we have to do with it, and there are many of them.",
    "Click here to accept all cookies",
    "- a bullet that says little",
    "• another bullet",
    "# Heading #####",
    "lorem ipsum dolor sit amet ...",
    "3.14159 2.71828 1.41421 {} ;; <<>>",
    "Subscribe to our newsletter | Privacy policy | Log in",
    "Ελληνικά, العربية, 日本語 and emoji 🦆🦆🦆.",
    "A very long sentence, of the kind that a lawyer would be proud of, to which there is no end but this one.",
];

/// Responses to problems of mathematics: worked, cut short, in a loop, unanswered.
pub fn attempts(seed: u64, count: usize) -> Vec<Attempt> {
    let mut draw = Draw(seed);
    (0..count).map(|_| one_attempt(&mut draw)).collect()
}

fn one_attempt(draw: &mut Draw) -> Attempt {
    let mut response = draw.some(STEPS, 12, "\n");
    if draw.below(8) == 0 {
        response.push_str(&"and so on, ".repeat(draw.below(400) as usize));
    }
    response.push(' ');
    response.push_str(draw.one(ANSWERS));
    let references = (0..=draw.below(2)).map(|_| draw.one(REFERENCES).to_owned()).collect();
    Attempt { references, ..guests::attempt(&response) }
}

/// Responses to questions of choice, by letter, by text and by neither.
pub fn choices(seed: u64, count: usize) -> Vec<Attempt> {
    let mut draw = Draw(seed);
    (0..count)
        .map(|_| {
            let mut response = draw.some(STEPS, 12, "\n");
            response.push(' ');
            response.push_str(draw.one(CHOSEN));
            let references = vec![draw.one(&["A", "B", "C", "D"]).to_owned()];
            Attempt { problem: draw.one(QUESTIONS).to_owned(), references, ..guests::attempt(&response) }
        })
        .collect()
}

/// Judged rollouts in groups of one to eight.
pub fn rollouts(seed: u64, count: usize) -> Vec<Rollout> {
    let mut draw = Draw(seed);
    let mut group = 0;
    let outcomes = [Outcome::Correct, Outcome::Incorrect, Outcome::NoAnswer, Outcome::Unparsable];
    (0..count)
        .map(|_| {
            group += u32::from(draw.below(4) == 0);
            Rollout {
                attempt: one_attempt(&mut draw),
                verdict: Verdict {
                    outcome: outcomes[draw.below(4) as usize],
                    extracted: None,
                    reason: "as drawn".to_owned(),
                },
                group,
                tokens: draw.below(2000) as u32,
                finish: if draw.below(5) == 0 { FinishReason::Length } else { FinishReason::Stop },
            }
        })
        .collect()
}

/// Pages of a crawl: prose, lists, boilerplate, repetition, none of it.
pub fn documents(seed: u64, count: usize) -> Vec<Document> {
    let mut draw = Draw(seed);
    (0..count)
        .map(|index| {
            let of = if draw.below(2) == 0 { &SENTENCES[..2] } else { SENTENCES };
            let between = if draw.below(2) == 0 { " " } else { "\n" };
            guests::document(&format!("page-{index}"), &draw.some(of, 60, between))
        })
        .collect()
}

/// Two to six sources of a mixture.
pub fn sources(seed: u64) -> Vec<DataSource> {
    let mut draw = Draw(seed);
    let count = 2 + draw.below(5);
    (0..count)
        .map(|index| DataSource {
            name: format!("source-{index}"),
            tokens_available: draw.next() >> 20,
            tokens_seen: draw.next() >> 24,
            loss: (draw.below(3) > 0).then(|| draw.below(1000) as f64 / 137.0),
        })
        .collect()
}

/// Real responses of models to GSM8K, from `OCTO_SHARED` or `../shared` beside the repository; none where it is not.
pub fn real_attempts(most: usize) -> Option<Vec<Attempt>> {
    let file = octo_test_support::shared("data/responses/gsm8k_model_solutions.jsonl")?;
    let text = std::fs::read_to_string(file).expect("reads");
    let attempts = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let of_models = attempts.flat_map(|line| {
        let reference = line["ground_truth"].as_str().expect("a reference").to_owned();
        ["6b_finetuning", "175b_verification"].map(|model| Attempt {
            problem: line["question"].as_str().expect("a question").to_owned(),
            references: vec![reference.clone()],
            ..guests::attempt(line[model]["solution"].as_str().expect("a response"))
        })
    });
    Some(of_models.take(most).collect())
}
