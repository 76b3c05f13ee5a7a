//! When an answer equals a reference: the cheapest sound argument that applies, by name.
//!
//! [`compare`] tries in turn: the texts, what they say in `words`, and each pair of readings ([`Comparison::same`]): units
//! and percent signs (`quantities`), equations and inequalities (`relations`, `renaming`), lists, tuples and matrices
//! (`collections`, with `amounts`, `filled`, `matrices` and `unit_vectors`), sets of real numbers (`real_sets`), and last values ([`Comparison::same_value`]): exact, by normal
//! form, by probing, `rounding`, sums and integrals worked out, an `ellipsis` filled in. `combinations` reads
//! `C(6, 3)` once more where nothing else fits. `contrary` has the words that turn a number over.

mod amounts;
mod collections;
mod combinations;
pub(crate) mod contrary;
mod ellipsis;
mod filled;
mod matrices;
mod quantities;
mod real_sets;
mod relations;
mod renaming;
mod rounding;
mod unit_vectors;
mod words;

use crate::algebra::normal_form::{self, NormalForm};
use crate::algebra::probe::{self, Probe};
use crate::algebra::{closed_form, exact_value};
use crate::config::{FractionRule, Rules};
use crate::expression::{Expression, Number};
use crate::extract::claims;
use crate::read::ParsedText;
use crate::work;
use std::cell::Cell;

/// Comparisons of parts that one verdict may make.
const MAX_COMPARISONS: u32 = 3_000;
/// Comparisons that may go as far as the normal form or probing.
const MAX_DEEP: u32 = 200;

/// Work that one pair of normal forms may take; probing decides what is larger.
pub(crate) const NORMAL_FORM: u64 = 300_000;

/// Work that sums, integrals, limits and ellipses of one pair may take.
const WORKED_OUT: u64 = 900_000;

/// What a comparison of two expressions has to know.
pub struct Comparison<'a> {
    /// What counts as equal.
    pub rules: &'a Rules,
    left: Cell<u32>,
    deep: Cell<u32>,
    /// Whether what is left to work out is being worked out.
    working: Cell<bool>,
}

/// Why two expressions are equal, as the verdict says it.
pub type Reason = &'static str;

/// Compares an answer with a reference, and says why they are equal.
///
/// # Errors
/// Says why they are not.
pub fn compare(gold: &ParsedText, answer: &ParsedText, rules: &Rules) -> Result<Reason, String> {
    if gold.is_long || answer.is_long {
        return if gold.text == answer.text {
            Ok("same text")
        } else {
            Err("answers of that length are compared as text, and the texts differ".into())
        };
    }
    if compact(&gold.text) == compact(&answer.text) {
        return Ok("same text");
    }
    let bounded = |text: &ParsedText| {
        let chain = |reading: &Expression| matches!(reading, Expression::Chain(..) | Expression::Bracketed(..));
        claims::is_bound(&text.text) || text.readings.iter().any(chain)
    };
    if claims::is_bound(&answer.text) && !bounded(gold) {
        return Err("a bound is not a value".into());
    }
    if let Some(decided) = words::decide(gold, answer) {
        return decided;
    }
    if rules.fractions == FractionRule::Reduced && answer.readings.first().is_some_and(has_unreduced_fraction) {
        return Err("a fraction is not in lowest terms".into());
    }
    let comparison =
        Comparison { rules, left: Cell::new(MAX_COMPARISONS), deep: Cell::new(MAX_DEEP), working: Cell::new(false) };
    for (i, wanted) in gold.readings.iter().enumerate() {
        for (j, given) in answer.readings.iter().enumerate() {
            // Second readings are for ambiguous commas; two of them at once would prove nothing.
            if i != 0 && j != 0 && i != j {
                continue;
            }
            if let Some(rule) = comparison.same(wanted, given) {
                return Ok(rule);
            }
        }
    }
    if let (Some(wanted), Some(given)) = (gold.readings.first(), answer.readings.first()) {
        if let Some((wanted, given)) = combinations::read(wanted, given)
            && comparison.same(&wanted, &given).is_some()
        {
            return Ok("same number of combinations");
        }
        // `C(3, 1)` is a point with its name.
        let (point, other) = (combinations::point(wanted), combinations::point(given));
        if point.is_some() != other.is_some()
            && comparison.same(point.unwrap_or(wanted), other.unwrap_or(given)).is_some()
        {
            return Ok("same point");
        }
    }
    // A reference with a decimal comma; `5,15` is a list unless the answer is a decimal.
    if let Some(given) = answer.readings.first().filter(|reading| rounding::decimal_literal(reading).is_some())
        && let Some(wanted) = gold.with_decimal_comma()
        && comparison.same(&wanted, given).is_some()
    {
        return Ok("same number with a decimal comma");
    }
    if gold.is_text() || answer.is_text() {
        return if words::same_words(gold, answer, rules) { Ok("same words") } else { Err("the words differ".into()) };
    }
    Err("no rule makes it equal to the reference".into())
}

/// A text without white space and LaTeX spacing. Between two digits a space stays: `1 2` is not `12`.
fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut apart = false;
    for character in text.chars() {
        if character.is_whitespace() {
            apart = true;
            continue;
        }
        if apart && character.is_ascii_digit() && out.ends_with(|c: char| c.is_ascii_digit()) {
            out.push(' ');
        }
        apart = false;
        out.push(character);
    }
    if !out.contains(['\\', '$']) {
        return out;
    }
    for spacing in ["\\!", "\\,", "\\left", "\\right", "$"] {
        if out.contains(spacing) {
            out = out.replace(spacing, "");
        }
    }
    // `\dfrac` and `\tfrac` only look different.
    out.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
}

impl Comparison<'_> {
    /// Why two expressions are equal, if they are.
    pub fn same(&self, gold: &Expression, answer: &Expression) -> Option<Reason> {
        work::spend(100)?;
        let left = self.left.get().checked_sub(1)?;
        self.left.set(left);
        if gold == answer {
            return Some("same expression");
        }
        if let Some(decided) = self.wrapped(gold, answer) {
            return decided;
        }
        if let Some(decided) = relations::compare(self, gold, answer) {
            return decided;
        }
        if let Some(decided) = collections::compare(self, gold, answer) {
            return decided;
        }
        if let Some(decided) = real_sets::compare(self, gold, answer) {
            return decided;
        }
        self.same_value(gold, answer).or_else(|| self.same_up_to_names(gold, answer))
    }

    /// Whether two numbers or formulas have the same value.
    pub fn same_value(&self, gold: &Expression, answer: &Expression) -> Option<Reason> {
        if !has_value(gold) || !has_value(answer) {
            return None;
        }
        let exactly = |expression: &Expression| work::limited(600_000, || exact_value(expression));
        if let Some(a) = exactly(gold)
            && let Some(b) = exactly(answer)
        {
            if a == b {
                return Some("same rational number");
            }
            return rounding::near(self.rules, gold, answer);
        }
        let deep = self.deep.get().checked_sub(1)?;
        self.deep.set(deep);
        let equal = work::limited(NORMAL_FORM, || normal_form::equal(&NormalForm::of(gold)?, &NormalForm::of(answer)?));
        match equal {
            Some(true) => return Some("same algebraic normal form"),
            Some(false) => {}
            None => {
                if probe::compare(gold, answer) == Probe::Same {
                    return Some("same value at every probe point");
                }
            }
        }
        rounding::near(self.rules, gold, answer).or_else(|| self.worked_out(gold, answer))
    }

    /// Sums, integrals, limits and ellipses of a reference, worked out. Those of an answer are so only beside others,
    /// or a restated problem would pass for its answer.
    fn worked_out(&self, gold: &Expression, answer: &Expression) -> Option<Reason> {
        if self.working.get() {
            return None;
        }
        let (wanted, given) = (closed_form::is_open(gold), closed_form::is_open(answer));
        if !(wanted || given && self.rules.unevaluated_answers) {
            return None;
        }
        self.working.set(true);
        let polynomials = self.rules.polynomial_divisors;
        let same = work::limited(WORKED_OUT, || {
            let (a, b) = (closed_form::work_out(gold, polynomials), closed_form::work_out(answer, polynomials));
            let changed = a != *gold || b != *answer;
            let value = if changed { self.same(&a, &b).map(|_| "same value once worked out") } else { None };
            value.or_else(|| ellipsis::compare(self, gold, answer))
        });
        self.working.set(false);
        same
    }

    /// Whether two expressions that have no value of their own differ in bound names alone.
    fn same_up_to_names(&self, gold: &Expression, answer: &Expression) -> Option<Reason> {
        if let (Expression::Opaque(..), Expression::Opaque(..)) = (gold, answer) {
            return renaming::same_big_operator(self, gold, answer);
        }
        let plain = |part: &Expression| {
            matches!(
                part,
                Expression::Sum(_) | Expression::Product(_) | Expression::Power(..) | Expression::Quotient(..)
            )
        };
        (plain(gold) && plain(answer)).then(|| renaming::renamed(self, gold, answer)).flatten()
    }
}

/// Whether an expression may have a value: a collection or words never do, and the other side is not worked out.
fn has_value(expression: &Expression) -> bool {
    !matches!(
        expression,
        Expression::Text(_)
            | Expression::List(..)
            | Expression::Set(_)
            | Expression::Bracketed(..)
            | Expression::Matrix(_)
            | Expression::Combined(..)
            | Expression::SetBuilder(..)
            | Expression::EmptySet
    )
}

/// Whether any fraction of whole numbers could be reduced.
fn has_unreduced_fraction(expression: &Expression) -> bool {
    let whole = |part: &Expression| match part {
        Expression::Number(Number { value, places: None }) if value.is_integer() => Some(value.clone()),
        _ => None,
    };
    expression.any(&|part| match part {
        Expression::Quotient(top, bottom) => match (whole(top), whole(bottom)) {
            (Some(top), Some(bottom)) => {
                top.divide(&bottom).is_none_or(|reduced| bottom.is_one() || reduced.denominator() != bottom.numerator())
            }
            _ => false,
        },
        _ => false,
    })
}
