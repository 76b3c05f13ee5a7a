//! Sums gradients over ranks, in buckets: many small tensors travel as one message, or one NCCL launch.

use tch::{Device, Kind, Tensor};

use super::Ranks;
use super::nccl::Communicator;
use crate::error::TrainError;

/// Numbers of a bucket: 25 MB in fp32, as in torch's DistributedDataParallel.
const BUCKET: usize = 25 * (1 << 20) / 4;

/// Replaces every gradient by its sum over the ranks, in fp32. A parameter without a gradient takes no part, on all
/// ranks alike, since all run the same model.
pub(crate) fn sum_gradients(ranks: &Ranks, parameters: &[(String, Tensor)]) -> Result<(), TrainError> {
    if ranks.world() == 1 {
        return Ok(());
    }
    let gradients: Vec<Tensor> =
        parameters.iter().map(|(_, parameter)| parameter.grad()).filter(Tensor::defined).collect();
    tch::no_grad(|| {
        if let Some(gpus) = ranks.gpus().as_mut() {
            return sum_on_gpus(gpus, &gradients);
        }
        let mut bucket: Vec<&Tensor> = Vec::new();
        let mut numbers = 0;
        for gradient in &gradients {
            bucket.push(gradient);
            numbers += gradient.numel();
            if numbers >= BUCKET {
                sum_bucket(ranks, &bucket, numbers)?;
                bucket.clear();
                numbers = 0;
            }
        }
        sum_bucket(ranks, &bucket, numbers)
    })
}

/// Sums gradients where they lie, bucket by bucket; those that are not fp32 or not in one piece, in a copy that is.
fn sum_on_gpus(gpus: &mut Communicator, gradients: &[Tensor]) -> Result<(), TrainError> {
    let mut bucket: Vec<Tensor> = Vec::new();
    let mut copied: Vec<(&Tensor, Tensor)> = Vec::new();
    let mut numbers = 0;
    for (place, gradient) in gradients.iter().enumerate() {
        let whole = gradient.f_to_kind(Kind::Float)?.f_contiguous()?;
        if whole.data_ptr() != gradient.data_ptr() {
            copied.push((gradient, whole.shallow_clone()));
        }
        bucket.push(whole);
        numbers += gradient.numel();
        if numbers >= BUCKET || place + 1 == gradients.len() {
            gpus.sum(&bucket)?;
            for (gradient, sum) in copied.drain(..) {
                gradient.shallow_clone().f_copy_(&sum)?;
            }
            bucket.clear();
            numbers = 0;
        }
    }
    Ok(())
}

fn sum_bucket(ranks: &Ranks, bucket: &[&Tensor], numbers: usize) -> Result<(), TrainError> {
    let Some(first) = bucket.first() else { return Ok(()) };
    let flat: Vec<Tensor> = bucket.iter().map(|gradient| gradient.flatten(0, -1).to_kind(Kind::Float)).collect();
    let flat = Tensor::f_cat(&flat, 0)?.f_to_device(Device::Cpu)?;
    let mut values = vec![0f32; numbers];
    flat.f_copy_data(&mut values, numbers)?;
    // One tensor may be far larger than a bucket; it travels in pieces.
    values.chunks_mut(BUCKET).try_for_each(|piece| ranks.sum(piece))?;
    let summed = Tensor::from_slice(&values).f_to_device(first.device())?;
    let mut start = 0;
    for gradient in bucket {
        let length = gradient.numel() as i64;
        gradient.shallow_clone().f_copy_(&summed.f_narrow(0, start, length)?.f_view_as(gradient)?)?;
        start += length;
    }
    Ok(())
}
