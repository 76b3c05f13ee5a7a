//! Octo's training loops on libtorch: mid-training, reinforcement learning and evaluation.
//!
//! Each stage is one function that takes a config, its inputs and a working folder, and that can be killed at any
//! moment: called again on the same folder it resumes from the newest whole checkpoint, on the CPU to the same bits.
//! What a recipe varies (mixture, verifier, reward, schedule) comes in as plugins; the update itself knows only
//! per-token weights and advantages.
//!
//! How data flow:
//!
//! ```text
//! midtrain:  documents → mixture's weights → sequences → gradients, summed over the ranks → AdamW → model/
//! rl:        problems → prompts → rollouts → verdicts → rewards → advantages → updates → model/
//! eval:      problems → prompts → rollouts → verdicts → accuracy in results.json
//! ```
//!
//! Which file is which idea:
//!
//! - [`midtrain`]: the stage; under it its `config`, `resume` (a stage begins, or resumes from a checkpoint), `step`
//!   (one update), `gradients`, `held_out`, `spikes` (updates that are skipped), `record` (what is written of a step),
//!   and [`memory_estimate`].
//! - [`rl`]: the stage; under it its `config`, `resume`, `step`, `collect` (rollouts of a step), `rollout_store` (those
//!   of a step that was interrupted), `rewards`, `masking` (of failed verdicts), `learn` (the updates), `record`,
//!   `samples`, `held_out`, `curriculum` and `alarms`.
//! - [`rl::algorithm`]: GRPO and the others, with [advantages](rl::algorithm::advantage), [the
//!   loss](rl::algorithm::loss), [its aggregation](rl::algorithm::aggregation) and [the train–inference
//!   mismatch](rl::algorithm::importance).
//! - [`eval`]: the stage; `accuracy` measures it on a set of problems, for [`rl`]'s held-out sets too.
//! - [`perplexity`]: how well a model predicts texts, in bits per byte.
//! - [`generation`]: prompts, rollouts and their verdicts; [`answering`]: responses outside of any recipe;
//!   [`local_model`]: a model folder that answers requests as a server does.
//! - [`optimizer`]: AdamW, its file, gradient clipping and the learning rate.
//! - [`checkpoint`]: folders that are whole or absent, which of them stay, writing in the background.
//! - [`ranks`]: several processes that train one model.
//! - [`measuring`]: counts over rollouts, loops in responses, the files of records, [`hardware`].
//! - [`control`]: how a caller watches a stage and stops it; `stage`: what all stages do at their entry and their end.

pub mod checkpoint;
pub mod control;
pub mod error;
pub mod eval;
pub mod generation;
pub mod measuring;
pub mod midtrain;
pub mod optimizer;
pub mod perplexity;
pub mod ranks;
pub mod rl;
mod stage;

pub use control::{Control, Finished};
pub use error::TrainError;
pub use generation::{answering, local_model};
pub use measuring::hardware;
pub use midtrain::memory_estimate;
pub use stage::check_device;
