//! Rows of numbers, plain or quantised by parts (product quantisation).

use super::file::{ModelReader, Wrong};
use std::io::Read;

/// Centroids of each part of a quantised row.
const CENTROIDS: usize = 256;

pub(super) enum Matrix {
    Dense { columns: usize, numbers: Vec<f32> },
    Quantised(Quantised),
}

pub(super) struct Quantised {
    rows: usize,
    codes: Vec<u8>,
    parts: Parts,
    /// Codes and centroids of the rows' lengths, where these were taken out.
    norms: Option<(Vec<u8>, Parts)>,
}

/// A product quantiser: what the codes stand for.
struct Parts {
    columns: usize,
    parts: usize,
    /// Numbers of a part, and of the last one.
    width: usize,
    last: usize,
    centroids: Vec<f32>,
}

impl Matrix {
    pub(super) fn read<R: Read>(
        reader: &mut ModelReader<R>,
        quantised: bool,
        name: &str,
        columns: i64,
    ) -> Result<Matrix, Wrong> {
        let has_norms = quantised && reader.flag("whether a matrix has norms")?;
        let rows = reader.i64()?;
        let found = reader.i64()?;
        if rows < 0 || found != columns {
            return Err(
                format!("is damaged: its {name} is {rows} x {found} where {columns} columns are expected").into()
            );
        }
        let columns = columns as usize;
        if !quantised {
            let numbers = reader.floats((rows as u64).saturating_mul(columns as u64), &format!("its {name}"))?;
            return Ok(Matrix::Dense { columns, numbers });
        }
        let codes = reader.i32()?;
        let codes = reader.bytes(u64::try_from(codes).unwrap_or(u64::MAX), &format!("its {name}"))?;
        let parts = Parts::read(reader, columns)?;
        if codes.len() as u64 != (rows as u64).saturating_mul(parts.parts as u64) {
            let (codes, parts) = (codes.len(), parts.parts);
            return Err(format!("is damaged: its {name} has {codes} codes for {rows} rows of {parts} parts").into());
        }
        let norms = match has_norms {
            true => Some((reader.bytes(rows as u64, "its norms")?, Parts::read(reader, 1)?)),
            false => None,
        };
        Ok(Matrix::Quantised(Quantised { rows: rows as usize, codes, parts, norms }))
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Matrix::Dense { columns, numbers } => numbers.len() / columns,
            Matrix::Quantised(quantised) => quantised.rows,
        }
    }

    fn columns(&self) -> usize {
        match self {
            Matrix::Dense { columns, .. } => *columns,
            Matrix::Quantised(quantised) => quantised.parts.columns,
        }
    }

    /// The mean of `rows`, which are not empty, added up in their order.
    pub(super) fn mean_of_rows(&self, rows: &[i32], mean: &mut Vec<f32>) {
        mean.clear();
        mean.resize(self.columns(), 0.0);
        match self {
            Matrix::Dense { columns, numbers } => {
                for row in rows {
                    let row = &numbers[*row as usize * columns..][..*columns];
                    mean.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
                }
            }
            Matrix::Quantised(quantised) => rows.iter().for_each(|row| quantised.add(*row as usize, mean)),
        }
        let share = (1.0 / rows.len() as f64) as f32;
        mean.iter_mut().for_each(|sum| *sum *= share);
    }

    /// The product of `vector` and a row.
    pub(super) fn dot(&self, row: usize, vector: &[f32]) -> f32 {
        match self {
            Matrix::Dense { columns, numbers } => {
                let row = &numbers[row * columns..][..*columns];
                row.iter().zip(vector).fold(0.0, |sum, (one, other)| sum + one * other)
            }
            Matrix::Quantised(quantised) => quantised.dot(row, vector),
        }
    }
}

impl Quantised {
    fn norm(&self, row: usize) -> f32 {
        self.norms.as_ref().map_or(1.0, |(codes, parts)| parts.centroid(0, codes[row])[0])
    }

    /// The part of `row` with what it stands for, in order: C++ fastText's `addcode` and `mulcode`.
    fn centroids(&self, row: usize) -> impl Iterator<Item = &[f32]> {
        let codes = &self.codes[row * self.parts.parts..][..self.parts.parts];
        codes.iter().enumerate().map(|(part, code)| self.parts.centroid(part, *code))
    }

    fn add(&self, row: usize, sums: &mut [f32]) {
        let norm = self.norm(row);
        for (centroid, sums) in self.centroids(row).zip(sums.chunks_mut(self.parts.width)) {
            centroid.iter().zip(sums).for_each(|(number, sum)| *sum += norm * number);
        }
    }

    fn dot(&self, row: usize, vector: &[f32]) -> f32 {
        let mut sum = 0.0;
        for (centroid, vector) in self.centroids(row).zip(vector.chunks(self.parts.width)) {
            sum = centroid.iter().zip(vector).fold(sum, |sum, (one, other)| sum + one * other);
        }
        sum * self.norm(row)
    }
}

impl Parts {
    fn read<R: Read>(reader: &mut ModelReader<R>, columns: usize) -> Result<Parts, Wrong> {
        let mut number = || reader.i32().map(i64::from);
        let (found, parts, width, last) = (number()?, number()?, number()?, number()?);
        let is_right = found == columns as i64
            && (1..=found).contains(&width)
            && parts == (found + width - 1) / width
            && last == found - (parts - 1) * width;
        if !is_right {
            return Err(format!(
                "is damaged: a quantiser of {found} columns has {parts} parts of {width} numbers, the last of {last}"
            )
            .into());
        }
        let centroids = reader.floats((columns * CENTROIDS) as u64, "a quantiser")?;
        Ok(Parts { columns, parts: parts as usize, width: width as usize, last: last as usize, centroids })
    }

    fn centroid(&self, part: usize, code: u8) -> &[f32] {
        let begin = part * CENTROIDS * self.width;
        let width = if part == self.parts - 1 { self.last } else { self.width };
        &self.centroids[begin + usize::from(code) * width..][..width]
    }
}
