//! The optimiser's state as a safetensors file: `NAME.first_moment`, `NAME.second_moment` and, for narrow weights,
//! `NAME.master`, with the count of steps in the metadata.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use octo_model::{Writing, write_tensors_as};
use safetensors::tensor::{Dtype, Metadata};
use tch::{Kind, Tensor};

use super::adamw::{AdamW, AdamWConfig};
use crate::error::TrainError;

/// A larger header was not written here; the largest models have a few thousand tensors.
const LARGEST_HEADER: u64 = 64 << 20;

impl AdamW {
    /// Writes the state, to a temporary name and then renamed.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        self.write(path, false).map(|_| ())
    }

    /// [`AdamW::save`] that also returns the file's digest, made while it is written.
    pub fn save_with_digest(&self, path: &Path) -> Result<String, TrainError> {
        Ok(self.write(path, true)?.unwrap_or_default())
    }

    fn write(&self, path: &Path, digest: bool) -> Result<Option<String>, TrainError> {
        let mut tensors = Vec::with_capacity(self.moments.len() * 2);
        for moments in &self.moments {
            for (part, tensor) in moments.tensors() {
                tensors.push((format!("{}.{part}", moments.name), tensor.shallow_clone()));
            }
        }
        let steps = self.steps.to_string();
        let writing = Writing { kind: Some(Kind::Float), about: ("steps", &steps), digest };
        Ok(write_tensors_as(path, &tensors, &writing)?)
    }

    /// Reads state written by [`AdamW::save`] for the same parameters; a parameter that is missing or has another
    /// shape is an error that names it.
    pub fn load(path: &Path, parameters: &[(String, Tensor)], config: AdamWConfig) -> Result<AdamW, TrainError> {
        AdamW::load_recorded(path, None, parameters, config)
    }

    /// [`AdamW::load`] of a file that has to have a `recorded` digest, where there is one: it is compared with that and
    /// read from the same open file.
    pub fn load_recorded(
        path: &Path,
        recorded: Option<&str>,
        parameters: &[(String, Tensor)],
        config: AdamWConfig,
    ) -> Result<AdamW, TrainError> {
        let mut stored = Stored::open(path, recorded)?;
        let refused = |message: String| TrainError::checkpoint(path, message);
        let steps = stored.metadata.metadata().as_ref().and_then(|metadata| metadata.get("steps")?.parse().ok());
        let steps =
            steps.ok_or_else(|| refused("its metadata has no count of steps, so it is not optimiser state".into()))?;
        let mut optimiser = AdamW::new(parameters, config);
        optimiser.steps = steps;
        for moments in &mut optimiser.moments {
            let name = moments.name.clone();
            let mut read = |part: &str, like: &Tensor| stored.read(&format!("{name}.{part}"), like);
            let first = read("first_moment", &moments.first)?;
            let second = read("second_moment", &moments.second)?;
            let master = moments.master.as_ref().map(|master| read("master", master)).transpose()?;
            (moments.first, moments.second, moments.master) = (first, second, master);
        }
        Ok(optimiser)
    }
}

/// An open file whose header has been checked against its length.
struct Stored<'a> {
    path: &'a Path,
    file: File,
    metadata: Metadata,
    start: u64,
}

impl<'a> Stored<'a> {
    fn open(path: &'a Path, recorded: Option<&str>) -> Result<Stored<'a>, TrainError> {
        let failed = |error| TrainError::io(path, error);
        let refused = |message: String| TrainError::checkpoint(path, message);
        let mut file = File::open(path).map_err(failed)?;
        if let Some(recorded) = recorded
            && octo_data::digest::of_open(&mut file).map_err(failed)? != recorded
        {
            return Err(refused(
                "is not what was written here: its digest is another than the one recorded".to_owned(),
            ));
        }
        let length = file.metadata().map_err(failed)?.len();
        let mut size = [0; 8];
        if length < 8 {
            return Err(refused(format!("has {length} bytes and is not a safetensors file")));
        }
        std::io::Read::read_exact(&mut file, &mut size).map_err(failed)?;
        let size = u64::from_le_bytes(size);
        if size > LARGEST_HEADER || size > length - 8 {
            return Err(refused(format!("claims a header of {size} bytes and has {length} bytes in all")));
        }
        let mut header = vec![0; size as usize];
        std::io::Read::read_exact(&mut file, &mut header).map_err(failed)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| refused(format!("the header is damaged: {error}")))?;
        let start = 8 + size;
        for (name, info) in metadata.tensors() {
            if info.data_offsets.0 > info.data_offsets.1 || info.data_offsets.1 as u64 > length - start {
                return Err(refused(format!("`{name}` lies beyond the file's end: it is cut short or damaged")));
            }
        }
        Ok(Stored { path, file, metadata, start })
    }

    /// The tensor `key`, which must be f32 and shaped as `like`, on the device of `like`.
    fn read(&mut self, key: &str, like: &Tensor) -> Result<Tensor, TrainError> {
        let refused = |message: String| TrainError::checkpoint(self.path, message);
        let info = self.metadata.info(key).ok_or_else(|| refused(format!("`{key}` is missing")))?;
        if info.dtype != Dtype::F32 || info.shape != shape(like) {
            let (kind, found, wanted) = (info.dtype, &info.shape, shape(like));
            return Err(refused(format!("`{key}` is {kind:?} {found:?}, but this model needs F32 {wanted:?}")));
        }
        let (from, to) = info.data_offsets;
        let mut data = vec![0; to - from];
        let failed = |error| TrainError::io(self.path, error);
        self.file.seek(SeekFrom::Start(self.start + from as u64)).map_err(failed)?;
        std::io::Read::read_exact(&mut self.file, &mut data).map_err(failed)?;
        Ok(Tensor::f_from_data_size(&data, &like.size(), Kind::Float)?.f_to_device(like.device())?)
    }
}

fn shape(tensor: &Tensor) -> Vec<usize> {
    tensor.size().into_iter().map(|length| length as usize).collect()
}
