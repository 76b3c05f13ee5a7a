//! Prompts: a stage's template filled with problems.

use octo_data::prompt::PromptTemplate;
use octo_data::record::Problem;
use octo_data::tokenizer::Tokenizer;

use crate::error::TrainError;

/// A problem and the tokens that ask for its solution.
pub struct Prompt {
    /// The problem with its references.
    pub problem: Problem,
    /// The filled-in template, with what the tokenizer puts before a text.
    pub tokens: Vec<u32>,
}

/// Prompts that are short enough, and the count of those that are not.
pub struct Prompts {
    /// For each epoch that was asked for, the same problems in their order.
    pub kept: Vec<Vec<Prompt>>,
    /// Problems left out because their prompt is longer than allowed.
    pub overlong: usize,
}

/// Fills `template` with each of `problems`, once for each of `epochs`. A problem whose prompt has more than
/// `max_prompt_tokens` tokens in any of them is left out of all and counted: cutting it would ask something else.
///
/// # Errors
/// Where the template fails, a prompt is empty, or no problem is left.
pub fn build_prompts(
    template: &PromptTemplate,
    epochs: std::ops::RangeInclusive<usize>,
    problems: Vec<Problem>,
    tokenizer: &Tokenizer,
    max_prompt_tokens: usize,
) -> Result<Prompts, TrainError> {
    let mut prompts = Prompts { kept: epochs.clone().map(|_| Vec::new()).collect(), overlong: 0 };
    for problem in problems {
        let versions = epochs
            .clone()
            .map(|epoch| Ok(template.encode(&problem, epoch, tokenizer)?))
            .collect::<Result<Vec<_>, TrainError>>()?;
        if versions.iter().any(|tokens| tokens.len() > max_prompt_tokens) {
            prompts.overlong += 1;
        } else if versions.iter().any(Vec::is_empty) {
            return Err(TrainError::config("prompt", format!("problem {} gives an empty prompt", problem.id)));
        } else {
            for (kept, tokens) in prompts.kept.iter_mut().zip(versions) {
                kept.push(Prompt { problem: problem.clone(), tokens });
            }
        }
    }
    let count = prompts.kept.first().map_or(0, Vec::len);
    if count == 0 {
        return Err(TrainError::NothingToDo(format!(
            "no problem is left: {} of {} prompts are longer than `max_prompt_tokens`, {max_prompt_tokens}; raise it",
            prompts.overlong, prompts.overlong,
        )));
    }
    if prompts.overlong > 0 {
        let (left_out, all) = (prompts.overlong, prompts.overlong + count);
        tracing::warn!("{left_out} of {all} prompts are longer than {max_prompt_tokens} tokens and left out");
    }
    Ok(prompts)
}
