//! Rollouts of steps that no checkpoint covers yet, so that an interrupted run generates nothing twice.
//!
//! Generating is most of a step's work. Each finished chunk of a step is written, whole or not at all, to
//! `OUT/rollouts/step-NNNNNN-NNNN.safetensors`: tokens and log-probabilities as they were sampled, bit by bit, and the
//! verdicts. A run that resumes from an earlier checkpoint reads them instead of generating, as it comes to their step,
//! and only what was not finished is generated again. Each file carries the digest of all that its rollouts follow from
//! (weights, prompts, seeds, sampling, verifier). Where that differs, as on a GPU whose arithmetic did not repeat to
//! the bit, the file is passed over: a response must come from the policy that learns from it. A digest of its content
//! stands beside that, so that a file which the disk has changed is passed over too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use octo_model::{Finish, Model, Response, Sampling};
use octo_plugin::Failure;
use octo_plugin::types::Verdict;
use octo_record::{Outcome, layout};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

use crate::error::TrainError;
use crate::generation::prompts::Prompt;
use crate::generation::rollouts::{JudgedResponse, Rollout};
use crate::measuring::verdicts::{plugin_outcome, recorded_outcome};

/// Steps whose rollouts are kept at most, where checkpoints are further apart. The newest save most.
const MOST_STEPS: u64 = 16;
/// The one metadata key of a file.
const ABOUT: &str = "rollouts";

/// The folder of kept rollouts.
pub(crate) struct RolloutStore {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct About {
    digest: String,
    /// The digest of all else in the file; files of earlier builds have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    rollouts: Vec<Judged>,
}

#[derive(Serialize, Deserialize)]
struct Judged {
    tokens: usize,
    stopped: bool,
    verdict: Option<KeptVerdict>,
    failure: Option<Failure>,
}

#[derive(Serialize, Deserialize)]
struct KeptVerdict {
    outcome: KeptOutcome,
    extracted: Option<String>,
    reason: String,
}

/// An outcome as a word, or as a number where an older version has written it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum KeptOutcome {
    Word(String),
    Number(u64),
}

/// What the numbers of older versions stand for.
const NUMBERED: [Outcome; 4] = [Outcome::Correct, Outcome::Incorrect, Outcome::NoAnswer, Outcome::Unparsable];

impl KeptOutcome {
    fn read(&self) -> Result<Outcome, String> {
        match self {
            KeptOutcome::Word(word) => word.parse().map_err(|unknown: octo_record::UnknownWord| unknown.to_string()),
            KeptOutcome::Number(number) => {
                let known = usize::try_from(*number).ok().and_then(|number| NUMBERED.get(number));
                known.copied().ok_or_else(|| format!("unknown outcome {number}, expected a word, or 0 to 3"))
            }
        }
    }
}

impl RolloutStore {
    /// Opens `out/rollouts`, making the folder.
    pub(crate) fn open(out: &Path) -> Result<RolloutStore, TrainError> {
        let folder = out.join(layout::ROLLOUTS);
        std::fs::create_dir_all(&folder).map_err(|error| TrainError::io(&folder, error))?;
        Ok(RolloutStore { folder })
    }

    fn path(&self, step: u64, chunk: usize) -> PathBuf {
        self.folder.join(layout::rollout_chunk(step, chunk))
    }

    /// The chunk of a step (counted from 0), if it is there, whole, and of this digest.
    ///
    /// # Errors
    /// Where the file has an outcome that is not known.
    pub(crate) fn read(
        &self,
        step: u64,
        chunk: usize,
        digest: &str,
    ) -> Result<Option<Vec<JudgedResponse>>, TrainError> {
        let path = self.path(step, chunk);
        let Ok(bytes) = std::fs::read(&path) else { return Ok(None) };
        let Some(file) = KeptChunk::parse(&bytes) else {
            tracing::warn!("{} is damaged; its rollouts are generated again", path.display());
            return Ok(None);
        };
        if file.about.digest != digest {
            tracing::warn!("{} is of another policy; its rollouts are generated again", path.display());
            return Ok(None);
        }
        let judged = file.judged().map_err(|message| {
            let message = format!("{message}; remove the file to have its rollouts generated again");
            TrainError::checkpoint(&path, message)
        })?;
        tracing::info!("step {}: rollouts read from {}", step + 1, path.display());
        Ok(Some(judged))
    }

    /// Keeps a finished chunk.
    pub(crate) fn write(&self, step: u64, chunk: usize, digest: &str, rollouts: &[Rollout]) -> Result<(), TrainError> {
        let path = self.path(step, chunk);
        let broken = |error: String| TrainError::checkpoint(&path, error);
        let judged = |rollout: &Rollout| Judged {
            tokens: rollout.response.tokens.len(),
            stopped: rollout.response.finish == Finish::Stop,
            verdict: rollout.verdict.as_ref().ok().map(|verdict| KeptVerdict {
                outcome: KeptOutcome::Word(recorded_outcome(verdict.outcome).to_string()),
                extracted: verdict.extracted.clone(),
                reason: verdict.reason.clone(),
            }),
            failure: rollout.verdict.as_ref().err().cloned(),
        };
        let tokens: Vec<u8> = rollouts
            .iter()
            .flat_map(|rollout| rollout.response.tokens.iter().flat_map(|token| token.to_le_bytes()))
            .collect();
        let log_probabilities: Vec<u8> = rollouts
            .iter()
            .flat_map(|rollout| rollout.response.log_probabilities.iter().flat_map(|p| p.to_le_bytes()))
            .collect();
        let judged: Vec<Judged> = rollouts.iter().map(judged).collect();
        let content = content(&judged, &tokens, &log_probabilities).map_err(|error| broken(error.to_string()))?;
        let about = About { digest: digest.to_owned(), content: Some(content), rollouts: judged };
        let about = serde_json::to_string(&about).map_err(|error| broken(error.to_string()))?;
        let refused = |error: safetensors::SafeTensorError| broken(error.to_string());
        let views = [
            ("tokens", TensorView::new(Dtype::U32, vec![tokens.len() / 4], &tokens).map_err(refused)?),
            (
                "log_probabilities",
                TensorView::new(Dtype::F32, vec![log_probabilities.len() / 4], &log_probabilities).map_err(refused)?,
            ),
        ];
        let file = serialize(views, Some(HashMap::from([(ABOUT.to_owned(), about)]))).map_err(refused)?;
        Ok(octo_data::atomic::write(&path, &file)?)
    }

    /// Removes what a run that resumes will not want: the rollouts of steps below `covered`, which a checkpoint covers,
    /// and those of steps too long before `step`.
    pub(crate) fn forget(&self, covered: u64, step: u64) -> Result<(), TrainError> {
        let least = covered.max(step.saturating_sub(MOST_STEPS));
        for entry in std::fs::read_dir(&self.folder).map_err(|error| TrainError::io(&self.folder, error))? {
            let path = entry.map_err(|error| TrainError::io(&self.folder, error))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if layout::rollout_chunk_step(&name).is_some_and(|of| of < least) {
                std::fs::remove_file(&path).map_err(|error| TrainError::io(&path, error))?;
            }
        }
        Ok(())
    }

    /// Removes the folder; for a run that is done.
    pub(crate) fn remove(&self) -> Result<(), TrainError> {
        std::fs::remove_dir_all(&self.folder).map_err(|error| TrainError::io(&self.folder, error))
    }
}

/// A file, taken apart.
struct KeptChunk {
    about: About,
    responses: Vec<Response>,
}

impl KeptChunk {
    /// The parts of a file; `None` where it is damaged.
    fn parse(bytes: &[u8]) -> Option<KeptChunk> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
        let about: About = serde_json::from_str(metadata.metadata().as_ref()?.get(ABOUT)?).ok()?;
        let file = SafeTensors::deserialize(bytes).ok()?;
        let words = |name: &str, dtype: Dtype| -> Option<Vec<[u8; 4]>> {
            let tensor = file.tensor(name).ok().filter(|tensor| tensor.dtype() == dtype)?;
            tensor.data().chunks(4).map(|word| word.try_into().ok()).collect()
        };
        if let Some(wanted) = &about.content {
            let data = |name: &str| Some(file.tensor(name).ok()?.data().to_vec());
            let found = content(&about.rollouts, &data("tokens")?, &data("log_probabilities")?).ok()?;
            if found != *wanted {
                return None;
            }
        }
        let tokens = words("tokens", Dtype::U32)?;
        let log_probabilities = words("log_probabilities", Dtype::F32)?;
        let mut responses = Vec::with_capacity(about.rollouts.len());
        let mut first = 0usize;
        for judged in &about.rollouts {
            if judged.verdict.is_some() == judged.failure.is_some() {
                return None;
            }
            let range = first..first.checked_add(judged.tokens)?;
            first = range.end;
            responses.push(Response {
                tokens: tokens.get(range.clone())?.iter().map(|word| u32::from_le_bytes(*word)).collect(),
                log_probabilities: log_probabilities.get(range)?.iter().map(|word| f32::from_le_bytes(*word)).collect(),
                finish: if judged.stopped { Finish::Stop } else { Finish::Length },
            });
        }
        let whole = first == tokens.len() && first == log_probabilities.len();
        whole.then_some(KeptChunk { about, responses })
    }

    /// Responses and verdicts, or which outcome is not known.
    fn judged(self) -> Result<Vec<JudgedResponse>, String> {
        let pairs = self.responses.into_iter().zip(self.about.rollouts);
        pairs
            .map(|(response, judged)| {
                let verdict = match (judged.verdict, judged.failure) {
                    (Some(KeptVerdict { outcome, extracted, reason }), _) => {
                        Ok(Verdict { outcome: plugin_outcome(outcome.read()?), extracted, reason })
                    }
                    (None, Some(failure)) => Err(failure),
                    (None, None) => return Err("a rollout has neither a verdict nor a failure".to_owned()),
                };
                Ok((response, verdict))
            })
            .collect()
    }
}

/// The digest of what a file has of its rollouts.
fn content(rollouts: &[Judged], tokens: &[u8], log_probabilities: &[u8]) -> serde_json::Result<String> {
    let mut sum = octo_data::digest::Sum::default();
    let rollouts = serde_json::to_vec(rollouts)?;
    for part in [rollouts.as_slice(), tokens, log_probabilities] {
        sum.update(&(part.len() as u64).to_le_bytes());
        sum.update(part);
    }
    Ok(sum.finish())
}

/// The digest of all that a chunk's rollouts follow from.
pub(crate) fn digest(
    weights: &[u8],
    verifier: &str,
    prompts: &[&Prompt],
    seeds: &[u64],
    sampling: &Sampling,
) -> String {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(weights);
    add(verifier.as_bytes());
    add(format!("{sampling:?}").as_bytes());
    for (prompt, seed) in prompts.iter().zip(seeds) {
        add(&seed.to_le_bytes());
        add(&prompt.tokens.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<u8>>());
        prompt.problem.references.iter().for_each(|reference| add(reference.as_bytes()));
    }
    hex::encode(hash.finalize())
}

/// A fingerprint of a model's weights that reads them once, where they are: the sum and the Euclidean norm of every
/// parameter, in double precision. It differs between the policies of one run; it does not protect against forgery.
pub(crate) fn fingerprint(model: &Model) -> Result<Vec<u8>, TrainError> {
    let _no_grad = tch::no_grad_guard();
    let figures: Vec<Tensor> = model
        .parameters()
        .iter()
        .flat_map(|(_, parameter)| {
            let wide = parameter.to_kind(Kind::Double);
            [wide.sum(Kind::Double), wide.norm()]
        })
        .collect();
    // One read from the device for all of them.
    let figures = Vec::<f64>::try_from(&Tensor::stack(&figures, 0))?;
    Ok(figures.into_iter().flat_map(f64::to_le_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use octo_plugin::FailureKind;
    use octo_plugin::types::Outcome;

    fn rollouts() -> Vec<Rollout> {
        let response = |tokens: &[u32], finish| Response {
            tokens: tokens.to_vec(),
            log_probabilities: tokens.iter().map(|token| -0.1 * *token as f32 - f32::MIN_POSITIVE).collect(),
            finish,
        };
        let verdict =
            Verdict { outcome: Outcome::NoAnswer, extracted: Some("\"3\"\n".to_owned()), reason: "é".to_owned() };
        let failure = Failure { kind: FailureKind::Fuel, message: "too long".to_owned() };
        vec![
            Rollout { response: response(&[1, 2, 70_000], Finish::Stop), text: String::new(), verdict: Ok(verdict) },
            Rollout { response: response(&[5], Finish::Length), text: String::new(), verdict: Err(failure) },
        ]
    }

    #[test]
    fn what_is_kept_comes_back_to_the_bit() {
        let out = tempfile::tempdir().expect("a temporary folder");
        let kept = RolloutStore::open(out.path()).expect("opens");
        kept.write(3, 1, "abc", &rollouts()).expect("writes");
        let found = kept.read(3, 1, "abc").expect("reads").expect("is there");
        for ((response, verdict), rollout) in found.iter().zip(rollouts()) {
            let bits = |response: &Response| response.log_probabilities.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
            assert_eq!((&response.tokens, response.finish), (&rollout.response.tokens, rollout.response.finish));
            assert_eq!(bits(response), bits(&rollout.response));
            assert_eq!(format!("{verdict:?}"), format!("{:?}", rollout.verdict));
        }
    }

    #[test]
    fn what_is_damaged_or_of_another_policy_is_passed_over() {
        let out = tempfile::tempdir().expect("a temporary folder");
        let kept = RolloutStore::open(out.path()).expect("opens");
        assert!(kept.read(3, 0, "abc").expect("reads").is_none());
        kept.write(3, 0, "abc", &rollouts()).expect("writes");
        assert!(kept.read(3, 0, "abd").expect("reads").is_none());
        let path = kept.path(3, 0);
        let whole = std::fs::read(&path).expect("reads");
        for length in [0, 7, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).expect("cut");
            assert!(kept.read(3, 0, "abc").expect("reads").is_none(), "{length} bytes");
        }
        // Numbers of responses and words about them: each would be learnt from.
        let words = whole.windows(8).position(|bytes| bytes == b"too long").expect("the failure");
        for at in [whole.len() - 1, whole.len() - 20, words] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, damaged).expect("damaged");
            assert!(kept.read(3, 0, "abc").expect("reads").is_none(), "byte {at}");
        }
        std::fs::write(&path, &whole).expect("whole again");
        assert!(kept.read(3, 0, "abc").expect("reads").is_some());
    }

    #[test]
    fn what_a_checkpoint_covers_is_removed_and_no_more_than_some_steps_stay() {
        let out = tempfile::tempdir().expect("a temporary folder");
        let kept = RolloutStore::open(out.path()).expect("opens");
        for step in 0..30 {
            kept.write(step, 0, "abc", &rollouts()).expect("writes");
        }
        kept.forget(4, 10).expect("removes");
        assert!(kept.read(3, 0, "abc").expect("reads").is_none() && kept.read(4, 0, "abc").expect("reads").is_some());
        kept.forget(4, 29).expect("removes");
        assert!(kept.read(12, 0, "abc").expect("reads").is_none() && kept.read(13, 0, "abc").expect("reads").is_some());
        kept.remove().expect("removes");
        assert!(!out.path().join("rollouts").exists());
    }

    /// A file of one rollout whose outcome is as `outcome` has it in JSON.
    fn written(kept: &RolloutStore, outcome: &str) -> PathBuf {
        let judged = format!(
            r#"{{"digest":"abc","rollouts":[{{"tokens":1,"stopped":true,"failure":null,
                "verdict":{{"outcome":{outcome},"extracted":null,"reason":""}}}}]}}"#
        );
        let (tokens, log_probabilities) = (5u32.to_le_bytes(), (-0.5f32).to_le_bytes());
        let views = [
            ("tokens", TensorView::new(Dtype::U32, vec![1], &tokens).expect("fits")),
            ("log_probabilities", TensorView::new(Dtype::F32, vec![1], &log_probabilities).expect("fits")),
        ];
        let file = serialize(views, Some(HashMap::from([(ABOUT.to_owned(), judged)]))).expect("writes");
        std::fs::write(kept.path(3, 0), file).expect("writes");
        kept.path(3, 0)
    }

    #[test]
    fn outcomes_are_words_older_numbers_are_read_and_unknown_ones_are_errors_that_name_the_file() {
        let out = tempfile::tempdir().expect("a temporary folder");
        let kept = RolloutStore::open(out.path()).expect("opens");
        kept.write(3, 1, "abc", &rollouts()).expect("writes");
        let text = String::from_utf8_lossy(&std::fs::read(kept.path(3, 1)).expect("reads")).into_owned();
        assert!(text.contains(r#"\"outcome\":\"no-answer\""#), "{text}");
        for (outcome, known) in
            [("\"unparsable\"", Outcome::Unparsable), ("0", Outcome::Correct), ("2", Outcome::NoAnswer)]
        {
            written(&kept, outcome);
            let found = kept.read(3, 0, "abc").expect("reads").expect("is there");
            assert_eq!(found[0].1.as_ref().expect("a verdict").outcome, known, "{outcome}");
        }
        for outcome in ["\"right\"", "4"] {
            let path = written(&kept, outcome);
            let message = kept.read(3, 0, "abc").expect_err("unknown").to_string();
            assert!(message.contains(&path.display().to_string()) && message.contains("unknown outcome"), "{message}");
        }
        assert!(kept.read(3, 0, "abd").expect("of another policy, so not looked at").is_none());
    }
}
