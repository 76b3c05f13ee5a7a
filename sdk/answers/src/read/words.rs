//! Answers that are words: names, choices, yes and no.

use super::tokens;

/// The letter of a choice, where the text is nothing but that: `C`, `(C)`, `C.`, `option C`, `\text{(C)}`.
pub fn choice(text: &str) -> Option<char> {
    // A sign or an operator makes it mathematics.
    if text.len() > 200 || !text.contains(char::is_alphabetic) || text.contains(['-', '+', '=', '^', '_', '*', '/']) {
        return None;
    }
    // `\mathbb{C}` and `\mathcal{C}` are names of their own.
    if ["\\mathbb", "\\mathcal", "\\mathfrak", "\\mathscr"].iter().any(|face| text.contains(face)) {
        return None;
    }
    let bare = normalise(text);
    let bare = bare.strip_prefix("option ").or_else(|| bare.strip_prefix("choice ")).unwrap_or(&bare);
    let mut letters = bare.chars();
    match (letters.next(), letters.next()) {
        (Some(letter @ 'a'..='j'), None) => Some(letter.to_ascii_uppercase()),
        _ => None,
    }
}

/// The choice that a reference names: a capital, or a letter in brackets; `i` and `e` are numbers.
pub fn choice_of_reference(text: &str) -> Option<char> {
    let letter = choice(text)?;
    (text.contains(letter) || text.contains(&format!("({})", letter.to_ascii_lowercase()))).then_some(letter)
}

/// A choice in brackets, such as "(B)" in "option (B) 42", where there is only one.
pub fn choice_in_brackets(text: &str) -> Option<char> {
    let mut found = None;
    for (at, _) in text.match_indices('(') {
        let mut inside = text[at + 1..].chars();
        if let (Some(letter @ 'A'..='J'), Some(')')) = (inside.next(), inside.next()) {
            if found.is_some_and(|held| held != letter) {
                return None;
            }
            found = Some(letter);
        }
    }
    found
}

/// A choice in front of its option, as in "C: 12", "(C) 12" and "C. 12", and the option.
pub fn choice_in_front(text: &str) -> Option<(char, &str)> {
    let plain = text.trim().trim_start_matches("\\text{").trim_start_matches("\\textbf{").trim_start();
    let inner = plain.strip_prefix('(').unwrap_or(plain);
    let mut characters = inner.chars();
    let letter = characters.next().filter(|c| ('A'..='J').contains(c))?;
    let mark = characters.next()?;
    let rest = characters.as_str();
    let opened = inner.len() < plain.len();
    // A point or colon needs a space after it: `A.5` and `A:B` are not choices.
    let apart = rest.starts_with([' ', '}', '~', '\\', '$']);
    let marks = if opened { mark == ')' } else { mark == ')' || ".:".contains(mark) };
    (marks && apart).then(|| (letter, rest.trim_matches(|c: char| c.is_whitespace() || "}~$".contains(c))))
}

/// Whether a sentence begins by saying yes or no.
pub fn agreement(text: &str) -> Option<&'static str> {
    if !text.contains(char::is_alphabetic) {
        return None;
    }
    let normal = normalise(text);
    match normal.split(' ').next()? {
        "yes" => Some("yes"),
        "no" => Some("no"),
        _ => None,
    }
}

/// The letter that a sentence about choices settles on.
///
/// "D, it can't be A or B" puts it first; otherwise the last letter that stands alone and is not denied counts.
pub fn choice_in_sentence(text: &str) -> Option<char> {
    if text.len() > 2_000 {
        return None;
    }
    let words: Vec<&str> =
        text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’')).filter(|word| !word.is_empty()).collect();
    let letter = |word: &str| {
        let mut characters = word.chars();
        match (characters.next(), characters.next()) {
            (Some(letter @ 'A'..='J'), None) => Some(letter),
            // Letters of other alphabets are not separated from Latin ones by spaces.
            (Some(letter @ 'A'..='J'), Some(next)) if !next.is_ascii() => Some(letter),
            (Some(first), Some(_)) if !first.is_ascii() => word.chars().next_back().filter(|c| ('A'..='J').contains(c)),
            _ => None,
        }
    };
    // "A is wrong", "B can't be": the letter is spoken of and not chosen.
    let dismissed = |index: usize| {
        let next = |place: usize| words.get(index + place).map(|word| word.to_lowercase()).unwrap_or_default();
        let verb = matches!(next(1).as_str(), "is" | "was" | "are" | "would" | "can" | "seems" | "must");
        let at = if verb { 2 } else { 1 };
        let at = if next(at) == "be" { at + 1 } else { at };
        let negated =
            matches!(next(1).as_str(), "isn't" | "can't" | "cannot" | "isn’t" | "can’t" | "won't" | "doesn't");
        let judged = matches!(
            next(at).as_str(),
            "not"
                | "wrong"
                | "incorrect"
                | "false"
                | "out"
                | "impossible"
                | "eliminated"
                | "excluded"
                | "ruled"
                | "invalid"
        );
        negated || verb && judged
    };
    // "could be A, could be B" leaves it open.
    let unsure = |index: usize| {
        let near = words[index.saturating_sub(2)..index].iter().map(|word| word.to_lowercase());
        near.into_iter().any(|word| {
            matches!(word.as_str(), "could" | "might" | "may" | "maybe" | "perhaps" | "possibly" | "potentially")
        })
    };
    let mut guessed = None;
    if let Some(first) = words.first().and_then(|word| letter(word)).filter(|_| !dismissed(0)) {
        // "C and D" is not one choice.
        let joined = words.get(1).is_some_and(|word| matches!(*word, "and" | "or"));
        let next = words.get(1 + usize::from(joined)).and_then(|word| letter(word));
        if words[0].len() == 1 && next.is_some_and(|next| next != first) {
            return None;
        }
        // "A" may be the article and "I" the one who speaks.
        let article = matches!(first, 'A' | 'I') && words.get(1).is_some_and(|w| w.starts_with(char::is_lowercase));
        if !article {
            return Some(first);
        }
    }
    let mut found = None;
    let mut denied = false;
    for (index, word) in words.iter().enumerate() {
        let lower = word.to_lowercase();
        // What follows gives reasons: "D because A is wrong".
        if found.is_some()
            && matches!(lower.as_str(), "because" | "since" | "though" | "although" | "while" | "whereas")
        {
            break;
        }
        if matches!(
            lower.as_str(),
            "not"
                | "can't"
                | "cannot"
                | "isn't"
                | "neither"
                | "nor"
                | "over"
                | "than"
                | "unlike"
                | "except"
                | "excluding"
                | "besides"
        ) {
            denied = true;
        } else if matches!(lower.as_str(), "therefore" | "so" | "but" | "is" | "be" | "it's" | "think") {
            denied = denied && lower == "be";
        }
        let letter_of = letter;
        let Some(letter) = letter(word) else { continue };
        // "A" may be the article and "I" the one who speaks.
        let article = matches!(letter, 'A' | 'I')
            && index + 1 < words.len()
            && words[index + 1].starts_with(char::is_lowercase)
            && !matches!(
                words[index + 1],
                "or" | "and" | "because" | "is" | "but" | "could" | "might" | "may" | "maybe" | "perhaps" | "possibly"
            );
        // "neither A nor C; B"
        if denied && index > 0 && words[index - 1].eq_ignore_ascii_case("nor") {
            denied = false;
            continue;
        }
        if !denied && !article && !dismissed(index) {
            if unsure(index) && guessed.replace(letter).is_some_and(|other| other != letter) {
                return None;
            }
            // "either A or D" chooses neither.
            let hedge = |word: &&&str| !matches!(word.to_ascii_lowercase().as_str(), "maybe" | "perhaps" | "option");
            let mut before = words[..index].iter().rev().filter(hedge);
            let joined = before.next().is_some_and(|word| word.eq_ignore_ascii_case("or"));
            if joined && before.next().and_then(|word| letter_of(word)).is_some_and(|other| other != letter) {
                return None;
            }
            found = Some(letter);
            if words[..index].iter().any(|w| w.eq_ignore_ascii_case("answer")) {
                break;
            }
        }
    }
    found
}

/// Words as they are compared: no LaTeX faces, no case, no articles, no punctuation, single spaces.
pub fn normalise(text: &str) -> String {
    let mut words = words(&text.to_lowercase());
    if words.len() > 1 {
        words.retain(|word| !matches!(word.as_str(), "a" | "an" | "the"));
    }
    words.join(" ")
}

/// The words of a text in their own case, without LaTeX faces and punctuation.
pub fn words(text: &str) -> Vec<String> {
    let plain = without_commands(text);
    let mut words: Vec<String> = Vec::new();
    for word in plain.split(|c: char| !(c.is_alphanumeric() || "'+-−/%".contains(c))) {
        let word = word.trim_matches(|c: char| "'-/".contains(c));
        if !word.is_empty() {
            words.push(word.to_string());
        }
    }
    words
}

/// Drops `\text{` and its like, dollars and braces, and keeps what they hold.
fn without_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let mut name = String::new();
                while let Some(next) = characters.peek().filter(|c| c.is_ascii_alphabetic()) {
                    name.push(*next);
                    characters.next();
                }
                if name.is_empty() {
                    characters.next_if(|c| ",;:! ".contains(*c));
                } else if !tokens::is_face(&name) && !tokens::is_decoration(&name) && !tokens::is_space(&name) {
                    out.push(' ');
                    out.push_str(&name);
                }
                out.push(' ');
            }
            '{' | '}' | '$' | '*' | '`' => {}
            other => out.push(other),
        }
    }
    out
}

/// One word for answers that say the same in several ways.
pub fn meaning(text: &str) -> Option<&'static str> {
    if text.len() > 200 || !text.contains(char::is_alphabetic) {
        return None;
    }
    let normal = normalise(text);
    if text.contains(['-', '−']) && normal.starts_with("inf") {
        return None;
    }
    // "no real solutions exist", "there are no such integers"
    let denied = normal.strip_prefix("there is ").or_else(|| normal.strip_prefix("there are ")).unwrap_or(&normal);
    let denies = denied.strip_prefix("no ").is_some_and(|rest| {
        rest.split(' ').count() <= 5
            && rest.split(' ').any(|word| matches!(word, "solution" | "solutions" | "root" | "roots" | "such"))
    });
    if denies {
        return Some("none");
    }
    Some(match normal.as_str() {
        "yes" | "true" | "correct" => "yes",
        "no" | "false" | "incorrect" => "no",
        "none"
        | "none exist"
        | "none exists"
        | "does not exist"
        | "dne"
        | "emptyset"
        | "varnothing"
        | "empty set"
        | "undefined"
        | "impossible"
        | "not possible"
        | "solution does not exist" => "none",
        "infinitely many"
        | "infinite"
        | "infinity"
        | "infty"
        | "infinitely many solutions"
        | "infinite solutions"
        | "infinite number of solutions"
        | "unbounded" => "infinite",
        "all real numbers" | "all reals" | "any real number" | "all real values" | "every real number" => "reals",
        "all rational numbers" | "rational numbers" | "all rationals" | "set of rational numbers" => "rationals",
        "all integers" | "integers" | "any integer" | "every integer" | "set of integers" => "integers",
        "all natural numbers" | "natural numbers" | "set of natural numbers" => "naturals",
        _ => return None,
    })
}
