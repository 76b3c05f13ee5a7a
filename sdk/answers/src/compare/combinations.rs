//! Numbers of combinations and arrangements as a calculator writes them: `C(6, 3)`, `P(6, 3)`, `6C3`.
//!
//! `C(6, 3)` is also a point with a name, so this reading comes last, and never for two such answers at once.

use crate::expression::{Bracket, Expression, Function};
use crate::read::parser::arrangements;

/// Both sides with every number of combinations read as one; `None` where there is none, or where both are nothing
/// but `C(a, b)` and may be points.
pub fn read(gold: &Expression, answer: &Expression) -> Option<(Expression, Expression)> {
    let named = |side: &Expression| side.any(&|part| matches!(part, Expression::Symbol(name) if stands_for(name)));
    if !(named(gold) || named(answer)) || point(gold).is_some() && point(answer).is_some() {
        return None;
    }
    let (wanted, given) = (counted(gold), counted(answer));
    (wanted != *gold || given != *answer).then_some((wanted, given))
}

/// The coordinates of a point with its name in front.
pub fn point(expression: &Expression) -> Option<&Expression> {
    match expression {
        Expression::Product(factors) => match factors.as_slice() {
            [Expression::Symbol(name), coordinates @ Expression::Bracketed(Bracket::Round, _, Bracket::Round)] => {
                name.starts_with(|c: char| c.is_ascii_uppercase()).then_some(coordinates)
            }
            _ => None,
        },
        _ => None,
    }
}

fn counted(expression: &Expression) -> Expression {
    let inner = expression.map_parts(&mut counted);
    let Expression::Product(factors) = &inner else { return inner };
    let mut out: Vec<Expression> = Vec::new();
    let mut rest = factors.as_slice();
    while let Some(first) = rest.first() {
        let (read, taken) = match rest {
            [Expression::Symbol(name), Expression::Bracketed(Bracket::Round, pair, Bracket::Round), ..]
                if pair.len() == 2 && pair.iter().all(counts) =>
            {
                (number(name, &pair[0], &pair[1]), 2)
            }
            [n @ Expression::Number(_), Expression::Symbol(name), k @ Expression::Number(_), ..]
                if counts(n) && counts(k) =>
            {
                (number(name, n, k), 3)
            }
            _ => (None, 1),
        };
        match read {
            Some(number) => {
                out.push(number);
                rest = &rest[taken..];
            }
            None => {
                out.push(first.clone());
                rest = &rest[1..];
            }
        }
    }
    if out.len() == 1 { out.remove(0) } else { Expression::Product(out) }
}

fn stands_for(name: &str) -> bool {
    matches!(name, "C" | "P" | "A" | "nCr" | "nPr")
}

fn number(name: &str, n: &Expression, k: &Expression) -> Option<Expression> {
    match name {
        "C" | "nCr" => Some(Expression::Apply(Function::Binomial, vec![n.clone(), k.clone()])),
        "P" | "A" | "nPr" => Some(arrangements(n.clone(), k.clone())),
        _ => None,
    }
}

/// Whether something counts things: a whole number that is not negative, or made of the letters that stand for one.
fn counts(expression: &Expression) -> bool {
    match expression {
        Expression::Number(number) => {
            number.places.is_none() && number.value.is_integer() && !number.value.is_negative()
        }
        Expression::Symbol(name) => matches!(name.as_str(), "n" | "m" | "k" | "r" | "N"),
        Expression::Sum(parts) | Expression::Product(parts) => parts.iter().all(counts),
        Expression::Negative(inner) => counts(inner),
        _ => false,
    }
}
