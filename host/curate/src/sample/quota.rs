//! How many documents of each year are taken.

use super::Year;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many documents are taken in all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// All that the years may give.
    All,
    /// So many.
    Documents(u64),
    /// This share of them, from 0 to 1, rounded to the nearest document.
    Share(f64),
}

/// How documents are spread over the years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Every year gives as many as any other, or all it has; what it lacks the others give.
    #[default]
    Even,
    /// A year gives in proportion to what it has.
    Proportional,
}

/// How many documents are taken of which year.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quota {
    /// Documents in all.
    pub amount: Amount,
    /// Their spread over the years.
    pub spread: Spread,
    /// The most that a year gives.
    pub per_year: Option<u64>,
    /// The first and the last year that give any; documents without a year then give none.
    pub years: Option<(u16, u16)>,
}

impl Quota {
    /// The documents wanted of each year, of those that it has. None is more than the year has, or than `per_year`; where the
    /// years together may give fewer than are wanted, all of these are.
    pub fn by_year(&self, has: &BTreeMap<Year, u64>) -> BTreeMap<Year, u64> {
        let among =
            |year: &Year| self.years.is_none_or(|(from, to)| year.is_some_and(|year| (from..=to).contains(&year)));
        let has: &BTreeMap<Year, u64> =
            &has.iter().filter(|(year, _)| among(year)).map(|(year, count)| (*year, *count)).collect();
        let total: u64 = has.values().sum();
        let most = |has: u64| has.min(self.per_year.unwrap_or(u64::MAX));
        let wanted = match self.amount {
            Amount::All => total,
            Amount::Documents(wanted) => wanted,
            Amount::Share(share) => (total as f64 * share).round() as u64,
        };
        match self.spread {
            Spread::Even => even(has, wanted, most),
            Spread::Proportional => proportional(has, wanted, most),
        }
    }
}

/// From the year that may give least to the one that may give most, each gives its equal share of what is still wanted.
fn even(has: &BTreeMap<Year, u64>, wanted: u64, most: impl Fn(u64) -> u64) -> BTreeMap<Year, u64> {
    let mut years: Vec<(u64, Year)> = has.iter().map(|(year, has)| (most(*has), *year)).collect();
    years.sort_unstable();
    let (mut left, mut waiting) = (wanted, years.len() as u64);
    let mut given = BTreeMap::new();
    for (most, year) in years {
        let share = most.min(left / waiting);
        left -= share;
        waiting -= 1;
        given.insert(year, share);
    }
    given
}

/// The largest remainders give one document more, those of earlier years first where they are equal; what a year may not
/// give is not given by others, which would change their proportion.
fn proportional(has: &BTreeMap<Year, u64>, wanted: u64, most: impl Fn(u64) -> u64) -> BTreeMap<Year, u64> {
    let total = u128::from(has.values().sum::<u64>().max(1));
    let wanted = u128::from(wanted).min(total);
    let exact = |has: u64| (wanted * u128::from(has) / total, wanted * u128::from(has) % total);
    let mut given: BTreeMap<Year, u64> = has.iter().map(|(year, has)| (*year, exact(*has).0 as u64)).collect();
    let left = wanted as u64 - given.values().sum::<u64>();
    let mut rests: Vec<(std::cmp::Reverse<u128>, Year)> =
        has.iter().map(|(year, has)| (std::cmp::Reverse(exact(*has).1), *year)).collect();
    rests.sort_unstable();
    for (_, year) in rests.into_iter().take(left as usize) {
        *given.entry(year).or_default() += 1;
    }
    given.iter_mut().for_each(|(year, given)| *given = (*given).min(most(has.get(year).copied().unwrap_or(0))));
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_year(amount: Amount, spread: Spread, per_year: Option<u64>) -> Vec<u64> {
        let has = [(None, 3), (Some(2013), 100), (Some(2014), 1000), (Some(2015), 10)].into();
        Quota { amount, spread, per_year, years: None }.by_year(&has).into_values().collect()
    }

    #[test]
    fn years_give_the_same_or_all_they_have() {
        let even = |documents, cap| by_year(Amount::Documents(documents), Spread::Even, cap);
        assert_eq!(even(8, None), [2, 2, 2, 2]);
        assert_eq!(even(41, None), [3, 14, 14, 10]);
        assert_eq!(even(400, None), [3, 100, 287, 10]);
        assert_eq!(even(400, Some(50)), [3, 50, 50, 10]);
        assert_eq!(even(9999, None), [3, 100, 1000, 10]);
        assert_eq!(by_year(Amount::All, Spread::Even, Some(5)), [3, 5, 5, 5]);
        assert_eq!(by_year(Amount::All, Spread::Even, None), [3, 100, 1000, 10]);
    }

    #[test]
    fn years_beside_the_range_give_nothing() {
        let has = [(None, 3), (Some(2013), 100), (Some(2014), 1000), (Some(2015), 10)].into();
        let quota =
            Quota { amount: Amount::Share(0.5), spread: Spread::Even, per_year: None, years: Some((2014, 2020)) };
        assert_eq!(quota.by_year(&has), [(Some(2014), 495), (Some(2015), 10)].into());
    }

    #[test]
    fn years_give_in_proportion() {
        let proportional = |amount, cap| by_year(amount, Spread::Proportional, cap);
        assert_eq!(proportional(Amount::Documents(1113), None), [3, 100, 1000, 10]);
        assert_eq!(proportional(Amount::Documents(111), None), [0, 10, 100, 1]);
        assert_eq!(proportional(Amount::Share(0.5), None), [2, 50, 500, 5]);
        assert_eq!(proportional(Amount::Share(0.5), Some(40)), [2, 40, 40, 5]);
        assert_eq!(proportional(Amount::Documents(u64::MAX), None), [3, 100, 1000, 10]);
        assert_eq!(
            Quota { amount: Amount::All, spread: Spread::Even, per_year: None, years: None }.by_year(&BTreeMap::new()),
            [].into()
        );
    }
}
