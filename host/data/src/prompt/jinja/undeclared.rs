//! Names that a template uses and does not set itself.

use std::collections::HashSet;

use super::parser::{CALLER, KWARGS, LOOP, Parsed, VARARGS};
use super::syntax::{Act, Block, Kind, Macro, Name, Node, Target};

/// Each such name once, in the order in which the template uses them, with the line of the first use.
pub(super) fn undeclared(template: &Parsed) -> Vec<(Name, u32)> {
    let mut search = Search { known: vec![HashSet::new()], seen: HashSet::new(), found: Vec::new() };
    search.block(&template.body);
    search.found
}

struct Search {
    known: Vec<HashSet<Name>>,
    seen: HashSet<Name>,
    found: Vec<(Name, u32)>,
}

impl Search {
    fn inside(&mut self, names: &[Name], visit: impl FnOnce(&mut Search)) {
        self.known.push(names.iter().copied().collect());
        visit(self);
        self.known.pop();
    }

    fn declare(&mut self, target: &Target) {
        match target {
            Target::Name(name) => {
                if let Some(known) = self.known.last_mut() {
                    known.insert(*name);
                }
            }
            Target::Attribute(..) => {}
            Target::Several(targets) => targets.iter().for_each(|target| self.declare(target)),
        }
    }

    fn block(&mut self, block: &Block) {
        for statement in block {
            match &statement.kind {
                Act::Text(_) | Act::Break | Act::Continue => {}
                Act::Output(node) => self.node(node),
                Act::If(branches, otherwise) => {
                    for (test, block) in branches {
                        self.node(test);
                        self.block(block);
                    }
                    self.block(otherwise);
                }
                Act::For(node) => {
                    self.node(&node.over);
                    self.inside(&[LOOP], |search| {
                        search.declare(&node.target);
                        node.only.iter().for_each(|only| search.node(only));
                        search.block(&node.body);
                    });
                    self.inside(&[], |search| search.block(&node.otherwise));
                }
                Act::Set(target, node) => {
                    self.node(node);
                    self.declare(target);
                }
                Act::SetBlock(target, filter, body) => {
                    self.inside(&[], |search| search.block(body));
                    filter.iter().for_each(|filter| self.node(filter));
                    self.declare(target);
                }
                Act::Macro(name, made) => {
                    self.declare(&Target::Name(*name));
                    self.made(made);
                }
                Act::CallBlock(call, made) => {
                    self.node(call);
                    self.made(made);
                }
                Act::FilterBlock(filter, body) => {
                    self.inside(&[], |search| search.block(body));
                    self.node(filter);
                }
                Act::With(given, body) => {
                    given.iter().for_each(|(_, node)| self.node(node));
                    self.inside(&[], |search| {
                        given.iter().for_each(|(target, _)| search.declare(target));
                        search.block(body);
                    });
                }
            }
        }
    }

    fn made(&mut self, made: &Macro) {
        self.inside(&[CALLER, VARARGS, KWARGS], |search| {
            made.parameters.iter().for_each(|(name, _)| search.declare(&Target::Name(*name)));
            made.defaults.iter().for_each(|node| search.node(node));
            search.block(&made.body);
        });
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::None | Kind::Bool(_) | Kind::Whole(_) | Kind::Float(_) | Kind::Text(_) => {}
            Kind::Name(name) => {
                let known = self.known.iter().any(|known| known.contains(name));
                if !known && self.seen.insert(*name) {
                    self.found.push((*name, node.line));
                }
            }
            Kind::List(nodes) | Kind::Tuple(nodes) | Kind::All(nodes) | Kind::Any(nodes) | Kind::Concat(nodes) => {
                nodes.iter().for_each(|node| self.node(node));
            }
            Kind::Map(pairs) => pairs.iter().flat_map(|(key, value)| [key, value]).for_each(|node| self.node(node)),
            Kind::Unary(_, inner) | Kind::Attribute(inner, _) => self.node(inner),
            Kind::Binary(_, sides) | Kind::Subscript(sides) => {
                self.node(&sides.0);
                self.node(&sides.1);
            }
            Kind::Compare(first, others) => {
                self.node(first);
                others.iter().for_each(|(_, node)| self.node(node));
            }
            Kind::Choice(parts) => {
                self.node(&parts.0);
                self.node(&parts.1);
                parts.2.iter().for_each(|node| self.node(node));
            }
            Kind::Slice(parts) => {
                self.node(&parts.0);
                parts.1.iter().flatten().for_each(|node| self.node(node));
            }
            Kind::Call(inner, arguments) | Kind::Test(inner, _, arguments) => {
                self.node(inner);
                arguments.nodes().for_each(|node| self.node(node));
            }
            Kind::Filter(inner, _, arguments) => {
                inner.iter().for_each(|node| self.node(node));
                arguments.nodes().for_each(|node| self.node(node));
            }
        }
    }
}
