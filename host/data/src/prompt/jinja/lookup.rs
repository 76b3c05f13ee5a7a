//! `item.name`, `item[key]` and `item[from:to:step]`, as Jinja's sandbox answers them.

use super::item::{Function, Item, Items, range_length};
use super::methods;
use super::printing::{named, single};
use super::trouble::{Fallible, Trouble};
use super::work::Work;
use std::rc::Rc;

/// `item.name`: an attribute of the type first, then a key.
pub(super) fn attribute(work: &Work, item: &Item, name: &str) -> Fallible<Item> {
    if let Some(found) = own(work, item, name)? {
        return Ok(found);
    }
    if let Item::Map(pairs) = item
        && let Some(found) = pairs.get_text(name)
    {
        return Ok(found.clone());
    }
    Ok(absent(work, item, &Item::text(name)))
}

/// `item[key]`: a key or an index first, then an attribute of the type.
pub(super) fn subscript(work: &Work, item: &Item, key: &Item) -> Fallible<Item> {
    match (item, key) {
        (Item::Undefined(message), _) => return Err(Trouble::new(&**message)),
        (Item::Map(pairs), _) => {
            if !matches!(key, Item::List(_) | Item::Map(_))
                && let Some(found) = pairs.get(work, key)?
            {
                return Ok(found.clone());
            }
        }
        (Item::List(items) | Item::Tuple(items), _) => {
            if let Some(index) = key.as_whole()
                && let Some(found) = index_in(index, items.items.len()).and_then(|index| items.items.get(index))
            {
                return Ok(found.clone());
            }
        }
        (Item::Text(text), _) => {
            if let Some(index) = key.as_whole() {
                work.make_bytes(text.len())?;
                let length = text.chars().count();
                if let Some(found) = index_in(index, length).and_then(|index| text.chars().nth(index)) {
                    return Ok(Item::text(found.to_string()));
                }
            }
        }
        (Item::Range(start, stop, step), _) => {
            let length = range_length(*start, *stop, *step);
            if let Some(index) = key.as_whole().and_then(|index| index_in(index, length)) {
                return Ok(Item::Whole(i128::from(*start) + index as i128 * i128::from(*step)));
            }
        }
        _ => {}
    }
    if let Item::Text(name) = key
        && let Some(found) = own(work, item, name)?
    {
        return Ok(found);
    }
    Ok(absent(work, item, key))
}

fn index_in(index: i128, length: usize) -> Option<usize> {
    let length = length as i128;
    let index = if index < 0 { index + length } else { index };
    usize::try_from(index).ok().filter(|index| (*index as i128) < length)
}

/// The undefined value of what `item` does not have.
fn absent(work: &Work, item: &Item, key: &Item) -> Item {
    let owner = match item {
        Item::None => "None".to_owned(),
        Item::Namespace(_) | Item::Macro(_) | Item::Loop(_) | Item::Cycler(_) | Item::Joiner(_) => {
            format!("jinja2.runtime.{} object", item.kind())
        }
        _ => format!("{} object", item.kind()),
    };
    Item::Undefined(match key {
        Item::Text(name) => format!("'{owner}' has no attribute {}", named(work, &Item::Text(name.clone()))).into(),
        _ => format!("{owner} has no element {}", named(work, key)).into(),
    })
}

/// What Python's type of `item` itself calls `name`.
fn own(work: &Work, item: &Item, name: &str) -> Fallible<Option<Item>> {
    if let Item::Undefined(message) = item {
        return Err(Trouble::new(&**message));
    }
    let whole = |number: usize| Ok(Some(Item::Whole(number as i128)));
    match item {
        Item::Namespace(namespace) => {
            let values = namespace.values.borrow();
            if let Some((_, value)) = values.iter().find(|(known, _)| **known == *name) {
                return Ok(Some(value.clone()));
            }
        }
        Item::Loop(of) => {
            let (index, length) = (of.index.get(), of.items.items.len());
            let beside = |place: Option<usize>, none: &str| {
                let item = place.and_then(|place| of.items.items.get(place)).cloned();
                Ok(Some(item.unwrap_or_else(|| Item::Undefined(none.into()))))
            };
            match name {
                "index" => return whole(index + 1),
                "index0" => return whole(index),
                "revindex" => return whole(length - index),
                "revindex0" => return whole(length - index - 1),
                "first" => return Ok(Some(Item::Bool(index == 0))),
                "last" => return Ok(Some(Item::Bool(index + 1 == length))),
                "length" => return whole(length),
                "depth" => return whole(of.depth + 1),
                "depth0" => return whole(of.depth),
                "previtem" => return beside(index.checked_sub(1), "there is no previous item"),
                "nextitem" => return beside(Some(index + 1), "there is no next item"),
                _ => {}
            }
        }
        Item::Cycler(cycler) if name == "current" => return Ok(cycler.0.items.get(cycler.1.get()).cloned()),
        Item::Macro(made) if name == "name" => return Ok(Some(Item::Text(made.of.name.clone()))),
        Item::Function(Function::Dict) if name == "fromkeys" => return Ok(Some(Item::Function(Function::FromKeys))),
        _ => {}
    }
    if name.starts_with("__") || methods::changes(item, name) {
        let message = format!("access to attribute {} of '{}' object is unsafe.", single(name), item.kind());
        return Ok(Some(Item::Undefined(message.into())));
    }
    if methods::has(item, name) {
        work.spend(1)?;
        return Ok(Some(Item::Method(Rc::new((item.clone(), name.into())))));
    }
    Ok(None)
}

/// `item[from:to:step]`.
pub(super) fn slice(work: &Work, item: &Item, bounds: [Item; 3]) -> Fallible<Item> {
    if let Item::Undefined(message) = item {
        return Err(Trouble::new(&**message));
    }
    let [start, stop, step] = &bounds;
    if [start, stop, step].iter().any(|bound| !matches!(bound, Item::None) && bound.as_whole().is_none()) {
        return Err(Trouble::new("slice indices must be integers or None"));
    }
    let [start, stop, step] = [start.as_whole(), stop.as_whole(), step.as_whole()];
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Trouble::new("slice step cannot be zero"));
    }
    match item {
        Item::Text(text) => {
            work.make_bytes(text.len())?;
            let (length, ascii) = match text.is_ascii() {
                true => (text.len(), true),
                false => (text.chars().count(), false),
            };
            let places = places(length, start, stop, step);
            if step == 1 {
                let (from, count) = (places.clone().next().unwrap_or(0), places.count());
                let part = match ascii {
                    true => text.get(from..from + count).unwrap_or_default().to_owned(),
                    false => text.chars().skip(from).take(count).collect(),
                };
                return Item::made(work, part);
            }
            let characters: Vec<char> = text.chars().collect();
            work.make_places(length)?;
            Item::made(work, places.filter_map(|place| characters.get(place)).collect())
        }
        Item::List(items) | Item::Tuple(items) => {
            let places = places(items.items.len(), start, stop, step);
            let part = places.filter_map(|place| items.items.get(place)).cloned().collect();
            let part = Items::new(work, part)?;
            Ok(if matches!(item, Item::List(_)) { Item::List(part) } else { Item::Tuple(part) })
        }
        Item::Range(first, last, stride) => {
            let length = range_length(*first, *last, *stride);
            let (from, to) = bounds_of(length, start, stop, step);
            let at = |place: i128| i64::try_from(i128::from(*first) + place * i128::from(*stride));
            let stride = i64::try_from(step.saturating_mul(i128::from(*stride)));
            match (at(from), at(to), stride) {
                (Ok(from), Ok(to), Ok(stride)) => Ok(Item::Range(from, to, stride)),
                _ => Err(Trouble::new("a slice of a range is out of bounds")),
            }
        }
        _ => Err(Trouble::new(format!("'{}' object can't be sliced", item.kind()))),
    }
}

/// Where a slice begins and ends, as CPython finds it.
fn bounds_of(length: usize, start: Option<i128>, stop: Option<i128>, step: i128) -> (i128, i128) {
    let length = length as i128;
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |bound: i128| if bound < 0 { bound.saturating_add(length).max(lowest) } else { bound.min(highest) };
    let start = start.map_or(if step > 0 { lowest } else { highest }, clamp);
    let stop = stop.map_or(if step > 0 { highest } else { lowest }, clamp);
    (start, stop)
}

/// The places of a slice.
fn places(length: usize, start: Option<i128>, stop: Option<i128>, step: i128) -> impl Iterator<Item = usize> + Clone {
    let (start, stop) = bounds_of(length, start, stop, step);
    let span = if step > 0 { stop - start } else { start - stop };
    let count = if span > 0 { (span - 1) / step.saturating_abs() + 1 } else { 0 };
    (0..count).filter_map(move |turn| usize::try_from(start + turn * step).ok())
}
