//! Matrices, with their sums and products worked out.

use crate::expression::{Bracket, Expression};

type Rows = Vec<Vec<Expression>>;

/// A matrix, with sums and products of matrices worked out.
pub(super) fn folded_matrix(expression: &Expression) -> Option<Rows> {
    match expression {
        Expression::Matrix(rows) => Some(rows.clone()),
        // Rows in square brackets, as programs print them.
        Expression::Bracketed(Bracket::Square, items, Bracket::Square)
            if items.iter().all(|item| matches!(item, Expression::Bracketed(Bracket::Square, ..))) =>
        {
            items
                .iter()
                .map(|item| match item {
                    Expression::Bracketed(_, entries, _) => Some(entries.clone()),
                    _ => None,
                })
                .collect()
        }
        Expression::Negative(inner) => {
            let rows = folded_matrix(inner)?;
            Some(each(&rows, |entry| Expression::Negative(entry.clone().into())))
        }
        Expression::Sum(terms) => {
            let mut sum = folded_matrix(terms.first()?)?;
            for term in &terms[1..] {
                let other = folded_matrix(term)?;
                if other.len() != sum.len() {
                    return None;
                }
                for (row, more) in sum.iter_mut().zip(other) {
                    if row.len() != more.len() {
                        return None;
                    }
                    for (entry, term) in row.iter_mut().zip(more) {
                        *entry = Expression::Sum(vec![entry.clone(), term]);
                    }
                }
            }
            Some(sum)
        }
        Expression::Product(factors) => {
            let mut scalar = Vec::new();
            let mut product: Option<Rows> = None;
            for factor in factors {
                match folded_matrix(factor) {
                    None => scalar.push(factor.clone()),
                    Some(rows) => {
                        product = Some(match product {
                            None => rows,
                            Some(left) => multiplied(&left, &rows)?,
                        });
                    }
                }
            }
            let product = product?;
            if scalar.is_empty() {
                return Some(product);
            }
            Some(each(&product, |entry| {
                let mut factors = scalar.clone();
                factors.push(entry.clone());
                Expression::Product(factors)
            }))
        }
        _ => None,
    }
}

fn each(rows: &Rows, change: impl Fn(&Expression) -> Expression) -> Rows {
    rows.iter().map(|row| row.iter().map(&change).collect()).collect()
}

fn multiplied(left: &Rows, right: &Rows) -> Option<Rows> {
    let (inner, columns) = (right.len(), right.first()?.len());
    if left.iter().any(|row| row.len() != inner) || left.len() * inner * columns > 512 {
        return None;
    }
    Some(
        left.iter()
            .map(|row| {
                (0..columns)
                    .map(|column| {
                        Expression::Sum(
                            row.iter()
                                .zip(right)
                                .map(|(a, other)| Expression::Product(vec![a.clone(), other[column].clone()]))
                                .collect(),
                        )
                    })
                    .collect()
            })
            .collect(),
    )
}
