//! Tests: what stands after `is`.

use super::call::{Given, needed};
use super::filters;
use super::item::Item;
use super::operators::{binary, compare, contains, equal};
use super::printing::same;
use super::syntax::{Binary, Comparison};
use super::trouble::{Fallible, Trouble};
use super::work::Work;

const NAMES: [&str; 39] = [
    "odd",
    "even",
    "divisibleby",
    "defined",
    "undefined",
    "filter",
    "test",
    "none",
    "boolean",
    "false",
    "true",
    "integer",
    "float",
    "lower",
    "upper",
    "string",
    "mapping",
    "number",
    "sequence",
    "iterable",
    "callable",
    "sameas",
    "escaped",
    "in",
    "==",
    "eq",
    "equalto",
    "!=",
    "ne",
    ">",
    "gt",
    "greaterthan",
    "ge",
    ">=",
    "<",
    "lt",
    "lessthan",
    "<=",
    "le",
];

/// Whether there is a test of this name.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// `item is name(…)`.
pub(super) fn holds(work: &Work, name: &str, item: &Item, given: Given) -> Fallible<bool> {
    let comparison = match name {
        "eq" | "==" | "equalto" => Some(Comparison::Equal),
        "ne" | "!=" => Some(Comparison::Unequal),
        "lt" | "<" | "lessthan" => Some(Comparison::Less),
        "le" | "<=" => Some(Comparison::LessOrEqual),
        "gt" | ">" | "greaterthan" => Some(Comparison::Greater),
        "ge" | ">=" => Some(Comparison::GreaterOrEqual),
        _ => None,
    };
    if comparison.is_some() || ["in", "divisibleby", "sameas"].contains(&name) {
        let [other] = given.read(name, ["other"])?;
        let other = needed(name, "other", other)?;
        return match (comparison, name) {
            (Some(comparison), _) => compare(work, comparison, item, &other),
            (None, "in") => contains(work, &other, item),
            (None, "sameas") => Ok(same(item, &other)),
            _ => leaves(work, item, &other, 0),
        };
    }
    let [] = given.read(name, [])?;
    Ok(match name {
        "defined" => item.is_defined(),
        "undefined" => !item.is_defined(),
        "none" => matches!(item, Item::None),
        "boolean" => matches!(item, Item::Bool(_)),
        "true" => matches!(item, Item::Bool(true)),
        "false" => matches!(item, Item::Bool(false)),
        "integer" => matches!(item, Item::Whole(_)),
        "float" => matches!(item, Item::Float(_)),
        "number" => matches!(item, Item::Whole(_) | Item::Float(_) | Item::Bool(_)),
        "string" => matches!(item, Item::Text(_)),
        "mapping" => matches!(item, Item::Map(_)),
        "odd" => leaves(work, item, &Item::Whole(2), 1)?,
        "even" => leaves(work, item, &Item::Whole(2), 0)?,
        "lower" | "upper" => {
            let text = super::printing::shown(work, item)?;
            let (lower, upper) = (text.chars().any(char::is_lowercase), text.chars().any(char::is_uppercase));
            if name == "lower" { lower && !upper } else { upper && !lower }
        }
        // What has a length and can be indexed.
        "sequence" => matches!(
            item,
            Item::Text(_) | Item::List(_) | Item::Tuple(_) | Item::Map(_) | Item::Range(..) | Item::Undefined(_)
        ),
        "iterable" => matches!(
            item,
            Item::Text(_)
                | Item::List(_)
                | Item::Tuple(_)
                | Item::Map(_)
                | Item::Range(..)
                | Item::Undefined(_)
                | Item::View(..)
                | Item::Stream(_)
                | Item::Loop(_)
        ),
        "callable" => matches!(
            item,
            Item::Macro(_) | Item::Method(_) | Item::Function(_) | Item::Loop(_) | Item::Joiner(_) | Item::Undefined(_)
        ),
        "escaped" => false,
        "filter" => item.as_text().is_some_and(|name| filters::is_known(name)),
        "test" => item.as_text().is_some_and(|name| is_known(name)),
        _ => return Err(Trouble::new(format!("there is no test `{name}`"))),
    })
}

/// Whether `item % by` is `wanted`, by Python's own operators: a text is formatted, and is no number.
fn leaves(work: &Work, item: &Item, by: &Item, wanted: i128) -> Fallible<bool> {
    let rest = binary(work, Binary::Remainder, item, by)?;
    equal(work, &rest, &Item::Whole(wanted))
}
