//! Packed sequences: several documents in one row, none of which sees another.

use octo_shim::{PackedLengths, upload};
use tch::{Device, Kind, Tensor};

use crate::ModelError;

/// Where the documents of packed rows begin and end.
///
/// Attention runs document by document. A block-diagonal mask would give the same numbers, at the cost of the whole
/// square of the row's length in time and memory.
#[derive(Debug)]
pub struct Documents {
    /// Rows and tokens per row.
    size: [i64; 2],
    /// Lengths of the documents, row by row; they add up to all tokens.
    lengths: PackedLengths,
    /// `[b, t]` i64: positions that begin anew with each document.
    positions: Tensor,
}

impl Documents {
    /// Reads `segments`, `[b, t]` integers, one per token: a document is a run of equal numbers within a row. They are
    /// read on the host; what attention needs goes to `device`, the model's.
    ///
    /// # Errors
    /// [`ModelError::Argument`] if `segments` has another shape or is empty.
    pub fn new(segments: &Tensor, device: Device) -> Result<Self, ModelError> {
        let size = segments.size();
        let (rows, width) = match size[..] {
            [rows, width] if rows > 0 && width > 0 => (rows, width),
            _ => {
                return Err(ModelError::Argument(format!(
                    "`segments` has shape {size:?}; it must be [rows, tokens], and not empty"
                )));
            }
        };
        let flat = segments.f_to_device(Device::Cpu)?.f_to_kind(Kind::Int64)?.f_contiguous()?.f_view([-1])?;
        let numbers = Vec::<i64>::try_from(&flat)?;
        let mut lengths: Vec<i64> = Vec::new();
        let mut positions = Vec::with_capacity(numbers.len());
        for row in numbers.chunks(width as usize) {
            let mut last = None;
            for &number in row {
                match lengths.last_mut().filter(|_| last == Some(number)) {
                    Some(length) => {
                        positions.push(*length);
                        *length += 1;
                    }
                    None => {
                        positions.push(0);
                        lengths.push(1);
                    }
                }
                last = Some(number);
            }
        }
        let positions = upload(&Tensor::f_from_slice(&positions)?.f_view([rows, width])?, device)?;
        Ok(Self { size: [rows, width], lengths: PackedLengths::new(lengths, device)?, positions })
    }

    /// Rows and tokens per row.
    pub fn size(&self) -> [i64; 2] {
        self.size
    }

    /// Lengths of the documents, row by row.
    pub fn lengths(&self) -> &[i64] {
        self.lengths.lengths()
    }

    /// The same, as attention takes them.
    pub(crate) fn packed(&self) -> &PackedLengths {
        &self.lengths
    }

    /// Position of each token in its document, `[b, t]` i64.
    pub fn positions(&self) -> &Tensor {
        &self.positions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_run_within_a_row_and_its_positions_begin_at_0() {
        // The same number on both sides of a row's end, or again later in a row, is another document.
        let segments = Tensor::from_slice(&[4_i64, 4, 4, 2, 2, 2, 7, 2]).view([2, 4]);
        let documents = Documents::new(&segments, Device::Cpu).unwrap();
        assert_eq!(documents.lengths(), [3, 1, 2, 1, 1]);
        let positions: Vec<i64> = Vec::try_from(documents.positions().view(-1)).unwrap();
        assert_eq!(positions, [0, 1, 2, 0, 0, 1, 0, 0]);
        assert_eq!(documents.size(), [2, 4]);
    }

    #[test]
    fn segments_of_a_wrong_shape_are_refused() {
        for shape in [vec![3], vec![0, 3], vec![2, 0], vec![1, 2, 3]] {
            let error = Documents::new(&Tensor::zeros(&shape, (Kind::Int64, Device::Cpu)), Device::Cpu);
            let error = error.unwrap_err().to_string();
            assert!(error.contains("`segments` has shape"), "{error}");
        }
    }
}
