//! The columns of all rows, and the narrowest type that holds every value of each.

use super::{Cells, MOST_WRITTEN};
use crate::error::DataError;
use crate::json::{Json, plain_decimal};
use std::collections::HashMap;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Null in every row.
    Nothing,
    Bool,
    /// Whole numbers of 64 bits.
    Whole,
    /// Numbers that 64 bits of floating point hold digit by digit.
    Float,
    Text,
}

impl Type {
    fn of(value: &Json) -> Type {
        match value {
            Json::Null => Type::Nothing,
            Json::Bool(_) => Type::Bool,
            Json::Number(number) if number.parse::<i64>().is_ok() => Type::Whole,
            Json::Number(number) if is_exact(number) => Type::Float,
            _ => Type::Text,
        }
    }

    /// The narrowest type that holds the values of both.
    fn with(self, other: Type, floats: bool) -> Type {
        match (self, other) {
            (one, other) if one == other => one,
            (Type::Nothing, other) | (other, Type::Nothing) => other,
            (Type::Whole, Type::Float) | (Type::Float, Type::Whole) if floats => Type::Float,
            _ => Type::Text,
        }
    }
}

/// Whether a number of 64 bits has all digits of `number`.
fn is_exact(number: &str) -> bool {
    let Ok(float) = number.parse::<f64>() else { return false };
    let trimmed = |text: String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    float.is_finite() && trimmed(float.to_string()) == trimmed(plain_decimal(number))
}

/// The columns in the order of their first rows.
pub(super) struct Columns {
    names: Vec<String>,
    types: Vec<Type>,
    /// Whether a column of whole numbers can be one of floats: none is beyond what a float holds exactly.
    floats: Vec<bool>,
    places: HashMap<String, usize>,
}

impl Columns {
    /// The columns of `rows`.
    pub(super) fn of(rows: impl Iterator<Item = Result<Cells, DataError>>) -> Result<Columns, DataError> {
        let mut columns = Columns { names: Vec::new(), types: Vec::new(), floats: Vec::new(), places: HashMap::new() };
        for row in rows {
            for (name, value) in row? {
                let place = match columns.places.get(&name) {
                    Some(place) => *place,
                    None if columns.names.len() == MOST_WRITTEN => {
                        return Err(DataError::Invalid(format!(
                            "the rows have more than {MOST_WRITTEN} columns, which is the most that CSV and Parquet are \
                             written with; write JSON Lines"
                        )));
                    }
                    None => {
                        columns.places.insert(name.clone(), columns.names.len());
                        columns.names.push(name);
                        columns.types.push(Type::Nothing);
                        columns.floats.push(true);
                        columns.names.len() - 1
                    }
                };
                if let Json::Number(number) = &value {
                    columns.floats[place] &= is_exact(number);
                }
                columns.types[place] = columns.types[place].with(Type::of(&value), columns.floats[place]);
            }
        }
        Ok(columns)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    /// Each column with its type.
    pub(super) fn typed(&self) -> impl Iterator<Item = (&str, Type)> {
        self.names.iter().map(String::as_str).zip(self.types.iter().copied())
    }

    /// The cells of a row in the order of the columns. Of two cells of one name the last counts.
    pub(super) fn cells(&self, row: Cells) -> Vec<Option<Json>> {
        let mut cells = vec![None; self.names.len()];
        for (name, value) in row {
            if let Some(place) = self.places.get(&name) {
                cells[*place] = Some(value).filter(|value| *value != Json::Null);
            }
        }
        cells
    }
}
