//! Names and what they stand for. A scope sees the one around it, as it is when it is asked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::SCOPES;
use super::item::Item;
use super::syntax::Name;
use super::trouble::{Fallible, Trouble};

/// The names of a block, a loop's turn or a macro's call.
pub(super) struct Scope {
    values: RefCell<Values>,
    around: Option<Rc<Scope>>,
    depth: usize,
}

/// Above this count, names are found by hash.
const FEW: usize = 16;

#[derive(Default)]
struct Values {
    few: Vec<(Name, Item)>,
    more: HashMap<Name, Item>,
}

impl Values {
    fn place(&mut self, name: Name) -> Option<&mut Item> {
        let few = self.few.iter_mut().find(|(known, _)| *known == name).map(|(_, item)| item);
        few.or_else(|| self.more.get_mut(&name))
    }
}

impl Scope {
    /// The scope of the whole template.
    pub fn outermost() -> Rc<Scope> {
        Rc::new(Scope { values: RefCell::default(), around: None, depth: 0 })
    }

    /// A scope inside `around`.
    pub fn inside(around: &Rc<Scope>) -> Fallible<Rc<Scope>> {
        let depth = around.depth + 1;
        if depth > SCOPES {
            return Err(Trouble::new(format!("blocks and macros are nested more than {SCOPES} levels deep")));
        }
        Ok(Rc::new(Scope { values: RefCell::default(), around: Some(around.clone()), depth }))
    }

    /// What a name stands for, here or around.
    pub fn get(&self, name: Name) -> Option<Item> {
        let mut scope = self;
        loop {
            if let Some(item) = scope.values.borrow_mut().place(name) {
                return Some(item.clone());
            }
            scope = scope.around.as_deref()?;
        }
    }

    /// Sets a name here.
    pub fn set(&self, name: Name, item: Item) {
        let mut values = self.values.borrow_mut();
        let old = if let Some(value) = values.place(name) {
            Some(std::mem::replace(value, item))
        } else if values.few.len() < FEW {
            values.few.push((name, item));
            None
        } else {
            values.more.insert(name, item)
        };
        drop(values);
        drop(old);
    }

    /// Forgets every name.
    pub fn clear(&self) {
        let values = self.values.take();
        drop(values);
    }
}
