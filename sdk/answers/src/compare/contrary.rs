//! Words beside a number that turn it over or measure it otherwise: an increase for a decrease, a loss for a profit,
//! degrees Fahrenheit for Celsius, euros for dollars, an order of names.
//!
//! These hold under every rule for units: a unit may be dropped, its opposite is not the same answer.

use crate::read::words;
use std::collections::BTreeMap;

/// Words of one side and of the other.
const OPPOSITES: [(&[&str], &[&str]); 46] = [
    (
        &[
            "increase",
            "increases",
            "increased",
            "rise",
            "rises",
            "rose",
            "risen",
            "growth",
            "grew",
            "grows",
            "up",
            "gain",
            "gains",
            "gained",
            "raised",
            "higher",
        ],
        &[
            "decrease",
            "decreases",
            "decreased",
            "fall",
            "falls",
            "fell",
            "fallen",
            "decline",
            "declines",
            "declined",
            "reduction",
            "reduced",
            "reduces",
            "drop",
            "drops",
            "dropped",
            "down",
            "lowered",
            "lower",
        ],
    ),
    (&["profit", "gain", "gained", "gains", "surplus"], &["loss", "lost", "losses", "deficit"]),
    (&["up", "upward", "upwards"], &["down", "downward", "downwards"]),
    (&["left", "leftward", "leftwards"], &["right", "rightward", "rightwards"]),
    (&["ago", "before", "earlier", "prior"], &["later", "after", "hence", "now"]),
    (&["above"], &["below", "beneath"]),
    (&["north", "northward"], &["south", "southward"]),
    (&["east", "eastward"], &["west", "westward"]),
    (&["more", "greater", "larger", "bigger"], &["less", "fewer", "smaller"]),
    (&["clockwise"], &["counterclockwise", "anticlockwise", "counter-clockwise", "anti-clockwise"]),
    (&["ahead", "front", "forward", "forwards"], &["behind", "back", "backward", "backwards"]),
    (&["faster", "quicker"], &["slower"]),
    (&["older"], &["younger"]),
    (&["positive"], &["negative"]),
    (&["win", "wins", "won"], &["loss", "losses", "lost"]),
    (&["bc", "bce"], &["ad", "ce"]),
    (&["taller", "longer", "higher"], &["shorter", "lower"]),
    (&["boy", "boys", "men", "man", "male", "males"], &["girl", "girls", "women", "woman", "female", "females"]),
    (&["heads"], &["tails"]),
    (&["inside"], &["outside"]),
    (&["odd"], &["even"]),
    (&["maximum", "max"], &["minimum", "min"]),
    (&["early"], &["late"]),
    (&["heavier"], &["lighter"]),
    (&["hotter", "warmer"], &["colder", "cooler"]),
    (&["wider", "broader"], &["narrower"]),
    (&["deeper"], &["shallower"]),
    (&["over"], &["under"]),
    (&["top"], &["bottom"]),
    (&["deposit", "deposits", "deposited"], &["withdrawal", "withdraws", "withdrew", "withdrawn"]),
    (&["credit", "credited"], &["debit", "debited"]),
    (&["add", "added"], &["remove", "removed", "subtract", "subtracted"]),
    (
        &["expansion", "expands", "expanded", "grows", "grew"],
        &["contraction", "contracts", "contracted", "shrinks", "shrank"],
    ),
    (&["appreciation", "appreciates", "appreciated"], &["depreciation", "depreciates", "depreciated"]),
    (&["noon", "midday"], &["midnight"]),
    (&["uphill", "upstairs", "upstream"], &["downhill", "downstairs", "downstream"]),
    (&["cheaper"], &["dearer", "costlier", "expensive"]),
    (&["ascending"], &["descending"]),
    (&["thicker"], &["thinner"]),
    (&["stronger"], &["weaker"]),
    (&["sooner"], &["later"]),
    (&["acute"], &["obtuse"]),
    (&["inner"], &["outer"]),
    (&["income", "inflow"], &["expense", "expenses", "outflow"]),
    (&["overestimate", "overestimates"], &["underestimate", "underestimates"]),
    (&["rich", "richer"], &["poor", "poorer"]),
];

/// Why two answers say the contrary or measure otherwise, if they do.
pub fn between(gold: &str, answer: &str) -> Option<String> {
    if gold.len() > 300 || answer.len() > 600 {
        return None;
    }
    if is_order_of_names(gold) && is_order_of_names(answer) && gold != answer && sorted(gold) == sorted(answer) {
        return Some("the names are in another order".into());
    }
    if !speaks(gold) || !speaks(answer) {
        return None;
    }
    if let (Some(wanted), Some(given)) = (currency(gold), currency(answer))
        && wanted != given
    {
        return Some("the currencies differ".into());
    }
    let (wanted, given) = (lower_words(gold), lower_words(answer));
    if let (Some(a), Some(b)) = (scale(&wanted), scale(&given))
        && a != b
    {
        return Some("the scales of temperature differ".into());
    }
    if let (Some(a), Some(b)) = (compass(&wanted), compass(&given))
        && a != b
    {
        return Some("the directions differ".into());
    }
    if let (Some(a), Some(b)) = (counted(&wanted), counted(&given))
        && a.keys().eq(b.keys())
        && a != b
    {
        return Some("the amounts belong to other names".into());
    }
    if let (Some(a), Some(b)) = (is_past(&wanted), is_past(&given))
        && a != b
    {
        return Some("the words say the opposite".into());
    }
    let has = |words: &[String], side: &[&str]| words.iter().any(|word| side.contains(&word.as_str()));
    for (one, other) in OPPOSITES {
        for (here, there) in [(one, other), (other, one)] {
            if has(&wanted, here) && !has(&wanted, there) && has(&given, there) && !has(&given, here) {
                return Some("the words say the opposite".into());
            }
        }
    }
    None
}

/// Whether two texts give the same names the same whole numbers.
pub fn same_amounts(gold: &str, answer: &str) -> bool {
    if gold.len() > 300 || answer.len() > 300 || !gold.contains(|c: char| c.is_ascii_digit()) || !speaks(gold) {
        return false;
    }
    let (wanted, given) = (lower_words(gold), lower_words(answer));
    matches!((counted(&wanted), counted(&given)), (Some(a), Some(b)) if a == b)
}

/// Two or more names with a whole number each: "5 red and 8 blue", "red: 5, blue: 8". `None` for any other text.
fn counted(words: &[String]) -> Option<BTreeMap<&str, &str>> {
    // "She buys 4 apples and 6 pears"
    let begins = || words.iter().position(|word| word.bytes().all(|c| c.is_ascii_digit())).filter(|at| *at > 0);
    paired(words).or_else(|| paired(&words[begins()?..]))
}

fn paired(words: &[String]) -> Option<BTreeMap<&str, &str>> {
    let joining = |word: &&String| {
        matches!(
            word.as_str(),
            "and"
                | "are"
                | "is"
                | "of"
                | "with"
                | "has"
                | "have"
                | "for"
                | "the"
                | "was"
                | "were"
                | "equals"
                | "to"
                | "gets"
                | "get"
                | "got"
                | "had"
                | "receives"
                | "pays"
                | "earns"
                | "takes"
        )
    };
    let words: Vec<&str> = words.iter().filter(|word| !joining(word)).map(String::as_str).collect();
    let number = |word: &str| word.bytes().all(|c| c.is_ascii_digit());
    let first = number(words.first()?);
    let pairs: Option<Vec<(&str, &str)>> = words
        .chunks(2)
        .map(|pair| match pair {
            [one, other] if number(one) == first && number(other) != first => {
                Some(if first { (*other, *one) } else { (*one, *other) })
            }
            _ => None,
        })
        .collect();
    let pairs = pairs.filter(|pairs| (2..=8).contains(&pairs.len()))?;
    let count = pairs.len();
    let named: BTreeMap<&str, &str> = pairs.into_iter().collect();
    // One letter is a variable.
    (named.len() == count && named.keys().all(|name| name.chars().count() > 1)).then_some(named)
}

/// Whether a stretch of time lies in the past (`3 years ago`) or in the future (`in 3 years`).
fn is_past(words: &[String]) -> Option<bool> {
    if words.iter().any(|word| word == "ago") {
        return Some(true);
    }
    let time = |word: &String| {
        ["second", "minute", "hour", "day", "week", "month", "year", "decade", "century", "centuries"]
            .iter()
            .any(|unit| word.strip_suffix('s').unwrap_or(word) == *unit)
    };
    let ahead = words.windows(3).any(|three| {
        matches!(three[0].as_str(), "in" | "after")
            && three[1].starts_with(|c: char| c.is_ascii_digit())
            && time(&three[2])
    });
    ahead.then_some(false)
}

/// Whether there is any word, degree sign or currency sign; the name of a command is not a word.
fn speaks(text: &str) -> bool {
    let (mut run, mut command) = (0, false);
    for character in text.chars() {
        if character.is_alphabetic() {
            run += 1;
            if run > 1 && !command {
                return true;
            }
            continue;
        }
        if "°℃℉€£¥₹$".contains(character) {
            return true;
        }
        command = character == '\\';
        run = 0;
    }
    ["\\circ", "\\text", "\\mathrm"].iter().any(|command| text.contains(command))
}

/// The words of a text, with the points of abbreviations and the scales of temperature apart.
fn lower_words(text: &str) -> Vec<String> {
    let text = text.replace('℃', "° C").replace('℉', "° F").replace('°', " degree ");
    words::words(&text).iter().map(|word| word.to_lowercase()).collect()
}

/// The scale that a temperature is given in: a name, or a letter after a degree sign, or a `K` after a number.
fn scale(words: &[String]) -> Option<char> {
    for (index, word) in words.iter().enumerate() {
        let degree = index > 0 && matches!(words[index - 1].as_str(), "circ" | "degree" | "degrees");
        let number = index > 0 && words[index - 1].ends_with(|c: char| c.is_ascii_digit());
        match word.as_str() {
            "celsius" | "centigrade" => return Some('c'),
            "fahrenheit" => return Some('f'),
            "kelvin" | "kelvins" => return Some('k'),
            "c" | "f" if degree || number && index + 1 == words.len() => return word.chars().next(),
            "k" if (degree || number) && index + 1 == words.len() => return Some('k'),
            _ => {}
        }
    }
    None
}

/// The letter of a direction that ends a latitude or a longitude: `40° N`.
fn compass(words: &[String]) -> Option<&str> {
    let (last, before) = words.split_last()?;
    let degree = before.last().is_some_and(|word| {
        matches!(word.as_str(), "circ" | "degree" | "degrees") || word.ends_with(|c: char| c.is_ascii_digit())
    });
    (degree && matches!(last.as_str(), "n" | "s" | "e" | "w")).then_some(last)
}

/// The currency that an amount is in, where it is said. A dollar sign alone may open mathematics.
fn currency(text: &str) -> Option<&'static str> {
    for (sign, name) in [('€', "euro"), ('£', "pound"), ('¥', "yen"), ('₹', "rupee"), ('₩', "won")] {
        if text.contains(sign) {
            return Some(name);
        }
    }
    let named = words::words(text).iter().find_map(|word| {
        Some(match word.to_lowercase().as_str() {
            "euro" | "euros" | "eur" => "euro",
            "pounds" | "gbp" => "pound",
            "yen" | "jpy" => "yen",
            "rupee" | "rupees" | "rs" | "inr" => "rupee",
            "yuan" | "rmb" | "cny" => "yuan",
            "dollar" | "dollars" | "usd" | "cent" | "cents" => "dollar",
            _ => return None,
        })
    });
    let dollar = || {
        let sign = text.contains("\\$") || text.starts_with('$') && text.matches('$').count() == 1;
        sign.then_some("dollar")
    };
    named.or_else(dollar)
}

fn sorted(text: &str) -> Vec<u8> {
    let mut letters = text.as_bytes().to_vec();
    letters.sort_unstable();
    letters
}

/// Whether a text is three or more capital letters, as the names of points or people in an order: `ACB` is not `ABC`.
fn is_order_of_names(text: &str) -> bool {
    (3..=12).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_uppercase())
}
