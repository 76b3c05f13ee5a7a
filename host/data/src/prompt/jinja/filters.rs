//! Filters: what stands after `|`. Those of sequences are in `filters/sequences.rs`.

mod sequences;

pub(super) use sequences::{dict, sort_by};

use std::sync::Arc;

use super::call::{Given, needed, optional_text, text, whole_or};
use super::item::{Item, Items, Stream};
use super::json::{Form, dumped};
use super::lexer::is_space;
use super::lookup;
use super::methods::{capitalized, lines, replaced};
use super::operators::Number;
use super::printf;
use super::printing::shown;
use super::trouble::{Fallible, Trouble};
use super::work::Work;

const NAMES: [&str; 46] = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "wordcount",
];

/// Whether there is a filter of this name.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// `item | name(…)`.
pub(super) fn apply(work: &Work, name: &str, item: Item, given: Given) -> Fallible<Item> {
    let made = |text: String| Item::made(work, text);
    match name {
        "default" | "d" => {
            let [default, falsy] = given.read(name, ["default_value", "boolean"])?;
            let falsy = falsy.map_or(Ok(false), |falsy| falsy.is_true(work))?;
            let replaced = !item.is_defined() || falsy && !item.is_true(work)?;
            Ok(if replaced { default.unwrap_or_else(|| Item::text("")) } else { item })
        }
        "length" | "count" => match item.length(work)? {
            Some(length) => Ok(Item::Whole(length as i128)),
            None => Err(Trouble::new(format!("object of type '{}' has no len()", item.kind()))),
        },
        "string" | "safe" => match item {
            Item::Text(_) => Ok(item),
            _ => made(shown(work, &item)?),
        },
        "upper" => made(shown(work, &item)?.to_uppercase()),
        "lower" => made(shown(work, &item)?.to_lowercase()),
        "capitalize" => made(capitalized(&shown(work, &item)?)),
        "title" => made(title(&shown(work, &item)?)),
        "trim" => {
            let [characters] = given.read(name, ["chars"])?;
            let characters = optional_text(name, characters)?;
            let text = shown(work, &item)?;
            let strips = |character: char| match &characters {
                Some(characters) => characters.contains(character),
                None => is_space(character),
            };
            made(text.trim_matches(strips).to_owned())
        }
        "replace" => {
            let [old, new, count] = given.read(name, ["old", "new", "count"])?;
            let (old, new) = (needed(name, "old", old)?, needed(name, "new", new)?);
            let (own, old, new) = (shown(work, &item)?, shown(work, &old)?, shown(work, &new)?);
            let count = match count {
                None | Some(Item::None) => usize::MAX,
                Some(count) => usize::try_from(super::call::whole(name, &count)?).unwrap_or(usize::MAX),
            };
            made(replaced(work, &own, &old, &new, count)?)
        }
        "format" => {
            let given = match given.named.is_empty() {
                true => Item::Tuple(Items::new(work, given.placed)?),
                false => {
                    let named = given.named.into_iter().map(|(name, item)| (Item::Text(name), item));
                    Item::Map(super::item::Pairs::new(work, named)?)
                }
            };
            made(printf::printf(work, &shown(work, &item)?, &given)?)
        }
        "indent" => {
            let [width, first, blank] = given.read(name, ["width", "first", "blank"])?;
            let by = match width {
                Some(Item::Text(text)) => text,
                width => {
                    let width = usize::try_from(whole_or(name, width, 4)?).unwrap_or(0);
                    work.make_bytes(width)?;
                    " ".repeat(width).into()
                }
            };
            let truth = |item: Option<Item>| item.map_or(Ok(false), |item| item.is_true(work));
            made(indented(work, &text(name, &item)?, &by, truth(first)?, truth(blank)?)?)
        }
        "center" => {
            let [width] = given.read(name, ["width"])?;
            let width = Item::Whole(i128::from(whole_or(name, width, 80)?));
            let given = Given { placed: vec![width], named: Vec::new() };
            super::methods::call(work, &Item::text(shown(work, &item)?), "center", given)
        }
        "truncate" => {
            let [length, cut, end, leeway] = given.read(name, ["length", "killwords", "end", "leeway"])?;
            let length = usize::try_from(whole_or(name, length, 255)?).unwrap_or(0);
            let leeway = usize::try_from(whole_or(name, leeway, 5)?).unwrap_or(0);
            let end = optional_text(name, end)?.unwrap_or_else(|| "...".into());
            let cut = cut.map_or(Ok(false), |cut| cut.is_true(work))?;
            match item.length(work)? {
                Some(own) if own <= length.saturating_add(leeway) => return Ok(item),
                _ => {}
            }
            let own = text(name, &item)?;
            let kept = length.checked_sub(end.chars().count());
            let kept =
                kept.ok_or_else(|| Trouble::new(format!("truncate needs a length of at least that of {end:?}")))?;
            let kept: String = own.chars().take(kept).collect();
            let kept = if cut { &*kept } else { kept.rsplit_once(' ').map_or(&*kept, |(before, _)| before) };
            made(format!("{kept}{end}"))
        }
        "wordcount" => {
            let text = shown(work, &item)?;
            let words = text.split(|character: char| !(character.is_alphanumeric() || character == '_'));
            Ok(Item::Whole(words.filter(|word| !word.is_empty()).count() as i128))
        }
        "escape" | "e" | "forceescape" => {
            let mut out = String::new();
            for character in shown(work, &item)?.chars() {
                match character {
                    '&' => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    '\'' => out.push_str("&#39;"),
                    '"' => out.push_str("&#34;"),
                    _ => out.push(character),
                }
            }
            made(out)
        }
        "abs" => match Number::of(&item) {
            Some(Number::Whole(number)) => Ok(Item::Whole(number.saturating_abs())),
            Some(Number::Float(number)) => Ok(Item::Float(number.abs())),
            None => Err(Trouble::new(format!("bad operand type for abs(): '{}'", item.kind()))),
        },
        "int" => {
            let [default, base] = given.read(name, ["default", "base"])?;
            let base = u32::try_from(whole_or(name, base, 10)?).unwrap_or(10).clamp(2, 36);
            Ok(whole_of(&item, base)?.map(Item::Whole).or(default).unwrap_or(Item::Whole(0)))
        }
        "float" => {
            let [default] = given.read(name, ["default"])?;
            Ok(float_of(&item)?.map(Item::Float).or(default).unwrap_or(Item::Float(0.0)))
        }
        "round" => {
            let [precision, method] = given.read(name, ["precision", "method"])?;
            let precision = whole_or(name, precision, 0)?;
            let method = optional_text(name, method)?.unwrap_or_else(|| "common".into());
            round(&item, i32::try_from(precision).unwrap_or(0).clamp(-300, 300), &method)
        }
        "attr" => {
            let [attribute] = given.read(name, ["name"])?;
            let attribute = shown(work, &needed(name, "name", attribute)?)?;
            match &item {
                Item::Map(_) if !super::methods::has(&item, &attribute) => {
                    Ok(Item::Undefined(format!("'dict object' has no attribute '{attribute}'").into()))
                }
                _ => lookup::attribute(work, &item, &attribute),
            }
        }
        "items" => match &item {
            Item::Undefined(message) => {
                work.check_strict(message)?;
                Stream::of(work, "generator", Vec::new())
            }
            Item::Map(pairs) => {
                Stream::of(work, "generator", Item::View(super::item::View::Pairs, pairs.clone()).iterate(work)?)
            }
            _ => Err(Trouble::new("Can only get item pairs from a mapping.")),
        },
        "tojson" => {
            let names = ["ensure_ascii", "indent", "separators", "sort_keys"];
            let [ascii, indent, separators, sorted] = given.read(name, names)?;
            let truth = |item: Option<Item>| item.map_or(Ok(false), |item| item.is_true(work));
            let indent = match indent {
                None | Some(Item::None) => None,
                Some(Item::Text(text)) => Some(text.to_string()),
                Some(width) => {
                    let width = usize::try_from(super::call::whole(name, &width)?).unwrap_or(0);
                    work.make_bytes(width)?;
                    Some(" ".repeat(width))
                }
            };
            let (mut between, mut after_key) = (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned());
            match separators {
                None | Some(Item::None) => {}
                Some(pair) => {
                    let pair = pair.iterate(work)?;
                    let [first, second] = pair.as_slice() else {
                        return Err(Trouble::new("separators of tojson are two texts"));
                    };
                    between = text(name, first)?.to_string();
                    after_key = text(name, second)?.to_string();
                }
            }
            let form = Form { ascii: truth(ascii)?, indent, between, after_key, sorted: truth(sorted)? };
            dumped(work, &item, &form).map(Item::text)
        }
        _ => sequences::apply(work, name, item, given),
    }
}

/// Jinja's `title`, which starts words after blanks and opening brackets.
fn title(text: &str) -> String {
    let mut out = String::new();
    let mut starts = true;
    for character in text.chars() {
        match starts {
            true => out.extend(character.to_uppercase()),
            false => out.extend(character.to_lowercase()),
        }
        starts = is_space(character) || "-({[<".contains(character);
    }
    out
}

fn indented(work: &Work, text: &str, by: &str, first: bool, blank: bool) -> Fallible<String> {
    // As Jinja, which adds a newline so that one at the end is kept.
    let text = format!("{text}\n");
    let mut out = String::new();
    for (place, line) in lines(&text, false).into_iter().enumerate() {
        let indents = if place == 0 { first } else { blank || !line.is_empty() };
        work.make_bytes(by.len() + line.len() + 1)?;
        if place > 0 {
            out.push('\n');
        }
        if indents {
            out.push_str(by);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// `int(item)`, or none where Jinja takes the default.
fn whole_of(item: &Item, base: u32) -> Fallible<Option<i128>> {
    match item {
        Item::Undefined(message) => Err(Trouble::new(&**message)),
        Item::Float(number) => {
            Ok(Some(number.trunc()).filter(|number| number.abs() < 1.7e38).map(|number| number as i128))
        }
        Item::Text(text) => {
            let digits = text.trim_matches(is_space).replace('_', "");
            let (sign, size) = match digits.strip_prefix('-') {
                Some(size) => (-1, size),
                None => (1, digits.strip_prefix('+').unwrap_or(&digits)),
            };
            let prefix = match base {
                16 => "0x",
                8 => "0o",
                2 => "0b",
                _ => "",
            };
            let lower = size.to_lowercase();
            let size = lower.strip_prefix(prefix).unwrap_or(&lower);
            if size.chars().all(|digit| digit.is_digit(base))
                && let Ok(number) = i128::from_str_radix(size, base)
            {
                return Ok(Some(sign * number));
            }
            // As Jinja, which reads "32.7" by way of a float.
            let float = float_of(item)?.filter(|number| number.abs() < 1.7e38);
            Ok(float.map(|number| number.trunc() as i128))
        }
        _ => Ok(item.as_whole()),
    }
}

fn float_of(item: &Item) -> Fallible<Option<f64>> {
    match item {
        Item::Undefined(message) => Err(Trouble::new(&**message)),
        Item::Text(text) => {
            let text = text.trim_matches(is_space).replace('_', "");
            let plain = text.trim_start_matches(['+', '-']).to_lowercase();
            let is_number = plain.starts_with(|first: char| first.is_ascii_digit() || first == '.');
            Ok(text.parse().ok().filter(|_| is_number || ["inf", "infinity", "nan"].contains(&&*plain)))
        }
        _ => Ok(Number::of(item).map(Number::float)),
    }
}

fn round(item: &Item, precision: i32, method: &str) -> Fallible<Item> {
    if let Item::Undefined(message) = item {
        return Err(Trouble::new(&**message));
    }
    let number = Number::of(item).ok_or_else(|| Trouble::new(format!("type {} can't be rounded", item.kind())))?;
    let scale = 10f64.powi(precision);
    let scaled = number.float() * scale;
    match (method, number) {
        ("common", Number::Whole(number)) if precision >= 0 => Ok(Item::Whole(number)),
        // Correctly rounded in decimal, halves to even, as Python does it.
        ("common", Number::Float(number)) if precision >= 0 && number.is_finite() => {
            let digits = usize::try_from(precision).unwrap_or(0);
            Ok(Item::Float(format!("{number:.digits$}").parse().unwrap_or(number)))
        }
        ("common", Number::Whole(number)) => {
            let unit = 10i128.checked_pow(precision.unsigned_abs()).unwrap_or(i128::MAX);
            let (below, rest) = (number.div_euclid(unit), number.rem_euclid(unit));
            let up = rest > unit - rest || rest == unit - rest && below % 2 != 0;
            Ok(Item::Whole((below + i128::from(up)).saturating_mul(unit)))
        }
        ("common", Number::Float(_)) => Ok(Item::Float(scaled.round_ties_even() / scale)),
        ("ceil", _) => Ok(Item::Float(scaled.ceil() / scale)),
        ("floor", _) => Ok(Item::Float(scaled.floor() / scale)),
        _ => Err(Trouble::new("method must be common, ceil or floor")),
    }
}

/// The value that a path such as `function.name` or `0.name` leads to.
fn along(work: &Work, item: &Item, path: &[Item]) -> Fallible<Item> {
    let mut item = item.clone();
    for part in path {
        item = lookup::subscript(work, &item, part)?;
    }
    Ok(item)
}

/// The parts of an attribute's path.
fn path(attribute: &Item) -> Vec<Item> {
    match attribute {
        Item::Text(text) => {
            let part = |part: &str| match part.parse::<i128>() {
                Ok(index) if part.chars().all(|digit| digit.is_ascii_digit()) => Item::Whole(index),
                _ => Item::Text(Arc::from(part)),
            };
            text.split('.').map(part).collect()
        }
        _ => vec![attribute.clone()],
    }
}
