//! Model folders in and out, in Hugging Face's layout: `config.json` and safetensors, whole or in shards.
//!
//! Model files come from anywhere, so nothing in them is believed: names of shards, names and shapes of tensors are
//! checked against the configuration; see [`crate::tensor_file`] for the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use octo_data::{atomic, model_file};
use serde::Deserialize;
use serde_json::{Map, Value};
use tch::{Device, Tensor};

use crate::config_file::EndTokens;
use crate::tensor_file::{TensorFile, Writing, write_tensors_as};
pub use crate::tensor_file::{read_tensors, write_tensors};
use crate::{ModelConfig, ModelError, Precision};

const EMBEDDING: &str = "model.embed_tokens.weight";
const HEAD: &str = "lm_head.weight";
const WHOLE: &str = "model.safetensors";
const LISTING: &str = "model.safetensors.index.json";

/// Digests of a folder's files by name, as [`octo_data::digest`] writes them, which the files are held to; none of a
/// folder of which none is recorded.
pub(crate) type Recorded = BTreeMap<String, String>;
pub(crate) const NOT_AS_RECORDED: &str = "is not what was written here: its digest is another than the one recorded";

/// The digest that a file is held to. Where digests are recorded, a file without one does not belong to the folder.
pub(crate) fn recorded_digest<'a>(recorded: &'a Recorded, path: &Path) -> Result<Option<&'a str>, ModelError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match recorded.get(&*name) {
        None if !recorded.is_empty() => Err(ModelError::content(path, "is not among the files that were written here")),
        digest => Ok(digest.map(String::as_str)),
    }
}

/// Reads and checks `config.json`, and takes end tokens from `generation_config.json` where it names some.
pub(crate) fn read_config(dir: &Path, recorded: &Recorded) -> Result<ModelConfig, ModelError> {
    let path = dir.join("config.json");
    let mut config: ModelConfig = read_json(&path, recorded)?;
    config.validate().map_err(|error| ModelError::content(&path, error.to_string()))?;

    #[derive(Deserialize)]
    struct Generation {
        eos_token_id: Option<EndTokens>,
        #[serde(flatten)]
        others: Map<String, Value>,
    }
    let generation = dir.join("generation_config.json");
    if generation.exists() {
        let Generation { eos_token_id, mut others } = read_json(&generation, recorded)?;
        if let Some(tokens) = eos_token_id {
            config.eos_token_id = tokens.into();
        }
        // The key that the configuration writes does not count as another.
        if others.get("bos_token_id") == config.bos_token_id.map(Value::from).as_ref() {
            others.remove("bos_token_id");
        }
        config.generation = others;
    }
    Ok(config)
}

/// Reads every parameter that `config` asks for, in its order.
///
/// A model whose `config.json` ties the output projection to the embedding, and whose weights have both, is what
/// `transformers` 5 makes of it: tied where the two are equal, and else not, with a warning; `config` says so then. Where
/// the weights have the projection alone, it is the embedding too.
pub(crate) fn read_parameters(
    dir: &Path,
    recorded: &Recorded,
    config: &mut ModelConfig,
    precision: Precision,
    device: Device,
) -> Result<Vec<(String, Tensor)>, ModelError> {
    let expected = config.parameter_shapes();
    let (files, places, listing) = open_shards(dir, recorded)?;

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

    let head = places.get(HEAD).and_then(|&shard| files.get(shard)).filter(|_| config.tie_word_embeddings);
    let head_alone = head.is_some() && !places.contains_key(EMBEDDING);
    let mut parameters = Vec::with_capacity(expected.len());
    for (name, shape) in &expected {
        let stored = if head_alone && name == EMBEDDING { HEAD } else { name };
        let file = places.get(stored).and_then(|&shard| files.get(shard));
        let Some(file) = file else {
            return Err(ModelError::content(
                &listing,
                format!("tensor `{name}` of shape {shape:?} is missing; config.json asks for it"),
            ));
        };
        file.expect(stored, shape)?;
        let tensor = file.read(stored, Some(precision.kind()), device)?;
        parameters.push((name.clone(), tensor));
    }
    let embedding = parameters.iter().zip(&expected).find(|((name, _), _)| name == EMBEDDING);
    if let (Some(file), Some(((_, embedding), (_, shape))), false) = (head, embedding, head_alone) {
        file.expect(HEAD, shape)?;
        let projection = file.read(HEAD, Some(precision.kind()), device)?;
        if !embedding.f_equal(&projection)? {
            tracing::warn!(
                "{}: config.json ties the output projection to the embedding, and `{HEAD}` has other values than \
                 `{EMBEDDING}`: they are not tied, as in `transformers` 5; write \"tie_word_embeddings\": false there \
                 to say so, or remove the tensor",
                dir.display()
            );
            config.tie_word_embeddings = false;
            // The last of `parameter_shapes`.
            parameters.push((HEAD.to_owned(), projection));
        }
    }
    Ok(parameters)
}

/// How [`crate::Model::save_as`] writes weights.
#[derive(Debug, Clone, Copy)]
pub struct SaveOptions {
    /// The precision on disk; that of the parameters if `None`.
    pub precision: Option<Precision>,
    /// Weights of more bytes than this are split into shards of at most as many, unless one tensor alone has more.
    pub largest_shard: u64,
}

/// No rounding, and shards of 5 GB.
impl Default for SaveOptions {
    fn default() -> Self {
        Self { precision: None, largest_shard: 5_000_000_000 }
    }
}

/// Writes a model's folder; see [`crate::Model::save_as`]. With `digest`, returns the digests of the files of weights,
/// by name.
pub(crate) fn write_model(
    dir: &Path,
    config: &ModelConfig,
    parameters: &[(String, Tensor)],
    held: Precision,
    options: &SaveOptions,
    digest: bool,
) -> Result<BTreeMap<String, String>, ModelError> {
    let precision = options.precision.unwrap_or(held);
    let path = dir.join("config.json");
    let mut value = serde_json::to_value(config).map_err(|error| ModelError::content(&path, error.to_string()))?;
    // The second is what `transformers` 4 calls it.
    for key in ["dtype", "torch_dtype"] {
        if let Some(dtype) = value.get_mut(key) {
            *dtype = precision.name().into();
        }
    }
    write_json(&path, &value)?;
    let mut generation = Map::new();
    for key in ["bos_token_id", "eos_token_id"] {
        if let Some(tokens) = value.get(key) {
            generation.insert(key.to_owned(), tokens.clone());
        }
    }
    generation.extend(config.generation.clone());
    write_json(&dir.join("generation_config.json"), &generation.into())?;

    let (whole, listing) = (dir.join(WHOLE), dir.join(LISTING));
    // Shards of an earlier save are about to be replaced or orphaned: without their index, a folder left half-way is
    // incomplete, and not a mixture of two models.
    let old_shards: BTreeSet<String> = read_json::<Index>(&listing, &Recorded::new())
        .map(|index| index.weight_map.into_values().collect())
        .unwrap_or_default();
    remove(&listing)?;
    let shards = split(parameters, precision, options.largest_shard);
    let mut names = BTreeSet::new();
    let mut digests = BTreeMap::new();
    let mut write = |name: &str, tensors: &[(String, Tensor)]| -> Result<(), ModelError> {
        let writing = Writing { kind: Some(precision.kind()), digest, ..Writing::default() };
        let digest = write_tensors_as(&dir.join(name), tensors, &writing)?;
        digests.extend(digest.map(|digest| (name.to_owned(), digest)));
        Ok(())
    };
    if let [all] = shards.as_slice() {
        write(WHOLE, all)?;
    } else {
        let mut weight_map = BTreeMap::new();
        for (number, shard) in (1..).zip(&shards) {
            let name = format!("model-{number:05}-of-{:05}.safetensors", shards.len());
            write(&name, shard)?;
            weight_map.extend(shard.iter().map(|(tensor, _)| (tensor.clone(), name.clone())));
            names.insert(name);
        }
        let bytes: u64 = parameters.iter().map(|(_, tensor)| bytes_of(tensor, precision)).sum();
        write_json(&listing, &serde_json::json!({ "metadata": { "total_size": bytes }, "weight_map": weight_map }))?;
        // A folder with both would be read as the old one.
        remove(&whole)?;
    }
    for name in old_shards.difference(&names).filter(|name| is_plain_name(name) && name.ends_with(".safetensors")) {
        remove(&dir.join(name))?;
    }
    Ok(digests)
}

/// Cuts the list of parameters, in order, into shards of at most `most` bytes.
fn split(parameters: &[(String, Tensor)], precision: Precision, most: u64) -> Vec<Vec<(String, Tensor)>> {
    let mut shards = vec![Vec::new()];
    let mut filled = 0_u64;
    for (name, tensor) in parameters {
        let bytes = bytes_of(tensor, precision);
        if filled > 0 && filled.saturating_add(bytes) > most {
            shards.push(Vec::new());
            filled = 0;
        }
        filled += bytes;
        if let Some(shard) = shards.last_mut() {
            shard.push((name.clone(), tensor.shallow_clone()));
        }
    }
    shards
}

fn bytes_of(tensor: &Tensor, precision: Precision) -> u64 {
    (tensor.numel() * precision.kind().elt_size_in_bytes()) as u64
}

fn remove(path: &Path) -> Result<(), ModelError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ModelError::file(path, error)),
        _ => Ok(()),
    }
}

fn write_json(path: &Path, value: &Value) -> Result<(), ModelError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| ModelError::content(path, error.to_string()))?;
    text.push(b'\n');
    Ok(atomic::write(path, &text)?)
}

/// `model.safetensors.index.json`.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Whether a shard lies beside its index; anything else would let the file point anywhere.
fn is_plain_name(shard: &str) -> bool {
    Path::new(shard).file_name() == Some(shard.as_ref()) && !shard.contains('\\')
}

/// Opened shards, the shard of each tensor by name, and the file that lists them.
type Shards = (Vec<TensorFile>, BTreeMap<String, usize>, PathBuf);

fn open_shards(dir: &Path, recorded: &Recorded) -> Result<Shards, ModelError> {
    let whole = dir.join(WHOLE);
    if whole.is_file() {
        let file = TensorFile::open(&whole, recorded)?;
        let places = file.metadata.tensors().into_keys().map(|name| (name, 0)).collect();
        return Ok((vec![file], places, whole));
    }
    let listing = dir.join(LISTING);
    if !listing.is_file() {
        return Err(ModelError::content(dir, "holds neither model.safetensors nor model.safetensors.index.json"));
    }

    let index: Index = read_json(&listing, recorded)?;
    let mut files: Vec<TensorFile> = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (name, shard) in index.weight_map {
        let number = match numbers.get(&shard) {
            Some(&number) => number,
            None => {
                if !is_plain_name(&shard) {
                    return Err(ModelError::content(&listing, format!("shard \"{shard}\" is not a plain file name")));
                }
                files.push(TensorFile::open(&dir.join(&shard), recorded)?);
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

fn read_json<T: serde::de::DeserializeOwned>(path: &Path, recorded: &Recorded) -> Result<T, ModelError> {
    let text = model_file::read(path)?;
    if recorded_digest(recorded, path)?.is_some_and(|recorded| octo_data::digest::of_bytes(&text) != recorded) {
        return Err(ModelError::content(path, NOT_AS_RECORDED));
    }
    serde_json::from_slice(&text).map_err(|error| ModelError::content(path, error.to_string()))
}
