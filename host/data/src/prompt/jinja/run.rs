//! Rendering: statements. Expressions are in `run/expressions.rs`, calls in `run/calls.rs`.

mod calls;
mod expressions;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::DEPTH;
use super::data::Data;
use super::item::{Closure, Function, Item, Items, Loop, Pairs};
use super::parser::{LOOP, Parsed};
use super::printing::show;
use super::scope::Scope;
use super::syntax::{Act, Block, For, Target};
use super::trouble::{Fallible, Trouble};
use super::work::Work;

/// How a block ended.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// One rendering.
pub(super) struct Run<'template> {
    template: &'template Parsed,
    functions: &'template [Option<Function>],
    today: Option<&'template str>,
    pub work: Work,
}

/// The functions that the names of a template stand for.
pub(super) fn functions(template: &Parsed, today: bool) -> Vec<Option<Function>> {
    let function = |name: &Arc<str>| match &**name {
        "range" => Some(Function::Range),
        "dict" => Some(Function::Dict),
        "namespace" => Some(Function::Namespace),
        "cycler" => Some(Function::Cycler),
        "joiner" => Some(Function::Joiner),
        "raise_exception" => Some(Function::RaiseException),
        "strftime_now" => Some(Function::StrftimeNow).filter(|_| today),
        _ => None,
    };
    template.names.0.iter().map(function).collect()
}

/// Renders a template.
pub(super) fn render(
    template: &Parsed,
    functions: &[Option<Function>],
    today: Option<&str>,
    given: &[(String, Data)],
    work: Work,
) -> Fallible<String> {
    let run = Run { template, functions, today, work };
    let scope = Scope::outermost();
    for (name, data) in given {
        if let Some(number) = template.names.find(name) {
            scope.set(number, run.item(data, 0)?);
        }
    }
    run.work.keep_scope(&scope);
    let mut out = String::new();
    run.block(&template.body, &scope, &mut out)?;
    Ok(out)
}

impl Run<'_> {
    fn item(&self, data: &Data, depth: u16) -> Fallible<Item> {
        if depth > DEPTH {
            return Err(Trouble::new(format!("a value is nested more than {DEPTH} levels deep")));
        }
        self.work.spend(1)?;
        Ok(match data {
            Data::None => Item::None,
            Data::Bool(bool) => Item::Bool(*bool),
            Data::Whole(number) => Item::Whole(*number),
            Data::Float(number) => Item::Float(*number),
            Data::Text(text) => Item::made(&self.work, text.clone())?,
            Data::List(items) => {
                let items = items.iter().map(|data| self.item(data, depth + 1)).collect::<Fallible<_>>()?;
                Item::list(&self.work, items)?
            }
            Data::Map(pairs) => {
                let pair = |(key, data): &(String, Data)| Ok((Item::text(&**key), self.item(data, depth + 1)?));
                let pairs = pairs.iter().map(pair).collect::<Fallible<Vec<_>>>()?;
                Item::Map(Pairs::new(&self.work, pairs)?)
            }
        })
    }

    fn block(&self, block: &Block, scope: &Rc<Scope>, out: &mut String) -> Fallible<Flow> {
        self.work.enter()?;
        for statement in block {
            let flow = self.act(&statement.kind, scope, out).map_err(|trouble| trouble.at(statement.line))?;
            if flow != Flow::On {
                self.work.leave();
                return Ok(flow);
            }
        }
        self.work.leave();
        Ok(Flow::On)
    }

    /// A block's text.
    fn text_of(&self, block: &Block, scope: &Rc<Scope>) -> Fallible<Item> {
        let mut text = String::new();
        self.block(block, &Scope::inside(scope)?, &mut text)?;
        Ok(Item::text(text))
    }

    fn act(&self, act: &Act, scope: &Rc<Scope>, out: &mut String) -> Fallible<Flow> {
        self.work.spend(1)?;
        match act {
            Act::Text(text) => {
                self.work.make_bytes(text.len())?;
                out.push_str(text);
            }
            Act::Output(node) => show(&self.work, &self.eval(node, scope)?, out)?,
            Act::If(branches, otherwise) => {
                for (test, block) in branches {
                    if self.eval(test, scope)?.is_true(&self.work)? {
                        return self.block(block, scope, out);
                    }
                }
                return self.block(otherwise, scope, out);
            }
            Act::For(node) => {
                let over = self.eval(&node.over, scope)?;
                self.for_each(node, &over, scope, 0, out)?;
            }
            Act::Set(target, node) => self.assign(target, self.eval(node, scope)?, scope)?,
            Act::SetBlock(target, filter, body) => {
                let mut item = self.text_of(body, scope)?;
                if let Some(filter) = filter {
                    item = self.filtered(filter, Some(item), scope)?;
                }
                self.assign(target, item, scope)?;
            }
            Act::Macro(name, made) => {
                self.work.keep_scope(scope);
                scope.set(*name, Item::Macro(Rc::new(Closure { of: made.clone(), scope: scope.clone() })));
            }
            Act::CallBlock(call, made) => {
                self.work.keep_scope(scope);
                let caller = Item::Macro(Rc::new(Closure { of: made.clone(), scope: scope.clone() }));
                show(&self.work, &self.call_with(call, caller, scope)?, out)?;
            }
            Act::FilterBlock(filter, body) => {
                let item = self.text_of(body, scope)?;
                show(&self.work, &self.filtered(filter, Some(item), scope)?, out)?;
            }
            Act::With(given, body) => {
                let inner = Scope::inside(scope)?;
                for (target, node) in given {
                    self.assign(target, self.eval(node, scope)?, &inner)?;
                }
                self.block(body, &inner, out)?;
            }
            Act::Break => return Ok(Flow::Break),
            Act::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn assign(&self, target: &Target, item: Item, scope: &Rc<Scope>) -> Fallible<()> {
        match target {
            Target::Name(name) => scope.set(*name, item),
            Target::Attribute(name, attribute) => {
                let Some(Item::Namespace(namespace)) = scope.get(*name) else {
                    return Err(Trouble::new("cannot assign attribute on non-namespace object"));
                };
                check_attribute(attribute)?;
                self.work.make_places(2)?;
                let mut values = namespace.values.borrow_mut();
                let old = match values.iter_mut().find(|(known, _)| known == attribute) {
                    Some((_, value)) => Some(std::mem::replace(value, item)),
                    None => {
                        values.push((attribute.clone(), item));
                        None
                    }
                };
                drop(values);
                drop(old);
            }
            Target::Several(targets) => {
                let items = item.iterate(&self.work)?;
                let (wanted, count) = (targets.len(), items.len());
                if count < wanted {
                    let message = format!("not enough values to unpack (expected {wanted}, got {count})");
                    return Err(Trouble::new(message));
                }
                if count > wanted {
                    return Err(Trouble::new(format!("too many values to unpack (expected {wanted})")));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item, scope)?;
                }
            }
        }
        Ok(())
    }

    /// The turns of a loop.
    fn for_each(
        &self,
        node: &Arc<For>,
        over: &Item,
        scope: &Rc<Scope>,
        depth: usize,
        out: &mut String,
    ) -> Fallible<()> {
        let mut items = over.iterate(&self.work)?;
        if let Some(only) = &node.only {
            let mut kept = Vec::new();
            for item in items {
                let inner = Scope::inside(scope)?;
                self.assign(&node.target, item.clone(), &inner)?;
                if self.eval(only, &inner)?.is_true(&self.work)? {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            self.block(&node.otherwise, &Scope::inside(scope)?, out)?;
            return Ok(());
        }
        let items = Items::new(&self.work, items)?;
        let state = Rc::new(Loop {
            items: items.clone(),
            index: Cell::new(0),
            depth,
            last_changed: RefCell::new(None),
            again: node.recursive.then(|| (node.clone(), scope.clone())),
        });
        let turned = items.items.iter().enumerate().try_for_each(|(index, item)| -> Result<(), Option<Trouble>> {
            self.work.spend(1).map_err(Some)?;
            state.index.set(index);
            let inner = Scope::inside(scope).map_err(Some)?;
            inner.set(LOOP, Item::Loop(state.clone()));
            self.assign(&node.target, item.clone(), &inner).map_err(Some)?;
            match self.block(&node.body, &inner, out).map_err(Some)? {
                Flow::Break => Err(None),
                _ => Ok(()),
            }
        });
        // It may hold itself by way of `changed`.
        drop(state.last_changed.take());
        turned.or_else(|trouble| trouble.map_or(Ok(()), Err))
    }
}

/// Refuses attributes of namespaces that `transformers` refuses.
fn check_attribute(name: &str) -> Fallible<()> {
    if name.starts_with('_') {
        return Err(Trouble::new(format!(
            "a namespace can't have an attribute that begins with \"_\", such as {name:?}"
        )));
    }
    Ok(())
}
