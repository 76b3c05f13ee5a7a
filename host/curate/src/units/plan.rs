//! Which parts of which inputs are a unit.

use super::folder::Folder;
use super::{Cut, Setting};
use octo_data::rows::parts::{Part, Place};
use octo_data::{DataError, atomic};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The most parts of a unit: a folder of a million small files is not a million units, and not one either.
const MOST_PARTS: usize = 1000;

/// A piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its place among the units, from 0.
    pub number: usize,
    /// What it reads, in order.
    pub parts: Vec<UnitPart>,
}

/// A part of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitPart {
    /// The place of its file among the inputs, from 0.
    pub input: usize,
    /// What of the file.
    pub part: Part,
}

impl UnitPart {
    /// Whether its file begins with it.
    pub fn begins_its_file(&self) -> bool {
        match self.part.place {
            Place::Whole => true,
            Place::Lines { from, .. } | Place::Frames { from, .. } | Place::Rows { from, .. } => from == 0,
        }
    }
}

impl Unit {
    /// Bytes of its inputs, as they lie on disk.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.part.bytes).sum()
    }
}

/// The plan as it is kept.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Plan {
    key: String,
    unit_bytes: u64,
    sizes: Vec<u64>,
    units: Vec<Unit>,
}

/// The units of `inputs`: those of a plan that is kept under the same key, or new ones.
pub(super) fn units(
    inputs: &[PathBuf],
    cut: Cut<'_>,
    folder: &Folder,
    setting: &Setting,
) -> Result<Vec<Unit>, DataError> {
    let unit_bytes = setting.unit_bytes();
    let sizes = inputs.iter().map(|path| {
        std::fs::metadata(path).map(|data| data.len()).map_err(|error| DataError::file("read", path, error))
    });
    let sizes: Vec<u64> = sizes.collect::<Result<_, _>>()?;
    let Some(key) = &setting.key else {
        return Ok(group(cut_all(inputs, cut, unit_bytes)?, unit_bytes));
    };
    let path = folder.path("plan.json");
    let kept: Option<Plan> = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(plan) = kept.filter(|plan| plan.key == *key && plan.unit_bytes == unit_bytes && plan.sizes == sizes) {
        return Ok(plan.units);
    }
    let units = group(cut_all(inputs, cut, unit_bytes)?, unit_bytes);
    let plan = Plan { key: key.clone(), unit_bytes, sizes, units };
    let text = serde_json::to_vec(&plan).map_err(|error| DataError::file("write", &path, error.into()))?;
    // Shards that begin together all write the same.
    folder.write("plan.json", &text).map(|()| plan.units)
}

fn cut_all(inputs: &[PathBuf], cut: Cut<'_>, unit_bytes: u64) -> Result<Vec<Vec<Part>>, DataError> {
    // The first input's error, whichever comes first.
    let cut: Vec<_> = (0..inputs.len()).into_par_iter().map(|place| cut(place, unit_bytes)).collect();
    cut.into_iter().collect()
}

pub(super) fn group(files: Vec<Vec<Part>>, unit_bytes: u64) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut weight: u64 = 0;
    for (input, part) in
        files.into_iter().enumerate().flat_map(|(input, parts)| parts.into_iter().map(move |part| (input, part)))
    {
        let fits = weight.saturating_add(part.weight) <= unit_bytes;
        match units.last_mut() {
            Some(unit) if fits && unit.parts.len() < MOST_PARTS => {
                weight += part.weight;
                unit.parts.push(UnitPart { input, part });
            }
            _ => {
                weight = part.weight;
                units.push(Unit { number: units.len(), parts: vec![UnitPart { input, part }] });
            }
        }
    }
    units
}

/// Writes `bytes` as `to`, by way of the file `aside`.
pub(super) fn write_aside(aside: PathBuf, to: &std::path::Path, bytes: &[u8]) -> Result<(), DataError> {
    atomic::write(&aside, bytes)?;
    std::fs::rename(&aside, to).map_err(|error| DataError::file("write", to, error))
}
