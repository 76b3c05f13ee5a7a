//! When two answers are the same: the cheapest sound rule that applies, by name.

use crate::config::{FractionRule, PercentRule, Policy, UnitRule};
use crate::expression::{Expression, Number};
use crate::numeric::{self, Probe};
use crate::reading::Answer;
use crate::{
    algebra, combinations, ellipsis, exact, measures, operators, real_sets, relations, rounding, structures, units,
    wording, work,
};
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
    /// The policies.
    pub policy: &'a Policy,
    left: Cell<u32>,
    deep: Cell<u32>,
    /// Whether what is left to work out is being worked out.
    working: Cell<bool>,
}

/// The name of the rule that made two expressions equal.
pub type Rule = &'static str;

/// Compares an answer with a reference: the rule that makes them equal, or why none does.
pub fn compare(gold: &Answer, answer: &Answer, policy: &Policy) -> Result<Rule, String> {
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
    if let Some(decided) = wording::decide(gold, answer) {
        return decided;
    }
    if policy.fractions == FractionRule::Reduced && answer.readings.first().is_some_and(has_unreduced_fraction) {
        return Err("a fraction is not in lowest terms".into());
    }
    let comparison =
        Comparison { policy, left: Cell::new(MAX_COMPARISONS), deep: Cell::new(MAX_DEEP), working: Cell::new(false) };
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
        return if wording::same_words(gold, answer, policy) {
            Ok("same words")
        } else {
            Err("the words differ".into())
        };
    }
    Err("no rule makes it equal to the reference".into())
}

/// A text without white space and LaTeX spacing.
fn compact(text: &str) -> String {
    let mut out: String = text.chars().filter(|c| !c.is_whitespace()).collect();
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
    /// The rule that makes two expressions equal, if any.
    pub fn same(&self, gold: &Expression, answer: &Expression) -> Option<Rule> {
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
        if let Some(decided) = structures::compare(self, gold, answer) {
            return decided;
        }
        if let Some(decided) = real_sets::compare(self, gold, answer) {
            return decided;
        }
        self.same_value(gold, answer).or_else(|| self.same_up_to_names(gold, answer))
    }

    /// Units, percent signs and degrees: `None` where neither side has any.
    fn wrapped(&self, gold: &Expression, answer: &Expression) -> Option<Option<Rule>> {
        if matches!(gold, Expression::Chain(..)) || matches!(answer, Expression::Chain(..)) {
            return None;
        }
        match (gold, answer) {
            (Expression::Quantity(a, unit), Expression::Quantity(b, other)) => Some(self.quantities(a, unit, b, other)),
            // `10 m` in plain text is a product of a number and a letter.
            (Expression::Quantity(a, unit), Expression::Product(factors))
            | (Expression::Product(factors), Expression::Quantity(a, unit))
                if matches!(factors.as_slice(), [Expression::Number(_), Expression::Symbol(letter)]
                    if measures::abbreviates(letter, unit)) =>
            {
                let swapped = matches!(gold, Expression::Product(_));
                Some(if swapped { self.same(&factors[0], a) } else { self.same(a, &factors[0]) })
            }
            (Expression::Quantity(..), _) if self.policy.units == UnitRule::Require => Some(None),
            // A ratio has no unit.
            (Expression::Quantity(..), Expression::Ratio(_)) | (Expression::Ratio(_), Expression::Quantity(..)) => {
                Some(None)
            }
            (Expression::Quantity(a, _), b) => Some(self.same(a, b)),
            (a, Expression::Quantity(b, _)) => Some(self.same(a, b)),
            (Expression::Percent(a), Expression::Percent(b)) => Some(self.same(a, b)),
            (Expression::Percent(inner), other) => Some(self.percent(inner, other, true)),
            (other, Expression::Percent(inner)) => Some(self.percent(inner, other, false)),
            (Expression::Degrees(a), Expression::Degrees(b)) => Some(self.same(a, b)),
            (Expression::Degrees(inner), other) => {
                Some(self.same(inner, other).or_else(|| self.radians(inner, other, true)))
            }
            (other, Expression::Degrees(inner)) => {
                Some(self.same(other, inner).or_else(|| self.radians(inner, other, false)))
            }
            (Expression::Based(digits, base), Expression::Based(others, other)) => {
                Some((digits == others && base == other).then_some("same digits in the same base"))
            }
            (Expression::Based(..), _) | (_, Expression::Based(..)) => Some(None),
            _ => None,
        }
    }

    /// Two values with units, under the policy.
    fn quantities(&self, wanted: &Expression, unit: &str, given: &Expression, other: &str) -> Option<Rule> {
        let same_unit = units::canonical(unit) == units::canonical(other);
        // A modulus is no unit, and neither is the half of the day.
        let half = |unit: &str| unit.eq_ignore_ascii_case("am") || unit.eq_ignore_ascii_case("pm");
        if !same_unit && (unit.starts_with("mod ") || other.starts_with("mod ") || half(unit) && half(other)) {
            return None;
        }
        match self.policy.units {
            UnitRule::Ignore => self.same(wanted, given),
            UnitRule::Known if same_unit => self.same(wanted, given),
            UnitRule::Known => match (measures::measure(unit), measures::measure(other)) {
                (Some(_), Some(_)) => self.converted(wanted, unit, given, other),
                _ => self.same(wanted, given),
            },
            UnitRule::Match if same_unit => self.same(wanted, given),
            UnitRule::Match => None,
            UnitRule::Convert | UnitRule::Require if same_unit => self.same(wanted, given),
            UnitRule::Convert | UnitRule::Require => self.converted(wanted, unit, given, other),
        }
    }

    /// The answer brought to the unit of the reference, where both units are known and of one dimension.
    fn converted(&self, wanted: &Expression, unit: &str, given: &Expression, other: &str) -> Option<Rule> {
        let (to, from) = (measures::measure(unit)?, measures::measure(other)?);
        if to.dimension != from.dimension {
            return None;
        }
        let factor = from.factor.divide(&to.factor)?;
        if factor.is_one() {
            return self.same(wanted, given);
        }
        let turned = Expression::Product(vec![given.clone(), Expression::rational(factor)]);
        self.same(wanted, &turned).map(|_| "same quantity in another unit")
    }

    fn percent(&self, inner: &Expression, other: &Expression, gold: bool) -> Option<Rule> {
        let ordered = |a: &Expression, b: &Expression| if gold { self.same(a, b) } else { self.same(b, a) };
        let hundredth = match inner {
            // A decimal stays one, so that it may be a rounded value.
            Expression::Number(Number { value, places: Some(places) }) => Expression::Number(Number {
                value: value.divide(&exact::Rational::integer(100))?,
                places: Some(places + 2),
            }),
            _ => Expression::Quotient(inner.clone().into(), Expression::integer(100).into()),
        };
        let fraction = self.policy.percent != PercentRule::Number && ordered(&hundredth, other).is_some();
        if fraction {
            return Some("percent as a fraction");
        }
        let number = self.policy.percent != PercentRule::Fraction && ordered(inner, other).is_some();
        number.then_some("percent sign dropped")
    }

    fn radians(&self, degrees: &Expression, other: &Expression, gold: bool) -> Option<Rule> {
        let turned = Expression::Product(vec![
            degrees.clone(),
            Expression::Quotient(
                Expression::Constant(crate::expression::Constant::Pi).into(),
                Expression::integer(180).into(),
            ),
        ]);
        // A decimal stays one, so that it may be a rounded value: arctan 2 is 63.43°.
        let back = Expression::Quotient(
            Expression::Product(vec![other.clone(), Expression::integer(180)]).into(),
            Expression::Constant(crate::expression::Constant::Pi).into(),
        );
        let rounded = || if gold { self.same_value(degrees, &back) } else { self.same_value(&back, degrees) };
        let decimal = rounding::decimal_literal(degrees).is_some();
        let same = self.same_value(other, &turned).or_else(|| if decimal { rounded() } else { None });
        same.map(|_| "degrees in radians")
    }

    /// Whether two numbers or formulas have the same value.
    pub fn same_value(&self, gold: &Expression, answer: &Expression) -> Option<Rule> {
        if !has_value(gold) || !has_value(answer) {
            return None;
        }
        let exactly = |expression: &Expression| work::limited(600_000, || exact::value(expression));
        if let Some(a) = exactly(gold)
            && let Some(b) = exactly(answer)
        {
            if a == b {
                return Some("same rational number");
            }
            return rounding::near(self.policy, gold, answer);
        }
        let deep = self.deep.get().checked_sub(1)?;
        self.deep.set(deep);
        let equal = work::limited(NORMAL_FORM, || algebra::equal(&algebra::form(gold)?, &algebra::form(answer)?));
        match equal {
            Some(true) => return Some("same algebraic normal form"),
            Some(false) => {}
            None => {
                if numeric::compare(gold, answer) == Probe::Same {
                    return Some("same value at every probe point");
                }
            }
        }
        rounding::near(self.policy, gold, answer).or_else(|| self.worked_out(gold, answer))
    }

    /// Sums, integrals, limits and ellipses of a reference, worked out. Those of an answer are so only beside others,
    /// or a restated problem would pass for its answer.
    fn worked_out(&self, gold: &Expression, answer: &Expression) -> Option<Rule> {
        if self.working.get() {
            return None;
        }
        let (wanted, given) = (operators::is_open(gold), operators::is_open(answer));
        if !(wanted || given && self.policy.unevaluated_answers) {
            return None;
        }
        self.working.set(true);
        let polynomials = self.policy.polynomial_divisors;
        let same = work::limited(WORKED_OUT, || {
            let (a, b) = (operators::worked_out(gold, polynomials), operators::worked_out(answer, polynomials));
            let changed = a != *gold || b != *answer;
            let value = if changed { self.same(&a, &b).map(|_| "same value once worked out") } else { None };
            value.or_else(|| ellipsis::compare(self, gold, answer))
        });
        self.working.set(false);
        same
    }

    /// Whether two expressions that have no value of their own differ in bound names alone.
    fn same_up_to_names(&self, gold: &Expression, answer: &Expression) -> Option<Rule> {
        if let (Expression::Opaque(..), Expression::Opaque(..)) = (gold, answer) {
            return relations::same_big_operator(self, gold, answer);
        }
        let plain = |part: &Expression| {
            matches!(
                part,
                Expression::Sum(_) | Expression::Product(_) | Expression::Power(..) | Expression::Quotient(..)
            )
        };
        (plain(gold) && plain(answer)).then(|| relations::renamed(self, gold, answer)).flatten()
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
