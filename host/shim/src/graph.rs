//! CUDA graphs: many launches, recorded once and sent to the GPU as one.
//!
//! What pays is work of many small kernels that repeats with the same shapes at the same addresses, such as one token
//! of generation: the host's microseconds for each launch are then most of its time.

use std::ffi::{c_int, c_void};

use tch::Device;

use crate::{Message, outcome};

// As in cuda.cpp.
unsafe extern "C" {
    fn octo_shim_begin_recording(index: c_int, made: *mut *mut c_void) -> Message;
    fn octo_shim_end_recording(made: *mut c_void) -> Message;
    fn octo_shim_replay(made: *mut c_void) -> Message;
    fn octo_shim_free_graph(made: *mut c_void);
}

/// Times that work is run before it is recorded, so that libraries have chosen their kernels and have their memory:
/// as many as `torch.cuda.make_graphed_callables` has.
const WARM_UP: usize = 3;

/// Work that repeats.
pub struct Repeated<W: FnMut()> {
    work: W,
    graph: Option<Graph>,
    refused: Option<String>,
}

impl<W: FnMut()> Repeated<W> {
    /// Runs `work` three times, and records it where `device` is a GPU and the build has graphs. Elsewhere each
    /// [`Repeated::run`] is a plain call.
    ///
    /// `work` is to leave its results in tensors that are there before, and must read nothing from the GPU to the host:
    /// what it does on the host happens while it is recorded and not again. It must be harmless to run more often than
    /// it is asked for. Tensors that it holds must stay where they are as long as this lives.
    pub fn new(device: Device, mut work: W) -> Self {
        for _ in 0..WARM_UP {
            work();
        }
        let (graph, refused) = match Graph::record(device, &mut work) {
            Ok(graph) => (Some(graph), None),
            Err(refused) => (None, Some(refused)),
        };
        Self { work, graph, refused }
    }

    /// Runs the work once more.
    ///
    /// # Errors
    /// CUDA's words where a recorded graph cannot be launched.
    pub fn run(&mut self) -> Result<(), String> {
        match &self.graph {
            Some(graph) => graph.replay(),
            None => {
                (self.work)();
                Ok(())
            }
        }
    }

    /// Why the work runs plainly; `None` where it was recorded.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }
}

/// One recording.
struct Graph(*mut c_void);

impl Graph {
    fn record(device: Device, work: &mut impl FnMut()) -> Result<Self, String> {
        let Device::Cuda(index) = device else { return Err(format!("{device:?} has no graphs")) };
        if index >= crate::device::cuda_devices() {
            return Err(format!("there is no GPU {index}"));
        }
        let mut made = std::ptr::null_mut();
        // SAFETY: one pointer is written, which is ours to free.
        outcome(unsafe { octo_shim_begin_recording(index as c_int, &mut made) })?;
        // From here on it is freed, and the recording ended, whatever the work does.
        let graph = Graph(made);
        {
            let mut recording = Recording { graph: &graph, open: true };
            work();
            recording.end()?;
        }
        Ok(graph)
    }

    fn replay(&self) -> Result<(), String> {
        // SAFETY: it was made by `record` and is not freed before `self`.
        outcome(unsafe { octo_shim_replay(self.0) })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: as above, and this is the only place that frees it.
        unsafe { octo_shim_free_graph(self.0) }
    }
}

/// Ends a recording even if the work panics, so that the thread is not left on its stream.
struct Recording<'a> {
    graph: &'a Graph,
    open: bool,
}

impl Recording<'_> {
    fn end(&mut self) -> Result<(), String> {
        self.open = false;
        // SAFETY: a recording that has begun, ended once.
        outcome(unsafe { octo_shim_end_recording(self.graph.0) })
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        if self.open {
            let _ = self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};

    /// A counter that goes up by the sum of some numbers, six times in all.
    fn counted(device: Device) -> (f64, bool) {
        let total = Tensor::zeros([4], (Kind::Float, device));
        let step = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0]).to_device(device);
        let mut work = Repeated::new(device, || {
            let _ = total.shallow_clone().g_add_(&(&step * 2.0));
        });
        for _ in 0..3 {
            work.run().expect("runs");
        }
        let recorded = work.refused().is_none();
        (total.sum(Kind::Double).double_value(&[]), recorded)
    }

    #[test]
    fn on_a_cpu_work_is_run_plainly_and_as_often_as_on_a_gpu() {
        assert_eq!(counted(Device::Cpu), (120.0, false));
        let mut work = Repeated::new(Device::Cuda(4096), || {});
        assert!(work.refused().is_some_and(|why| why.contains("no GPU 4096")), "{:?}", work.refused());
        work.run().expect("runs");
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn what_was_recorded_does_on_a_gpu_what_the_work_does() {
        assert_eq!(counted(Device::Cuda(0)), (120.0, true));
    }
}
