//! Answers that the response sets off from its text: boxes, `####`, tags, bold text and square brackets.

use super::spans::{self, Span};
use super::{Expectation, claims, clean, search};

/// The last box; several where one sentence boxes several answers. `Err` where it is empty.
pub(super) fn boxed(text: &str) -> Option<Result<String, ()>> {
    let boxes = spans::boxes(text);
    // A box that was never closed counts only where there is no other.
    let closed: Vec<Span> = boxes.iter().copied().filter(|span| span.closed).collect();
    let mut boxes = if closed.is_empty() { boxes } else { closed };
    // An empty box after a filled one only names what was asked for.
    if boxes.iter().any(|span| !is_empty(&text[span.start..span.end])) {
        while boxes.last().is_some_and(|span| is_empty(&text[span.start..span.end])) {
            boxes.pop();
        }
    }
    let last = boxes.last()?;
    let mut first = boxes.len() - 1;
    while first > 0 && first + 16 > boxes.len() {
        let between = &text[boxes[first - 1].closes..boxes[first].opens];
        if !joins(between) {
            break;
        }
        first -= 1;
    }
    let mut contents: Vec<&str> = Vec::new();
    for span in &boxes[first..] {
        let content = text[span.start..span.end].trim();
        if !contents.contains(&content) {
            contents.push(content);
        }
    }
    let content = if contents.len() > 1 { contents.join(", ") } else { text[last.start..last.end].trim().to_string() };
    if is_empty(&content) {
        return Some(Err(()));
    }
    Some(Ok(content))
}

fn is_empty(content: &str) -> bool {
    // Braces that are written out hold the empty set.
    let empty_set = content.chars().filter(|c| !c.is_whitespace()).eq("\\{\\}".chars());
    !empty_set && !content.chars().any(|c| !c.is_whitespace() && !"{}~$.,?\\_".contains(c))
}

/// Whether what lies between two boxes makes them one answer: little more than a comma, "and" or "or".
fn joins(between: &str) -> bool {
    if between.len() > 70 || between.contains("\n\n") {
        return false;
    }
    let words: Vec<&str> = between.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    // A new thought is a new answer.
    if words.iter().any(|word| matches!(*word, "but" | "thus" | "so" | "therefore" | "then" | "hence")) {
        return false;
    }
    let joint = words.iter().any(|word| matches!(*word, "and" | "or"))
        || between.trim_start_matches(['$', ' ', '\\', ')', ']']).starts_with([',', ';']);
    let sentence_ends = between.contains(". ") || between.contains(".\n");
    let only_space = between.chars().all(|c| c.is_whitespace() || "$\\,;()[]".contains(c));
    (joint && !sentence_ends && words.len() <= 8) || (only_space && between.len() < 10)
}

/// What follows the last `####` that is not a heading (`#### Step 3: …`, `#### 2. Count the apples`).
pub(super) fn hash_marks(text: &str) -> Option<String> {
    let mut end = text.len();
    for _ in 0..12 {
        let found = search::last(&text[..end], "####")?;
        let line = text[found..].trim_start_matches('#').lines().next().unwrap_or("");
        let answer = clean(line);
        if !answer.is_empty() && !claims::is_heading(line.trim()) {
            return Some(answer);
        }
        end = found;
    }
    None
}

pub(super) fn answer_tag(text: &str) -> Option<String> {
    let end = search::last(text, "</answer>")?;
    let start = search::last(&text[..end], "<answer>")? + "<answer>".len();
    let inner = text[start..end].trim();
    (!inner.is_empty()).then(|| inner.to_string())
}

/// The last bold text that holds a digit or a formula, or is short; the label of a step (`**Step 2:**`) is passed over.
pub(super) fn bold(text: &str, expects: Expectation) -> Option<String> {
    let mut until = text.len();
    for _ in 0..12 {
        let end = text[..until].rfind("**")?;
        let start = text[..end].rfind("**")? + 2;
        until = start.checked_sub(2)?;
        let raw = &text[start..end];
        // Text between two bold stretches is not bold: an opening mark touches what follows.
        let touching = raw.starts_with(|c: char| !c.is_whitespace()) && raw.ends_with(|c: char| !c.is_whitespace());
        let label = raw.ends_with([':', '：']) || claims::is_heading(raw) && raw.contains(|c: char| c.is_ascii_digit());
        let inner = clean(raw);
        let answer = inner.chars().any(|c| c.is_ascii_digit() || "$\\".contains(c))
            || (expects != Expectation::Mathematics && !inner.is_empty() && inner.len() <= 60);
        if !label {
            return (answer && touching && inner.len() <= 300).then_some(inner);
        }
    }
    None
}

/// The last text in square brackets that closes on its line and is too short for a link or a citation.
pub(super) fn square_brackets(text: &str) -> Option<String> {
    let end = text.rfind(']')?;
    let start = text[..end].rfind('[')? + 1;
    let inner = clean(&text[start..end]);
    (!inner.is_empty() && inner.len() <= 300 && !inner.contains('\n')).then_some(inner)
}
