//! From tokens to the tree of a template: statements. Expressions are in `parser/expressions.rs`.

mod expressions;

use std::sync::Arc;

use super::lexer::{Token, TokenKind, tokens};
use super::syntax::{Act, Arguments, Block, For, Kind, Macro, Name, Names, Node, Statement, Target};
use super::trouble::{Fallible, Trouble};
use super::{NESTING, filters, predicates};

/// Names with a meaning of their own, by their number.
pub(super) const CALLER: Name = 0;
pub(super) const VARARGS: Name = 1;
pub(super) const KWARGS: Name = 2;
pub(super) const LOOP: Name = 3;

/// A parsed template.
pub(super) struct Parsed {
    pub body: Block,
    pub names: Names,
}

/// Parses a template. Recursion is as deep as [`NESTING`] allows.
pub(super) fn parse(source: &str) -> Fallible<Parsed> {
    let mut names = Names::default();
    for name in ["caller", "varargs", "kwargs", "loop"] {
        names.number(name);
    }
    let mut parser =
        Parser { tokens: tokens(source)?, at: 0, names, depth: 0, loops: 0, choices: 0, asked: [false; 3], line: 1 };
    let body = match parser.block(&[]) {
        Ok((body, _)) => body,
        Err(trouble) => return Err(trouble.at(parser.line)),
    };
    Ok(Parsed { body, names: parser.names })
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    names: Names,
    depth: usize,
    /// Loops around the statement, in this macro.
    loops: usize,
    /// Conditions around the statement: below one, a filter that is not known is an error only once it is reached.
    choices: usize,
    /// Whether `caller`, `varargs` and `kwargs` were asked for.
    asked: [bool; 3],
    line: u32,
}

/// The names of a macro's parameters, and the defaults of the last of them.
type Parameters = (Vec<(Name, Arc<str>)>, Vec<Node>);

impl Parser {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn peek_after(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at + 1).map(|token| &token.kind)
    }

    fn next(&mut self) -> Option<TokenKind> {
        let token = self.tokens.get(self.at)?;
        self.line = token.line;
        self.at += 1;
        Some(token.kind.clone())
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Sign(found)) if *found == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Name(found)) if **found == *word)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.next();
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next();
        }
        found
    }

    fn expect_sign(&mut self, sign: &str) -> Fallible<()> {
        match self.take_sign(sign) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("{sign:?}"))),
        }
    }

    fn expect_word(&mut self, word: &str) -> Fallible<()> {
        match self.take_word(word) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{word}`"))),
        }
    }

    fn expect(&mut self, kind: TokenKind) -> Fallible<()> {
        if self.peek() == Some(&kind) {
            self.next();
            return Ok(());
        }
        Err(self.unexpected("the end of the tag"))
    }

    fn name(&mut self) -> Fallible<Arc<str>> {
        match self.peek() {
            Some(TokenKind::Name(name)) => {
                let name = name.clone();
                self.next();
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    /// That something else than `wanted` comes next.
    fn unexpected(&mut self, wanted: &str) -> Trouble {
        if let Some(token) = self.tokens.get(self.at) {
            self.line = token.line;
        }
        let found = match self.peek() {
            None => "the end of the template".to_owned(),
            Some(TokenKind::Data(_)) => "text".to_owned(),
            Some(TokenKind::BlockBegin) => "{%".to_owned(),
            Some(TokenKind::BlockEnd) => "%}".to_owned(),
            Some(TokenKind::OutputBegin) => "{{".to_owned(),
            Some(TokenKind::OutputEnd) => "}}".to_owned(),
            Some(TokenKind::Name(name)) => format!("`{name}`"),
            Some(TokenKind::Text(text)) => format!("the text {text:?}"),
            Some(TokenKind::Whole(number)) => number.to_string(),
            Some(TokenKind::Float(number)) => number.to_string(),
            Some(TokenKind::Sign(sign)) => format!("{sign:?}"),
        };
        Trouble::new(format!("expected {wanted}, found {found}"))
    }

    /// One level deeper, if the limit allows it.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Fallible<T>) -> Fallible<T> {
        if self.depth >= NESTING {
            return Err(Trouble::new(format!("the template is nested more than {NESTING} levels deep")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Statements up to a tag with one of the words `ends`, whose word is passed and returned.
    fn block(&mut self, ends: &[&str]) -> Fallible<(Block, Arc<str>)> {
        let mut block = Block::new();
        loop {
            let line = self.tokens.get(self.at).map_or(self.line, |token| token.line);
            match self.next() {
                None if ends.is_empty() => return Ok((block, "".into())),
                None => return Err(Trouble::new(format!("expected {{% {} %}}", ends.join(" %} or {% ")))),
                Some(TokenKind::Data(text)) => block.push(Statement { line, kind: Act::Text(text.into()) }),
                Some(TokenKind::OutputBegin) => {
                    let value = self.tuple(true, &[])?;
                    self.expect(TokenKind::OutputEnd)?;
                    block.push(Statement { line, kind: Act::Output(value) });
                }
                _ => {
                    let word = self.name()?;
                    if ends.contains(&&*word) {
                        return Ok((block, word));
                    }
                    let kind = self.deeper(|parser| parser.statement(&word))?;
                    block.push(Statement { line, kind });
                }
            }
        }
    }

    /// A block up to `{% end %}`, which is passed.
    fn body(&mut self, end: &str) -> Fallible<Block> {
        self.expect(TokenKind::BlockEnd)?;
        let (block, _) = self.block(&[end])?;
        self.expect(TokenKind::BlockEnd)?;
        Ok(block)
    }

    fn statement(&mut self, word: &str) -> Fallible<Act> {
        match word {
            "if" => self.choice(),
            "for" => self.for_loop(),
            "set" => self.set(),
            "macro" => {
                let name = self.name()?;
                self.macro_body(name, "endmacro").map(|(number, made)| Act::Macro(number, made))
            }
            "call" => {
                let made = match self.is_sign("(") {
                    true => self.parameters()?,
                    false => Default::default(),
                };
                let call = self.expression()?;
                if !matches!(call.kind, Kind::Call(..)) {
                    return Err(Trouble::new("expected a call in {% call %}"));
                }
                let made = self.macro_of("caller".into(), made, "endcall")?;
                Ok(Act::CallBlock(call, made))
            }
            "filter" => {
                let filter = self.filters_of_block()?;
                Ok(Act::FilterBlock(filter, self.body("endfilter")?))
            }
            // What it marks is for whoever masks a loss; as in Jinja, names that are set inside stay inside.
            "generation" => {
                let loops = std::mem::take(&mut self.loops);
                let body = self.body("endgeneration");
                self.loops = loops;
                Ok(Act::With(Vec::new(), body?))
            }
            "with" => {
                let mut given = Vec::new();
                while self.peek() != Some(&TokenKind::BlockEnd) {
                    if !given.is_empty() {
                        self.expect_sign(",")?;
                    }
                    let target = self.target(false, &[])?;
                    self.expect_sign("=")?;
                    given.push((target, self.expression()?));
                }
                Ok(Act::With(given, self.body("endwith")?))
            }
            "print" => {
                let value = self.tuple(true, &[])?;
                self.expect(TokenKind::BlockEnd)?;
                Ok(Act::Output(value))
            }
            "break" | "continue" => {
                if self.loops == 0 {
                    return Err(Trouble::new(format!("{{% {word} %}} stands outside of a loop")));
                }
                self.expect(TokenKind::BlockEnd)?;
                Ok(if word == "break" { Act::Break } else { Act::Continue })
            }
            "include" | "import" | "from" | "extends" | "block" => Err(Trouble::new(format!(
                "{{% {word} %}} is not for prompts: a template can't be made of several files"
            ))),
            _ => Err(Trouble::new(format!("there is no tag {{% {word} %}}"))),
        }
    }

    fn choice(&mut self) -> Fallible<Act> {
        let mut branches = Vec::new();
        loop {
            let test = self.tuple(false, &[])?;
            self.expect(TokenKind::BlockEnd)?;
            self.choices += 1;
            let parsed = self.block(&["elif", "else", "endif"]);
            self.choices -= 1;
            let (block, end) = parsed?;
            branches.push((test, block));
            match &*end {
                "elif" => continue,
                "endif" => {
                    self.expect(TokenKind::BlockEnd)?;
                    return Ok(Act::If(branches, Block::new()));
                }
                _ => {
                    self.choices += 1;
                    let otherwise = self.body("endif");
                    self.choices -= 1;
                    return Ok(Act::If(branches, otherwise?));
                }
            }
        }
    }

    fn for_loop(&mut self) -> Fallible<Act> {
        let target = self.target(false, &["in"])?;
        self.expect_word("in")?;
        let over = self.tuple(false, &["recursive"])?;
        let only = if self.take_word("if") { Some(self.expression()?) } else { None };
        let recursive = self.take_word("recursive");
        self.expect(TokenKind::BlockEnd)?;
        self.loops += 1;
        let parsed = self.block(&["else", "endfor"]);
        self.loops -= 1;
        let (body, end) = parsed?;
        let otherwise = if &*end == "else" {
            self.body("endfor")?
        } else {
            self.expect(TokenKind::BlockEnd)?;
            Block::new()
        };
        Ok(Act::For(Arc::new(For { target, over, only, recursive, body, otherwise })))
    }

    fn set(&mut self) -> Fallible<Act> {
        let target = self.target(true, &[])?;
        if self.take_sign("=") {
            let value = self.tuple(true, &[])?;
            self.expect(TokenKind::BlockEnd)?;
            return Ok(Act::Set(target, value));
        }
        let filter = if self.is_sign("|") {
            self.next();
            Some(self.filters_of_block()?)
        } else {
            None
        };
        Ok(Act::SetBlock(target, filter, self.body("endset")?))
    }

    /// `name` or `name, (name, name)` or, for `set`, `name.attribute`.
    fn target(&mut self, attributes: bool, ends: &[&str]) -> Fallible<Target> {
        let mut several = Vec::new();
        let mut is_several = false;
        loop {
            let one = if self.take_sign("(") {
                let inner = self.deeper(|parser| parser.target(attributes, &[]))?;
                self.expect_sign(")")?;
                inner
            } else {
                let name = self.name()?;
                let reserved = ["true", "false", "none", "True", "False", "None", "not", "in"].contains(&&*name);
                if reserved || &*name == "loop" && ends == ["in"] {
                    return Err(Trouble::new(format!("nothing can be assigned to `{name}`")));
                }
                let number = self.names.number(&name);
                if attributes && self.take_sign(".") {
                    Target::Attribute(number, self.name()?)
                } else {
                    Target::Name(number)
                }
            };
            several.push(one);
            if !self.take_sign(",") {
                break;
            }
            is_several = true;
            let ends_here = ends.iter().any(|end| self.is_word(end));
            if ends_here || self.is_sign("=") || self.is_sign(")") || self.peek() == Some(&TokenKind::BlockEnd) {
                break;
            }
        }
        match several.pop() {
            Some(one) if !is_several => Ok(one),
            last => {
                several.extend(last);
                Ok(Target::Several(several))
            }
        }
    }

    fn parameters(&mut self) -> Fallible<Parameters> {
        let (mut parameters, mut defaults) = (Vec::new(), Vec::new());
        self.expect_sign("(")?;
        while !self.take_sign(")") {
            if !parameters.is_empty() {
                self.expect_sign(",")?;
                if self.take_sign(")") {
                    break;
                }
            }
            let name = self.name()?;
            parameters.push((self.names.number(&name), name));
            if self.take_sign("=") {
                defaults.push(self.expression()?);
            } else if !defaults.is_empty() {
                return Err(Trouble::new("a parameter without a default stands after one with a default"));
            }
        }
        Ok((parameters, defaults))
    }

    fn macro_body(&mut self, name: Arc<str>, end: &str) -> Fallible<(Name, Arc<Macro>)> {
        let number = self.names.number(&name);
        let parameters = self.parameters()?;
        Ok((number, self.macro_of(name, parameters, end)?))
    }

    fn macro_of(
        &mut self,
        name: Arc<str>,
        (parameters, defaults): (Vec<(Name, Arc<str>)>, Vec<Node>),
        end: &str,
    ) -> Fallible<Arc<Macro>> {
        let outer = (std::mem::take(&mut self.loops), std::mem::take(&mut self.asked));
        let body = self.body(end);
        let takes = std::mem::replace(&mut self.asked, outer.1);
        self.loops = outer.0;
        Ok(Arc::new(Macro { name, parameters, defaults, body: body?, takes }))
    }

    /// `upper | trim` of `{% filter %}` and `{% set x | upper %}`.
    fn filters_of_block(&mut self) -> Fallible<Node> {
        let mut filter = self.filter(None)?;
        while self.take_sign("|") {
            filter = self.filter(Some(filter))?;
        }
        Ok(filter)
    }

    /// A filter's name and arguments.
    fn filter(&mut self, input: Option<Node>) -> Fallible<Node> {
        let line = self.line;
        let name = self.dotted()?;
        if self.choices == 0 && !filters::is_known(&name) {
            return Err(Trouble::new(format!("there is no filter `{name}`")));
        }
        let arguments = if self.is_sign("(") { self.arguments()? } else { Arguments::default() };
        let height = expressions::highest(input.iter().chain(arguments.nodes()))?;
        Ok(Node { line, height, kind: Kind::Filter(input.map(Box::new), name, arguments) })
    }

    /// A test's name; whether it is known is found out as for filters.
    fn test_name(&mut self) -> Fallible<Arc<str>> {
        let name = self.dotted()?;
        if self.choices == 0 && !predicates::is_known(&name) {
            return Err(Trouble::new(format!("there is no test `{name}`")));
        }
        Ok(name)
    }

    fn dotted(&mut self) -> Fallible<Arc<str>> {
        let mut name = self.name()?;
        while self.take_sign(".") {
            name = format!("{name}.{}", self.name()?).into();
        }
        Ok(name)
    }
}
