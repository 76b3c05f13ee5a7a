//! The arguments of a call, and how a function reads them.

use std::sync::Arc;

use super::item::Item;
use super::trouble::{Fallible, Trouble};

/// Arguments that were evaluated.
#[derive(Default)]
pub(super) struct Given {
    pub placed: Vec<Item>,
    pub named: Vec<(Arc<str>, Item)>,
}

impl Given {
    /// The arguments of `function` in the order of `names`; those that were not given are none.
    pub fn read<const COUNT: usize>(self, function: &str, names: [&str; COUNT]) -> Fallible<[Option<Item>; COUNT]> {
        let mut found = [const { None }; COUNT];
        if self.placed.len() > COUNT {
            let count = self.placed.len();
            return Err(Trouble::new(format!("{function} takes at most {COUNT} arguments; {count} are given")));
        }
        for (place, item) in found.iter_mut().zip(self.placed) {
            *place = Some(item);
        }
        for (name, item) in self.named {
            let Some(place) = names.iter().position(|known| **known == *name) else {
                return Err(Trouble::new(format!("{function} has no argument `{name}`")));
            };
            match found.get_mut(place) {
                Some(place @ None) => *place = Some(item),
                _ => return Err(Trouble::new(format!("{function} is given `{name}` twice"))),
            }
        }
        Ok(found)
    }
}

/// An argument that has to be there.
pub(super) fn needed(function: &str, name: &str, item: Option<Item>) -> Fallible<Item> {
    item.ok_or_else(|| Trouble::new(format!("{function} needs the argument `{name}`")))
}

/// An argument that is a text.
pub(super) fn text(function: &str, item: &Item) -> Fallible<Arc<str>> {
    match item {
        Item::Text(text) => Ok(text.clone()),
        Item::Undefined(message) => Err(Trouble::new(&**message)),
        _ => Err(Trouble::new(format!("{function} needs a text, not {}", item.kind()))),
    }
}

/// An argument that is a whole number.
pub(super) fn whole(function: &str, item: &Item) -> Fallible<i64> {
    if let Item::Undefined(message) = item {
        return Err(Trouble::new(&**message));
    }
    let number = item.as_whole().and_then(|number| i64::try_from(number).ok());
    number.ok_or_else(|| Trouble::new(format!("{function} needs a whole number, not {}", item.kind())))
}

/// A text that may be left out or none.
pub(super) fn optional_text(function: &str, item: Option<Item>) -> Fallible<Option<Arc<str>>> {
    match item {
        None | Some(Item::None) => Ok(None),
        Some(item) => text(function, &item).map(Some),
    }
}

/// A whole number that may be left out.
pub(super) fn whole_or(function: &str, item: Option<Item>, default: i64) -> Fallible<i64> {
    item.map_or(Ok(default), |item| whole(function, &item))
}
