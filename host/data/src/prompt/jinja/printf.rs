//! Python's formatting: `'%s' % items`, `'{}'.format(…)`.

use super::call::Given;
use super::item::Item;
use super::lookup;
use super::operators::Number;
use super::printing::{float, represent, shown};
use super::trouble::{Fallible, Trouble};
use super::work::Work;

/// How a value is laid out.
#[derive(Default)]
struct Layout {
    fill: Option<char>,
    /// `<`, `>`, `^` or `=`; none is what the value's kind has.
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    /// The separator of thousands.
    thousands: Option<char>,
    width: usize,
    precision: Option<usize>,
    kind: Option<char>,
}

/// Widths and precisions above this are refused.
const WIDEST: usize = 10_000;

fn decimal(text: &mut &str) -> Fallible<Option<usize>> {
    let length = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    if length == 0 {
        return Ok(None);
    }
    let (digits, rest) = text.split_at(length);
    *text = rest;
    match digits.parse() {
        Ok(number) if number <= WIDEST => Ok(Some(number)),
        _ => Err(Trouble::new(format!("a width or precision of a format is above {WIDEST}"))),
    }
}

fn first(text: &mut &str) -> Option<char> {
    let character = text.chars().next()?;
    *text = text.get(character.len_utf8()..).unwrap_or_default();
    Some(character)
}

/// `format % items`.
pub(super) fn printf(work: &Work, format: &str, items: &Item) -> Fallible<String> {
    let (placed, mapping) = match items {
        Item::Tuple(items) => (items.items.clone(), false),
        // What Python takes for a mapping need not be used up.
        Item::Map(_) | Item::List(_) | Item::Range(..) | Item::Undefined(_) => (vec![items.clone()], true),
        _ => (vec![items.clone()], false),
    };
    let count = placed.len();
    let mut placed = placed.into_iter();
    let (mut used, mut by_key) = (0, false);
    let mut next = || {
        used += 1;
        placed.next().ok_or_else(|| Trouble::new("not enough arguments for format string"))
    };
    let (mut out, mut rest) = (String::new(), format);
    while let Some(place) = rest.find('%') {
        let (before, after) = rest.split_at(place);
        out.push_str(before);
        rest = after.get(1..).unwrap_or_default();
        let mut item = None;
        if let Some(after) = rest.strip_prefix('(') {
            if !mapping {
                return Err(Trouble::new("format requires a mapping"));
            }
            let (key, after) = after.split_once(')').ok_or_else(|| Trouble::new("incomplete format key"))?;
            let found = lookup::subscript(work, items, &Item::text(key))?;
            if !found.is_defined() {
                return Err(Trouble::new(format!("the format's key {key:?} is not given")));
            }
            by_key = true;
            item = Some(found);
            rest = after;
        }
        let mut layout = Layout { align: Some('>'), ..Layout::default() };
        while let Some(flag) = rest.chars().next().filter(|flag| "#0- +".contains(*flag)) {
            rest = rest.get(1..).unwrap_or_default();
            match flag {
                '#' => layout.alternate = true,
                '0' => layout.fill = Some('0'),
                '-' => layout.align = Some('<'),
                ' ' if layout.sign.is_some() => {}
                sign => layout.sign = Some(sign),
            }
        }
        let mut number = |rest: &mut &str| -> Fallible<Option<i64>> {
            match rest.strip_prefix('*') {
                Some(after) => {
                    *rest = after;
                    super::call::whole("*", &next()?).map(Some)
                }
                None => Ok(decimal(rest)?.map(|number| number as i64)),
            }
        };
        if let Some(width) = number(&mut rest)? {
            if width < 0 {
                layout.align = Some('<');
            }
            layout.width = width.unsigned_abs() as usize;
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            layout.precision = Some(number(&mut rest)?.unwrap_or(0).max(0) as usize);
        }
        if layout.width > WIDEST || layout.precision.is_some_and(|precision| precision > WIDEST) {
            return Err(Trouble::new(format!("a width or precision of a format is above {WIDEST}")));
        }
        rest = rest.trim_start_matches(['h', 'l', 'L']);
        let kind = first(&mut rest).ok_or_else(|| Trouble::new("incomplete format"))?;
        if kind == '%' {
            out.push('%');
            continue;
        }
        let item = match item {
            Some(item) => item,
            None => next()?,
        };
        if layout.align == Some('<') {
            layout.fill = None;
        }
        if "srac".contains(kind) {
            layout.fill = None;
            let mut text = String::new();
            match kind {
                's' => text = shown(work, &item)?,
                'c' => match &item {
                    Item::Text(one) if one.chars().count() == 1 => text.push_str(one),
                    _ => {
                        let code = item.as_whole().and_then(|code| u32::try_from(code).ok());
                        let character = code.and_then(char::from_u32);
                        text.push(character.ok_or_else(|| Trouble::new("%c requires int or char"))?);
                    }
                },
                _ => represent(work, &item, &mut text)?,
            }
            if let Some(precision) = layout.precision.filter(|_| kind != 'c') {
                text = text.chars().take(precision).collect();
            }
            layout.pad("", &text, &mut out);
            continue;
        }
        if let Item::Undefined(message) = &item {
            return Err(Trouble::new(&**message));
        }
        let number = Number::of(&item)
            .ok_or_else(|| Trouble::new(format!("%{kind} format: a real number is required, not {}", item.kind())))?;
        let number = match (kind, number) {
            ('d' | 'i' | 'u', Number::Float(float)) => truncated(float)?,
            ('x' | 'X' | 'o', Number::Float(_)) => {
                return Err(Trouble::new(format!("%{kind} format: an integer is required, not float")));
            }
            _ => number,
        };
        layout.kind = Some(if matches!(kind, 'i' | 'u') { 'd' } else { kind });
        if layout.fill == Some('0') {
            layout.align = Some('=');
        }
        layout.number(number, &mut out, true)?;
    }
    out.push_str(rest);
    if used < count && !mapping && !by_key {
        return Err(Trouble::new("not all arguments converted during string formatting"));
    }
    Ok(out)
}

fn truncated(float: f64) -> Fallible<Number> {
    if !float.is_finite() || float.abs() >= 1.7e38 {
        return Err(Trouble::new("cannot convert the float to an integer"));
    }
    Ok(Number::Whole(float.trunc() as i128))
}

/// `format.format(…)`.
pub(super) fn format(work: &Work, format: &str, given: &Given) -> Fallible<String> {
    let mut counted = 0;
    fields(work, format, given, &mut counted, 0)
}

fn fields(work: &Work, format: &str, given: &Given, counted: &mut usize, level: usize) -> Fallible<String> {
    if level > 1 {
        return Err(Trouble::new("Max string recursion exceeded"));
    }
    let (mut out, mut rest) = (String::new(), format);
    while let Some(place) = rest.find(['{', '}']) {
        work.spend(1)?;
        let (before, after) = rest.split_at(place);
        out.push_str(before);
        let brace = after.get(..1).unwrap_or_default();
        let inner = after.get(1..).unwrap_or_default();
        if let Some(after) = inner.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err(Trouble::new("Single '}' encountered in format string"));
        }
        let mut open = 1;
        let end = inner.find(|character| {
            open += i32::from(character == '{') - i32::from(character == '}');
            open == 0
        });
        let Some(end) = end else {
            return Err(Trouble::new("expected '}' before end of string"));
        };
        let (field, after) = inner.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let bracket = field.find(']').map_or(0, |bracket| if field.find('[').is_some() { bracket } else { 0 });
        let colon = field.get(bracket..).and_then(|text| text.find(':')).map(|colon| colon + bracket);
        let (name, spec) = match colon {
            Some(colon) => (field.get(..colon).unwrap_or_default(), field.get(colon + 1..).unwrap_or_default()),
            None => (field, ""),
        };
        let (name, conversion) = match name.rsplit_once('!') {
            Some((name, conversion)) => (name, Some(conversion)),
            None => (name, None),
        };
        let mut item = field_of(work, name, given, counted)?;
        match conversion {
            Some("s") => item = Item::text(shown(work, &item)?),
            Some("r" | "a") => {
                let mut text = String::new();
                represent(work, &item, &mut text)?;
                item = Item::text(text);
            }
            Some(_) => return Err(Trouble::new("expected ':' after conversion specifier")),
            None => {}
        }
        let spec = fields(work, spec, given, counted, level + 1)?;
        let before = out.len();
        Layout::of(&spec)?.item(work, &item, &spec, &mut out)?;
        work.make_bytes(out.len() - before)?;
    }
    out.push_str(rest);
    Ok(out)
}

fn field_of(work: &Work, name: &str, given: &Given, counted: &mut usize) -> Fallible<Item> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (base, mut path) = name.split_at(end);
    let place = if base.is_empty() {
        *counted += 1;
        Some(*counted - 1)
    } else {
        base.parse::<usize>().ok()
    };
    let found = match place {
        Some(place) => given.placed.get(place),
        None => given.named.iter().find(|(known, _)| **known == *base).map(|(_, item)| item),
    };
    let mut item = found.cloned().ok_or_else(|| Trouble::new(format!("format: the field {base:?} is not given")))?;
    while let Some(kind) = first(&mut path) {
        let (part, rest) = match kind {
            '[' => path.split_once(']').ok_or_else(|| Trouble::new("Missing ']' in format string"))?,
            _ => path.split_at(path.find(['.', '[']).unwrap_or(path.len())),
        };
        path = rest;
        item = match (kind, part.parse::<i128>()) {
            ('[', Ok(index)) => lookup::subscript(work, &item, &Item::Whole(index))?,
            ('[', Err(_)) => lookup::subscript(work, &item, &Item::text(part))?,
            _ => lookup::attribute(work, &item, part)?,
        };
    }
    Ok(item)
}

impl Layout {
    /// Reads `[[fill]align][sign][#][0][width][,][.precision][kind]`.
    fn of(spec: &str) -> Fallible<Layout> {
        let mut layout = Layout::default();
        let mut rest = spec;
        let is_align = |character: char| "<>=^".contains(character);
        let mut characters = spec.chars();
        match (characters.next(), characters.next()) {
            (Some(fill), Some(align)) if is_align(align) => {
                (layout.fill, layout.align) = (Some(fill), Some(align));
                rest = characters.as_str();
            }
            (Some(align), _) if is_align(align) => {
                layout.align = Some(align);
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => {}
        }
        if let Some(sign) = rest.chars().next().filter(|sign| "+- ".contains(*sign)) {
            layout.sign = Some(sign).filter(|sign| *sign != '-');
            rest = rest.get(1..).unwrap_or_default();
        }
        if let Some(after) = rest.strip_prefix('#') {
            layout.alternate = true;
            rest = after;
        }
        if let Some(after) = rest.strip_prefix('0') {
            layout.fill.get_or_insert('0');
            layout.align.get_or_insert('=');
            rest = after;
        }
        layout.width = decimal(&mut rest)?.unwrap_or(0);
        if let Some(sign) = rest.chars().next().filter(|sign| ",_".contains(*sign)) {
            layout.thousands = Some(sign);
            rest = rest.get(1..).unwrap_or_default();
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            let precision = decimal(&mut rest)?;
            layout.precision = Some(precision.ok_or_else(|| Trouble::new("Format specifier missing precision"))?);
        }
        layout.kind = first(&mut rest);
        if !rest.is_empty() {
            return Err(Trouble::new(format!("Invalid format specifier {spec:?}")));
        }
        Ok(layout)
    }

    fn item(mut self, work: &Work, item: &Item, spec: &str, out: &mut String) -> Fallible<()> {
        let number = match item {
            Item::Bool(_) if self.kind.is_none() => None,
            _ => Number::of(item),
        };
        if let Some(number) = number {
            self.align.get_or_insert('>');
            let number = match (self.kind, number) {
                (Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'), Number::Whole(whole)) => Number::Float(whole as f64),
                (Some('d' | 'x' | 'X' | 'o' | 'b' | 'c' | 's'), Number::Float(_)) => {
                    return Err(Trouble::new(format!("Unknown format code {spec:?} for object of type 'float'")));
                }
                _ => number,
            };
            return self.number(number, out, false);
        }
        if !spec.is_empty() && !matches!(item, Item::Text(_) | Item::Bool(_)) {
            return Err(Trouble::new(format!("unsupported format string passed to {}.__format__", item.kind())));
        }
        if self.kind.is_some_and(|kind| kind != 's') || self.align == Some('=') && self.fill != Some('0') {
            return Err(Trouble::new(format!("Unknown format code {spec:?} for object of type '{}'", item.kind())));
        }
        if self.align == Some('=') {
            self.align = Some('<');
        }
        let mut text = shown(work, item)?;
        if let Some(precision) = self.precision {
            text = text.chars().take(precision).collect();
        }
        self.pad("", &text, out);
        Ok(())
    }

    fn number(&self, number: Number, out: &mut String, printf: bool) -> Fallible<()> {
        let negative = match number {
            Number::Whole(number) => number < 0,
            Number::Float(number) => number.is_sign_negative() && !number.is_nan(),
        };
        let mut prefix = if negative { "-".to_owned() } else { self.sign.map(String::from).unwrap_or_default() };
        let kind = self.kind;
        let upper = kind.is_some_and(|kind| kind.is_ascii_uppercase());
        let digits = match (number, kind.map(|kind| kind.to_ascii_lowercase())) {
            (Number::Whole(number), None | Some('d' | 'n' | 'x' | 'o' | 'b')) => {
                let size = number.unsigned_abs();
                let (base, mut digits) = match kind.map(|kind| kind.to_ascii_lowercase()) {
                    Some('x') => ("0x", format!("{size:x}")),
                    Some('o') => ("0o", format!("{size:o}")),
                    Some('b') => ("0b", format!("{size:b}")),
                    _ => ("", size.to_string()),
                };
                if self.alternate {
                    prefix.push_str(base);
                }
                if let Some(precision) = self.precision {
                    if !printf {
                        return Err(Trouble::new("Precision not allowed in integer format specifier"));
                    }
                    digits = format!("{}{digits}", "0".repeat(precision.saturating_sub(digits.len())));
                }
                digits
            }
            (Number::Whole(number), Some('c')) => {
                let character = u32::try_from(number).ok().and_then(char::from_u32);
                character.map(String::from).ok_or_else(|| Trouble::new("%c arg not in range(0x110000)"))?
            }
            (number, Some('e' | 'f' | 'g' | '%') | None) => {
                self.float(number.float().abs(), kind.map(|kind| kind.to_ascii_lowercase()))
            }
            _ => return Err(Trouble::new(format!("unknown format code {:?}", kind.unwrap_or(' ')))),
        };
        let digits = if upper { digits.to_uppercase() } else { digits };
        let prefix = if upper { prefix.to_uppercase() } else { prefix };
        let digits = match self.thousands {
            Some(sign) => grouped(&digits, sign),
            None => digits,
        };
        self.pad(&prefix, &digits, out);
        Ok(())
    }

    fn float(&self, size: f64, kind: Option<char>) -> String {
        if size.is_nan() || size.is_infinite() {
            let percent = if kind == Some('%') { "%" } else { "" };
            return format!("{}{percent}", if size.is_nan() { "nan" } else { "inf" });
        }
        let exponent_form = |precision: usize| {
            let text = format!("{size:.precision$e}");
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or_default();
            (digits.to_owned(), exponent)
        };
        let signed = |exponent: i32| format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
        let precision = self.precision.unwrap_or(6);
        match kind {
            Some('f') => format!("{size:.precision$}"),
            Some('%') => format!("{:.precision$}%", size * 100.0),
            Some('e') => {
                let (digits, exponent) = exponent_form(precision);
                format!("{digits}{}", signed(exponent))
            }
            None if self.precision.is_none() => float(size),
            _ => {
                let significant = precision.max(1);
                let (digits, exponent) = exponent_form(significant - 1);
                let plain_up_to = significant as i32 - i32::from(kind.is_none());
                let trim = |digits: &str| {
                    let trimmed = if digits.contains('.') && !self.alternate {
                        digits.trim_end_matches('0').trim_end_matches('.')
                    } else {
                        digits
                    };
                    trimmed.to_owned()
                };
                if (-4..plain_up_to).contains(&exponent) {
                    let decimals = usize::try_from(significant as i32 - 1 - exponent).unwrap_or(0);
                    let plain = trim(&format!("{size:.decimals$}"));
                    if kind.is_none() && !plain.contains('.') { format!("{plain}.0") } else { plain }
                } else {
                    format!("{}{}", trim(&digits), signed(exponent))
                }
            }
        }
    }

    fn pad(&self, prefix: &str, text: &str, out: &mut String) {
        let missing = self.width.saturating_sub(prefix.chars().count() + text.chars().count());
        let fill = self.fill.unwrap_or(' ').to_string();
        let (left, inside, right) = match self.align.unwrap_or('<') {
            '<' => (0, 0, missing),
            '^' => (missing / 2, 0, missing - missing / 2),
            '=' => (0, missing, 0),
            _ => (missing, 0, 0),
        };
        for part in [&fill.repeat(left), prefix, &fill.repeat(inside), text, &fill.repeat(right)] {
            out.push_str(part);
        }
    }
}

fn grouped(digits: &str, sign: char) -> String {
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    let (whole, rest) = digits.split_at(end);
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(sign);
        }
        out.push(digit);
    }
    out + rest
}
