//! Safetensors files in and out.
//!
//! Files come from anywhere, so nothing in them is believed: header sizes, offsets and shapes are checked against the
//! file's real length before memory is reserved for them. Tensors are read with positioned reads. A memory map would
//! save one copy, and cost `unsafe` and a killed process whenever another one truncates the file.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use octo_data::{atomic, model_file};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use tch::{Device, Kind, Tensor};

use crate::ModelError;
use crate::checkpoint::{NOT_AS_RECORDED, Recorded, recorded_digest};

/// The format's own bound on its JSON header.
const LARGEST_HEADER: u64 = 100_000_000;
/// Numbers on their way from file to tensor: few enough for a core's cache, and the most that libtorch copies on
/// the calling thread alone. Larger pieces would start and await its other threads hundreds of times per file.
const PIECE: usize = 1 << 15;
/// Bytes on their way from tensor to file: enough that what a write costs beside its bytes is nothing.
const WRITTEN: usize = 4 << 20;

/// Reads the tensors of one safetensors file as they are, ordered by name.
///
/// # Errors
/// [`ModelError`] naming the file; damaged and hostile files are refused, never trusted.
pub fn read_tensors(path: &Path) -> Result<Vec<(String, Tensor)>, ModelError> {
    let file = TensorFile::open(path, &Recorded::new())?;
    let names: BTreeSet<String> = file.metadata.tensors().into_keys().collect();
    names.into_iter().map(|name| file.read(&name, None, Device::Cpu).map(|tensor| (name, tensor))).collect()
}

/// Writes tensors of kind f32, bf16, f16, f64, i64, i32 or u8 as one safetensors file, atomically. Same tensors, same
/// bytes.
///
/// # Errors
/// [`ModelError`] if the file cannot be written, or if a tensor is of another kind or a name stands twice.
pub fn write_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), ModelError> {
    write_tensors_as(path, tensors, &Writing::default()).map(|_| ())
}

/// How [`write_tensors_as`] writes. The default is what [`write_tensors`] does.
#[derive(Debug, Clone, Copy)]
pub struct Writing<'a> {
    /// Convert every tensor to this kind; each has its own if `None`.
    pub kind: Option<Kind>,
    /// The one entry of the header's metadata. Several would be written in an order that differs from run to run.
    pub about: (&'a str, &'a str),
    /// Whether the file's digest is wanted.
    pub digest: bool,
}

impl Default for Writing<'_> {
    /// `format` is `pt`, which `transformers` asks for.
    fn default() -> Self {
        Self { kind: None, about: ("format", "pt"), digest: false }
    }
}

/// [`write_tensors`] with a choice of kind and metadata; returns the file's digest, where that was wanted, as
/// [`octo_data::digest`] writes it.
///
/// Tensors that lie in host memory as they are to be written are written from where they lie. A model of Llama-3.2-1B's
/// shape in bf16, 2.5 GB, was saved at 1.43 times the speed of a plain loop of writes and a sync of the same bytes
/// (`cargo bench -p octo-model --bench against_transformers -- save`).
///
/// # Errors
/// The errors of [`write_tensors`].
pub fn write_tensors_as(
    path: &Path,
    tensors: &[(String, Tensor)],
    writing: &Writing<'_>,
) -> Result<Option<String>, ModelError> {
    let refused = |reason: String| ModelError::content(path, reason);
    // The format orders by falling alignment, then by name.
    let mut ordered = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let kind = writing.kind.map_or_else(|| tensor.f_kind(), Ok)?;
        let dtype = dtype(kind)
            .ok_or_else(|| refused(format!("tensor `{name}` has a kind that safetensors files are not given here")))?;
        ordered.push((dtype, name, tensor, kind));
    }
    ordered.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(right.1)));
    if let Some([(_, name, ..), _]) = ordered.windows(2).find(|pair| matches!(pair, [a, b] if a.1 == b.1)) {
        return Err(refused(format!("tensor `{name}` stands twice")));
    }

    let mut infos = Vec::with_capacity(ordered.len());
    let mut end = 0;
    for (dtype, name, tensor, _) in &ordered {
        let start = end;
        end += tensor.numel() * dtype.bitsize() / 8;
        let shape = tensor.size().iter().map(|&size| size as usize).collect();
        infos.push(((*name).clone(), TensorInfo { dtype: *dtype, shape, data_offsets: (start, end) }));
    }
    let (key, value) = writing.about;
    let about = HashMap::from([(key.to_owned(), value.to_owned())]);
    let metadata = Metadata::new(Some(about), infos).map_err(|error| refused(error.to_string()))?;
    let text = serde_json::to_vec(&metadata).map_err(|error| refused(error.to_string()))?;
    // Tensor data begins at a multiple of 8.
    let size = text.len().next_multiple_of(8);
    let mut header = (size as u64).to_le_bytes().to_vec();
    header.extend(text);
    header.resize(8 + size, b' ');

    let data = ordered.into_iter().flat_map(|(_, _, tensor, kind)| match pieces(tensor, kind) {
        Ok(pieces) => pieces,
        Err(error) => Box::new(std::iter::once(Err(error))),
    });
    atomic::write_pieces(path, std::iter::once(Ok(Cow::Owned(header))).chain(data), writing.digest)
}

type Pieces<'a> = Box<dyn Iterator<Item = Result<Cow<'a, [u8]>, ModelError>> + 'a>;

/// The bytes of `tensor` as `kind`: where they lie, or converted piece by piece, so that no second copy is ever held.
fn pieces(tensor: &Tensor, kind: Kind) -> Result<Pieces<'_>, ModelError> {
    if let Some(bytes) = host_bytes(tensor, kind) {
        return Ok(Box::new(bytes.chunks(WRITTEN).map(|piece| Ok(Cow::Borrowed(piece)))));
    }
    let flat = tensor.f_detach()?.f_contiguous()?.f_view([-1])?;
    let (count, width) = (tensor.numel(), kind.elt_size_in_bytes());
    let at_once = WRITTEN / width;
    Ok(Box::new((0..count).step_by(at_once).map(move |start| {
        let length = at_once.min(count - start);
        let piece = flat.f_narrow(0, start as i64, length as i64)?.f_to_kind(kind)?;
        let mut bytes = vec![0; length * width];
        piece.f_copy_data_u8(&mut bytes, length)?;
        Ok(Cow::Owned(bytes))
    })))
}

/// The memory of a tensor, where it is the host's, without gaps, and of `kind`. The one place where tensors are looked
/// at from outside of libtorch.
#[allow(
    unsafe_code,
    reason = "copying each piece out first, which needs no unsafe, is one more pass over all weights, on cores that belong to training"
)]
fn host_bytes(tensor: &Tensor, kind: Kind) -> Option<&[u8]> {
    let here = tensor.device() == Device::Cpu && tensor.is_contiguous() && tensor.kind() == kind;
    let bytes = tensor.numel() * kind.elt_size_in_bytes();
    if !here || tensor.is_sparse() || bytes == 0 {
        return None;
    }
    // SAFETY: a dense, contiguous tensor on the CPU has its numbers in one piece from `data_ptr` on, all of them set,
    // and keeps them alive; the slice lives no longer than the borrow of the tensor. Numbers of any kind are good
    // bytes. Nobody writes to them meanwhile: `tch` has neither `Sync` tensors nor threads of its own that work on
    // after an operation returns, so only a clone of the tensor's handle sent to another thread could, and whoever
    // saves a model that is trained on at the same time takes a `Snapshot` first, which shares its memory with nobody.
    Some(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<u8>(), bytes) })
}

/// One safetensors file whose header has been checked.
pub(crate) struct TensorFile {
    pub(crate) path: PathBuf,
    file: File,
    pub(crate) metadata: Metadata,
    /// Where tensor data begins, and how many bytes of it there are.
    start: u64,
    bytes: u64,
}

impl TensorFile {
    /// Opens a file. Where digests are recorded it is compared with its own, and then read from the same open file.
    pub(crate) fn open(path: &Path, recorded: &Recorded) -> Result<Self, ModelError> {
        let failed = |error| ModelError::file(path, error);
        let refused = |reason: String| ModelError::content(path, reason);
        let mut file = model_file::open(path)?;
        if let Some(recorded) = recorded_digest(recorded, path)?
            && octo_data::digest::of_open(&mut file).map_err(failed)? != recorded
        {
            return Err(refused(NOT_AS_RECORDED.to_owned()));
        }
        let length = file.metadata().map_err(failed)?.len();
        let mut size = [0; 8];
        if length < 8 {
            return Err(refused(format!("has {length} bytes and is not a safetensors file")));
        }
        file.read_exact(&mut size).map_err(failed)?;
        let header_size = u64::from_le_bytes(size);
        if header_size > LARGEST_HEADER || header_size > length - 8 {
            return Err(refused(format!(
                "claims a header of {header_size} bytes and has {length} bytes in all: it is cut short, or not a \
                 safetensors file"
            )));
        }
        let mut header = vec![0; header_size as usize];
        file.read_exact(&mut header).map_err(failed)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| refused(format!("the header is damaged: {error}")))?;
        let start = 8 + header_size;
        let bytes = length - start;
        // `Metadata` has checked that tensors lie end to end and that sizes match shapes; whether they lie within
        // the file is for us to check, each, since a sum of lengths can wrap around.
        for (name, info) in metadata.tensors() {
            let (from, to) = info.data_offsets;
            if from > to || to as u64 > bytes {
                return Err(refused(format!(
                    "tensor `{name}` lies at bytes {from} to {to}, and the file has {bytes} bytes of data: it is cut \
                     short or damaged"
                )));
            }
        }
        // As the format demands, so that nothing can hide in a file that two readers take for the same.
        let end = metadata.tensors().into_values().map(|info| info.data_offsets.1 as u64).max().unwrap_or(0);
        if end != bytes {
            return Err(refused(format!(
                "has {} bytes after its last tensor: it is damaged, or was not written as a safetensors file",
                bytes - end
            )));
        }
        Ok(Self { path: path.to_path_buf(), file, metadata, start, bytes })
    }

    /// Checks a parameter's shape and that its kind is a floating-point one.
    pub(crate) fn expect(&self, name: &str, shape: &[i64]) -> Result<(), ModelError> {
        let info = self.info(name)?;
        if !info.shape.iter().map(|&size| i64::try_from(size).ok()).eq(shape.iter().map(|&size| Some(size))) {
            return Err(ModelError::content(
                &self.path,
                format!("tensor `{name}` has shape {:?}; config.json asks for {shape:?}", info.shape),
            ));
        }
        if !matches!(info.dtype, Dtype::F32 | Dtype::BF16 | Dtype::F16) {
            return Err(ModelError::content(
                &self.path,
                format!("tensor `{name}` has kind {:?}; weights must be F32, BF16 or F16", info.dtype),
            ));
        }
        Ok(())
    }

    fn info(&self, name: &str) -> Result<&TensorInfo, ModelError> {
        let missing = || ModelError::content(&self.path, format!("tensor `{name}` is missing"));
        self.metadata.info(name).ok_or_else(missing)
    }

    /// Reads one tensor: as `kind` if one is asked for, and as it is else.
    ///
    /// The file is read piece by piece into a small buffer, and each piece is converted to where it belongs, so that
    /// no second copy of the tensor is ever held.
    pub(crate) fn read(&self, name: &str, wanted: Option<Kind>, device: Device) -> Result<Tensor, ModelError> {
        let info = self.info(name)?;
        let refused = |reason: &str| ModelError::content(&self.path, format!("tensor `{name}` {reason}"));
        let stored =
            kind(info.dtype).ok_or_else(|| refused(&format!("has kind {:?}, which is not read here", info.dtype)))?;
        let mut shape = Vec::with_capacity(info.shape.len());
        for &size in &info.shape {
            shape.push(i64::try_from(size).map_err(|_| refused("has an impossible shape"))?);
        }
        let (from, to) = info.data_offsets;
        // Within the file, by `open`; so no more memory is asked for than a small multiple of the file's bytes.
        debug_assert!(to as u64 <= self.bytes);
        let tensor = Tensor::f_empty(&shape, (wanted.unwrap_or(stored), device))?;
        let flat = tensor.f_view([-1])?;
        let width = stored.elt_size_in_bytes();
        let mut buffer = vec![0; (PIECE * width).min(to - from)];
        let mut start = from;
        while start < to {
            let end = to.min(start + PIECE * width);
            let piece = buffer.get_mut(..end - start).unwrap_or_default();
            self.file
                .read_exact_at(piece, self.start + start as u64)
                .map_err(|error| ModelError::file(&self.path, error))?;
            let count = ((end - start) / width) as i64;
            let piece = Tensor::f_from_data_size(piece, &[count], stored)?;
            flat.f_narrow(0, ((start - from) / width) as i64, count)?.f_copy_(&piece)?;
            start = end;
        }
        Ok(tensor)
    }
}

/// Kinds of tensors that pass through files, in the words of both libraries.
const KINDS: [(Dtype, Kind); 7] = [
    (Dtype::F32, Kind::Float),
    (Dtype::BF16, Kind::BFloat16),
    (Dtype::F16, Kind::Half),
    (Dtype::F64, Kind::Double),
    (Dtype::I64, Kind::Int64),
    (Dtype::I32, Kind::Int),
    (Dtype::U8, Kind::Uint8),
];

fn kind(dtype: Dtype) -> Option<Kind> {
    KINDS.iter().find(|(known, _)| *known == dtype).map(|&(_, kind)| kind)
}

fn dtype(kind: Kind) -> Option<Dtype> {
    KINDS.iter().find(|(_, known)| *known == kind).map(|&(dtype, _)| dtype)
}
