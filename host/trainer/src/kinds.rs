//! The kinds of stage that need libtorch, one file each. How to add one is at the top of `host/run/src/kind.rs`.

mod asking;
pub mod eval;
pub mod forecast_figures;
pub mod known_model;
mod local_engine;
pub mod midtrain;
pub mod perplexity;
pub mod rl;

use std::sync::Arc;

use anyhow::Result;
use octo_record::Device;
use octo_run::check::Fault;
use octo_run::context::StageContext;
use octo_run::kinds::annotate::Annotate;
use octo_run::{Ended, Kind};
use octo_train::control::{Control, Finished};
use octo_train::hardware;

/// All of them, in the order of the reference.
pub fn all() -> Vec<Kind> {
    vec![
        // In place of the kind that knows servers alone.
        Kind::of::<Annotate<local_engine::LocalEngine>>(),
        Kind::of::<midtrain::Midtrain>(),
        Kind::of::<rl::Rl>(),
        Kind::of::<eval::Eval>(),
        Kind::of::<perplexity::Perplexity>(),
    ]
}

/// Runs a loop that reports on the stage's line and stops with the run.
fn controlled(context: &StageContext<'_>, work: impl FnOnce(&Control) -> Result<Finished>) -> Result<Ended> {
    let line = context.line.clone();
    let control = Control {
        stop: context.run.stop.clone(),
        report: Arc::new(move |message: &str, share: f64| line.report(message, share)),
    };
    Ok(match work(&control)? {
        Finished::Done => Ended::Done,
        Finished::Stopped => Ended::Stopped,
    })
}

/// The fault of a `device` that is none, or that this machine or build lacks.
fn device_faults(device: &str) -> Vec<Fault> {
    octo_train::check_device(device).err().map(|message| Fault::new("device", message)).into_iter().collect()
}

/// What a stage with this `device` in its config runs on: a GPU of each of `processes`, or their processors.
fn device(device: &str, processes: usize) -> Device {
    let count = processes as u64;
    match hardware::gpu_index(device) {
        None => Device { kind: "cpu".to_owned(), name: None, count },
        Some(index) => Device { kind: "cuda".to_owned(), name: hardware::gpu_name(index), count },
    }
}
