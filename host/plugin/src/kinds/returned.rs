//! Checks of what guests return, shared by all kinds: here `returned_string_bytes` and `returned_list_items` are enforced.

use std::collections::BTreeSet;

use crate::contract::records::types::Field;
use crate::failure::Failure;
use crate::sandbox::Limits;
use crate::text::for_people;

/// Longest name that reports count or draw a curve by: drop reasons and reward parts.
const LONGEST_LABEL: usize = 200;

/// A string within `returned_string_bytes`.
pub(crate) fn string(limits: &Limits, what: &str, text: &str) -> Result<(), Failure> {
    if text.len() as u64 > limits.returned_string_bytes {
        return Err(Failure::invalid_output(format!(
            "{what} has {} bytes; `returned_string_bytes` is {}",
            text.len(),
            limits.returned_string_bytes
        )));
    }
    Ok(())
}

/// A list within `returned_list_items`.
pub(crate) fn list<T>(limits: &Limits, what: &str, items: &[T]) -> Result<(), Failure> {
    if items.len() as u64 > limits.returned_list_items {
        return Err(Failure::invalid_output(format!(
            "{what} has {} entries; `returned_list_items` is {}",
            items.len(),
            limits.returned_list_items
        )));
    }
    Ok(())
}

/// A name that things are counted by: short, and the same to the eye as to the machine.
pub(crate) fn label(what: &str, name: &str) -> Result<(), Failure> {
    if name.trim().is_empty() || name.len() > LONGEST_LABEL || for_people(name, LONGEST_LABEL) != name {
        return Err(Failure::invalid_output(format!(
            "{what} is {:?}; it must be a short name (1 to {LONGEST_LABEL} bytes, no control characters)",
            for_people(name, LONGEST_LABEL)
        )));
    }
    Ok(())
}

/// No name twice.
pub(crate) fn unique<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Failure::invalid_output(format!("{what} {:?} comes twice", for_people(name, LONGEST_LABEL))));
        }
    }
    Ok(())
}

/// A finite number.
pub(crate) fn finite(what: &str, value: f64) -> Result<(), Failure> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(Failure::invalid_output(format!("{what} is {value}, not a finite number")))
    }
}

/// A temperature and a top-p that one can sample by.
pub(crate) fn sampling(whose: &str, temperature: f64, top_p: f64) -> Result<(), Failure> {
    finite(&format!("{whose}'s temperature"), temperature)?;
    finite(&format!("{whose}'s top-p"), top_p)?;
    if temperature < 0.0 {
        return Err(Failure::invalid_output(format!("{whose}'s temperature is {temperature}; it is 0 or more")));
    }
    if top_p <= 0.0 || top_p > 1.0 {
        return Err(Failure::invalid_output(format!("{whose}'s top-p is {top_p}; it is over 0 and up to 1")));
    }
    Ok(())
}

/// Fields of a document: bounded, named, no name twice.
pub(crate) fn fields(limits: &Limits, fields: &[Field]) -> Result<(), Failure> {
    list(limits, "the list of fields", fields)?;
    for field in fields {
        label("a field's name", &field.name)?;
        string(limits, "a field's value", &field.value)?;
    }
    unique("field", fields.iter().map(|field| field.name.as_str()))
}
