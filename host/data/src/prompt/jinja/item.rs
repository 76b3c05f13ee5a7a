//! Values, as Python has them. Each container knows its depth and its size with all that is in it, so that both are
//! bounded when it is made and no walk over a value can run deep or long.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::scope::Scope;
use super::syntax::{For, Macro};
use super::trouble::{Fallible, Trouble};
use super::work::Work;
use super::{DEPTH, SIZE};

/// A value.
#[derive(Clone)]
pub(super) enum Item {
    /// What is not there, with the sentence that says so.
    Undefined(Rc<str>),
    None,
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(Arc<str>),
    List(Rc<Items>),
    Tuple(Rc<Items>),
    Map(Rc<Pairs>),
    /// `range(start, stop, step)`
    Range(i64, i64, i64),
    /// `keys()`, `values()` or `items()` of a dictionary.
    View(View, Rc<Pairs>),
    /// What a generator yields: it can be gone through once.
    Stream(Rc<Stream>),
    Namespace(Rc<Namespace>),
    Macro(Rc<Closure>),
    /// A method and what it belongs to.
    Method(Rc<(Item, Arc<str>)>),
    Function(Function),
    Loop(Rc<Loop>),
    Cycler(Rc<(Rc<Items>, Cell<usize>)>),
    Joiner(Rc<(Arc<str>, Cell<bool>)>),
}

/// Functions that every template has.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Function {
    Range,
    Dict,
    Namespace,
    Cycler,
    Joiner,
    RaiseException,
    StrftimeNow,
    /// `loop.cycle` and `loop.changed` are methods; this is `dict.fromkeys`.
    FromKeys,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum View {
    Keys,
    Values,
    Pairs,
}

/// The items of a list or a tuple.
pub(super) struct Items {
    pub items: Vec<Item>,
    depth: u16,
    size: usize,
}

/// The pairs of a dictionary in their order.
pub(super) struct Pairs {
    pub pairs: Vec<(Item, Item)>,
    /// Places of the keys that are texts, once there are many.
    texts: HashMap<Arc<str>, usize>,
    depth: u16,
    size: usize,
}

/// Pairs above this count are found by hash.
const FEW: usize = 8;

/// The rest of what a generator yields.
pub(super) struct Stream {
    pub name: &'static str,
    pub rest: RefCell<std::vec::IntoIter<Item>>,
    depth: u16,
    size: usize,
}

/// What `{% set ns.name = … %}` changes.
#[derive(Default)]
pub(super) struct Namespace {
    pub values: RefCell<Vec<(Arc<str>, Item)>>,
}

/// A macro and the names that it sees.
pub(super) struct Closure {
    pub of: Arc<Macro>,
    pub scope: Rc<Scope>,
}

/// `loop` of a loop.
pub(super) struct Loop {
    pub items: Rc<Items>,
    pub index: Cell<usize>,
    pub depth: usize,
    pub last_changed: RefCell<Option<Item>>,
    /// What a recursive loop does again, and the names that it sees.
    pub again: Option<(Arc<For>, Rc<Scope>)>,
}

fn bounded(depth: u16, size: usize) -> Fallible<(u16, usize)> {
    if depth > DEPTH {
        return Err(Trouble::new(format!("a value is nested more than {DEPTH} levels deep")));
    }
    if size > SIZE {
        return Err(Trouble::new(format!("a value, printed, would be larger than {SIZE} bytes")));
    }
    Ok((depth, size))
}

fn measured<'items>(items: impl Iterator<Item = &'items Item>) -> Fallible<(u16, usize)> {
    let (mut depth, mut size) = (0, 0usize);
    for item in items {
        depth = depth.max(item.depth());
        size = size.saturating_add(item.size());
    }
    bounded(depth + 1, size.saturating_add(2))
}

impl Items {
    pub fn new(work: &Work, items: Vec<Item>) -> Fallible<Rc<Items>> {
        work.make_places(items.len())?;
        let (depth, size) = measured(items.iter())?;
        Ok(Rc::new(Items { items, depth, size }))
    }
}

impl Stream {
    pub fn of(work: &Work, name: &'static str, items: Vec<Item>) -> Fallible<Item> {
        work.make_places(items.len())?;
        let (depth, size) = measured(items.iter())?;
        Ok(Item::Stream(Rc::new(Stream { name, rest: RefCell::new(items.into_iter()), depth, size })))
    }
}

impl Pairs {
    /// A dictionary; of equal keys the last value wins, in the first one's place.
    pub fn new(work: &Work, given: impl IntoIterator<Item = (Item, Item)>) -> Fallible<Rc<Pairs>> {
        let mut made = Pairs { pairs: Vec::new(), texts: HashMap::new(), depth: 0, size: 0 };
        for (key, value) in given {
            work.make_places(2)?;
            check_key(&key)?;
            match made.place(work, &key)? {
                Some(place) => made.pairs[place].1 = value,
                None => {
                    made.pairs.push((key, value));
                    if made.pairs.len() == FEW + 1 {
                        let texts = made.pairs.iter().enumerate();
                        made.texts =
                            texts.filter_map(|(place, (key, _))| Some((key.as_text()?.clone(), place))).collect();
                    } else if made.pairs.len() > FEW
                        && let Some((Item::Text(text), _)) = made.pairs.last()
                    {
                        made.texts.insert(text.clone(), made.pairs.len() - 1);
                    }
                }
            }
        }
        (made.depth, made.size) = measured(made.pairs.iter().flat_map(|(key, value)| [key, value]))?;
        Ok(Rc::new(made))
    }

    fn place(&self, work: &Work, key: &Item) -> Fallible<Option<usize>> {
        if self.pairs.len() > FEW
            && let Item::Text(text) = key
        {
            return Ok(self.texts.get(text).copied());
        }
        for (place, (known, _)) in self.pairs.iter().enumerate() {
            let equal = match (known, key) {
                (Item::Text(left), Item::Text(right)) => left == right,
                _ => super::operators::equal(work, known, key)?,
            };
            if equal {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The value of a key.
    pub fn get(&self, work: &Work, key: &Item) -> Fallible<Option<&Item>> {
        Ok(self.place(work, key)?.and_then(|place| self.pairs.get(place)).map(|(_, value)| value))
    }

    /// The value of a key that is a text.
    pub fn get_text(&self, key: &str) -> Option<&Item> {
        if self.pairs.len() > FEW {
            return self.texts.get(key).and_then(|place| self.pairs.get(*place)).map(|(_, value)| value);
        }
        self.pairs.iter().find(|(known, _)| known.as_text().is_some_and(|text| **text == *key)).map(|(_, value)| value)
    }
}

/// Refuses what Python does not hash.
pub(super) fn check_key(key: &Item) -> Fallible<()> {
    match key {
        Item::List(_) | Item::Map(_) | Item::View(..) => {
            Err(Trouble::new(format!("unhashable type: '{}'", key.kind())))
        }
        Item::Tuple(items) => items.items.iter().try_for_each(check_key),
        _ => Ok(()),
    }
}

impl Item {
    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Item {
        Item::Text(text.into())
    }

    /// A text that the rendering pays for.
    pub fn made(work: &Work, text: String) -> Fallible<Item> {
        work.make_bytes(text.len())?;
        Ok(Item::Text(text.into()))
    }

    /// A list.
    pub fn list(work: &Work, items: Vec<Item>) -> Fallible<Item> {
        Items::new(work, items).map(Item::List)
    }

    /// The text of a text.
    pub fn as_text(&self) -> Option<&Arc<str>> {
        match self {
            Item::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number, also of a bool.
    pub fn as_whole(&self) -> Option<i128> {
        match self {
            Item::Whole(number) => Some(*number),
            Item::Bool(bool) => Some(i128::from(*bool)),
            _ => None,
        }
    }

    /// Whether it is there.
    pub fn is_defined(&self) -> bool {
        !matches!(self, Item::Undefined(_))
    }

    /// Levels of containers.
    pub fn depth(&self) -> u16 {
        match self {
            Item::List(items) | Item::Tuple(items) => items.depth,
            Item::Map(pairs) | Item::View(_, pairs) => pairs.depth,
            Item::Stream(stream) => stream.depth,
            Item::Method(method) => method.0.depth() + 1,
            Item::Cycler(cycler) => cycler.0.depth + 1,
            Item::Loop(of) => of.items.depth,
            _ => 0,
        }
    }

    /// Bytes that it takes when printed, about.
    pub fn size(&self) -> usize {
        match self {
            Item::Text(text) => text.len() + 4,
            Item::List(items) | Item::Tuple(items) => items.size,
            Item::Map(pairs) | Item::View(_, pairs) => pairs.size,
            Item::Stream(stream) => stream.size,
            Item::Method(method) => method.0.size(),
            Item::Loop(of) => of.items.size,
            _ => 8,
        }
    }

    /// What Python calls its type.
    pub fn kind(&self) -> &'static str {
        match self {
            Item::Undefined(_) => "Undefined",
            Item::None => "NoneType",
            Item::Bool(_) => "bool",
            Item::Whole(_) => "int",
            Item::Float(_) => "float",
            Item::Text(_) => "str",
            Item::List(_) => "list",
            Item::Tuple(_) => "tuple",
            Item::Map(_) => "dict",
            Item::Range(..) => "range",
            Item::View(View::Keys, _) => "dict_keys",
            Item::View(View::Values, _) => "dict_values",
            Item::View(View::Pairs, _) => "dict_items",
            Item::Stream(stream) => stream.name,
            Item::Namespace(_) => "Namespace",
            Item::Macro(_) => "Macro",
            Item::Method(_) => "builtin_function_or_method",
            Item::Function(_) => "function",
            Item::Loop(_) => "LoopContext",
            Item::Cycler(_) => "Cycler",
            Item::Joiner(_) => "Joiner",
        }
    }

    /// Length, if it has one.
    pub fn length(&self, work: &Work) -> Fallible<Option<usize>> {
        Ok(Some(match self {
            Item::Undefined(message) => {
                work.check_strict(message)?;
                0
            }
            Item::Text(text) => text.chars().count(),
            Item::List(items) | Item::Tuple(items) => items.items.len(),
            Item::Map(pairs) | Item::View(_, pairs) => pairs.pairs.len(),
            Item::Range(start, stop, step) => range_length(*start, *stop, *step),
            Item::Loop(of) => of.items.items.len(),
            _ => return Ok(None),
        }))
    }

    /// Python's `bool`.
    pub fn is_true(&self, work: &Work) -> Fallible<bool> {
        Ok(match self {
            Item::Undefined(message) => {
                work.check_strict(message)?;
                false
            }
            Item::None => false,
            Item::Bool(bool) => *bool,
            Item::Whole(number) => *number != 0,
            Item::Float(number) => *number != 0.0,
            Item::Text(text) => !text.is_empty(),
            Item::List(items) | Item::Tuple(items) => !items.items.is_empty(),
            Item::Map(pairs) | Item::View(_, pairs) => !pairs.pairs.is_empty(),
            Item::Range(start, stop, step) => range_length(*start, *stop, *step) > 0,
            Item::Loop(of) => !of.items.items.is_empty(),
            _ => true,
        })
    }

    /// All that it yields.
    pub fn iterate(&self, work: &Work) -> Fallible<Vec<Item>> {
        let items: Vec<Item> = match self {
            Item::Undefined(message) => {
                work.check_strict(message)?;
                Vec::new()
            }
            Item::Text(text) => {
                work.make_places(text.len())?;
                let mut buffer = [0; 4];
                text.chars().map(|character| Item::text(&*character.encode_utf8(&mut buffer))).collect()
            }
            Item::List(items) | Item::Tuple(items) => items.items.clone(),
            Item::Map(pairs) | Item::View(View::Keys, pairs) => {
                pairs.pairs.iter().map(|(key, _)| key.clone()).collect()
            }
            Item::View(View::Values, pairs) => pairs.pairs.iter().map(|(_, value)| value.clone()).collect(),
            Item::View(View::Pairs, pairs) => {
                let tuple = |(key, value): &(Item, Item)| Items::new(work, vec![key.clone(), value.clone()]);
                pairs.pairs.iter().map(|pair| tuple(pair).map(Item::Tuple)).collect::<Fallible<_>>()?
            }
            Item::Range(start, stop, step) => {
                let length = range_length(*start, *stop, *step);
                work.make_places(length)?;
                (0..length).map(|place| Item::Whole(i128::from(*start) + place as i128 * i128::from(*step))).collect()
            }
            Item::Stream(stream) => stream.rest.borrow_mut().by_ref().collect(),
            Item::Loop(of) => of.items.items.clone(),
            _ => return Err(Trouble::new(format!("'{}' object is not iterable", self.kind()))),
        };
        work.make_places(items.len())?;
        Ok(items)
    }
}

/// The items of a range.
pub(super) fn range_length(start: i64, stop: i64, step: i64) -> usize {
    let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
    let span = if step > 0 { stop - start } else { start - stop };
    let step = step.abs().max(1);
    usize::try_from((span + step - 1).max(0) / step).unwrap_or(usize::MAX)
}
