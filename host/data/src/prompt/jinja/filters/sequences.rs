//! Filters of sequences.

use std::cmp::Ordering;

use super::super::call::{Given, needed, whole};
use super::super::item::{Item, Items, Pairs, Stream, check_key};
use super::super::operators::{Number, binary, equal, order};
use super::super::predicates;
use super::super::printing::shown;
use super::super::syntax::Binary;
use super::super::trouble::{Fallible, Trouble};
use super::super::work::Work;
use super::{along, apply as apply_filter, path};

/// `item | name(…)`.
pub(super) fn apply(work: &Work, name: &str, item: Item, mut given: Given) -> Fallible<Item> {
    let truth = |item: Option<Item>| item.map_or(Ok(false), |item| item.is_true(work));
    let defined = |item: Option<Item>| item.filter(|item| !matches!(item, Item::None));
    // As Jinja, which yields nothing for whatever is false.
    let unless_false = |item: &Item| if item.is_true(work)? { item.iterate(work) } else { Ok(Vec::new()) };
    match name {
        "list" => Item::list(work, item.iterate(work)?),
        "first" => Ok(item.iterate(work)?.into_iter().next().unwrap_or_else(|| nothing("first"))),
        "last" => match item {
            Item::Stream(_) => Err(Trouble::new("'generator' object is not reversible")),
            _ => Ok(item.iterate(work)?.pop().unwrap_or_else(|| nothing("last"))),
        },
        "reverse" => match item {
            Item::Text(text) => Item::made(work, text.chars().rev().collect()),
            _ => {
                let mut items = item.iterate(work)?;
                items.reverse();
                if matches!(item, Item::Stream(_)) {
                    return Item::list(work, items);
                }
                Stream::of(work, "list_reverseiterator", items)
            }
        },
        "join" => {
            let [separator, attribute] = given.read(name, ["d", "attribute"])?;
            let separator = separator.map_or(Ok(String::new()), |item| shown(work, &item))?;
            let attribute = defined(attribute).map(|attribute| path(&attribute)).unwrap_or_default();
            let mut joined = String::new();
            for (place, item) in item.iterate(work)?.iter().enumerate() {
                if place > 0 {
                    work.make_bytes(separator.len())?;
                    joined.push_str(&separator);
                }
                super::super::printing::show(work, &along(work, item, &attribute)?, &mut joined)?;
            }
            Item::made(work, joined)
        }
        "map" => {
            let mut out = Vec::new();
            let attribute = given.named.iter().position(|(name, _)| &**name == "attribute");
            if let Some(attribute) = attribute.filter(|_| given.placed.is_empty()) {
                let (_, attribute) = given.named.swap_remove(attribute);
                let default = given.named.pop().map(|(_, default)| default);
                let path = path(&attribute);
                for item in unless_false(&item)? {
                    let found = along(work, &item, &path)?;
                    out.push(default.clone().filter(|_| !found.is_defined()).unwrap_or(found));
                }
            } else {
                let (filter, rest) = front(name, given)?;
                for item in unless_false(&item)? {
                    work.spend(1)?;
                    out.push(apply_filter(work, &filter, item, again(&rest))?);
                }
            }
            Stream::of(work, "generator", out)
        }
        "select" | "reject" | "selectattr" | "rejectattr" => {
            let mut attribute = Vec::new();
            if name.ends_with("attr") {
                if given.placed.is_empty() {
                    return Err(Trouble::new("Missing parameter for attribute name"));
                }
                attribute = path(&given.placed.remove(0));
            }
            let test = if given.placed.is_empty() { None } else { Some(front(name, given)?) };
            let mut out = Vec::new();
            for item in unless_false(&item)? {
                work.spend(1)?;
                let found = along(work, &item, &attribute)?;
                let holds = match &test {
                    None => found.is_true(work)?,
                    Some((test, rest)) => predicates::holds(work, test, &found, again(rest))?,
                };
                if holds == name.starts_with("select") {
                    out.push(item);
                }
            }
            Stream::of(work, "generator", out)
        }
        "sort" => {
            let [reverse, case, attribute] = given.read(name, ["reverse", "case_sensitive", "attribute"])?;
            let paths: Vec<Vec<Item>> = match defined(attribute) {
                Some(Item::Text(names)) => names.split(',').map(|name| path(&Item::text(name))).collect(),
                Some(attribute) => vec![path(&attribute)],
                None => vec![Vec::new()],
            };
            let (reverse, case) = (truth(reverse)?, truth(case)?);
            let mut keyed = Vec::new();
            for item in item.iterate(work)? {
                let key: Vec<Item> =
                    paths.iter().map(|path| folded(work, along(work, &item, path)?, case)).collect::<Fallible<_>>()?;
                keyed.push((
                    if key.len() == 1 { key.into_iter().next().unwrap_or(Item::None) } else { Item::list(work, key)? },
                    item,
                ));
            }
            sort_keyed(work, &mut keyed, reverse)?;
            Item::list(work, keyed.into_iter().map(|(_, item)| item).collect())
        }
        "dictsort" => {
            let [case, by, reverse] = given.read(name, ["case_sensitive", "by", "reverse"])?;
            let (case, reverse) = (truth(case)?, truth(reverse)?);
            let by_value = match by {
                None => false,
                Some(Item::Text(by)) if ["key", "value"].contains(&&*by) => &*by == "value",
                Some(_) => return Err(Trouble::new("You can only sort by either \"key\" or \"value\"")),
            };
            let Item::Map(pairs) = &item else {
                return Err(Trouble::new(format!("'{} object' has no attribute 'items'", item.kind())));
            };
            let mut keyed = Vec::new();
            for (key, value) in &pairs.pairs {
                let by = folded(work, if by_value { value.clone() } else { key.clone() }, case)?;
                keyed.push((by, Item::Tuple(Items::new(work, vec![key.clone(), value.clone()])?)));
            }
            sort_keyed(work, &mut keyed, reverse)?;
            Item::list(work, keyed.into_iter().map(|(_, item)| item).collect())
        }
        "unique" | "min" | "max" => {
            let [case, attribute] = given.read(name, ["case_sensitive", "attribute"])?;
            let (case, path) = (truth(case)?, defined(attribute).map(|item| path(&item)).unwrap_or_default());
            let mut kept: Vec<(Item, Item)> = Vec::new();
            for item in item.iterate(work)? {
                let key = folded(work, along(work, &item, &path)?, case)?;
                match name {
                    "unique" => {
                        check_key(&key)?;
                        let mut known = false;
                        for (other, _) in &kept {
                            known = known || equal(work, other, &key)?;
                        }
                        if !known {
                            kept.push((key, item));
                        }
                    }
                    _ => {
                        let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
                        let sign = if name == "min" { "<" } else { ">" };
                        let better = match kept.first() {
                            None => true,
                            Some((best, _)) => order(work, &key, best, sign)? == Some(wanted),
                        };
                        if better {
                            kept = vec![(key, item)];
                        }
                    }
                }
            }
            let kept: Vec<Item> = kept.into_iter().map(|(_, item)| item).collect();
            match name {
                "unique" => Stream::of(work, "generator", kept),
                _ => Ok(kept.into_iter().next().unwrap_or_else(|| nothing(name))),
            }
        }
        "sum" => {
            let [attribute, start] = given.read(name, ["attribute", "start"])?;
            let path = defined(attribute).map(|item| path(&item)).unwrap_or_default();
            let mut sum = start.unwrap_or(Item::Whole(0));
            for item in item.iterate(work)? {
                let item = along(work, &item, &path)?;
                if Number::of(&sum).is_some() && matches!(item, Item::Text(_)) {
                    return Err(Trouble::new("unsupported operand type(s) for +: 'int' and 'str'"));
                }
                sum = binary(work, Binary::Add, &sum, &item)?;
            }
            Ok(sum)
        }
        "batch" => {
            let [count, fill] = given.read(name, ["linecount", "fill_with"])?;
            let count = usize::try_from(whole(name, &needed(name, "linecount", count)?)?).unwrap_or(0).max(1);
            let mut out = Vec::new();
            for part in item.iterate(work)?.chunks(count) {
                let mut part = part.to_vec();
                if let Some(fill) = defined(fill.clone()) {
                    work.make_places(count)?;
                    part.resize(count, fill);
                }
                out.push(Item::list(work, part)?);
            }
            Stream::of(work, "generator", out)
        }
        "slice" => {
            let [count, fill] = given.read(name, ["slices", "fill_with"])?;
            let count = usize::try_from(whole(name, &needed(name, "slices", count)?)?).unwrap_or(0);
            work.make_places(count)?;
            let items = item.iterate(work)?;
            let (each, longer) = match count {
                0 => return Err(Trouble::new("slice needs a count above 0")),
                _ => (items.len() / count, items.len() % count),
            };
            let (mut out, mut rest) = (Vec::new(), items.as_slice());
            for turn in 0..count {
                let (part, after) = rest.split_at(each + usize::from(turn < longer));
                rest = after;
                let mut part = part.to_vec();
                if let Some(fill) = defined(fill.clone())
                    && turn >= longer
                {
                    part.push(fill);
                }
                out.push(Item::list(work, part)?);
            }
            Stream::of(work, "generator", out)
        }
        "groupby" => {
            let [attribute, default, case] = given.read(name, ["attribute", "default", "case_sensitive"])?;
            let path = path(&needed(name, "attribute", attribute)?);
            let case = truth(case)?;
            let mut keyed = Vec::new();
            for item in item.iterate(work)? {
                let key = along(work, &item, &path)?;
                let key = default.clone().filter(|_| !key.is_defined()).unwrap_or(key);
                keyed.push((folded(work, key.clone(), case)?, Item::Tuple(Items::new(work, vec![key, item])?)));
            }
            sort_keyed(work, &mut keyed, false)?;
            let mut groups: Vec<(Item, Item, Vec<Item>)> = Vec::new();
            for (key, pair) in keyed {
                let Item::Tuple(pair) = pair else { continue };
                let [shown, item] = pair.items.as_slice() else { continue };
                match groups.last_mut() {
                    Some((last, _, items)) if equal(work, last, &key)? => items.push(item.clone()),
                    _ => groups.push((key, shown.clone(), vec![item.clone()])),
                }
            }
            let group = |(_, key, items): (Item, Item, Vec<Item>)| {
                Ok(Item::Tuple(Items::new(work, vec![key, Item::list(work, items)?])?))
            };
            Item::list(work, groups.into_iter().map(group).collect::<Fallible<_>>()?)
        }
        _ => Err(Trouble::new(format!("there is no filter `{name}`"))),
    }
}

fn nothing(name: &str) -> Item {
    Item::Undefined(match name {
        "first" => "No first item, sequence was empty.".into(),
        "last" => "No last item, sequence was empty.".into(),
        _ => "No aggregated item, sequence was empty.".into(),
    })
}

/// The name that stands first in `map('upper')` or `select('eq', 1)`, and the rest.
fn front(function: &str, mut given: Given) -> Fallible<(String, Given)> {
    if given.placed.is_empty() {
        return Err(Trouble::new(format!("{function} needs the name of a filter or a test")));
    }
    let name = given.placed.remove(0);
    Ok((super::super::call::text(function, &name)?.to_string(), given))
}

fn again(given: &Given) -> Given {
    Given { placed: given.placed.clone(), named: given.named.clone() }
}

/// What is compared: texts without regard to case, unless it is wanted.
fn folded(work: &Work, item: Item, case: bool) -> Fallible<Item> {
    match item {
        Item::Text(text) if !case => Item::made(work, text.to_lowercase()),
        _ => Ok(item),
    }
}

fn sort_keyed(work: &Work, keyed: &mut [(Item, Item)], reverse: bool) -> Fallible<()> {
    sort_by(work, keyed, |(left, _), (right, _)| {
        let (left, right) = if reverse { (right, left) } else { (left, right) };
        order(work, left, right, "<")
    })
}

/// Sorts, equal ones staying in their order; the first error ends it. By merging, since the library's own sort may panic
/// where the order is not a total one, as with NaN.
pub(in super::super) fn sort_by<T: Clone>(
    work: &Work,
    items: &mut [T],
    mut compare: impl FnMut(&T, &T) -> Fallible<Option<Ordering>>,
) -> Fallible<()> {
    let (mut from, mut width) = (items.to_vec(), 1);
    while width < from.len() {
        work.make_places(from.len())?;
        let mut to = Vec::with_capacity(from.len());
        for part in from.chunks(2 * width) {
            let (left, right) = part.split_at(width.min(part.len()));
            let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
            while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
                let takes_second = compare(second, first)? == Some(Ordering::Less);
                to.extend(if takes_second { right.next() } else { left.next() }.cloned());
            }
            to.extend(left.chain(right).cloned());
        }
        (from, width) = (to, 2 * width);
    }
    items.clone_from_slice(&from);
    Ok(())
}

/// A dictionary of `dict(…)`: of another one or of pairs, and of named arguments.
pub(in super::super) fn dict(work: &Work, given: Given) -> Fallible<Item> {
    let mut pairs = Vec::new();
    for item in given.placed {
        match &item {
            Item::Map(known) => pairs.extend(known.pairs.iter().cloned()),
            _ => {
                for pair in item.iterate(work)? {
                    let [key, value] = &*pair.iterate(work)? else {
                        return Err(Trouble::new("dictionary update sequence elements are pairs"));
                    };
                    pairs.push((key.clone(), value.clone()));
                }
            }
        }
    }
    pairs.extend(given.named.into_iter().map(|(name, item)| (Item::Text(name), item)));
    Pairs::new(work, pairs).map(Item::Map)
}
