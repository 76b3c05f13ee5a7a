//! From MathML to LaTeX, for formulas that come without their source.
//!
//! A walk over presentation MathML. Content MathML and annotations are passed over. Depth and length are bounded: what lies
//! deeper than [`DEEPEST`] or would be longer than [`LONGEST`] is left out.

use super::symbols;
use super::tree::{Data, Id, Tree};

const DEEPEST: u32 = 60;
const LONGEST: usize = 20_000;

/// The LaTeX of a `<math>` element.
pub fn latex(tree: &Tree, math: Id) -> String {
    let mut out = Writer { tree, out: String::new() };
    out.row(math, 0);
    out.out.trim().to_owned()
}

struct Writer<'a> {
    tree: &'a Tree,
    out: String,
}

impl Writer<'_> {
    fn elements(&self, id: Id) -> Vec<Id> {
        self.tree.children(id).filter(|child| matches!(self.tree.data(*child), Data::Element(..))).collect()
    }

    fn row(&mut self, id: Id, depth: u32) {
        if depth > DEEPEST {
            return;
        }
        for child in self.elements(id) {
            self.node(child, depth + 1);
        }
    }

    /// A node in braces, where it is more than one sign.
    fn group(&mut self, id: Option<&Id>, depth: u32) {
        self.out.push('{');
        if let Some(id) = id {
            self.node(*id, depth + 1);
        }
        while self.out.ends_with(' ') {
            self.out.pop();
        }
        self.out.push('}');
    }

    fn push(&mut self, text: &str) {
        if self.out.len() + text.len() > LONGEST {
            return;
        }
        // A command ends before a letter.
        let letter = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if letter && ends_in_command(&self.out) {
            self.out.push(' ');
        }
        self.out.push_str(text);
    }

    fn node(&mut self, id: Id, depth: u32) {
        if depth > DEEPEST || self.out.len() > LONGEST {
            return;
        }
        let tree = self.tree;
        let name = tree.name(id);
        let name = name.rsplit(':').next().unwrap_or(name);
        let parts = self.elements(id);
        match name {
            "annotation" | "annotation-xml" | "mphantom" | "merror" => {}
            "maction" => {
                if let Some(first) = parts.first() {
                    self.node(*first, depth + 1);
                }
            }
            "mi" => self.identifier(id),
            "mn" => {
                let text = squeezed(&tree.text(id));
                self.push(&text);
            }
            "mo" => self.operator(id),
            "mtext" | "ms" => {
                let text = tree.text(id);
                let text = text.replace('\u{a0}', " ");
                if text.trim().is_empty() {
                    self.push("\\ ");
                } else {
                    let escaped = text.replace(['{', '}', '\\', '$', '%', '#', '&', '_', '^'], " ");
                    self.push(&format!("\\text{{{escaped}}}"));
                }
            }
            "mspace" => {
                if tree.attribute(id, "width").is_some_and(|width| width.starts_with(['1', '2'])) {
                    self.push("\\quad ");
                } else {
                    self.push("\\,");
                }
            }
            "mfrac" => {
                let binomial = tree.attribute(id, "linethickness").is_some_and(|t| t.starts_with('0'));
                self.push(if binomial { "\\binom" } else { "\\frac" });
                self.group(parts.first(), depth);
                self.group(parts.get(1), depth);
            }
            "msqrt" => {
                self.push("\\sqrt{");
                self.row(id, depth);
                self.out.push('}');
            }
            "mroot" => {
                self.push("\\sqrt[");
                if let Some(index) = parts.get(1) {
                    self.node(*index, depth + 1);
                }
                self.out.push(']');
                self.group(parts.first(), depth);
            }
            "msub" | "msup" | "msubsup" => {
                self.base(parts.first(), depth);
                let marks: &[&str] = match name {
                    "msub" => &["_"],
                    "msup" => &["^"],
                    _ => &["_", "^"],
                };
                for (mark, part) in marks.iter().zip(parts.iter().skip(1)) {
                    self.script(mark, *part, depth);
                }
            }
            "munder" | "mover" | "munderover" => self.under_over(name, &parts, depth),
            "mmultiscripts" => self.multiscripts(&parts, depth),
            "mtable" => self.table(&parts, depth),
            "mfenced" => {
                let open = tree.attribute(id, "open").unwrap_or("(").to_owned();
                let close = tree.attribute(id, "close").unwrap_or(")").to_owned();
                let separators: Vec<char> =
                    tree.attribute(id, "separators").unwrap_or(",").chars().filter(|c| !c.is_whitespace()).collect();
                self.fence("\\left", &open);
                for (place, part) in parts.iter().enumerate() {
                    if place > 0
                        && let Some(mark) = separators.get(place - 1).or(separators.last())
                    {
                        self.out.push(*mark);
                    }
                    self.node(*part, depth + 1);
                }
                self.fence("\\right", &close);
            }
            "menclose" => {
                let notation = tree.attribute(id, "notation").unwrap_or("");
                let command = if notation.contains("radical") {
                    "\\sqrt{"
                } else if notation.contains("box") {
                    "\\boxed{"
                } else if notation.contains("strike") {
                    "\\cancel{"
                } else {
                    "{"
                };
                self.push(command);
                self.row(id, depth);
                self.out.push('}');
            }
            // mrow, mstyle, mpadded, semantics, math and whatever is not known.
            "semantics" => {
                if let Some(first) = parts.first() {
                    self.node(*first, depth + 1);
                }
            }
            _ => {
                if parts.is_empty() {
                    let text = squeezed(&tree.text(id));
                    self.signs(&text);
                } else {
                    self.row(id, depth);
                }
            }
        }
    }

    fn fence(&mut self, side: &str, mark: &str) {
        let mark = mark.trim();
        self.push(side);
        match mark {
            "" => self.out.push('.'),
            "{" => self.out.push_str("\\{"),
            "}" => self.out.push_str("\\}"),
            other => {
                for sign in other.chars().take(1) {
                    match symbols::latex(sign) {
                        Some(command) => self.out.push_str(command),
                        None => self.out.push(sign),
                    }
                }
            }
        }
    }

    fn identifier(&mut self, id: Id) {
        let text = squeezed(&self.tree.text(id));
        let variant = self.tree.attribute(id, "mathvariant").unwrap_or("");
        let face = match variant {
            "bold" => "\\mathbf",
            "double-struck" => "\\mathbb",
            "script" => "\\mathcal",
            "fraktur" => "\\mathfrak",
            "sans-serif" => "\\mathsf",
            "monospace" => "\\mathtt",
            "bold-italic" => "\\boldsymbol",
            _ => "",
        };
        if text.chars().count() > 1 && text.chars().all(|c| c.is_ascii_alphanumeric()) {
            if symbols::is_function(&text) {
                self.push(&format!("\\{text} "));
            } else if face.is_empty() {
                self.push(&format!("\\operatorname{{{text}}}"));
            } else {
                self.push(&format!("{face}{{{text}}}"));
            }
            return;
        }
        if !face.is_empty() && !text.is_empty() {
            self.push(face);
            self.out.push('{');
            self.signs(&text);
            self.out.push('}');
            return;
        }
        self.signs(&text);
    }

    fn operator(&mut self, id: Id) {
        let text = squeezed(&self.tree.text(id));
        match text.as_str() {
            "{" | "}" => self.push(&format!("\\{text}")),
            // Function application, invisible times and separators.
            "\u{2061}" | "\u{2062}" | "\u{2063}" | "\u{2064}" => {}
            "&" | "%" | "#" | "$" | "_" => self.push(&format!("\\{text}")),
            _ if text.len() > 1 && text.chars().all(|c| c.is_ascii_alphabetic()) => {
                if symbols::is_function(&text) {
                    self.push(&format!("\\{text} "));
                } else {
                    self.push(&format!("\\operatorname{{{text}}}"));
                }
            }
            _ => self.signs(&text),
        }
    }

    fn signs(&mut self, text: &str) {
        for sign in text.chars() {
            match symbols::latex(sign) {
                Some(command) => self.push(command),
                None => match symbols::plain_letter(sign) {
                    Some((face, letter)) => {
                        self.push(&if face.is_empty() { letter.to_string() } else { format!("\\{face}{{{letter}}}") })
                    }
                    None => {
                        let mut bytes = [0; 4];
                        self.push(sign.encode_utf8(&mut bytes));
                    }
                },
            }
        }
    }

    fn base(&mut self, id: Option<&Id>, depth: u32) {
        let Some(id) = id else {
            self.push("{}");
            return;
        };
        let start = self.out.len();
        self.node(*id, depth + 1);
        let written = self.out[start..].trim();
        let single = written.chars().count() == 1
            || written.starts_with('\\') && written[1..].chars().all(|c| c.is_ascii_alphabetic());
        let fenced = written.starts_with("\\left") && written.ends_with(['.', ')', ']', '|', '}']);
        if written.is_empty() {
            self.out.push_str("{}");
        } else if !single && !fenced {
            let inner = self.out.split_off(start);
            self.out.push('{');
            self.out.push_str(inner.trim());
            self.out.push('}');
        } else {
            while self.out.ends_with(' ') {
                self.out.pop();
            }
        }
    }

    fn script(&mut self, mark: &str, id: Id, depth: u32) {
        let text = squeezed(&self.tree.text(id));
        if mark == "^" && !text.is_empty() && text.chars().all(|c| matches!(c, '′' | '\'')) {
            for _ in text.chars() {
                self.out.push('\'');
            }
            return;
        }
        let start = self.out.len();
        self.out.push_str(mark);
        self.group(Some(&id), depth);
        let inner = &self.out[start + mark.len() + 1..self.out.len() - 1];
        if inner.is_empty() {
            self.out.truncate(start);
        }
    }

    fn under_over(&mut self, name: &str, parts: &[Id], depth: u32) {
        let text = |id: Option<&Id>| id.map(|id| squeezed(&self.tree.text(*id))).unwrap_or_default();
        let accent = |mark: &str| {
            Some(match mark {
                "^" | "ˆ" | "\u{302}" => "\\hat",
                "~" | "˜" | "∼" | "\u{303}" => "\\tilde",
                "¯" | "‾" | "―" | "_" | "\u{304}" | "\u{305}" => "\\overline",
                "→" | "⇀" | "\u{20d7}" => "\\vec",
                "˙" | "." | "\u{307}" => "\\dot",
                "¨" | ".." | "\u{308}" => "\\ddot",
                "ˇ" => "\\check",
                "˘" => "\\breve",
                "⏞" => "\\overbrace",
                "⏟" => "\\underbrace",
                "⏜" => "\\overparen",
                _ => return None,
            })
        };
        let mark = text(parts.get(1));
        if name != "munderover"
            && let Some(command) = accent(&mark)
        {
            let command = if name == "munder" && command == "\\overline" { "\\underline" } else { command };
            self.push(command);
            self.group(parts.first(), depth);
            return;
        }
        let base = text(parts.first());
        let large = symbols::is_function(&base)
            || base.chars().count() == 1 && base.chars().all(|c| "∑∏∫∮⋃⋂⨁⨂⋁⋀∐∬∭".contains(c));
        if large || name == "munderover" {
            self.base(parts.first(), depth);
            let marks: &[&str] = match name {
                "munder" => &["_"],
                "mover" => &["^"],
                _ => &["_", "^"],
            };
            for (mark, part) in marks.iter().zip(parts.iter().skip(1)) {
                self.script(mark, *part, depth);
            }
            return;
        }
        self.push(if name == "munder" { "\\underset" } else { "\\overset" });
        self.group(parts.get(1), depth);
        self.group(parts.first(), depth);
    }

    fn multiscripts(&mut self, parts: &[Id], depth: u32) {
        let is = |id: &Id, wanted: &str| self.tree.name(*id).ends_with(wanted);
        let split = parts.iter().position(|part| is(part, "mprescripts")).unwrap_or(parts.len());
        let write = |writer: &mut Self, scripts: &[Id]| {
            for pair in scripts.chunks(2) {
                for (mark, part) in ["_", "^"].iter().zip(pair) {
                    if !writer.tree.name(*part).ends_with("none") {
                        writer.script(mark, *part, depth);
                    }
                }
            }
        };
        if split < parts.len() {
            self.push("{}");
            write(self, &parts[split + 1..]);
        }
        self.base(parts.first(), depth);
        write(self, parts.get(1..split).unwrap_or(&[]));
    }

    fn table(&mut self, rows: &[Id], depth: u32) {
        self.push("\\begin{matrix}");
        for (place, row) in rows.iter().enumerate() {
            if place > 0 {
                self.out.push_str("\\\\");
            }
            let labelled = self.tree.name(*row).ends_with("mlabeledtr");
            let cells = self.elements(*row);
            for (column, cell) in cells.iter().skip(usize::from(labelled)).enumerate() {
                if column > 0 {
                    self.out.push('&');
                }
                self.row(*cell, depth + 1);
            }
        }
        self.out.push_str("\\end{matrix}");
    }
}

fn ends_in_command(text: &str) -> bool {
    let head = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    head.len() < text.len() && head.ends_with('\\') && !head.ends_with("\\\\")
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{a0}' && *c != '\u{200b}').collect()
}
