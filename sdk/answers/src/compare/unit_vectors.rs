//! Sums of unit vectors, which are tuples: `\mathbf i + 2 \mathbf j`.

use crate::expression::{Constant, Expression};

/// Whether a letter is marked as a unit vector.
pub(super) fn is_marked(expression: &Expression) -> bool {
    expression.any(&|part| matches!(part, Expression::Symbol(name) if name.starts_with("unit ")))
}

/// Unit vectors as the letters that they are written with.
pub(super) fn unmarked(expression: &Expression) -> Expression {
    let letter = |name: &str| Expression::Symbol(name.into());
    expression
        .substitute("unit i", &Expression::Constant(Constant::I))
        .substitute("unit j", &letter("j"))
        .substitute("unit k", &letter("k"))
}

/// The components of a sum of unit vectors, `\mathbf i + 2 \mathbf j`, in the plane or in space.
pub(super) fn components(expression: &Expression) -> Option<Vec<Expression>> {
    let unit = |part: &Expression| match part {
        Expression::Symbol(name) => ["unit i", "unit j", "unit k"].iter().position(|unit| unit == name),
        _ => None,
    };
    let terms = match expression {
        Expression::Sum(terms) => terms.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found: [Option<Expression>; 3] = [None, None, None];
    for term in terms {
        let (negative, term) = match term {
            Expression::Negative(inner) => (true, &**inner),
            other => (false, other),
        };
        let (axis, size) = match term {
            Expression::Product(factors) => {
                let at = factors.iter().position(|factor| unit(factor).is_some())?;
                let axis = unit(&factors[at])?;
                let mut rest = factors.clone();
                rest.remove(at);
                if rest.iter().any(|factor| unit(factor).is_some()) {
                    return None;
                }
                (axis, if rest.len() == 1 { rest.remove(0) } else { Expression::Product(rest) })
            }
            other => (unit(other)?, Expression::integer(1)),
        };
        if found[axis].is_some() {
            return None;
        }
        found[axis] = Some(if negative { Expression::Negative(size.into()) } else { size });
    }
    let dimensions = if found[2].is_some() { 3 } else { 2 };
    Some(found.into_iter().take(dimensions).map(|part| part.unwrap_or(Expression::integer(0))).collect())
}
