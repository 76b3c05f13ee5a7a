//! Expressions, with the precedence that Jinja gives them.

use super::super::HEIGHT;
use super::super::lexer::TokenKind;
use super::super::syntax::{Arguments, Binary, Comparison, Kind, Node, Unary};
use super::super::trouble::{Fallible, Trouble};
use super::{CALLER, KWARGS, Parser, VARARGS};

/// The height of a node over `below`.
pub(super) fn highest<'nodes>(below: impl Iterator<Item = &'nodes Node>) -> Fallible<u16> {
    let height = below.map(|node| node.height).max().unwrap_or(0) + 1;
    if height > HEIGHT {
        return Err(Trouble::new(format!("an expression is nested more than {HEIGHT} levels deep")));
    }
    Ok(height)
}

impl Parser {
    fn binary(&mut self, operator: Binary, left: Node, right: Node) -> Fallible<Node> {
        let height = highest([&left, &right].into_iter())?;
        Ok(Node { line: left.line, height, kind: Kind::Binary(operator, Box::new((left, right))) })
    }

    fn several(&mut self, kind: fn(Vec<Node>) -> Kind, mut nodes: Vec<Node>) -> Fallible<Node> {
        let height = highest(nodes.iter())?;
        match nodes.pop() {
            Some(only) if nodes.is_empty() => Ok(only),
            last => {
                nodes.extend(last);
                let line = nodes.first().map_or(self.line, |node| node.line);
                Ok(Node { line, height, kind: kind(nodes) })
            }
        }
    }

    /// An expression, or several with commas between them; `ends` are words that end it.
    pub(super) fn tuple(&mut self, choices: bool, ends: &[&str]) -> Fallible<Node> {
        let one = |parser: &mut Parser| if choices { parser.expression() } else { parser.deeper(Parser::any) };
        let first = one(self)?;
        if !self.is_sign(",") {
            return Ok(first);
        }
        let line = first.line;
        let mut items = vec![first];
        while self.take_sign(",") {
            let closed = self.is_sign(")") || matches!(self.peek(), Some(TokenKind::BlockEnd | TokenKind::OutputEnd));
            if closed || ends.iter().any(|end| self.is_word(end)) {
                break;
            }
            items.push(one(self)?);
        }
        let height = highest(items.iter())?;
        Ok(Node { line, height, kind: Kind::Tuple(items) })
    }

    /// `then if test else otherwise`, or what binds more tightly.
    pub(super) fn expression(&mut self) -> Fallible<Node> {
        self.deeper(|parser| {
            let mut then = parser.any()?;
            while parser.take_word("if") {
                parser.choices += 1;
                let parsed = parser.any().and_then(|test| {
                    let otherwise = if parser.take_word("else") { Some(parser.expression()?) } else { None };
                    Ok((test, otherwise))
                });
                parser.choices -= 1;
                let (test, otherwise) = parsed?;
                let height = highest([&then, &test].into_iter().chain(&otherwise))?;
                let line = then.line;
                then = Node { line, height, kind: Kind::Choice(Box::new((test, then, otherwise))) };
            }
            Ok(then)
        })
    }

    fn any(&mut self) -> Fallible<Node> {
        let mut nodes = vec![self.all()?];
        while self.take_word("or") {
            nodes.push(self.all()?);
        }
        self.several(Kind::Any, nodes)
    }

    fn all(&mut self) -> Fallible<Node> {
        let mut nodes = vec![self.not()?];
        while self.take_word("and") {
            nodes.push(self.not()?);
        }
        self.several(Kind::All, nodes)
    }

    fn not(&mut self) -> Fallible<Node> {
        if !self.take_word("not") {
            return self.comparison();
        }
        let line = self.line;
        let inner = self.deeper(Parser::not)?;
        let height = highest([&inner].into_iter())?;
        Ok(Node { line, height, kind: Kind::Unary(Unary::Not, Box::new(inner)) })
    }

    fn comparison(&mut self) -> Fallible<Node> {
        let first = self.sum()?;
        let mut others = Vec::new();
        loop {
            let operator = match self.peek() {
                Some(TokenKind::Sign("==")) => Comparison::Equal,
                Some(TokenKind::Sign("!=")) => Comparison::Unequal,
                Some(TokenKind::Sign("<")) => Comparison::Less,
                Some(TokenKind::Sign("<=")) => Comparison::LessOrEqual,
                Some(TokenKind::Sign(">")) => Comparison::Greater,
                Some(TokenKind::Sign(">=")) => Comparison::GreaterOrEqual,
                Some(TokenKind::Name(word)) if &**word == "in" => Comparison::In,
                Some(TokenKind::Name(word)) if &**word == "not" => match self.peek_after() {
                    Some(TokenKind::Name(word)) if &**word == "in" => {
                        self.next();
                        Comparison::NotIn
                    }
                    _ => break,
                },
                _ => break,
            };
            self.next();
            others.push((operator, self.sum()?));
        }
        if others.is_empty() {
            return Ok(first);
        }
        let height = highest([&first].into_iter().chain(others.iter().map(|(_, node)| node)))?;
        Ok(Node { line: first.line, height, kind: Kind::Compare(Box::new(first), others) })
    }

    fn sum(&mut self) -> Fallible<Node> {
        let mut left = self.concat()?;
        loop {
            let operator = match self.peek() {
                Some(TokenKind::Sign("+")) => Binary::Add,
                Some(TokenKind::Sign("-")) => Binary::Subtract,
                _ => return Ok(left),
            };
            self.next();
            let right = self.concat()?;
            left = self.binary(operator, left, right)?;
        }
    }

    fn concat(&mut self) -> Fallible<Node> {
        let mut nodes = vec![self.product()?];
        while self.take_sign("~") {
            nodes.push(self.product()?);
        }
        self.several(Kind::Concat, nodes)
    }

    fn product(&mut self) -> Fallible<Node> {
        let mut left = self.power()?;
        loop {
            let operator = match self.peek() {
                Some(TokenKind::Sign("*")) => Binary::Multiply,
                Some(TokenKind::Sign("/")) => Binary::Divide,
                Some(TokenKind::Sign("//")) => Binary::FloorDivide,
                Some(TokenKind::Sign("%")) => Binary::Remainder,
                _ => return Ok(left),
            };
            self.next();
            let right = self.power()?;
            left = self.binary(operator, left, right)?;
        }
    }

    fn power(&mut self) -> Fallible<Node> {
        let mut left = self.unary(true)?;
        while self.take_sign("**") {
            let right = self.unary(true)?;
            left = self.binary(Binary::Power, left, right)?;
        }
        Ok(left)
    }

    fn unary(&mut self, filters: bool) -> Fallible<Node> {
        let sign = match self.peek() {
            Some(TokenKind::Sign("-")) => Some(Unary::Negative),
            Some(TokenKind::Sign("+")) => Some(Unary::Positive),
            _ => None,
        };
        let mut node = match sign {
            None => self.deeper(Parser::primary)?,
            Some(sign) => {
                self.next();
                let line = self.line;
                let inner = self.deeper(|parser| parser.unary(false))?;
                let height = highest([&inner].into_iter())?;
                Node { line, height, kind: Kind::Unary(sign, Box::new(inner)) }
            }
        };
        node = self.postfix(node)?;
        if filters { self.filters(node) } else { Ok(node) }
    }

    fn primary(&mut self) -> Fallible<Node> {
        let Some(token) = self.tokens.get(self.at) else {
            return Err(self.unexpected("an expression"));
        };
        let (line, mut height) = (token.line, 1);
        let kind = match token.kind.clone() {
            TokenKind::Name(name) => {
                self.next();
                match &*name {
                    "true" | "True" => Kind::Bool(true),
                    "false" | "False" => Kind::Bool(false),
                    "none" | "None" => Kind::None,
                    _ => {
                        let number = self.names.number(&name);
                        for (asked, name) in self.asked.iter_mut().zip([CALLER, VARARGS, KWARGS]) {
                            *asked |= number == name;
                        }
                        Kind::Name(number)
                    }
                }
            }
            TokenKind::Text(mut text) => {
                self.next();
                while let Some(TokenKind::Text(more)) = self.peek() {
                    text.push_str(more);
                    self.next();
                }
                Kind::Text(text.into())
            }
            TokenKind::Whole(number) => {
                self.next();
                Kind::Whole(number)
            }
            TokenKind::Float(number) => {
                self.next();
                Kind::Float(number)
            }
            TokenKind::Sign("(") => {
                self.next();
                if self.take_sign(")") {
                    Kind::Tuple(Vec::new())
                } else {
                    let inner = self.tuple(true, &[])?;
                    self.expect_sign(")")?;
                    return Ok(inner);
                }
            }
            TokenKind::Sign("[") => {
                self.next();
                let mut items = Vec::new();
                while !self.take_sign("]") {
                    if !items.is_empty() {
                        self.expect_sign(",")?;
                        if self.take_sign("]") {
                            break;
                        }
                    }
                    items.push(self.expression()?);
                }
                height = highest(items.iter())?;
                Kind::List(items)
            }
            TokenKind::Sign("{") => {
                self.next();
                let mut pairs = Vec::new();
                while !self.take_sign("}") {
                    if !pairs.is_empty() {
                        self.expect_sign(",")?;
                        if self.take_sign("}") {
                            break;
                        }
                    }
                    let key = self.expression()?;
                    self.expect_sign(":")?;
                    pairs.push((key, self.expression()?));
                }
                height = highest(pairs.iter().flat_map(|(key, value)| [key, value]))?;
                Kind::Map(pairs)
            }
            _ => return Err(self.unexpected("an expression")),
        };
        Ok(Node { line, height, kind })
    }

    fn postfix(&mut self, mut node: Node) -> Fallible<Node> {
        loop {
            let line = self.tokens.get(self.at).map_or(self.line, |token| token.line);
            if self.take_sign(".") {
                let mut height = highest([&node].into_iter())?;
                let kind = match self.next() {
                    Some(TokenKind::Name(name)) => Kind::Attribute(Box::new(node), name),
                    Some(TokenKind::Whole(number)) => {
                        let index = Node { line, height: 1, kind: Kind::Whole(number) };
                        height = height.max(2);
                        Kind::Subscript(Box::new((node, index)))
                    }
                    _ => {
                        self.at -= 1;
                        return Err(self.unexpected("a name or a number"));
                    }
                };
                node = Node { line, height, kind };
            } else if self.take_sign("[") {
                node = self.subscript(node, line)?;
            } else if self.is_sign("(") {
                node = self.call(node, line)?;
            } else {
                return Ok(node);
            }
        }
    }

    fn call(&mut self, called: Node, line: u32) -> Fallible<Node> {
        let arguments = self.arguments()?;
        let height = highest([&called].into_iter().chain(arguments.nodes()))?;
        Ok(Node { line, height, kind: Kind::Call(Box::new(called), arguments) })
    }

    fn subscript(&mut self, node: Node, line: u32) -> Fallible<Node> {
        let mut items = Vec::new();
        loop {
            let mut parts: [Option<Node>; 3] = [None, None, None];
            let mut colons = 0;
            loop {
                if self.take_sign(":") {
                    colons += 1;
                    if colons > 2 {
                        return Err(Trouble::new("a slice has at most two colons"));
                    }
                } else if self.is_sign("]") || self.is_sign(",") {
                    break;
                } else {
                    match parts.get_mut(colons) {
                        Some(part @ None) => *part = Some(self.expression()?),
                        _ => return Err(self.unexpected("\"]\"")),
                    }
                }
            }
            let [first, second, third] = parts;
            match (colons, first) {
                (0, Some(index)) => items.push(index),
                (0, None) => return Err(Trouble::new("a subscript is empty")),
                (_, first) => {
                    if !items.is_empty() || self.is_sign(",") {
                        return Err(Trouble::new("a slice stands alone in its brackets"));
                    }
                    self.expect_sign("]")?;
                    let parts = [first, second, third];
                    let height = highest([&node].into_iter().chain(parts.iter().flatten()))?;
                    return Ok(Node { line, height, kind: Kind::Slice(Box::new((node, parts))) });
                }
            }
            if self.take_sign("]") {
                break;
            }
            self.expect_sign(",")?;
        }
        let index = self.several(Kind::Tuple, items)?;
        let height = highest([&node, &index].into_iter())?;
        Ok(Node { line, height, kind: Kind::Subscript(Box::new((node, index))) })
    }

    pub(super) fn arguments(&mut self) -> Fallible<Arguments> {
        let mut arguments = Arguments::default();
        self.expect_sign("(")?;
        let mut first = true;
        while !self.take_sign(")") {
            if !std::mem::take(&mut first) {
                self.expect_sign(",")?;
                if self.take_sign(")") {
                    break;
                }
            }
            if self.take_sign("*") {
                arguments.more_placed = Some(Box::new(self.expression()?));
            } else if self.take_sign("**") {
                arguments.more_named = Some(Box::new(self.expression()?));
            } else if matches!(self.peek(), Some(TokenKind::Name(_)))
                && matches!(self.peek_after(), Some(TokenKind::Sign("=")))
            {
                let name = self.name()?;
                self.expect_sign("=")?;
                arguments.named.push((name, self.expression()?));
            } else if arguments.named.is_empty() && arguments.more_placed.is_none() && arguments.more_named.is_none() {
                arguments.placed.push(self.expression()?);
            } else {
                return Err(self.unexpected("a named argument"));
            }
        }
        Ok(arguments)
    }

    fn filters(&mut self, mut node: Node) -> Fallible<Node> {
        loop {
            let line = self.tokens.get(self.at).map_or(self.line, |token| token.line);
            if self.take_sign("|") {
                node = self.filter(Some(node))?;
            } else if self.take_word("is") {
                node = self.test(node)?;
            } else if self.is_sign("(") {
                node = self.call(node, line)?;
            } else {
                return Ok(node);
            }
        }
    }

    fn test(&mut self, input: Node) -> Fallible<Node> {
        let line = self.line;
        let negated = self.take_word("not");
        let name = self.test_name()?;
        let ends = ["else", "or", "and", "if"].iter().any(|word| self.is_word(word));
        let arguments = if self.is_sign("(") {
            self.arguments()?
        } else if !ends
            && matches!(
                self.peek(),
                Some(
                    TokenKind::Name(_)
                        | TokenKind::Text(_)
                        | TokenKind::Whole(_)
                        | TokenKind::Float(_)
                        | TokenKind::Sign("[" | "{")
                )
            )
        {
            if self.is_word("is") {
                return Err(Trouble::new("tests with `is` can't be chained"));
            }
            let argument = self.deeper(Parser::primary)?;
            Arguments { placed: vec![self.postfix(argument)?], ..Arguments::default() }
        } else {
            Arguments::default()
        };
        let height = highest([&input].into_iter().chain(arguments.nodes()))?;
        let node = Node { line, height, kind: Kind::Test(Box::new(input), name, arguments) };
        if !negated {
            return Ok(node);
        }
        let height = highest([&node].into_iter())?;
        Ok(Node { line, height, kind: Kind::Unary(Unary::Not, Box::new(node)) })
    }
}
