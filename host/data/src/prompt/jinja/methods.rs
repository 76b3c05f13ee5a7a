//! Methods of Python's texts, dictionaries, lists and of Jinja's own objects.

use std::sync::Arc;

use super::call::{Given, needed, optional_text, text, whole, whole_or};
use super::item::{Item, Items, View};
use super::lexer::is_space;
use super::operators::equal;
use super::printf;
use super::trouble::{Fallible, Trouble};
use super::work::Work;

const OF_TEXT: [&str; 40] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "islower",
    "isnumeric",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
];

/// Whether values of this kind have this method.
pub(super) fn has(item: &Item, name: &str) -> bool {
    match item {
        Item::Text(_) => OF_TEXT.contains(&name) || name == "zfill",
        Item::Map(_) => ["items", "keys", "values", "get", "copy"].contains(&name),
        Item::List(_) => ["index", "count", "copy"].contains(&name),
        Item::Tuple(_) | Item::Range(..) => ["index", "count"].contains(&name),
        Item::Loop(_) => ["cycle", "changed"].contains(&name),
        Item::Cycler(_) => ["next", "reset"].contains(&name),
        Item::Whole(_) | Item::Bool(_) => name == "bit_length",
        Item::Float(_) => name == "is_integer",
        _ => false,
    }
}

/// Whether a method would change its value, which Jinja's sandbox forbids.
pub(super) fn changes(item: &Item, name: &str) -> bool {
    match item {
        Item::Map(_) => ["clear", "pop", "popitem", "setdefault", "update"].contains(&name),
        Item::List(_) => ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"].contains(&name),
        _ => false,
    }
}

/// Calls a method.
pub(super) fn call(work: &Work, item: &Item, name: &str, given: Given) -> Fallible<Item> {
    match item {
        Item::Text(own) => of_text(work, own, name, given),
        Item::Map(pairs) => {
            let view = |view| Ok(Item::View(view, pairs.clone()));
            match name {
                "items" => view(View::Pairs),
                "keys" => view(View::Keys),
                "values" => view(View::Values),
                "copy" => Ok(item.clone()),
                _ => {
                    let [key, default] = given.read("get", ["key", "default"])?;
                    let found = pairs.get(work, &needed("get", "key", key)?)?.cloned();
                    Ok(found.or(default).unwrap_or(Item::None))
                }
            }
        }
        Item::List(_) | Item::Tuple(_) | Item::Range(..) => {
            if name == "copy" {
                return Ok(item.clone());
            }
            let [wanted] = given.read(name, ["value"])?;
            let wanted = needed(name, "value", wanted)?;
            let mut count = 0;
            for (place, known) in item.iterate(work)?.iter().enumerate() {
                if equal(work, known, &wanted)? {
                    if name == "index" {
                        return Ok(Item::Whole(place as i128));
                    }
                    count += 1;
                }
            }
            match name {
                "index" => Err(Trouble::new("index: the value is not in the list")),
                _ => Ok(Item::Whole(count)),
            }
        }
        Item::Loop(of) if name == "cycle" => {
            let place = of.index.get().checked_rem(given.placed.len());
            place
                .and_then(|place| given.placed.get(place))
                .cloned()
                .ok_or_else(|| Trouble::new("no items for cycling given"))
        }
        Item::Loop(of) => {
            let value = Item::Tuple(Items::new(work, given.placed)?);
            let last = of.last_changed.replace(Some(value.clone()));
            let same = last.map_or(Ok(false), |last| equal(work, &last, &value))?;
            Ok(Item::Bool(!same))
        }
        Item::Cycler(cycler) => {
            let current = cycler.0.items.get(cycler.1.get()).cloned().unwrap_or(Item::None);
            if name == "reset" {
                cycler.1.set(0);
                return Ok(Item::None);
            }
            cycler.1.set((cycler.1.get() + 1) % cycler.0.items.len().max(1));
            Ok(current)
        }
        Item::Float(number) => Ok(Item::Bool(number.fract() == 0.0)),
        _ => {
            let number = item.as_whole().unwrap_or_default().unsigned_abs();
            Ok(Item::Whole(i128::from(u128::BITS - number.leading_zeros())))
        }
    }
}

fn of_text(work: &Work, own: &Arc<str>, name: &str, given: Given) -> Fallible<Item> {
    work.make_bytes(own.len())?;
    let made = |text: String| Item::made(work, text);
    let is = |bool: bool| Ok(Item::Bool(bool));
    let every = |test: fn(char) -> bool| Ok(Item::Bool(!own.is_empty() && own.chars().all(test)));
    let tuple = |parts: [&str; 3]| Items::new(work, parts.map(Item::text).to_vec()).map(Item::Tuple);
    match name {
        "upper" => made(own.to_uppercase()),
        "lower" | "casefold" => made(own.to_lowercase()),
        "capitalize" => made(capitalized(own)),
        "title" => made(titled(own)),
        "swapcase" => made(own.chars().map(swapped).collect()),
        "strip" | "lstrip" | "rstrip" => {
            let [characters] = given.read(name, ["chars"])?;
            let characters = optional_text(name, characters)?;
            let strips = |character: char| match &characters {
                Some(characters) => characters.contains(character),
                None => is_space(character),
            };
            let mut rest: &str = own;
            if name != "rstrip" {
                rest = rest.trim_start_matches(strips);
            }
            if name != "lstrip" {
                rest = rest.trim_end_matches(strips);
            }
            made(rest.to_owned())
        }
        "split" | "rsplit" => {
            let [separator, most] = given.read(name, ["sep", "maxsplit"])?;
            let separator = optional_text(name, separator)?;
            let most = usize::try_from(whole_or(name, most, -1)?).unwrap_or(usize::MAX);
            let parts = split(own, separator.as_deref(), most, name == "rsplit")?;
            Item::list(work, parts.into_iter().map(Item::text).collect())
        }
        "splitlines" => {
            let [ends] = given.read(name, ["keepends"])?;
            let ends = ends.map_or(Ok(false), |ends| ends.is_true(work))?;
            Item::list(work, lines(own, ends).into_iter().map(Item::text).collect())
        }
        "startswith" | "endswith" => {
            let [part, start, end] = given.read(name, ["prefix", "start", "end"])?;
            let part = needed(name, "prefix", part)?;
            let own = window(own, start, end)?;
            let holds = |part: &str| if name == "startswith" { own.starts_with(part) } else { own.ends_with(part) };
            match &part {
                Item::Tuple(parts) => {
                    for part in &parts.items {
                        if holds(&text(name, part)?) {
                            return is(true);
                        }
                    }
                    is(false)
                }
                Item::Text(part) => is(holds(part)),
                Item::Undefined(message) => Err(Trouble::new(&**message)),
                _ => Err(Trouble::new(format!("{name} first arg must be str or a tuple of str, not {}", part.kind()))),
            }
        }
        "removeprefix" | "removesuffix" => {
            let [part] = given.read(name, ["prefix"])?;
            let part = text(name, &needed(name, "prefix", part)?)?;
            let rest = if name == "removeprefix" { own.strip_prefix(&*part) } else { own.strip_suffix(&*part) };
            made(rest.unwrap_or(own).to_owned())
        }
        "partition" | "rpartition" => {
            let [separator] = given.read(name, ["sep"])?;
            let separator = text(name, &needed(name, "sep", separator)?)?;
            if separator.is_empty() {
                return Err(Trouble::new("empty separator"));
            }
            let parts = if name == "partition" { own.split_once(&*separator) } else { own.rsplit_once(&*separator) };
            match parts {
                Some((before, after)) => tuple([before, &separator, after]),
                None if name == "partition" => tuple([own, "", ""]),
                None => tuple(["", "", own]),
            }
        }
        "replace" => {
            let [old, new, count] = given.read(name, ["old", "new", "count"])?;
            let (old, new) = (text(name, &needed(name, "old", old)?)?, text(name, &needed(name, "new", new)?)?);
            let count = usize::try_from(whole_or(name, count, -1)?).unwrap_or(usize::MAX);
            made(replaced(work, own, &old, &new, count)?)
        }
        "count" | "find" | "rfind" | "index" | "rindex" => {
            let [part, start, end] = given.read(name, ["sub", "start", "end"])?;
            let part = text(name, &needed(name, "sub", part)?)?;
            let from = start.as_ref().and_then(Item::as_whole).unwrap_or(0);
            let window = window(own, start, end)?;
            let found = match name {
                "count" if part.is_empty() => return Ok(Item::Whole(window.chars().count() as i128 + 1)),
                "count" => return Ok(Item::Whole(window.matches(&*part).count() as i128)),
                "find" | "index" => window.find(&*part),
                _ => window.rfind(&*part),
            };
            let length = own.chars().count() as i128;
            let from = if from < 0 { (from + length).max(0) } else { from };
            match found.and_then(|place| window.get(..place)) {
                Some(before) => Ok(Item::Whole(before.chars().count() as i128 + from)),
                None if name.ends_with("index") => Err(Trouble::new("substring not found")),
                None => Ok(Item::Whole(-1)),
            }
        }
        "join" => {
            let [items] = given.read(name, ["iterable"])?;
            let mut joined = String::new();
            for (place, item) in needed(name, "iterable", items)?.iterate(work)?.iter().enumerate() {
                let Item::Text(part) = item else {
                    let kind = item.kind();
                    return Err(Trouble::new(format!("sequence item {place}: expected str instance, {kind} found")));
                };
                work.make_bytes(own.len() + part.len())?;
                joined.push_str(if place > 0 { own } else { "" });
                joined.push_str(part);
            }
            Ok(Item::text(joined))
        }
        "format" => made(printf::format(work, own, &given)?),
        "isalnum" => every(char::is_alphanumeric),
        "isalpha" => every(char::is_alphabetic),
        "isascii" => is(own.is_ascii()),
        "isdigit" | "isdecimal" => every(|character| character.is_ascii_digit() || is_other_digit(character)),
        "isnumeric" => every(char::is_numeric),
        "isspace" => every(is_space),
        "islower" => is(own.chars().any(char::is_lowercase) && !own.chars().any(char::is_uppercase)),
        "isupper" => is(own.chars().any(char::is_uppercase) && !own.chars().any(char::is_lowercase)),
        "istitle" => is(own.chars().any(char::is_alphabetic) && titled(own) == **own),
        "ljust" | "rjust" | "center" => {
            let [width, fill] = given.read(name, ["width", "fillchar"])?;
            let width = whole(name, &needed(name, "width", width)?)?;
            let fill = optional_text(name, fill)?.unwrap_or_else(|| " ".into());
            if fill.chars().count() != 1 {
                return Err(Trouble::new("The fill character must be exactly one character long"));
            }
            let missing = usize::try_from(width).unwrap_or(0).saturating_sub(own.chars().count());
            work.make_bytes(missing.saturating_mul(fill.len()))?;
            let left = match name {
                "ljust" => 0,
                "rjust" => missing,
                // As CPython: the odd blank goes left where the width is odd.
                _ => missing / 2 + (missing & usize::try_from(width).unwrap_or(0) & 1),
            };
            made(format!("{}{own}{}", fill.repeat(left), fill.repeat(missing - left)))
        }
        "zfill" => {
            let [width] = given.read(name, ["width"])?;
            let width = usize::try_from(whole(name, &needed(name, "width", width)?)?).unwrap_or(0);
            let missing = width.saturating_sub(own.chars().count());
            work.make_bytes(missing)?;
            let sign = own.starts_with(['+', '-']).into();
            let (sign, digits) = own.split_at(sign);
            made(format!("{sign}{}{digits}", "0".repeat(missing)))
        }
        _ => {
            let [size] = given.read(name, ["tabsize"])?;
            let size = usize::try_from(whole_or(name, size, 8)?).unwrap_or(0);
            let mut out = String::new();
            let mut column = 0;
            for character in own.chars() {
                if character == '\t' {
                    let blanks = size.saturating_sub(column % size.max(1));
                    work.make_bytes(blanks.saturating_add(64))?;
                    out.push_str(&" ".repeat(blanks));
                    column += blanks;
                } else {
                    out.push(character);
                    column = if matches!(character, '\n' | '\r') { 0 } else { column + 1 };
                }
            }
            made(out)
        }
    }
}

/// Digits of other scripts, which are numeric with a value below ten of their own.
fn is_other_digit(character: char) -> bool {
    !character.is_ascii() && character.is_numeric() && !character.is_alphabetic() && {
        let code = character as u32;
        !matches!(code, 0xbc..=0xbe | 0x2150..=0x218b | 0x2460..=0x249b | 0x3220..=0x3229 | 0x3280..=0x3289)
    }
}

fn swapped(character: char) -> char {
    let one = |mut changed: Box<dyn Iterator<Item = char>>| changed.next().unwrap_or(character);
    match character {
        _ if character.is_lowercase() => one(Box::new(character.to_uppercase())),
        _ => one(Box::new(character.to_lowercase())),
    }
}

/// Python's `str.capitalize`.
pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters.as_str().to_lowercase().chars()).collect()
}

/// Python's `str.title`.
pub(super) fn titled(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for character in text.chars() {
        match inside {
            true => out.extend(character.to_lowercase()),
            false => out.extend(character.to_uppercase()),
        }
        inside = character.is_alphabetic();
    }
    out
}

/// Python's `str.replace`, paid for before it is made.
pub(super) fn replaced(work: &Work, text: &str, old: &str, new: &str, count: usize) -> Fallible<String> {
    let found = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    work.make_bytes(found.min(count).saturating_mul(new.len()))?;
    Ok(text.replacen(old, new, count))
}

fn window(text: &str, start: Option<Item>, end: Option<Item>) -> Fallible<&str> {
    if start.is_none() && end.is_none() {
        return Ok(text);
    }
    let length = text.chars().count() as i64;
    let bound = |item: Option<Item>, default: i64| -> Fallible<i64> {
        match item {
            None | Some(Item::None) => Ok(default),
            Some(item) => {
                let number = whole("a place in a text", &item)?;
                Ok(if number < 0 { number.saturating_add(length).max(0) } else { number.min(length) })
            }
        }
    };
    let (start, end) = (bound(start, 0)?, bound(end, length)?);
    let place = |count: i64| {
        let count = usize::try_from(count).unwrap_or(0);
        text.char_indices().nth(count).map_or(text.len(), |(place, _)| place)
    };
    Ok(text.get(place(start)..place(end)).unwrap_or_default())
}

/// Python's `str.split` and `str.rsplit`.
fn split<'text>(text: &'text str, separator: Option<&str>, most: usize, from_end: bool) -> Fallible<Vec<&'text str>> {
    let parts = most.saturating_add(1);
    let Some(separator) = separator else {
        let mut found = Vec::new();
        let mut rest = if from_end { text.trim_end_matches(is_space) } else { text.trim_start_matches(is_space) };
        while !rest.is_empty() {
            let cut = if found.len() == most {
                None
            } else if from_end {
                rest.char_indices().rfind(|(_, character)| is_space(*character))
            } else {
                rest.char_indices().find(|(_, character)| is_space(*character))
            };
            let Some((place, blank)) = cut else {
                found.push(rest);
                break;
            };
            let (before, after) = (rest.get(..place), rest.get(place + blank.len_utf8()..));
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            if from_end {
                found.push(after);
                rest = before.trim_end_matches(is_space);
            } else {
                found.push(before);
                rest = after.trim_start_matches(is_space);
            }
        }
        // What is left over keeps its blanks at the other end, but for the last part.
        if from_end {
            found.reverse();
        }
        return Ok(found);
    };
    if separator.is_empty() {
        return Err(Trouble::new("empty separator"));
    }
    if from_end {
        let mut found: Vec<&str> = text.rsplitn(parts, separator).collect();
        found.reverse();
        return Ok(found);
    }
    Ok(text.splitn(parts, separator).collect())
}

/// Python's `str.splitlines`.
pub(super) fn lines(text: &str, ends: bool) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        let is_end = matches!(
            character,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        );
        if !is_end {
            continue;
        }
        let mut after = place + character.len_utf8();
        if character == '\r' && characters.peek().is_some_and(|(_, next)| *next == '\n') {
            characters.next();
            after += 1;
        }
        found.extend(text.get(start..if ends { after } else { place }));
        start = after;
    }
    found.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    found
}
