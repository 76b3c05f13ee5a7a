//! Sets of real numbers in words: "all real numbers except 0", "all reals greater than 2", "nonzero real numbers".

use super::lexer::Comma;
use super::{number_words, parser, words};
use crate::algebra::probe;
use crate::expression::{Bracket, Constant, Expression, Joint, Relation, SetOperation};

/// The set that a text describes; `None` where it describes none, or anything that is not understood to its last word.
pub fn read(written: &str) -> Option<Expression> {
    // Most answers are seen not to be a set in words without making a copy.
    if written.len() > 300 || !(written.contains("eal") || written.contains("EAL")) {
        return None;
    }
    let plain = plain(written);
    let mut rest = plain.as_str();
    for opening in ["the set of ", "x is ", "x can be ", "x in ", "all ", "any ", "every ", "the "] {
        rest = rest.strip_prefix(opening).unwrap_or(rest);
    }
    let (sign, rest) = signed(rest);
    let rest = ["real numbers", "real number", "real values", "real value", "reals", "real"]
        .iter()
        .find_map(|noun| rest.strip_prefix(noun))?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("of x").or_else(|| rest.strip_prefix("x")).unwrap_or(rest).trim_start();
    let rest = rest.trim_start_matches(',').trim_start();
    let all = sign.unwrap_or_else(|| Expression::Symbol("ℝ".into()));
    if rest.is_empty() {
        return Some(all);
    }
    for but in
        ["except for ", "except ", "other than ", "excluding ", "but not ", "besides ", "apart from ", "without "]
    {
        if let Some(points) = rest.strip_prefix(but) {
            return Some(Expression::Combined(SetOperation::Difference, all.into(), points_of(points)?.into()));
        }
    }
    for such in ["not equal to ", "that are not ", "such that x is not "] {
        if let Some(points) = rest.strip_prefix(such) {
            let points = points.strip_prefix("equal to ").unwrap_or(points);
            return Some(Expression::Combined(SetOperation::Difference, all.into(), points_of(points)?.into()));
        }
    }
    // "all real x ≠ 0", "all real numbers x such that x > 2"
    let condition = ["such that ", "with ", "where ", "satisfying "].iter().find_map(|such| rest.strip_prefix(such));
    let condition = condition
        .map(str::to_string)
        .or_else(|| rest.starts_with(['<', '>', '\\', '≠', '≤', '≥']).then(|| format!("x {rest}")));
    let bounds = match condition {
        Some(condition) => match parser::parse(&condition, Comma::Separator).ok()? {
            chain @ Expression::Chain(..) => chain,
            _ => return None,
        },
        None => compared(rest)?,
    };
    Some(Expression::Combined(SetOperation::Intersection, all.into(), bounds.into()))
}

/// Lower case, without faces and dollars, every formula as it was.
fn plain(written: &str) -> String {
    let mut out = written.replace("\\text", " ").replace("\\mathrm", " ").replace(['$', '{', '}', '~'], " ");
    out = out.replace("\\ ", " ").replace("\\,", " ");
    let words: Vec<String> = out.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").trim_end_matches('.').to_string()
}

/// "positive", "non-negative" and the like in front, as a set of their own.
fn signed(rest: &str) -> (Option<Expression>, &str) {
    let zero = || Expression::integer(0);
    let half = |above: bool, closed: bool| {
        let infinity = Expression::Constant(Constant::Infinity);
        let near = if closed { Bracket::Square } else { Bracket::Round };
        if above {
            Expression::Bracketed(near, vec![zero(), infinity], Bracket::Round)
        } else {
            Expression::Bracketed(Bracket::Round, vec![Expression::Negative(infinity.into()), zero()], near)
        }
    };
    for (word, above, closed) in [
        ("positive ", true, false),
        ("negative ", false, false),
        ("non-negative ", true, true),
        ("nonnegative ", true, true),
        ("non-positive ", false, true),
        ("nonpositive ", false, true),
    ] {
        if let Some(rest) = rest.strip_prefix(word) {
            return (Some(half(above, closed)), rest);
        }
    }
    for word in ["nonzero ", "non-zero "] {
        if let Some(rest) = rest.strip_prefix(word) {
            let reals = Expression::Symbol("ℝ".into());
            let without = Expression::Set(vec![zero()]);
            return (Some(Expression::Combined(SetOperation::Difference, reals.into(), without.into())), rest);
        }
    }
    (None, rest)
}

/// "0", "x = 0", "-1 and 2", "1, 2, and 3".
fn points_of(points: &str) -> Option<Expression> {
    let value = |part: &Expression| match part {
        Expression::Chain(first, rest) => match (&**first, rest.as_slice()) {
            (Expression::Symbol(_), [(Relation::Equal, value)]) => Some(value.clone()),
            _ => None,
        },
        Expression::Text(_) | Expression::Quantity(..) => None,
        other => Some(other.clone()),
    };
    let points = points.strip_prefix("for ").unwrap_or(points);
    let points = points.strip_prefix("the number ").unwrap_or(points);
    let items = match parser::parse(points, Comma::Separator) {
        Ok(Expression::List(Joint::Comma | Joint::And | Joint::Or, items)) => items,
        Ok(one) => vec![one],
        // "zero"
        Err(_) => Vec::new(),
    };
    let values: Option<Vec<Expression>> = items.iter().map(value).collect();
    if let Some(values) = values.filter(|values| !values.is_empty()) {
        return Some(Expression::Set(values));
    }
    let named = number_words::value(&words::words(points).join(" "))?;
    Some(Expression::Set(vec![Expression::rational(named)]))
}

/// "greater than 2" and the like as an inequality.
fn compared(rest: &str) -> Option<Expression> {
    let rest = ["that are ", "which are "].iter().find_map(|that| rest.strip_prefix(that)).unwrap_or(rest);
    let (relation, bound) = [
        ("greater than or equal to ", Relation::GreaterOrEqual),
        ("less than or equal to ", Relation::LessOrEqual),
        ("at least ", Relation::GreaterOrEqual),
        ("at most ", Relation::LessOrEqual),
        ("greater than ", Relation::Greater),
        ("larger than ", Relation::Greater),
        ("less than ", Relation::Less),
        ("smaller than ", Relation::Less),
    ]
    .iter()
    .find_map(|(words, relation)| rest.strip_prefix(words).map(|bound| (*relation, bound)))?;
    let bound = parser::parse(bound, Comma::Separator).ok()?;
    let variable = Expression::Symbol("x".into());
    probe::constant(&bound)?;
    Some(Expression::Chain(variable.into(), vec![(relation, bound)]))
}
