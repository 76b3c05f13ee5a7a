//! Values as Python prints them: `str` and `repr`.

use std::fmt::Write;
use std::rc::Rc;

use super::item::{Item, View};
use super::trouble::{Fallible, Trouble};
use super::work::Work;

/// Python's `str(item)`, paid for.
pub(super) fn shown(work: &Work, item: &Item) -> Fallible<String> {
    let mut text = String::new();
    show(work, item, &mut text)?;
    Ok(text)
}

/// Appends Python's `str(item)`.
pub(super) fn show(work: &Work, item: &Item, out: &mut String) -> Fallible<()> {
    match item {
        Item::Text(text) => {
            work.make_bytes(text.len())?;
            work.check_size(out.len() + text.len())?;
            out.push_str(text);
        }
        Item::Undefined(message) => work.check_strict(message)?,
        _ => represent(work, item, out)?,
    }
    Ok(())
}

/// Appends Python's `repr(item)`.
pub(super) fn represent(work: &Work, item: &Item, out: &mut String) -> Fallible<()> {
    let before = out.len();
    write(work, item, out, 0)?;
    work.make_bytes(out.len() - before)?;
    work.check_size(out.len())
}

/// Namespaces that are printed inside one another; values know their depth, and these can hold themselves.
const NAMESPACES: usize = 8;

fn write(work: &Work, item: &Item, out: &mut String, namespaces: usize) -> Fallible<()> {
    match item {
        Item::Undefined(_) => out.push_str("Undefined"),
        Item::None => out.push_str("None"),
        Item::Bool(bool) => out.push_str(if *bool { "True" } else { "False" }),
        Item::Whole(number) => write!(out, "{number}").unwrap_or_default(),
        Item::Float(number) => out.push_str(&float(*number)),
        Item::Text(text) => quote(text, out),
        Item::List(items) => several(work, "[", &items.items, "]", out, namespaces)?,
        Item::Tuple(items) => {
            let end = if items.items.len() == 1 { ",)" } else { ")" };
            several(work, "(", &items.items, end, out, namespaces)?;
        }
        Item::Map(pairs) => {
            out.push('{');
            for (place, (key, value)) in pairs.pairs.iter().enumerate() {
                work.spend(1)?;
                if place > 0 {
                    out.push_str(", ");
                }
                write(work, key, out, namespaces)?;
                out.push_str(": ");
                write(work, value, out, namespaces)?;
            }
            out.push('}');
        }
        Item::Range(start, stop, 1) => write!(out, "range({start}, {stop})").unwrap_or_default(),
        Item::Range(start, stop, step) => write!(out, "range({start}, {stop}, {step})").unwrap_or_default(),
        Item::View(view, _) => {
            let name = match view {
                View::Keys => "dict_keys(",
                View::Values => "dict_values(",
                View::Pairs => "dict_items(",
            };
            out.push_str(name);
            several(work, "[", &item.iterate(work)?, "]", out, namespaces)?;
            out.push(')');
        }
        Item::Namespace(namespace) => {
            if namespaces >= NAMESPACES {
                return Err(Trouble::new("a namespace that holds itself can't be printed"));
            }
            out.push_str("<Namespace {");
            // Printing can't change it, so that the borrow is free.
            for (place, (name, value)) in namespace.values.borrow().iter().enumerate() {
                work.spend(1)?;
                out.push_str(if place > 0 { ", " } else { "" });
                quote(name, out);
                out.push_str(": ");
                let before = out.len();
                write(work, value, out, namespaces + 1)?;
                work.make_bytes(out.len() - before)?;
            }
            out.push_str("}>");
        }
        Item::Macro(made) => write!(out, "<Macro {}>", single(&made.of.name)).unwrap_or_default(),
        Item::Loop(of) => {
            write!(out, "<LoopContext {}/{}>", of.index.get() + 1, of.items.items.len()).unwrap_or_default()
        }
        Item::Stream(_) | Item::Method(_) | Item::Function(_) | Item::Cycler(_) | Item::Joiner(_) => {
            // Python prints an address, which no two runs share.
            return Err(Trouble::new(format!("a {} can't be printed; it has no text of its own", item.kind())));
        }
    }
    Ok(())
}

fn several(work: &Work, begin: &str, items: &[Item], end: &str, out: &mut String, namespaces: usize) -> Fallible<()> {
    out.push_str(begin);
    for (place, item) in items.iter().enumerate() {
        work.spend(1)?;
        if place > 0 {
            out.push_str(", ");
        }
        write(work, item, out, namespaces)?;
    }
    out.push_str(end);
    Ok(())
}

/// `repr` of a text.
pub(super) fn single(text: &str) -> String {
    let mut out = String::new();
    quote(text, &mut out);
    out
}

/// `repr` of what a message names, as short as a message may be.
pub(super) fn named(work: &Work, item: &Item) -> String {
    if item.size() > 200 {
        return format!("a {}", item.kind());
    }
    let mut out = String::new();
    match represent(work, item, &mut out) {
        Ok(()) => out,
        Err(_) => format!("a {}", item.kind()),
    }
}

fn quote(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(character);
            }
            ' '..='~' => out.push(character),
            _ if is_printable(character) => out.push(character),
            _ => {
                let code = character as u32;
                let written = match code {
                    ..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
                written.unwrap_or_default();
            }
        }
    }
    out.push(quote);
}

/// Python's `str.isprintable`, which is what Rust's `escape_debug` leaves as it is anywhere but at the beginning.
pub(super) fn is_printable(character: char) -> bool {
    let mut buffer = ['a'; 2];
    buffer[1] = character;
    let pair: String = buffer.iter().collect();
    pair.escape_debug().nth(1) == Some(character)
}

/// `repr` of a float: the shortest digits that read back, with an exponent below 1e-4 and from 1e16.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        let plain = number.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// Whether two values are one and the same, as for `is sameas`.
pub(super) fn same(left: &Item, right: &Item) -> bool {
    match (left, right) {
        (Item::None, Item::None) => true,
        (Item::Bool(left), Item::Bool(right)) => left == right,
        (Item::Whole(left), Item::Whole(right)) => left == right,
        (Item::Text(left), Item::Text(right)) => left == right,
        (Item::List(left), Item::List(right)) | (Item::Tuple(left), Item::Tuple(right)) => Rc::ptr_eq(left, right),
        (Item::Map(left), Item::Map(right)) => Rc::ptr_eq(left, right),
        (Item::Namespace(left), Item::Namespace(right)) => Rc::ptr_eq(left, right),
        _ => false,
    }
}
