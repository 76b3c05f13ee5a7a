//! Keeps `RUN/tensorboard/STAGE` beside what the stages measure, while they do: `tensorboard --logdir runs` shows it.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use octo_record::layout;
use octo_report::tensorboard::Follower;

use crate::plan::Plan;
use crate::recipe::Recipe;

/// How often its files are brought up to date.
const EVERY: Duration = Duration::from_secs(2);

/// Follows the stages of a run until it is dropped.
pub struct Following {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    /// Starts on the stages of `plan` in the run's `folder`.
    pub fn start(recipe: &Recipe, plan: &Plan, folder: &Path) -> Following {
        let stages = plan.stages.iter().map(|planned| &recipe.stages[planned.index]);
        let mut followers: Vec<(String, Follower)> = stages
            .filter(|stage| stage.work.has_curves())
            .map(|stage| {
                let metrics = layout::stage_of_run(folder, &stage.name).join(layout::METRICS);
                let events = layout::events_of_run(folder, &stage.name);
                (stage.name.clone(), Follower::new(&metrics, &events))
            })
            .collect();
        let (stop, stopped) = channel::<()>();
        let body = move || {
            let mut warned = false;
            loop {
                let last = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
                for (name, follower) in &mut followers {
                    // Curves are a convenience; metrics.jsonl has all. One warning is enough.
                    if let Err(error) = follower.catch_up()
                        && !std::mem::replace(&mut warned, true)
                    {
                        tracing::warn!("no TensorBoard events of {name}: {error}");
                    }
                }
                if last {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("tensorboard".to_owned()).spawn(body).ok();
        Following { stop: Some(stop), thread }
    }
}

impl Drop for Following {
    /// What came last is written before this returns.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
