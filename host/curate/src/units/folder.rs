//! The files of units. A unit writes aside, in a folder of its process, then has its files renamed into place, and last
//! its marker. What a kill leaves aside is removed by whoever works there next.

use super::plan::write_aside;
use super::{FOLDER, Setting, Unit};
use octo_data::DataError;
use octo_data::jsonl::JsonlWriter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of a stage's units.
pub(super) struct Folder {
    place: PathBuf,
    /// Where this process writes what is not done.
    aside: PathBuf,
    names: &'static [&'static str],
    /// Empty where nothing is kept from one call to the next.
    key: String,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.key.is_empty() {
            let _ = self.remove();
        }
    }
}

/// The files that a unit is writing.
pub struct Outputs {
    writers: Vec<(&'static str, JsonlWriter)>,
}

impl Outputs {
    /// Writes one line of the file `name`.
    ///
    /// # Errors
    /// A file that cannot be written, or is not one of the unit's.
    pub fn write<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), DataError> {
        match self.writers.iter_mut().find(|(own, _)| *own == name) {
            Some((_, writer)) => writer.write(value),
            None => Err(DataError::Invalid(format!("{name:?} is not an output of the unit; this is a bug"))),
        }
    }
}

/// What says that a unit is done.
#[derive(Serialize, Deserialize)]
struct Marker<C> {
    /// What it read.
    unit: Unit,
    /// What its outputs were made under.
    key: String,
    /// Its outputs, in their order.
    outputs: Vec<Output>,
    /// What was counted.
    counts: C,
}

/// A file that a unit wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Output {
    pub name: String,
    pub lines: u64,
    pub bytes: u64,
}

impl Folder {
    pub(super) fn open(place: PathBuf, names: &'static [&'static str], setting: &Setting) -> Result<Folder, DataError> {
        let aside = place.join(match &setting.shard {
            Some(shard) => shard.file_name("at-work", "shard"),
            None => "at-work".to_owned(),
        });
        let folder = Folder { place, aside, names, key: setting.key.clone().unwrap_or_default() };
        if setting.key.is_none() {
            folder.remove()?;
        }
        remove(&folder.aside)?;
        std::fs::create_dir_all(&folder.aside).map_err(|error| DataError::file("create", &folder.aside, error))?;
        Ok(folder)
    }

    pub(super) fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// The place of a file of all units.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// The place of a file of a unit.
    pub(super) fn unit_path(&self, number: usize, name: &str) -> PathBuf {
        self.place.join(format!("{number:06}-{name}"))
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DataError> {
        write_aside(self.aside.join(name), &self.place.join(name), bytes)
    }

    /// The files of a unit that begins.
    pub(super) fn outputs(&self, unit: &Unit) -> Result<Outputs, DataError> {
        let create = |name: &&'static str| {
            JsonlWriter::create(&self.aside.join(format!("{:06}-{name}", unit.number))).map(|writer| (*name, writer))
        };
        Ok(Outputs { writers: self.names.iter().map(create).collect::<Result<_, _>>()? })
    }

    /// Ends the files of a unit, puts them in their place and marks the unit as done.
    pub(super) fn keep<C: Serialize>(&self, unit: &Unit, outputs: Outputs, counts: &C) -> Result<(), DataError> {
        let mut kept = Vec::new();
        for (name, writer) in outputs.writers {
            let lines = writer.lines();
            writer.finish()?;
            let aside = self.aside.join(format!("{:06}-{name}", unit.number));
            let to = self.unit_path(unit.number, name);
            let failed = |error| DataError::file("write", &to, error);
            let bytes = std::fs::metadata(&aside).map_err(failed)?.len();
            std::fs::rename(&aside, &to).map_err(failed)?;
            kept.push(Output { name: name.to_owned(), lines, bytes });
        }
        let marker = Marker { unit: unit.clone(), key: self.key.clone(), outputs: kept, counts };
        let name = marker_name(unit.number);
        let text = serde_json::to_vec(&marker)
            .map_err(|error| DataError::file("write", &self.place.join(&name), error.into()))?;
        self.write(&name, &text)
    }

    /// What a unit has counted that is done: its marker is of this work and its outputs are as it says.
    pub(super) fn done<C: DeserializeOwned>(&self, unit: &Unit) -> Result<Option<C>, DataError> {
        Ok(self.marker(unit)?.map(|marker| marker.counts))
    }

    /// Whether a unit is done.
    pub(super) fn is_marked(&self, unit: &Unit) -> bool {
        matches!(self.marker::<serde::de::IgnoredAny>(unit), Ok(Some(_)))
    }

    /// The outputs of a unit that is done.
    pub(super) fn kept(&self, unit: &Unit) -> Result<Vec<Output>, DataError> {
        let marker = self.marker::<serde::de::IgnoredAny>(unit)?;
        marker.map(|marker| marker.outputs).ok_or_else(|| self.gone(unit))
    }

    /// What a unit has counted that is done.
    pub(super) fn counts<C: DeserializeOwned>(&self, unit: &Unit) -> Result<C, DataError> {
        self.done(unit)?.ok_or_else(|| self.gone(unit))
    }

    fn gone(&self, unit: &Unit) -> DataError {
        DataError::Format {
            path: self.place.join(marker_name(unit.number)),
            message: "is gone or damaged since its unit was done. Run again".into(),
        }
    }

    fn marker<C: DeserializeOwned>(&self, unit: &Unit) -> Result<Option<Marker<C>>, DataError> {
        let path = self.place.join(marker_name(unit.number));
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DataError::file("read", &path, error)),
        };
        let marker: Option<Marker<C>> = serde_json::from_slice(&text).ok();
        Ok(marker.filter(|marker| {
            let names = marker.outputs.iter().map(|output| output.name.as_str());
            marker.unit == *unit
                && marker.key == self.key
                && names.eq(self.names.iter().copied())
                && marker.outputs.iter().all(|output| {
                    let path = self.unit_path(unit.number, &output.name);
                    std::fs::metadata(path).is_ok_and(|data| data.len() == output.bytes)
                })
        }))
    }

    /// Removes all units.
    pub(super) fn remove(&self) -> Result<(), DataError> {
        remove(&self.place)
    }
}

/// Of the units that were planned in the folder `out` of a stage at work, those that are not marked as done, by their numbers; none
/// where nothing was planned yet or all has been joined.
///
/// # Errors
/// A folder that cannot be read.
pub fn left(out: &Path) -> Result<Option<Vec<usize>>, DataError> {
    #[derive(Deserialize)]
    struct Planned {
        units: Vec<Unit>,
    }
    let path = out.join(FOLDER).join("plan.json");
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DataError::file("read", &path, error)),
    };
    let planned: Planned =
        serde_json::from_slice(&text).map_err(|error| DataError::file("read", &path, error.into()))?;
    let is_left = |number: &usize| !out.join(FOLDER).join(marker_name(*number)).is_file();
    Ok(Some(planned.units.iter().map(|unit| unit.number).filter(is_left).collect()))
}

fn marker_name(number: usize) -> String {
    format!("{number:06}.json")
}

fn remove(folder: &Path) -> Result<(), DataError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DataError::file("remove", folder, error)),
        _ => Ok(()),
    }
}
