//! Expressions.

use std::rc::Rc;

use super::super::call::Given;
use super::super::item::{Item, Items, Pairs};
use super::super::printing::show;
use super::super::scope::Scope;
use super::super::syntax::{Arguments, Comparison, Kind, Name, Node, Unary};
use super::super::trouble::{Fallible, Trouble};
use super::super::{filters, lookup, operators, predicates};
use super::Run;

impl Run<'_> {
    /// The value of an expression.
    pub(super) fn eval(&self, node: &Node, scope: &Rc<Scope>) -> Fallible<Item> {
        self.work.enter()?;
        let item = self.value(node, scope).map_err(|trouble| trouble.at(node.line))?;
        self.work.leave();
        Ok(item)
    }

    fn value(&self, node: &Node, scope: &Rc<Scope>) -> Fallible<Item> {
        match &node.kind {
            Kind::None => Ok(Item::None),
            Kind::Bool(bool) => Ok(Item::Bool(*bool)),
            Kind::Whole(number) => Ok(Item::Whole(*number)),
            Kind::Float(number) => Ok(Item::Float(*number)),
            Kind::Text(text) => Ok(Item::Text(text.clone())),
            Kind::Name(name) => Ok(self.named(*name, scope)),
            Kind::Attribute(owner, name) => lookup::attribute(&self.work, &self.eval(owner, scope)?, name),
            Kind::Subscript(parts) => {
                let (owner, key) = (self.eval(&parts.0, scope)?, self.eval(&parts.1, scope)?);
                lookup::subscript(&self.work, &owner, &key)
            }
            Kind::Unary(how, inner) => {
                let item = self.eval(inner, scope)?;
                match how {
                    Unary::Not => Ok(Item::Bool(!item.is_true(&self.work)?)),
                    _ => operators::signed(*how, &item),
                }
            }
            Kind::Binary(operator, sides) => {
                let (left, right) = (self.eval(&sides.0, scope)?, self.eval(&sides.1, scope)?);
                operators::binary(&self.work, *operator, &left, &right)
            }
            Kind::All(nodes) => self.first_that(nodes, false, scope),
            Kind::Any(nodes) => self.first_that(nodes, true, scope),
            Kind::Call(called, arguments) => self.call(called, arguments, scope),
            Kind::Filter(input, ..) => {
                let input = match input {
                    Some(input) => Some(self.eval(input, scope)?),
                    None => None,
                };
                self.filter(node, input, scope)
            }
            Kind::Test(input, name, arguments) => self.test(input, name, arguments, scope),
            Kind::Choice(parts) => self.choice(node.line, parts, scope),
            Kind::Compare(first, others) => self.compared(first, others, scope),
            Kind::Concat(nodes) => self.concatenated(nodes, scope),
            Kind::List(nodes) => Item::list(&self.work, self.all(nodes, scope)?),
            Kind::Tuple(nodes) => Ok(Item::Tuple(Items::new(&self.work, self.all(nodes, scope)?)?)),
            Kind::Map(pairs) => self.mapped(pairs, scope),
            Kind::Slice(parts) => self.sliced(parts, scope),
        }
    }

    fn named(&self, name: Name, scope: &Rc<Scope>) -> Item {
        if let Some(item) = scope.get(name) {
            return item;
        }
        match self.functions.get(name as usize) {
            Some(Some(function)) => Item::Function(*function),
            _ => Item::Undefined(format!("'{}' is undefined", self.template.names.name(name)).into()),
        }
    }

    fn all(&self, nodes: &[Node], scope: &Rc<Scope>) -> Fallible<Vec<Item>> {
        nodes.iter().map(|node| self.eval(node, scope)).collect()
    }

    /// `and` and `or`: the first value that is as `wanted`, or the last one.
    fn first_that(&self, nodes: &[Node], wanted: bool, scope: &Rc<Scope>) -> Fallible<Item> {
        let mut item = Item::None;
        for (place, node) in nodes.iter().enumerate() {
            item = self.eval(node, scope)?;
            if place + 1 < nodes.len() && item.is_true(&self.work)? == wanted {
                break;
            }
        }
        Ok(item)
    }

    #[inline(never)]
    fn choice(&self, line: u32, parts: &(Node, Node, Option<Node>), scope: &Rc<Scope>) -> Fallible<Item> {
        let (test, then, otherwise) = parts;
        if self.eval(test, scope)?.is_true(&self.work)? {
            return self.eval(then, scope);
        }
        match otherwise {
            Some(otherwise) => self.eval(otherwise, scope),
            None => Ok(Item::Undefined(
                format!("the inline if-expression on line {line} evaluated to false and no else section was defined.")
                    .into(),
            )),
        }
    }

    #[inline(never)]
    fn compared(&self, first: &Node, others: &[(Comparison, Node)], scope: &Rc<Scope>) -> Fallible<Item> {
        let mut left = self.eval(first, scope)?;
        for (how, node) in others {
            let right = self.eval(node, scope)?;
            if !operators::compare(&self.work, *how, &left, &right)? {
                return Ok(Item::Bool(false));
            }
            left = right;
        }
        Ok(Item::Bool(true))
    }

    #[inline(never)]
    fn concatenated(&self, nodes: &[Node], scope: &Rc<Scope>) -> Fallible<Item> {
        let mut text = String::new();
        for node in nodes {
            let item = self.eval(node, scope)?;
            show(&self.work, &item, &mut text)?;
        }
        Ok(Item::text(text))
    }

    #[inline(never)]
    fn mapped(&self, pairs: &[(Node, Node)], scope: &Rc<Scope>) -> Fallible<Item> {
        let pair = |(key, value): &(Node, Node)| Ok((self.eval(key, scope)?, self.eval(value, scope)?));
        let pairs = pairs.iter().map(pair).collect::<Fallible<Vec<_>>>()?;
        Pairs::new(&self.work, pairs).map(Item::Map)
    }

    #[inline(never)]
    fn sliced(&self, parts: &(Node, [Option<Node>; 3]), scope: &Rc<Scope>) -> Fallible<Item> {
        let owner = self.eval(&parts.0, scope)?;
        let mut bounds = [Item::None, Item::None, Item::None];
        for (bound, node) in bounds.iter_mut().zip(&parts.1) {
            if let Some(node) = node {
                *bound = self.eval(node, scope)?;
            }
        }
        lookup::slice(&self.work, &owner, bounds)
    }

    /// A chain of filters on a block's text, which the innermost one gets.
    pub(super) fn filtered(&self, node: &Node, text: Option<Item>, scope: &Rc<Scope>) -> Fallible<Item> {
        let input = match &node.kind {
            Kind::Filter(Some(input), ..) => Some(self.filtered(input, text, scope)?),
            _ => text,
        };
        self.filter(node, input, scope)
    }

    #[inline(never)]
    fn filter(&self, node: &Node, input: Option<Item>, scope: &Rc<Scope>) -> Fallible<Item> {
        let Kind::Filter(_, name, arguments) = &node.kind else {
            return Err(Trouble::new("expected a filter"));
        };
        let given = self.given(arguments, scope)?;
        filters::apply(&self.work, name, input.unwrap_or(Item::None), given).map_err(|trouble| trouble.at(node.line))
    }

    #[inline(never)]
    fn test(&self, input: &Node, name: &str, arguments: &Arguments, scope: &Rc<Scope>) -> Fallible<Item> {
        let item = self.eval(input, scope)?;
        let given = self.given(arguments, scope)?;
        predicates::holds(&self.work, name, &item, given).map(Item::Bool)
    }

    /// The values of arguments.
    pub(super) fn given(&self, arguments: &Arguments, scope: &Rc<Scope>) -> Fallible<Given> {
        let mut given = Given { placed: self.all(&arguments.placed, scope)?, named: Vec::new() };
        if let Some(more) = &arguments.more_placed {
            given.placed.extend(self.eval(more, scope)?.iterate(&self.work)?);
        }
        for (name, node) in &arguments.named {
            given.named.push((name.clone(), self.eval(node, scope)?));
        }
        if let Some(more) = &arguments.more_named {
            let Item::Map(pairs) = self.eval(more, scope)? else {
                return Err(Trouble::new("what stands after ** is a dictionary"));
            };
            for (key, item) in &pairs.pairs {
                let Item::Text(name) = key else {
                    return Err(Trouble::new("keywords must be strings"));
                };
                given.named.push((name.clone(), item.clone()));
            }
        }
        Ok(given)
    }
}
