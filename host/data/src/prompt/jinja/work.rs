//! What a rendering may use: fuel, which pays for steps and for every byte that is made, and depth.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::item::Namespace;
use super::scope::Scope;
use super::trouble::{Fallible, Trouble};
use super::{FUEL, SIZE};

/// Bytes that a unit of fuel pays for.
const BYTES: usize = 64;

/// The means of one rendering.
pub(super) struct Work {
    fuel: Cell<u64>,
    /// Levels of evaluation that are open, and how many may be.
    level: Cell<usize>,
    deepest: usize,
    /// Whether the use of what is undefined is an error.
    strict: bool,
    /// What can be part of a cycle, and is taken apart at the end.
    namespaces: RefCell<Vec<Rc<Namespace>>>,
    scopes: RefCell<Vec<Rc<Scope>>>,
}

impl Work {
    pub fn new(strict: bool, deepest: usize) -> Work {
        Work {
            fuel: Cell::new(FUEL),
            level: Cell::new(0),
            deepest,
            strict,
            namespaces: RefCell::default(),
            scopes: RefCell::default(),
        }
    }

    /// Pays for steps.
    pub fn spend(&self, units: u64) -> Fallible<()> {
        match self.fuel.get().checked_sub(units) {
            Some(left) => {
                self.fuel.set(left);
                Ok(())
            }
            None => {
                self.fuel.set(0);
                Err(Trouble::new(format!(
                    "the rendering ran out of fuel: it may take {FUEL} steps, and {BYTES} bytes of text that it makes \
                     count as one"
                )))
            }
        }
    }

    /// Pays for a text.
    pub fn make_bytes(&self, bytes: usize) -> Fallible<()> {
        self.check_size(bytes)?;
        self.spend((bytes / BYTES) as u64)
    }

    /// Refuses a text of more bytes than a value may have.
    pub fn check_size(&self, bytes: usize) -> Fallible<()> {
        if bytes > SIZE {
            return Err(Trouble::new(format!("a text would be larger than {SIZE} bytes")));
        }
        Ok(())
    }

    /// Pays for a list or a dictionary and its places.
    pub fn make_places(&self, places: usize) -> Fallible<()> {
        self.spend((places / 2 + 1) as u64)
    }

    /// One level deeper.
    pub fn enter(&self) -> Fallible<()> {
        let level = self.level.get() + 1;
        if level > self.deepest {
            return Err(Trouble::deep(self.deepest));
        }
        self.level.set(level);
        self.spend(1)
    }

    /// One level less deep.
    pub fn leave(&self) {
        self.level.set(self.level.get() - 1);
    }

    /// Says what is undefined, where that is an error.
    pub fn check_strict(&self, message: &str) -> Fallible<()> {
        if self.strict { Err(Trouble::new(message)) } else { Ok(()) }
    }

    /// A namespace that is emptied at the end of the rendering.
    pub fn keep_namespace(&self, namespace: &Rc<Namespace>) {
        self.namespaces.borrow_mut().push(namespace.clone());
    }

    /// A scope that a macro holds, which it may hold in turn.
    pub fn keep_scope(&self, scope: &Rc<Scope>) {
        let mut scopes = self.scopes.borrow_mut();
        if !scopes.last().is_some_and(|last| Rc::ptr_eq(last, scope)) {
            scopes.push(scope.clone());
        }
    }
}

impl Drop for Work {
    /// Takes cycles apart, and chains one link at a time: each is held here until it is empty.
    fn drop(&mut self) {
        let (namespaces, mut scopes) = (self.namespaces.take(), self.scopes.take());
        for namespace in &namespaces {
            drop(namespace.values.take());
        }
        for scope in &scopes {
            scope.clear();
        }
        // The outer ones last.
        while let Some(scope) = scopes.pop() {
            drop(scope);
        }
    }
}
