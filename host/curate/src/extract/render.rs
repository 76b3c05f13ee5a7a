//! From what is left of a page to text: paragraphs, lists, tables and code as a person would type them.

use super::delimiters;
use super::tree::{Data, Id, Tree};

/// The longest text of a page, in bytes; what comes after is left out.
pub const LONGEST: usize = 8 << 20;

/// A page as text.
#[derive(Debug, Clone, Default)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Formulas in it.
    pub formulas: usize,
}

/// The text of what lies within `root`.
pub fn text(tree: &Tree, root: Id, asciimath: bool) -> Text {
    let mut writer = Writer {
        out: String::new(),
        line: String::new(),
        held: Vec::new(),
        lists: Vec::new(),
        code: false,
        asciimath,
        formulas: 0,
        money: Vec::new(),
        tight: false,
        rows: 0,
        cell: 0,
        marker: None,
    };
    let mut at = root;
    writer.open(tree, at);
    loop {
        if let Some(first) = tree.first(at).filter(|_| !writer.skips(tree, at)) {
            at = first;
            writer.open(tree, at);
            continue;
        }
        loop {
            writer.close(tree, at);
            if at == root || writer.out.len() > LONGEST {
                return writer.finish();
            }
            if let Some(next) = tree.next(at) {
                at = next;
                writer.open(tree, at);
                break;
            }
            match tree.parent(at) {
                Some(parent) => at = parent,
                None => return writer.finish(),
            }
        }
    }
}

/// A list.
struct List {
    /// The number of the next item; none where items have bullets.
    number: Option<u32>,
    /// Whether an item has begun.
    begun: bool,
}

struct Writer {
    out: String,
    /// The paragraph that is being written; a formula stands in it as a character of [`held`](Self::held).
    line: String,
    held: Vec<(String, bool)>,
    /// The lists that are open.
    lists: Vec<List>,
    code: bool,
    asciimath: bool,
    formulas: usize,
    /// Places in `out` of dollars that are money.
    money: Vec<usize>,
    /// Whether the next paragraph follows without a blank line: an item after another, a row after another.
    tight: bool,
    rows: u32,
    cell: u32,
    marker: Option<String>,
}

/// Stands for a formula while a paragraph is put together: a character that no page may hold, and a number.
const HELD: char = '\u{e000}';

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "center"
            | "dd"
            | "details"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "thead"
            | "tfoot"
            | "tr"
            | "caption"
            | "ul"
            | "listing"
            | "xmp"
            | "plaintext"
    )
}

impl Writer {
    /// Whether a node's children are not written one by one.
    fn skips(&self, tree: &Tree, id: Id) -> bool {
        matches!(tree.data(id), Data::Text(_) | Data::Formula(..)) || matches!(tree.name(id), "rp" | "rt" | "head")
    }

    fn open(&mut self, tree: &Tree, id: Id) {
        match tree.data(id) {
            Data::Text(text) => {
                if self.code {
                    let clean: String =
                        text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control() && *c != HELD).collect();
                    self.line.push_str(&clean);
                } else {
                    for c in text.chars() {
                        if c.is_whitespace() || c.is_control() {
                            if !self.line.is_empty() && !self.line.ends_with([' ', '\n']) {
                                self.line.push(' ');
                            }
                        } else if !matches!(c, '\u{200b}' | '\u{feff}' | '\u{ad}') && c != HELD {
                            self.line.push(c);
                        }
                    }
                }
                return;
            }
            Data::Formula(tex, display) => {
                self.line.push(HELD);
                self.held.push((tex.clone(), *display));
                return;
            }
            Data::Document | Data::Other => return,
            Data::Element(..) => {}
        }
        let name = tree.name(id);
        match name {
            "br" => {
                if self.code || !self.line.is_empty() {
                    while !self.code && self.line.ends_with(' ') {
                        self.line.pop();
                    }
                    self.line.push('\n');
                }
                return;
            }
            "td" | "th" => {
                if self.cell > 0 {
                    while self.line.ends_with(' ') {
                        self.line.pop();
                    }
                    self.line.push_str(" | ");
                }
                self.cell += 1;
                return;
            }
            "sup" | "sub" => {
                if let Some(mark) = script_mark(tree, id) {
                    while self.line.ends_with(' ') {
                        self.line.pop();
                    }
                    self.line.push_str(mark);
                }
                return;
            }
            "img" => return,
            _ => {}
        }
        if !is_block(name) {
            return;
        }
        let in_cell = self.cell > 0 && !matches!(name, "tr" | "table" | "tbody" | "thead" | "tfoot" | "pre");
        if in_cell {
            if !self.line.is_empty() && !self.line.ends_with([' ', '\n']) {
                self.line.push(' ');
            }
        } else {
            self.flush();
        }
        match name {
            "ul" | "dir" => self.lists.push(List { number: None, begun: false }),
            "ol" => {
                let start = tree.attribute(id, "start").and_then(|start| start.trim().parse().ok()).unwrap_or(1);
                self.lists.push(List { number: Some(start), begun: false });
            }
            "li" if !in_cell => {
                let depth = self.lists.len().saturating_sub(1).min(8);
                let mut mark = "- ".to_owned();
                if let Some(list) = self.lists.last_mut() {
                    self.tight = list.begun || depth > 0;
                    list.begun = true;
                    if let Some(number) = &mut list.number {
                        mark = format!("{number}. ");
                        *number = number.saturating_add(1);
                    }
                }
                self.marker = Some(format!("{}{mark}", "  ".repeat(depth)));
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if !in_cell => {
                let level = usize::from(name.as_bytes()[1] - b'0');
                self.marker = Some(format!("{} ", "#".repeat(level)));
            }
            "pre" | "listing" | "xmp" => {
                self.code = true;
                self.cell = 0;
            }
            "table" => self.rows = 0,
            "tr" => {
                self.cell = 0;
                self.tight = self.rows > 0;
                self.rows += 1;
            }
            "dd" => self.tight = true,
            _ => {}
        }
    }

    fn close(&mut self, tree: &Tree, id: Id) {
        let name = tree.name(id);
        match name {
            "sup" | "sub" => {
                if script_mark(tree, id).is_some() {
                    self.line.push('}');
                }
                return;
            }
            "" => return,
            _ => {}
        }
        if !is_block(name) {
            return;
        }
        if self.cell > 0 && !matches!(name, "tr" | "table" | "tbody" | "thead" | "tfoot" | "pre") {
            if !self.line.is_empty() && !self.line.ends_with([' ', '\n']) {
                self.line.push(' ');
            }
            return;
        }
        match name {
            "pre" | "listing" | "xmp" => {
                self.flush_code();
                self.code = false;
            }
            _ => self.flush(),
        }
        match name {
            "ul" | "ol" | "dir" => {
                self.lists.pop();
            }
            "tr" | "table" => self.cell = 0,
            "li" => self.marker = None,
            _ => {}
        }
    }

    /// Ends the paragraph.
    fn flush(&mut self) {
        if self.code {
            self.flush_code();
            return;
        }
        let line = std::mem::take(&mut self.line);
        let held = std::mem::take(&mut self.held);
        let trimmed = line.trim_matches(|c: char| c.is_whitespace() || c == '|');
        if trimmed.is_empty() {
            return;
        }
        let found = delimiters::normalise(trimmed, self.asciimath);
        let marker = self.marker.take();
        self.begin();
        if let Some(marker) = marker {
            self.out.push_str(&marker);
        }
        let start = self.out.len();
        let mut formulas = held.into_iter();
        let mut money = found.money.iter().peekable();
        for (at, c) in found.text.char_indices() {
            if c == HELD {
                if let Some((tex, display)) = formulas.next() {
                    let mark = if display { "$$" } else { "$" };
                    self.out.push_str(mark);
                    self.out.push_str(&tex);
                    self.out.push_str(mark);
                    self.formulas += 1;
                }
                continue;
            }
            if money.peek() == Some(&&at) {
                money.next();
                self.money.push(self.out.len());
            }
            self.out.push(c);
        }
        self.formulas += found.formulas;
        if self.out.len() > start {
            self.out.push('\n');
        }
    }

    /// Begins a paragraph, after a blank line unless it is tight.
    fn begin(&mut self) {
        if !self.out.is_empty() && !self.tight {
            self.out.push('\n');
        }
        self.tight = false;
    }

    fn flush_code(&mut self) {
        let code = std::mem::take(&mut self.line);
        let held = std::mem::take(&mut self.held);
        let mut formulas = held.into_iter();
        if code.trim().is_empty() {
            return;
        }
        self.begin();
        self.out.push_str("```\n");
        for c in code.trim_matches('\n').trim_end().chars() {
            match c {
                HELD => {
                    if let Some((tex, _)) = formulas.next() {
                        self.out.push_str(&tex);
                    }
                }
                other => self.out.push(other),
            }
        }
        self.out.push_str("\n```\n");
    }

    fn finish(mut self) -> Text {
        self.flush();
        // Where there are formulas, a dollar that opens none is escaped.
        let text = if self.formulas > 0 && !self.money.is_empty() {
            let mut text = String::with_capacity(self.out.len() + self.money.len());
            let mut from = 0;
            for at in &self.money {
                text.push_str(&self.out[from..*at]);
                text.push('\\');
                from = *at;
            }
            text.push_str(&self.out[from..]);
            text
        } else {
            self.out
        };
        Text { text: text.trim().to_owned(), formulas: self.formulas }
    }
}

/// `x<sup>2</sup>` is `x^{2}`; a note's number, a word and what follows no letter stay as they are.
fn script_mark(tree: &Tree, id: Id) -> Option<&'static str> {
    let mut said = String::new();
    // Of a script within a script within a script only the first nodes are looked at.
    for node in tree.within(id).take(40) {
        match tree.data(node) {
            Data::Text(text) => said.extend(text.trim().chars().take(20)),
            Data::Formula(..) => return None,
            _ if tree.name(node) == "a" => return None,
            _ => {}
        }
    }
    let ordinal = matches!(said.as_str(), "th" | "st" | "nd" | "rd" | "TM" | "®" | "™");
    let short = (1..=12).contains(&said.chars().count());
    (short && !ordinal).then_some(if tree.name(id) == "sup" { "^{" } else { "_{" })
}
