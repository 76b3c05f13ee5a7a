//! Python's operators.

use std::cmp::Ordering;
use std::rc::Rc;

use super::item::{Item, Items};
use super::printf;
use super::printing::same;
use super::syntax::{Binary, Comparison, Unary};
use super::trouble::{Fallible, Trouble};
use super::work::Work;

/// `left == right`.
pub(super) fn equal(work: &Work, left: &Item, right: &Item) -> Fallible<bool> {
    work.spend(1)?;
    if let (Some(left), Some(right)) = (Number::of(left), Number::of(right)) {
        return Ok(left.order(right) == Some(Ordering::Equal));
    }
    Ok(match (left, right) {
        (Item::Undefined(message), _) | (_, Item::Undefined(message)) => {
            work.check_strict(message)?;
            matches!((left, right), (Item::Undefined(_), Item::Undefined(_)))
        }
        (Item::Text(left), Item::Text(right)) => {
            if left.len() == right.len() {
                work.make_bytes(left.len())?;
            }
            left == right
        }
        (Item::List(left), Item::List(right)) | (Item::Tuple(left), Item::Tuple(right)) => {
            if Rc::ptr_eq(left, right) {
                return Ok(true);
            }
            if left.items.len() != right.items.len() {
                return Ok(false);
            }
            for (left, right) in left.items.iter().zip(&right.items) {
                if !equal(work, left, right)? {
                    return Ok(false);
                }
            }
            true
        }
        (Item::Map(left), Item::Map(right)) => {
            if Rc::ptr_eq(left, right) {
                return Ok(true);
            }
            if left.pairs.len() != right.pairs.len() {
                return Ok(false);
            }
            for (key, value) in &left.pairs {
                match right.get(work, key)? {
                    Some(other) if equal(work, value, other)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Item::Range(..), Item::Range(..)) => {
            let (left, right) = (left.iterate(work)?, right.iterate(work)?);
            left.len() == right.len()
                && left.iter().zip(&right).all(|(left, right)| left.as_whole() == right.as_whole())
        }
        _ => same(left, right),
    })
}

/// A number, whole or not.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    /// A number or a bool.
    pub fn of(item: &Item) -> Option<Number> {
        match item {
            Item::Float(number) => Some(Number::Float(*number)),
            _ => item.as_whole().map(Number::Whole),
        }
    }

    /// As a float.
    pub fn float(self) -> f64 {
        match self {
            Number::Whole(number) => number as f64,
            Number::Float(number) => number,
        }
    }

    fn order(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Whole(left), Number::Whole(right)) => Some(left.cmp(&right)),
            (Number::Whole(left), Number::Float(right)) => whole_to_float(left, right),
            (Number::Float(left), Number::Whole(right)) => whole_to_float(right, left).map(Ordering::reverse),
            (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right),
        }
    }
}

/// Exactly, as Python compares them.
fn whole_to_float(whole: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float >= 1.7e38 {
        return Some(Ordering::Less);
    }
    if float <= -1.7e38 {
        return Some(Ordering::Greater);
    }
    let floor = float.floor();
    Some(whole.cmp(&(floor as i128)).then(if float > floor { Ordering::Less } else { Ordering::Equal }))
}

/// The order of two values; none where a number is not one.
pub(super) fn order(work: &Work, left: &Item, right: &Item, sign: &str) -> Fallible<Option<Ordering>> {
    work.spend(1)?;
    if let (Some(left), Some(right)) = (Number::of(left), Number::of(right)) {
        return Ok(left.order(right));
    }
    match (left, right) {
        (Item::Undefined(message), _) | (_, Item::Undefined(message)) => Err(Trouble::new(&**message)),
        (Item::Text(left), Item::Text(right)) => {
            work.make_bytes(left.len().min(right.len()))?;
            // Bytes of UTF-8 stand in the order of code points.
            Ok(Some(left.cmp(right)))
        }
        (Item::List(left), Item::List(right)) | (Item::Tuple(left), Item::Tuple(right)) => {
            for (left, right) in left.items.iter().zip(&right.items) {
                if !equal(work, left, right)? {
                    return order(work, left, right, sign);
                }
            }
            Ok(Some(left.items.len().cmp(&right.items.len())))
        }
        _ => Err(Trouble::new(format!(
            "'{sign}' not supported between instances of '{}' and '{}'",
            left.kind(),
            right.kind()
        ))),
    }
}

/// Whether a comparison holds.
pub(super) fn compare(work: &Work, how: Comparison, left: &Item, right: &Item) -> Fallible<bool> {
    let ordered = |sign| order(work, left, right, sign);
    Ok(match how {
        Comparison::Equal => equal(work, left, right)?,
        Comparison::Unequal => !equal(work, left, right)?,
        Comparison::Less => ordered("<")? == Some(Ordering::Less),
        Comparison::LessOrEqual => ordered("<=")?.is_some_and(Ordering::is_le),
        Comparison::Greater => ordered(">")? == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => ordered(">=")?.is_some_and(Ordering::is_ge),
        Comparison::In => contains(work, right, left)?,
        Comparison::NotIn => !contains(work, right, left)?,
    })
}

/// `item in container`.
pub(super) fn contains(work: &Work, container: &Item, item: &Item) -> Fallible<bool> {
    match container {
        Item::Text(text) => match item {
            Item::Text(part) => {
                work.make_bytes(text.len())?;
                Ok(text.contains(&**part))
            }
            Item::Undefined(message) => {
                Err(Trouble::new(format!("'in <string>' requires string as left operand, not Undefined: {message}")))
            }
            _ => Err(Trouble::new(format!("'in <string>' requires string as left operand, not {}", item.kind()))),
        },
        Item::Map(pairs) => {
            if matches!(item, Item::List(_) | Item::Map(_)) {
                return Err(Trouble::new(format!("unhashable type: '{}'", item.kind())));
            }
            Ok(pairs.get(work, item)?.is_some())
        }
        Item::List(items) | Item::Tuple(items) => {
            for known in &items.items {
                if equal(work, known, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Item::None | Item::Bool(_) | Item::Whole(_) | Item::Float(_) => {
            Err(Trouble::new(format!("argument of type '{}' is not iterable", container.kind())))
        }
        _ => {
            for known in container.iterate(work)? {
                if equal(work, &known, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// `-item` and `+item`.
pub(super) fn signed(how: Unary, item: &Item) -> Fallible<Item> {
    let sign = if how == Unary::Negative { "-" } else { "+" };
    match (Number::of(item), how) {
        (Some(Number::Whole(number)), Unary::Negative) => Ok(Item::Whole(number.checked_neg().ok_or_else(too_large)?)),
        (Some(Number::Float(number)), Unary::Negative) => Ok(Item::Float(-number)),
        (Some(Number::Whole(number)), _) => Ok(Item::Whole(number)),
        (Some(Number::Float(number)), _) => Ok(Item::Float(number)),
        (None, _) => match item {
            Item::Undefined(message) => Err(Trouble::new(&**message)),
            _ => Err(Trouble::new(format!("bad operand type for unary {sign}: '{}'", item.kind()))),
        },
    }
}

fn too_large() -> Trouble {
    Trouble::new("a whole number has more than 38 digits, which are not calculated here")
}

/// `left operator right`.
pub(super) fn binary(work: &Work, operator: Binary, left: &Item, right: &Item) -> Fallible<Item> {
    if operator == Binary::Remainder
        && let Item::Text(format) = left
    {
        return Item::made(work, printf::printf(work, format, right)?);
    }
    if let Item::Undefined(message) = left {
        return Err(Trouble::new(&**message));
    }
    if let Item::Undefined(message) = right {
        return Err(Trouble::new(&**message));
    }
    if let (Some(left), Some(right)) = (Number::of(left), Number::of(right)) {
        return calculate(operator, left, right);
    }
    let repeated = match (left, right) {
        (_, Item::Whole(_) | Item::Bool(_)) => Some((left, right.as_whole())),
        (Item::Whole(_) | Item::Bool(_), _) => Some((right, left.as_whole())),
        _ => None,
    };
    match (operator, left, right) {
        (Binary::Add, Item::Text(left), Item::Text(right)) => {
            work.make_bytes(left.len() + right.len())?;
            Ok(Item::text(format!("{left}{right}")))
        }
        (Binary::Add, Item::List(left), Item::List(right)) => joined(work, left, right).map(Item::List),
        (Binary::Add, Item::Tuple(left), Item::Tuple(right)) => joined(work, left, right).map(Item::Tuple),
        (Binary::Add, Item::Text(_), _) => {
            Err(Trouble::new(format!("can only concatenate str (not \"{}\") to str", right.kind())))
        }
        (Binary::Multiply, ..) => {
            let Some((item, Some(count))) = repeated else {
                return Err(unsupported(operator, left, right));
            };
            let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
            match item {
                Item::Text(text) => {
                    work.make_bytes(text.len().saturating_mul(count))?;
                    Ok(Item::text(text.repeat(count)))
                }
                Item::List(items) => repeat(work, items, count).map(Item::List),
                Item::Tuple(items) => repeat(work, items, count).map(Item::Tuple),
                _ => Err(unsupported(operator, left, right)),
            }
        }
        _ => Err(unsupported(operator, left, right)),
    }
}

fn joined(work: &Work, left: &Items, right: &Items) -> Fallible<Rc<Items>> {
    work.make_places(left.items.len() + right.items.len())?;
    Items::new(work, left.items.iter().chain(&right.items).cloned().collect())
}

fn repeat(work: &Work, items: &Items, count: usize) -> Fallible<Rc<Items>> {
    work.make_places(items.items.len().saturating_mul(count))?;
    let length = items.items.len() * count;
    Items::new(work, items.items.iter().cycle().take(length).cloned().collect())
}

fn unsupported(operator: Binary, left: &Item, right: &Item) -> Trouble {
    let sign = match operator {
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::FloorDivide => "//",
        Binary::Remainder => "%",
        Binary::Power => "** or pow()",
    };
    Trouble::new(format!("unsupported operand type(s) for {sign}: '{}' and '{}'", left.kind(), right.kind()))
}

fn calculate(operator: Binary, left: Number, right: Number) -> Fallible<Item> {
    let by_zero = || Trouble::new("division by zero");
    if let (Number::Whole(left), Number::Whole(right)) = (left, right) {
        let whole = match operator {
            Binary::Add => left.checked_add(right),
            Binary::Subtract => left.checked_sub(right),
            Binary::Multiply => left.checked_mul(right),
            Binary::FloorDivide | Binary::Remainder => {
                if right == 0 {
                    return Err(by_zero());
                }
                let (quotient, rest) = (left.checked_div(right), left.checked_rem(right));
                let (quotient, rest) = quotient.zip(rest).ok_or_else(too_large)?;
                let down = rest != 0 && (rest < 0) != (right < 0);
                Some(match operator {
                    Binary::FloorDivide => quotient - i128::from(down),
                    _ => rest + if down { right } else { 0 },
                })
            }
            Binary::Power if right >= 0 => {
                let exponent = u32::try_from(right).map_err(|_| too_large());
                match left {
                    0 | 1 => Some(if right == 0 { 1 } else { left }),
                    -1 => Some(if right % 2 == 0 { 1 } else { -1 }),
                    _ => left.checked_pow(exponent?),
                }
            }
            Binary::Divide | Binary::Power => {
                return calculate(operator, Number::Float(left as f64), Number::Float(right as f64));
            }
        };
        return whole.map(Item::Whole).ok_or_else(too_large);
    }
    let (left, right) = (left.float(), right.float());
    if right == 0.0 && matches!(operator, Binary::Divide | Binary::FloorDivide | Binary::Remainder) {
        return Err(by_zero());
    }
    Ok(Item::Float(match operator {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Divide => left / right,
        Binary::FloorDivide => floor_divide(left, right).0,
        Binary::Remainder => floor_divide(left, right).1,
        Binary::Power => {
            if left == 0.0 && right < 0.0 {
                return Err(Trouble::new("0.0 cannot be raised to a negative power"));
            }
            if left < 0.0 && right.fract() != 0.0 {
                return Err(Trouble::new("a complex number is not calculated here"));
            }
            let power = left.powf(right);
            if power.is_infinite() && left.is_finite() && right.is_finite() {
                return Err(Trouble::new("a power is too large for a float"));
            }
            power
        }
    }))
}

/// CPython's `divmod` of floats.
fn floor_divide(left: f64, right: f64) -> (f64, f64) {
    let mut rest = left % right;
    let mut quotient = (left - rest) / right;
    if rest != 0.0 {
        if (right < 0.0) != (rest < 0.0) {
            rest += right;
            quotient -= 1.0;
        }
    } else {
        rest = 0f64.copysign(right);
    }
    let floor = if quotient != 0.0 {
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    } else {
        0f64.copysign(left / right)
    };
    (floor, rest)
}
