//! `tojson`, which is Python's `json.dumps` with the defaults that `transformers` gives it.

use std::fmt::Write;

use super::item::Item;
use super::printing;
use super::trouble::{Fallible, Trouble};
use super::work::Work;

/// The options of `tojson`.
pub(super) struct Form {
    pub ascii: bool,
    /// What each level is indented by; none is all on one line.
    pub indent: Option<String>,
    pub between: String,
    pub after_key: String,
    pub sorted: bool,
}

/// `json.dumps(item)`.
pub(super) fn dumped(work: &Work, item: &Item, form: &Form) -> Fallible<String> {
    let mut out = String::new();
    write(work, item, form, 0, &mut out)?;
    work.make_bytes(out.len())?;
    Ok(out)
}

fn write(work: &Work, item: &Item, form: &Form, level: usize, out: &mut String) -> Fallible<()> {
    work.spend(1)?;
    match item {
        Item::None => out.push_str("null"),
        Item::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Item::Whole(number) => write!(out, "{number}").unwrap_or_default(),
        Item::Float(number) => out.push_str(&float(*number)),
        Item::Text(text) => quote(text, form.ascii, out),
        Item::List(items) | Item::Tuple(items) => {
            if items.items.is_empty() {
                out.push_str("[]");
                return Ok(());
            }
            out.push('[');
            for (place, item) in items.items.iter().enumerate() {
                begin(work, form, level + 1, place, out)?;
                write(work, item, form, level + 1, out)?;
            }
            end(work, form, level, out)?;
            out.push(']');
        }
        Item::Map(pairs) => {
            if pairs.pairs.is_empty() {
                out.push_str("{}");
                return Ok(());
            }
            let mut order: Vec<usize> = (0..pairs.pairs.len()).collect();
            if form.sorted {
                super::filters::sort_by(work, &mut order, |left, right| {
                    let keys = [left, right].map(|place: &usize| pairs.pairs.get(*place).map(|(key, _)| key));
                    match keys {
                        [Some(left), Some(right)] => super::operators::order(work, left, right, "<"),
                        _ => Ok(None),
                    }
                })?;
            }
            out.push('{');
            for (turn, place) in order.into_iter().enumerate() {
                let Some((key, value)) = pairs.pairs.get(place) else { continue };
                begin(work, form, level + 1, turn, out)?;
                match key {
                    Item::Text(text) => quote(text, form.ascii, out),
                    Item::None => out.push_str("\"null\""),
                    Item::Bool(bool) => write!(out, "\"{bool}\"").unwrap_or_default(),
                    Item::Whole(number) => write!(out, "\"{number}\"").unwrap_or_default(),
                    Item::Float(number) => write!(out, "\"{}\"", float(*number)).unwrap_or_default(),
                    _ => {
                        return Err(Trouble::new(format!(
                            "keys must be str, int, float, bool or None, not {}",
                            key.kind()
                        )));
                    }
                }
                out.push_str(&form.after_key);
                write(work, value, form, level + 1, out)?;
            }
            end(work, form, level, out)?;
            out.push('}');
        }
        _ => return Err(Trouble::new(format!("Object of type {} is not JSON serializable", item.kind()))),
    }
    Ok(())
}

fn begin(work: &Work, form: &Form, level: usize, place: usize, out: &mut String) -> Fallible<()> {
    if place > 0 {
        out.push_str(&form.between);
    }
    end(work, form, level, out)
}

fn end(work: &Work, form: &Form, level: usize, out: &mut String) -> Fallible<()> {
    if let Some(indent) = &form.indent {
        work.make_bytes(indent.len() * level)?;
        out.push('\n');
        out.push_str(&indent.repeat(level));
    }
    Ok(())
}

fn float(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => printing::float(number),
    }
}

fn quote(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            _ if character < ' ' || ascii && !(' '..='~').contains(&character) => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}").unwrap_or_default();
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
