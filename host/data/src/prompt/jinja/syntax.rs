//! The tree that a template is parsed to.

use std::sync::Arc;

/// A name, by its number in [`Names`].
pub(super) type Name = u32;

/// All names of a template.
#[derive(Default)]
pub(super) struct Names(pub Vec<Arc<str>>, std::collections::HashMap<Arc<str>, Name>);

impl Names {
    /// The number of a name.
    pub fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.1.get(name) {
            return *number;
        }
        let (number, name) = (self.0.len() as Name, Arc::<str>::from(name));
        self.0.push(name.clone());
        self.1.insert(name, number);
        number
    }

    /// The number of a name that the template has.
    pub fn find(&self, name: &str) -> Option<Name> {
        self.1.get(name).copied()
    }

    /// The name of a number.
    pub fn name(&self, number: Name) -> &Arc<str> {
        // Numbers come from `number` alone.
        &self.0[number as usize]
    }
}

/// An expression, with its height as a tree: trees are taken apart and evaluated by recursion.
pub(super) struct Node {
    pub line: u32,
    pub height: u16,
    pub kind: Kind,
}

pub(super) enum Kind {
    None,
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(Arc<str>),
    Name(Name),
    List(Vec<Node>),
    Tuple(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<(Node, Node)>),
    All(Vec<Node>),
    Any(Vec<Node>),
    Concat(Vec<Node>),
    Compare(Box<Node>, Vec<(Comparison, Node)>),
    Choice(Box<(Node, Node, Option<Node>)>),
    Attribute(Box<Node>, Arc<str>),
    Subscript(Box<(Node, Node)>),
    Slice(Box<(Node, [Option<Node>; 3])>),
    Call(Box<Node>, Arguments),
    /// Without an input where the input is a block's text.
    Filter(Option<Box<Node>>, Arc<str>, Arguments),
    Test(Box<Node>, Arc<str>, Arguments),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Unary {
    Not,
    Negative,
    Positive,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// What a call passes.
#[derive(Default)]
pub(super) struct Arguments {
    pub placed: Vec<Node>,
    pub named: Vec<(Arc<str>, Node)>,
    pub more_placed: Option<Box<Node>>,
    pub more_named: Option<Box<Node>>,
}

impl Arguments {
    /// Every expression in it.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        let named = self.named.iter().map(|(_, node)| node);
        let more = self.more_placed.iter().chain(&self.more_named).map(|node| &**node);
        self.placed.iter().chain(named).chain(more)
    }
}

/// Where a value is put.
pub(super) enum Target {
    Name(Name),
    /// An attribute of a namespace.
    Attribute(Name, Arc<str>),
    Several(Vec<Target>),
}

pub(super) type Block = Vec<Statement>;

pub(super) struct Statement {
    pub line: u32,
    pub kind: Act,
}

pub(super) enum Act {
    Text(Arc<str>),
    Output(Node),
    If(Vec<(Node, Block)>, Block),
    For(Arc<For>),
    Set(Target, Node),
    SetBlock(Target, Option<Node>, Block),
    Macro(Name, Arc<Macro>),
    CallBlock(Node, Arc<Macro>),
    FilterBlock(Node, Block),
    With(Vec<(Target, Node)>, Block),
    Break,
    Continue,
}

pub(super) struct For {
    pub target: Target,
    pub over: Node,
    pub only: Option<Node>,
    pub recursive: bool,
    pub body: Block,
    pub otherwise: Block,
}

/// A macro, or the body of a call block.
pub(super) struct Macro {
    pub name: Arc<str>,
    pub parameters: Vec<(Name, Arc<str>)>,
    /// Defaults of the last parameters.
    pub defaults: Vec<Node>,
    pub body: Block,
    /// Whether the body asks for `caller`, `varargs` and `kwargs`.
    pub takes: [bool; 3],
}
