//! Hugging Face folders in and out: `config.json` and safetensors, whole or in shards.
//!
//! Model files come from anywhere, so nothing in them is believed: header sizes, offsets, shapes and shard names are
//! checked against the file's real length and the configuration before memory is reserved for them. Tensors are read
//! one by one with positioned reads. A memory map would save one copy, and cost `unsafe` and a killed process
//! whenever another one truncates the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use octo_data::atomic::{self, AtomicFile};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::Deserialize;
use tch::{Kind, Tensor};

use crate::config::EndTokens;
use crate::{LlamaConfig, ModelError};

/// The format's own bound on its JSON header.
const LARGEST_HEADER: u64 = 100_000_000;
/// Bound on `config.json` and the like; real ones have a few kilobytes, a shard index a few megabytes.
const LARGEST_JSON: u64 = 64 << 20;

/// Reads the tensors of one safetensors file as they are, ordered by name.
///
/// # Errors
/// [`ModelError`] naming the file; damaged and hostile files are refused, never trusted.
pub fn read_tensors(path: &Path) -> Result<Vec<(String, Tensor)>, ModelError> {
    let mut file = TensorFile::open(path)?;
    let names: BTreeSet<String> = file.metadata.tensors().into_keys().collect();
    names.into_iter().map(|name| file.read(&name).map(|tensor| (name, tensor))).collect()
}

/// Writes tensors of kind f32, bf16, f16, f64, i64, i32 or u8 as one safetensors file, atomically. Same tensors, same
/// bytes.
///
/// # Errors
/// [`ModelError`] if the file cannot be written, or if a tensor is of another kind or a name stands twice.
pub fn write_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), ModelError> {
    let refused = |reason: String| ModelError::content(path, reason);
    // The format orders by falling alignment, then by name.
    let mut ordered = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let dtype = dtype(tensor.f_kind()?)
            .ok_or_else(|| refused(format!("tensor `{name}` has a kind that safetensors files are not given here")))?;
        ordered.push((dtype, name, tensor));
    }
    ordered.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(right.1)));
    if let Some([(_, name, _), _]) = ordered.windows(2).find(|pair| matches!(pair, [a, b] if a.1 == b.1)) {
        return Err(refused(format!("tensor `{name}` stands twice")));
    }

    let mut infos = Vec::with_capacity(ordered.len());
    let mut end = 0;
    for (dtype, name, tensor) in &ordered {
        let start = end;
        end += tensor.numel() * dtype.bitsize() / 8;
        let shape = tensor.size().iter().map(|&size| size as usize).collect();
        infos.push(((*name).clone(), TensorInfo { dtype: *dtype, shape, data_offsets: (start, end) }));
    }
    // transformers asks for this key.
    let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let metadata = Metadata::new(Some(about), infos).map_err(|error| refused(error.to_string()))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|error| refused(error.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');

    let mut file = AtomicFile::create(path)?;
    let mut put = |bytes: &[u8]| file.write_all(bytes).map_err(|error| ModelError::file(path, error));
    put(&(header.len() as u64).to_le_bytes())?;
    put(&header)?;
    let mut bytes = Vec::new();
    for (dtype, _, tensor) in ordered {
        bytes.resize(tensor.numel() * dtype.bitsize() / 8, 0);
        tensor.f_detach()?.f_contiguous()?.f_copy_data_u8(&mut bytes, tensor.numel())?;
        put(&bytes)?;
    }
    file.commit()?;
    Ok(())
}

/// Reads and checks `config.json`, and takes end tokens from `generation_config.json` where it names some.
pub(crate) fn read_config(dir: &Path) -> Result<LlamaConfig, ModelError> {
    let path = dir.join("config.json");
    let mut config: LlamaConfig = read_json(&path)?;
    config.validate().map_err(|error| ModelError::content(&path, error.to_string()))?;

    #[derive(Deserialize)]
    struct Generation {
        eos_token_id: Option<EndTokens>,
    }
    let generation = dir.join("generation_config.json");
    if generation.is_file()
        && let Some(tokens) = read_json::<Generation>(&generation)?.eos_token_id
    {
        config.eos_token_id = tokens.into();
    }
    Ok(config)
}

/// Reads every parameter that `config` asks for, in its order, as fp32 on CPU.
pub(crate) fn read_parameters(dir: &Path, config: &LlamaConfig) -> Result<Vec<(String, Tensor)>, ModelError> {
    let expected = config.parameter_shapes();
    let (mut files, places, listing) = open_shards(dir)?;

    let known: BTreeSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    // Some exporters also write what follows from the rest: a tied projection, or the rotary frequencies.
    let derived =
        |name: &str| (config.tie_word_embeddings && name == "lm_head.weight") || name.ends_with(".rotary_emb.inv_freq");
    if let Some((name, shard)) = places.iter().find(|(name, _)| !known.contains(name.as_str()) && !derived(name)) {
        let file = files.get(*shard).map_or(listing.as_path(), |file| &file.path);
        return Err(ModelError::content(
            file,
            format!("tensor `{name}` belongs to no parameter of the model that config.json describes"),
        ));
    }

    let mut parameters = Vec::with_capacity(expected.len());
    for (name, shape) in expected {
        let file = places.get(&name).and_then(|&shard| files.get_mut(shard));
        let Some(file) = file else {
            return Err(ModelError::content(
                &listing,
                format!("tensor `{name}` of shape {shape:?} is missing; config.json asks for it"),
            ));
        };
        file.expect(&name, &shape)?;
        parameters.push((name.clone(), file.read(&name)?.f_to_kind(Kind::Float)?));
    }
    Ok(parameters)
}

/// Writes a model's folder; see [`crate::Llama::save`].
pub(crate) fn write_model(dir: &Path, config: &LlamaConfig, parameters: &[(String, Tensor)]) -> Result<(), ModelError> {
    let pretty = |path: &Path, value: &serde_json::Value| -> Result<(), ModelError> {
        let mut text =
            serde_json::to_vec_pretty(value).map_err(|error| ModelError::content(path, error.to_string()))?;
        text.push(b'\n');
        Ok(atomic::write(path, &text)?)
    };
    let path = dir.join("config.json");
    let value = serde_json::to_value(config).map_err(|error| ModelError::content(&path, error.to_string()))?;
    pretty(&path, &value)?;
    let mut generation = serde_json::Map::new();
    for key in ["bos_token_id", "eos_token_id"] {
        if let Some(tokens) = value.get(key) {
            generation.insert(key.to_owned(), tokens.clone());
        }
    }
    pretty(&dir.join("generation_config.json"), &generation.into())?;
    write_tensors(&dir.join("model.safetensors"), parameters)
}

/// Opened shards, the shard of each tensor by name, and the file that lists them.
type Shards = (Vec<TensorFile>, BTreeMap<String, usize>, PathBuf);

fn open_shards(dir: &Path) -> Result<Shards, ModelError> {
    let whole = dir.join("model.safetensors");
    if whole.is_file() {
        let file = TensorFile::open(&whole)?;
        let places = file.metadata.tensors().into_keys().map(|name| (name, 0)).collect();
        return Ok((vec![file], places, whole));
    }
    let listing = dir.join("model.safetensors.index.json");
    if !listing.is_file() {
        return Err(ModelError::content(dir, "holds neither model.safetensors nor model.safetensors.index.json"));
    }

    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = read_json(&listing)?;
    let mut files: Vec<TensorFile> = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (name, shard) in index.weight_map {
        let number = match numbers.get(&shard) {
            Some(&number) => number,
            None => {
                // A shard lies beside its index; anything else would let the file point anywhere.
                if Path::new(&shard).file_name() != Some(shard.as_ref()) || shard.contains('\\') {
                    return Err(ModelError::content(&listing, format!("shard \"{shard}\" is not a plain file name")));
                }
                files.push(TensorFile::open(&dir.join(&shard))?);
                numbers.insert(shard, files.len() - 1);
                files.len() - 1
            }
        };
        if let Some(file) = files.get(number).filter(|file| file.metadata.info(&name).is_none()) {
            let reason = format!("tensor `{name}` should be here according to {}, and is not", listing.display());
            return Err(ModelError::content(&file.path, reason));
        }
        places.insert(name, number);
    }
    Ok((files, places, listing))
}

/// One safetensors file whose header has been checked.
struct TensorFile {
    path: PathBuf,
    file: File,
    metadata: Metadata,
    /// Where tensor data begins, and how many bytes of it there are.
    start: u64,
    bytes: u64,
}

impl TensorFile {
    fn open(path: &Path) -> Result<Self, ModelError> {
        let failed = |error| ModelError::file(path, error);
        let refused = |reason: String| ModelError::content(path, reason);
        let mut file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut size = [0; 8];
        if length < 8 {
            return Err(refused(format!("has {length} bytes and is no safetensors file")));
        }
        file.read_exact(&mut size).map_err(failed)?;
        let header_size = u64::from_le_bytes(size);
        if header_size > LARGEST_HEADER || header_size > length - 8 {
            return Err(refused(format!(
                "claims a header of {header_size} bytes and has {length} bytes in all: it is cut short, or no \
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
        Ok(Self { path: path.to_path_buf(), file, metadata, start, bytes })
    }

    /// Checks a parameter's shape and that its kind is a floating-point one.
    fn expect(&self, name: &str, shape: &[i64]) -> Result<(), ModelError> {
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

    fn read(&mut self, name: &str) -> Result<Tensor, ModelError> {
        let info = self.info(name)?;
        let refused = |reason: &str| ModelError::content(&self.path, format!("tensor `{name}` {reason}"));
        let kind =
            kind(info.dtype).ok_or_else(|| refused(&format!("has kind {:?}, which is not read here", info.dtype)))?;
        let mut shape = Vec::with_capacity(info.shape.len());
        for &size in &info.shape {
            shape.push(i64::try_from(size).map_err(|_| refused("has an impossible shape"))?);
        }
        let (from, to) = info.data_offsets;
        // Within the file, by `open`; so no more memory is asked for than the file has bytes.
        debug_assert!(to as u64 <= self.bytes);
        let mut data = vec![0; to - from];
        let failed = |error| ModelError::file(&self.path, error);
        self.file.seek(SeekFrom::Start(self.start + from as u64)).map_err(failed)?;
        self.file.read_exact(&mut data).map_err(failed)?;
        if data.is_empty() {
            return Ok(Tensor::f_zeros(&shape, (kind, tch::Device::Cpu))?);
        }
        Ok(Tensor::f_from_data_size(&data, &shape, kind)?)
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ModelError> {
    let file = File::open(path).map_err(|error| ModelError::file(path, error))?;
    let mut text = Vec::new();
    file.take(LARGEST_JSON + 1).read_to_end(&mut text).map_err(|error| ModelError::file(path, error))?;
    if text.len() as u64 > LARGEST_JSON {
        return Err(ModelError::content(path, format!("is larger than {LARGEST_JSON} bytes")));
    }
    serde_json::from_slice(&text).map_err(|error| ModelError::content(path, error.to_string()))
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
