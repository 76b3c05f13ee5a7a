//! What an expression is worth, by four means, the cheapest first.
//!
//! - [`exact_value`]: a rational number, where the expression is one.
//! - [`normal_form`]: a quotient of polynomials ([`polynomial`]), which proves and disproves equality.
//! - [`probe`]: complex values at fixed points ([`complex`]), for what has no normal form.
//! - [`closed_form`]: sums, integrals and limits worked out ([`univariate`]), and common divisors ([`divisors`]).

pub mod closed_form;
mod complex;
mod divisors;
mod exact_value;
pub mod normal_form;
mod polynomial;
pub mod probe;
mod univariate;

pub use exact_value::exact_value;

use crate::expression::Expression;

/// The whole number that an expression is.
fn whole(expression: &Expression) -> Option<i64> {
    exact_value(expression)?.to_i64()
}
