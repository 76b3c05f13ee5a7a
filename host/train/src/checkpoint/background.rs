//! Writes checkpoints beside training: at most one at a time, on a thread of its own.

use std::thread::JoinHandle;

use crate::error::TrainError;
use crate::stage::panic_message;

/// The checkpoint being written, if there is one.
#[derive(Default)]
pub(crate) struct BackgroundWriter {
    running: Option<(u64, JoinHandle<Result<(), TrainError>>)>,
}

impl BackgroundWriter {
    /// Starts to write the checkpoint of `step`, once the one before it is written.
    pub(crate) fn start(
        &mut self,
        step: u64,
        write: impl FnOnce() -> Result<(), TrainError> + Send + 'static,
    ) -> Result<(), TrainError> {
        self.wait()?;
        let body = move || {
            // Copies and digests; the cores belong to training.
            tch::set_num_threads(1);
            write()
        };
        let handle = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(body)
            .map_err(|error| panicked(format!("it could not start: {error}")))?;
        self.running = Some((step, handle));
        Ok(())
    }

    /// The error of a checkpoint that has failed since the last call, without waiting for one that is being written.
    pub(crate) fn check(&mut self) -> Result<(), TrainError> {
        match &self.running {
            Some((_, handle)) if handle.is_finished() => self.wait(),
            _ => Ok(()),
        }
    }

    /// Waits until nothing is being written.
    pub(crate) fn wait(&mut self) -> Result<(), TrainError> {
        match self.running.take() {
            None => Ok(()),
            Some((step, handle)) => handle
                .join()
                .unwrap_or_else(|panic| Err(panicked(panic_message(&*panic))))
                .map_err(|error| TrainError::NotWritten { step, reason: Box::new(error) }),
        }
    }
}

impl Drop for BackgroundWriter {
    /// A stage that ends by an error still finishes the checkpoint in hand.
    fn drop(&mut self) {
        if let Err(error) = self.wait() {
            tracing::error!("{error}");
        }
    }
}

fn panicked(message: String) -> TrainError {
    TrainError::Panicked { stage: "checkpoint", message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_failed_write_is_reported_and_the_next_one_can_begin() {
        let mut writer = BackgroundWriter::default();
        let full = || TrainError::NothingToDo("disk is full".to_owned());
        writer.start(4, move || Err(full())).expect("starts");
        let error = writer.start(8, || Ok(())).expect_err("the one before it failed");
        assert!(error.to_string().contains("disk is full"), "{error}");
        writer.start(8, || Ok(())).expect("starts");
        writer.wait().expect("is written");
        writer.start(12, || panic!("no")).expect("starts");
        assert!(writer.wait().expect_err("panicked").to_string().contains("no"));
    }

    #[test]
    fn training_need_not_wait_for_a_write_and_only_one_is_under_way() {
        let mut writer = BackgroundWriter::default();
        let (release, held) = channel::<()>();
        writer
            .start(4, move || {
                held.recv().expect("released");
                Ok(())
            })
            .expect("starts");
        writer.check().expect("still being written");
        assert!(writer.running.is_some());
        release.send(()).expect("waits");
        writer.start(8, || Ok(())).expect("waits for the first, then starts");
        assert_eq!(writer.running.as_ref().map(|(step, _)| *step), Some(8));
    }
}
