//! Markers of units that are done.

use std::path::Path;

use octo_data::{DataError, atomic};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{unreadable, unwritable};

/// What a unit was made from, and what came of it.
#[derive(Serialize, Deserialize)]
struct Marker<T> {
    unit: String,
    input: String,
    settings: String,
    result: T,
}

/// What names a unit: itself, the digest of its input, the digest of the settings.
#[derive(Clone, Debug)]
pub(super) struct Unit<'a> {
    pub(super) name: String,
    pub(super) input: String,
    pub(super) settings: &'a str,
}

impl Unit<'_> {
    /// What came of the unit, where the marker `path` is of this unit, input and settings.
    pub(super) fn done<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, DataError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(path)(error)),
        };
        let marker: Option<Marker<T>> = serde_json::from_slice(&text).ok();
        let own =
            |found: &Marker<T>| found.unit == self.name && found.input == self.input && found.settings == self.settings;
        Ok(marker.filter(own).map(|found| found.result))
    }

    /// Marks the unit as done.
    pub(super) fn mark<T: Serialize>(self, path: &Path, result: &T) -> Result<(), DataError> {
        let marker = Marker { unit: self.name, input: self.input, settings: self.settings.to_owned(), result };
        let text = octo_record::to_json(&marker).map_err(|error| unwritable(path)(error.into()))?;
        atomic::write(path, &text)
    }
}
