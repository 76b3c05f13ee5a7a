//! A file of verdicts as the outcomes of each problem.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use octo_data::field_map::{FieldMap, Found};
use octo_data::json::Json;
use octo_data::row::Row;
use octo_data::rows::{Rows, Wanted};
use octo_record::Outcome;

/// Columns that say which problem a row is about, the first that all rows have; without one it is the row's number.
const KEYS: [&str; 2] = ["id", "line"];

/// How rows are called that have no column to tell them apart.
const BY_NUMBER: &str = "row number";

/// A file's verdicts by problem.
pub struct VerdictFile {
    /// How messages call it.
    pub name: String,
    /// The column that says which problem a row is about.
    pub key: String,
    /// Problems in the order of their first rows.
    pub problems: Vec<(String, Attempts)>,
}

/// The attempts at a problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Attempts, those without a verdict included.
    pub all: u64,
    /// Correct ones.
    pub correct: u64,
}

impl Attempts {
    /// The share of correct attempts.
    pub fn share(self) -> f64 {
        self.correct as f64 / self.all.max(1) as f64
    }
}

/// A file whose rows can still be told apart in several ways.
pub struct Read {
    name: String,
    /// A row's attempts, and its text in each column that may tell it apart, and its number.
    rows: Vec<(Attempts, Vec<Option<String>>, u64)>,
    keys: Vec<String>,
    /// Whether the user chose the key.
    chosen: bool,
}

impl VerdictFile {
    /// Reads what `octo-host --plugin` of a verifier wrote, in any format that is read. `key` is the column of `--on`, and
    /// `verdict` the one that `--join` gave verdicts.
    pub fn read(path: &Path, key: Option<&str>, verdict: &str) -> Result<Read> {
        let keys: Vec<String> = key.map_or_else(|| KEYS.map(str::to_owned).to_vec(), |key| vec![key.to_owned()]);
        let name = path.display().to_string();
        let map = FieldMap::default();
        let mut rows = Vec::new();
        for (place, numbered) in (1..).zip(Rows::stream(path, &Wanted::All)?) {
            let row = numbered.row?;
            let at = |message: String| anyhow!("{name}, row {place}: {message}");
            let attempts = attempts(&map, &row, verdict).map_err(at)?;
            let texts = keys.iter().map(|key| text(&map, &row, key)).collect::<Result<Vec<_>, String>>().map_err(at)?;
            rows.push((attempts, texts, place));
        }
        if rows.is_empty() {
            bail!("{name} has no rows");
        }
        Ok(Read { name, rows, keys, chosen: key.is_some() })
    }
}

/// The two files, with rows told apart by the same column.
pub fn under_one_key(a: Read, b: Read) -> Result<(VerdictFile, VerdictFile)> {
    let has = |read: &Read, place: usize| read.rows.iter().all(|(_, texts, _)| texts[place].is_some());
    let place = (0..a.keys.len()).find(|&place| has(&a, place) && has(&b, place));
    if place.is_none() && a.chosen {
        let lacking = if has(&a, 0) { &b } else { &a };
        let row = lacking.rows.iter().find(|(_, texts, _)| texts[0].is_none()).map_or(0, |(_, _, number)| *number);
        bail!("--on {}: {}, row {row} has nothing in that column", a.keys[0], lacking.name);
    }
    Ok((a.by(place), b.by(place)))
}

impl Read {
    fn by(self, place: Option<usize>) -> VerdictFile {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut problems: Vec<(String, Attempts)> = Vec::new();
        for (of_row, texts, number) in self.rows {
            let key = place.and_then(|place| texts[place].clone()).unwrap_or_else(|| number.to_string());
            let place = *places.entry(key.clone()).or_insert_with(|| {
                problems.push((key, Attempts::default()));
                problems.len() - 1
            });
            problems[place].1.all += of_row.all;
            problems[place].1.correct += of_row.correct;
        }
        let key = place.map_or_else(|| BY_NUMBER.to_owned(), |place| self.keys[place].clone());
        VerdictFile { name: self.name, key, problems }
    }
}

fn text(map: &FieldMap, row: &Row, column: &str) -> Result<Option<String>, String> {
    Ok(match map.find(row, column)? {
        None => map.text(row, column)?,
        Some(Found::One(Json::Null)) => None,
        Some(Found::One(value)) => Some(value.text().unwrap_or_else(|| value.to_string())),
        Some(Found::Each(values)) => Some(Json::List(values.into_iter().cloned().collect()).to_string()),
    })
}

/// The attempts of a row: a verdict of its own, or one or several joined to it.
fn attempts(map: &FieldMap, row: &Row, verdict: &str) -> Result<Attempts, String> {
    let one = |outcome: Option<String>, failure: Option<String>| match (outcome, failure) {
        (Some(outcome), _) => {
            let outcome = outcome.parse::<Outcome>().map_err(|error| error.to_string())?;
            Ok(Attempts { all: 1, correct: u64::from(outcome == Outcome::Correct) })
        }
        (None, Some(_)) => Ok(Attempts { all: 1, correct: 0 }),
        (None, None) => Err(format!(
            "there is no verdict: neither `outcome` nor `failure`, alone or in `{verdict}`; --verdict names the column that \
             --join made"
        )),
    };
    // In CSV and Parquet the joined verdict has columns of its own, which a path finds as well.
    let columns =
        [("outcome".to_owned(), "failure".to_owned()), (format!("{verdict}.outcome"), format!("{verdict}.failure"))];
    for (outcome, failure) in &columns {
        let (outcome, failure) = (text(map, row, outcome)?, text(map, row, failure)?);
        // A cell of CSV that is empty is null.
        let (outcome, failure) = (outcome.filter(|text| !text.is_empty()), failure.filter(|text| !text.is_empty()));
        if outcome.is_some() || failure.is_some() {
            return one(outcome, failure);
        }
    }
    let read;
    let items = match row.get(verdict)? {
        Some(Json::List(items)) => items,
        // A list in a cell of CSV or Parquet.
        Some(Json::Text(text)) if text.starts_with('[') => match Json::parse(text.as_bytes())? {
            Json::List(items) => {
                read = items;
                &read
            }
            _ => return one(None, None),
        },
        _ => return one(None, None),
    };
    let mut sum = Attempts::default();
    for item in items {
        let entry = |name: &str| match item {
            Json::Object(entries) => entries.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.text()),
            _ => None,
        };
        let found = one(entry("outcome"), entry("failure"))?;
        sum = Attempts { all: sum.all + found.all, correct: sum.correct + found.correct };
    }
    Ok(sum)
}
