//! Names and places: which file of a run lies where. A name stands here and nowhere else.

use std::path::{Path, PathBuf};

/// In the folder of runs: the outputs of all stages of all runs, found by content key.
pub const STORE: &str = ".store";
/// In the folder of runs: digests of input files, kept from one call to the next. A cache; it may be removed.
pub const INPUT_DIGESTS: &str = ".input-digests.json";

/// In a run's folder: the recipe as it was run, with what `--set` and `--plugin` changed.
pub const RECIPE: &str = "recipe.toml";
/// In a run's folder: what the run was made of; a [`RunLock`](crate::RunLock).
pub const LOCK: &str = "run.lock.json";
/// In a run's folder: a link to the folder of each stage, by the stage's name.
pub const STAGES: &str = "stages";
/// In a run's folder: the report for people.
pub const REPORT: &str = "report.html";
/// In a run's folder: TensorBoard's event files of every stage that has curves, by the stage's name.
pub const TENSORBOARD: &str = "tensorboard";

/// In a stage's folder, one record per line; in a run's folder, those of all stages ([`RunLine`](crate::RunLine)).
pub const METRICS: &str = "metrics.jsonl";
/// In a stage's folder: the proof that it is complete; a [`StageDone`](crate::StageDone).
pub const DONE: &str = "done.json";
/// In a finished stage's folder: the mark that what the stage was made from has been done again and is other than it was,
/// so that the stage is to be done again too. Empty.
pub const STALE: &str = "stale";
/// In a stage's folder: items that plugins failed on, each a case for `octo-host plugin replay`.
pub const FAILURES: &str = "failures";
/// In a stage's folder: what came of it ([`MidtrainResults`](crate::MidtrainResults),
/// [`RlResults`](crate::RlResults), [`EvalResults`](crate::EvalResults)). Written last.
pub const RESULTS: &str = "results.json";
/// In the folder of a stage that generates: responses for people to read, a [`Sample`](crate::Sample) per line.
pub const SAMPLES: &str = "samples.jsonl";
/// In the folder of an `rl` stage: a [`ProblemHistory`](crate::ProblemHistory) per line.
pub const PROBLEM_HISTORY: &str = "problem_history.jsonl";
/// In the folder of an `extract` stage: the documents that came of the pages.
pub const DOCUMENTS: &str = "documents.jsonl.zst";
/// In the folder of a stage that sends documents through filters: the counts; a [`Statistics`](crate::Statistics). Written last, so it is there only when
/// the other files are.
pub const STATISTICS: &str = "statistics.json";
/// In the folder of a `curate` stage: documents that every filter kept, as the filters left them.
pub const KEPT: &str = "kept.jsonl.zst";
/// In the folder of a `curate` stage: documents that a filter dropped, as they reached it, with `dropped_by` and `reason`.
pub const DROPPED: &str = "dropped.jsonl.zst";
/// In the folder of a `curate` stage: documents that a filter failed on, as they reached it, with `failed_in`, `failure` and `message`.
pub const DEAD_LETTER: &str = "dead-letter.jsonl.zst";
/// In the folder of a `classifier` stage: how well the classifier does; a [`ClassifierReport`](crate::ClassifierReport).
/// Written last.
pub const CLASSIFIER: &str = "classifier.json";
/// In the folder of a `classifier` stage: the fastText model.
pub const CLASSIFIER_MODEL: &str = "model.bin";
/// In the folder of a `classifier` stage: the model made smaller, where the recipe asks for it.
pub const CLASSIFIER_QUANTISED: &str = "model.ftz";
/// In the folder of a stage that sends documents through filters: documents to read, a
/// [`DocumentExample`](crate::DocumentExample) per line.
pub const EXAMPLES: &str = "examples.jsonl";
/// In the folder of a `decontaminate` stage: rows of benchmarks that documents have; a [`Contamination`](crate::Contamination).
pub const CONTAMINATION: &str = "contamination.json";
/// In the folder of a stage that trains: the model, in the layout of Hugging Face.
pub const MODEL: &str = "model";
/// In a checkpoint, and beside the model of a finished `midtrain` stage: the optimizer's state.
pub const OPTIMIZER: &str = "optimizer.safetensors";
/// In the folder of a stage that trains: its checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// In a checkpoint: what the stage needs to resume beside weights and optimizer, and the digest of every other file.
pub const CHECKPOINT_STATE: &str = "state.json";
/// In the folder of an `rl` stage at work: rollouts of steps that no checkpoint covers yet.
pub const ROLLOUTS: &str = "rollouts";

/// What the name of the folder of a stage at work ends with.
const AT_WORK: &str = ".partial";
/// What the name of a folder on its way out of the store ends with.
const REPLACED: &str = ".replaced";
/// What the name of a checkpoint, and of a file of rollouts, begins with.
const STEP: &str = "step-";

/// Where a run's folder shows a stage: `RUN/stages/NAME`.
pub fn stage_of_run(run: &Path, stage: &str) -> PathBuf {
    run.join(STAGES).join(stage)
}

/// Where a run's folder has TensorBoard's event files of a stage: `RUN/tensorboard/NAME`.
pub fn events_of_run(run: &Path, stage: &str) -> PathBuf {
    run.join(TENSORBOARD).join(stage)
}

/// The name in the store of the folder of a finished stage: `KIND-KEY`.
pub fn finished_stage(kind: &str, key: &str) -> String {
    format!("{kind}-{key}")
}

/// The name in the store of the folder of a stage at work: `KIND-KEY.partial`.
pub fn stage_at_work(kind: &str, key: &str) -> String {
    format!("{kind}-{key}{AT_WORK}")
}

/// The name in the store of the file that a process holds locked while it works on a stage: `KIND-KEY.lock`.
pub fn stage_lock(kind: &str, key: &str) -> String {
    format!("{kind}-{key}.lock")
}

/// The kind and key of the stage whose folder or lock in the store has this name; none for another name.
pub fn stored_stage(name: &str) -> Option<(&str, &str)> {
    let endings = [AT_WORK, REPLACED, ".lock"];
    let name = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let (kind, key) = name.rsplit_once('-')?;
    let is_key = key.len() == 24 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_key && !kind.is_empty()).then_some((kind, key))
}

/// The name in the store of what is on its way out: a result that another has replaced, or that no run refers to.
pub fn replaced_stage(kind: &str, key: &str) -> String {
    format!("{kind}-{key}{REPLACED}")
}

/// What `RUN/stages/NAME` links to, relative to `RUN/stages`, so that the folder of runs can be moved as a whole.
pub fn link_to_stage(stored_name: &str) -> String {
    format!("../../{STORE}/{stored_name}")
}

/// The name of the checkpoint of a step: `step-000123`.
pub fn checkpoint(step: u64) -> String {
    format!("{STEP}{step:06}")
}

/// The step of the checkpoint of this name; none where it is not the name of a checkpoint.
pub fn checkpoint_step(name: &str) -> Option<u64> {
    name.strip_prefix(STEP)?.parse().ok()
}

/// The name of the file of a chunk of a step's rollouts: `step-000123-0004.safetensors`. Steps done before it, and
/// chunks, are counted from 0.
pub fn rollout_chunk(step: u64, chunk: usize) -> String {
    format!("{STEP}{step:06}-{chunk:04}.safetensors")
}

/// The step whose rollouts the file of this name holds; none where it is not the name of such a file.
pub fn rollout_chunk_step(name: &str) -> Option<u64> {
    name.strip_prefix(STEP)?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_made() {
        assert_eq!(checkpoint(123), "step-000123");
        assert_eq!(checkpoint(12_345_678), "step-12345678");
        for step in [0, 123, 12_345_678] {
            assert_eq!(checkpoint_step(&checkpoint(step)), Some(step));
            assert_eq!(rollout_chunk_step(&rollout_chunk(step, 4)), Some(step));
        }
        assert_eq!(rollout_chunk(7, 4), "step-000007-0004.safetensors");
        assert_eq!((checkpoint_step(".partial-step-000123"), checkpoint_step("step-x")), (None, None));
        assert_eq!((checkpoint_step("step-000007-0004.safetensors"), rollout_chunk_step("notes")), (None, None));
    }

    #[test]
    fn a_stage_is_known_by_the_name_of_its_folder() {
        let key = "0123456789abcdef01234567";
        let names = [finished_stage("my-kind", key), stage_at_work("my-kind", key), stage_lock("my-kind", key)];
        for name in names.iter().chain([&replaced_stage("my-kind", key)]) {
            assert_eq!(stored_stage(name), Some(("my-kind", key)), "{name}");
        }
        for name in ["rl-ab", ".linking", "rl", "-0123456789abcdef01234567", "rl-0123456789abcdef01234567.tmp"] {
            assert_eq!(stored_stage(name), None, "{name}");
        }
    }

    #[test]
    fn a_link_leads_from_the_run_to_the_store() {
        let link =
            stage_of_run(Path::new("runs/demo"), "short").with_file_name(link_to_stage(&stage_at_work("rl", "ab")));
        assert_eq!(link, Path::new("runs/demo/stages/../../.store/rl-ab.partial"));
        assert_eq!((finished_stage("rl", "ab"), stage_lock("rl", "ab")), ("rl-ab".to_owned(), "rl-ab.lock".to_owned()));
    }
}
