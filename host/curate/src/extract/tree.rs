//! A page as a tree in one vector: what `html5ever` builds, and what the passes over it read and prune.
//!
//! Nodes are named by their place in the vector. Nothing here recurses, so that a page of any depth fits the stack; a page
//! that nests deeper than [`DEEPEST`] is refused while it is read, since the parser's own work grows with depth.

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, ExpandedName, ParseOpts, QualName, local_name, ns, parse_document};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Elements that may lie within each other. Browsers stop at 512.
pub const DEEPEST: u32 = 2_000;

/// Bytes that the parser is given at a time; between two of them the depth is looked at.
const PIECE: usize = 16 << 10;

/// The place of a node in its page.
pub type Id = u32;

const NONE: Id = u32::MAX;

/// What a node is.
#[derive(Debug)]
pub enum Data {
    /// The page itself, or the contents of a template.
    Document,
    /// An element and its attributes.
    Element(Rc<QualName>, Vec<Attribute>),
    /// A run of text.
    Text(StrTendril),
    /// A formula that took the place of the elements that showed it: its TeX, and whether it is set on lines of its own.
    Formula(String, bool),
    /// A comment or what else shows nothing.
    Other,
}

#[derive(Debug)]
struct Node {
    parent: Id,
    previous: Id,
    next: Id,
    first: Id,
    last: Id,
    depth: u32,
    data: Data,
}

/// A page.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
}

/// Why a page has no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooDeep;

impl Tree {
    /// The page that a text holds, by the rules of HTML 5.
    ///
    /// # Errors
    /// Elements lie within each other deeper than [`DEEPEST`].
    pub fn parse(html: &str) -> Result<Tree, TooDeep> {
        let mut parser = parse_document(Sink::default(), ParseOpts::default());
        let mut rest = html;
        while !rest.is_empty() {
            let mut end = rest.len().min(PIECE);
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            parser.process(StrTendril::from_slice(&rest[..end]));
            rest = &rest[end..];
            if parser.tokenizer.sink.sink.deepest.get() > DEEPEST {
                return Err(TooDeep);
            }
        }
        Ok(parser.finish())
    }

    /// The root.
    pub const ROOT: Id = 0;

    /// What a node is.
    pub fn data(&self, id: Id) -> &Data {
        &self.nodes[id as usize].data
    }

    /// The name of an element, in small letters; empty for anything else.
    pub fn name(&self, id: Id) -> &str {
        match self.data(id) {
            Data::Element(name, _) => &name.local,
            _ => "",
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, id: Id, name: &str) -> Option<&str> {
        match self.data(id) {
            Data::Element(_, attributes) => {
                attributes.iter().find(|held| &*held.name.local == name).map(|held| &*held.value)
            }
            _ => None,
        }
    }

    /// Whether an element has one of the classes.
    pub fn has_class(&self, id: Id, wanted: &[&str]) -> bool {
        self.attribute(id, "class").is_some_and(|classes| classes.split_ascii_whitespace().any(|c| wanted.contains(&c)))
    }

    /// The element that a node lies in.
    pub fn parent(&self, id: Id) -> Option<Id> {
        some(self.nodes[id as usize].parent)
    }

    /// The first node within.
    pub fn first(&self, id: Id) -> Option<Id> {
        some(self.nodes[id as usize].first)
    }

    /// The node after, within the same parent.
    pub fn next(&self, id: Id) -> Option<Id> {
        some(self.nodes[id as usize].next)
    }

    /// The nodes directly within.
    pub fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.first(id), |child| self.next(*child))
    }

    /// A node and all within it, in the order of the page.
    pub fn within(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(Some(id), move |at| self.following(*at, id))
    }

    /// The node after `at` in the order of the page, as long as it lies within `root`.
    pub fn following(&self, at: Id, root: Id) -> Option<Id> {
        self.first(at).or_else(|| self.after(at, root))
    }

    /// The node after `at` and all within it.
    pub fn after(&self, at: Id, root: Id) -> Option<Id> {
        let mut at = at;
        loop {
            if at == root {
                return None;
            }
            if let Some(next) = self.next(at) {
                return Some(next);
            }
            at = self.parent(at)?;
        }
    }

    /// How many nodes there are, those that were taken out included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All text within a node, formulas left out.
    pub fn text(&self, id: Id) -> String {
        let mut out = String::new();
        for at in self.within(id) {
            if let Data::Text(text) = self.data(at) {
                out.push_str(text);
            }
        }
        out
    }

    /// Takes a node and all within it out of the page.
    pub fn remove(&mut self, id: Id) {
        unlink(&mut self.nodes, id);
    }

    /// Puts a formula in the place of a node.
    pub fn replace_by_formula(&mut self, id: Id, tex: String, display: bool) {
        let node = &mut self.nodes[id as usize];
        node.data = Data::Formula(tex, display);
        (node.first, node.last) = (NONE, NONE);
    }
}

fn some(id: Id) -> Option<Id> {
    (id != NONE).then_some(id)
}

fn unlink(nodes: &mut [Node], id: Id) {
    let (parent, previous, next) = {
        let node = &nodes[id as usize];
        (node.parent, node.previous, node.next)
    };
    match some(previous) {
        Some(previous) => nodes[previous as usize].next = next,
        None if parent != NONE => nodes[parent as usize].first = next,
        None => {}
    }
    match some(next) {
        Some(next) => nodes[next as usize].previous = previous,
        None if parent != NONE => nodes[parent as usize].last = previous,
        None => {}
    }
    let node = &mut nodes[id as usize];
    (node.parent, node.previous, node.next) = (NONE, NONE, NONE);
}

/// Links a node that lies nowhere into `parent`, in front of `before` or at the end.
fn link(nodes: &mut [Node], id: Id, parent: Id, before: Id) -> u32 {
    let depth = nodes[parent as usize].depth + 1;
    let previous = match some(before) {
        Some(before) => nodes[before as usize].previous,
        None => nodes[parent as usize].last,
    };
    {
        let node = &mut nodes[id as usize];
        (node.parent, node.previous, node.next, node.depth) = (parent, previous, before, depth);
    }
    match some(previous) {
        Some(previous) => nodes[previous as usize].next = id,
        None => nodes[parent as usize].first = id,
    }
    match some(before) {
        Some(before) => nodes[before as usize].previous = id,
        None => nodes[parent as usize].last = id,
    }
    depth
}

/// What the parser of `html5ever` writes to.
struct Sink {
    nodes: RefCell<Vec<Node>>,
    deepest: Cell<u32>,
    nameless: Rc<QualName>,
}

impl Default for Sink {
    fn default() -> Sink {
        let root =
            Node { parent: NONE, previous: NONE, next: NONE, first: NONE, last: NONE, depth: 0, data: Data::Document };
        Sink {
            nodes: RefCell::new(vec![root]),
            deepest: Cell::new(0),
            nameless: Rc::new(QualName::new(None, ns!(), local_name!(""))),
        }
    }
}

/// A node while its page is parsed, with the name that the parser asks for at every step.
#[derive(Debug, Clone)]
struct Handle {
    id: Id,
    name: Rc<QualName>,
}

impl Sink {
    /// A node that is not an element.
    fn plain(&self, id: Id) -> Handle {
        Handle { id, name: Rc::clone(&self.nameless) }
    }

    fn create(&self, data: Data) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { parent: NONE, previous: NONE, next: NONE, first: NONE, last: NONE, depth: 0, data });
        (nodes.len() - 1) as Id
    }

    fn put(&self, child: NodeOrText<Handle>, parent: Id, before: Id) {
        let id = match child {
            NodeOrText::AppendNode(Handle { id, .. }) => {
                unlink(&mut self.nodes.borrow_mut(), id);
                id
            }
            NodeOrText::AppendText(text) => {
                let neighbour = {
                    let nodes = self.nodes.borrow();
                    match some(before) {
                        Some(before) => nodes[before as usize].previous,
                        None => nodes[parent as usize].last,
                    }
                };
                if let Some(neighbour) = some(neighbour)
                    && let Data::Text(held) = &mut self.nodes.borrow_mut()[neighbour as usize].data
                {
                    held.push_tendril(&text);
                    return;
                }
                self.create(Data::Text(text))
            }
        };
        let depth = link(&mut self.nodes.borrow_mut(), id, parent, before);
        self.deepest.set(self.deepest.get().max(depth));
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Tree;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Tree {
        Tree { nodes: self.nodes.into_inner() }
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        self.plain(Tree::ROOT)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let name = Rc::new(name);
        Handle { id: self.create(Data::Element(Rc::clone(&name), attributes)), name }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.plain(self.create(Data::Other))
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.plain(self.create(Data::Other))
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.put(child, parent.id, NONE);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        if self.nodes.borrow()[element.id as usize].parent == NONE {
            self.append(previous, child);
        } else {
            self.append_before_sibling(element, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        x.id == y.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        let parent = self.nodes.borrow()[sibling.id as usize].parent;
        if parent != NONE {
            self.put(child, parent, sibling.id);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        if let Data::Element(_, held) = &mut self.nodes.borrow_mut()[target.id as usize].data {
            for attribute in attributes {
                if !held.iter().any(|own| own.name == attribute.name) {
                    held.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        unlink(&mut self.nodes.borrow_mut(), target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        while let Some(first) = some(nodes[node.id as usize].first) {
            unlink(&mut nodes, first);
            link(&mut nodes, first, new_parent.id, NONE);
        }
    }
}
