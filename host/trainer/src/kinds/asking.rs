//! What can be known to go wrong in a stage that asks a model problems: `rl` and `eval` alike.

use octo_data::prompt::PromptTemplate;
use octo_model::ModelConfig;
use octo_run::PlannedRun;
use octo_run::check::Fault;
use octo_run::recipe::problems::Problems;
use octo_run::recipe::stage::Stage;

use super::known_model::KnownModel;
use octo_data::prompt::PromptSettings;

/// Problems whose prompts are made and counted before a run: what is wrong with a prompt is wrong with nearly all.
const TRIED: usize = 200;

/// How a stage asks.
pub struct Asking<'a> {
    /// How a problem becomes a prompt.
    pub prompt: &'a PromptSettings,
    /// `max_prompt_tokens`: longer prompts are left out.
    pub longest_prompt: usize,
    /// Sets of problems, each with the key and value of the longest response, where every response may have so many.
    pub sets: Vec<(&'a Problems, Option<(&'static str, usize)>)>,
}

/// Faults of a stage's model, device, problems, template and lengths. `limits` are keys with the longest response that
/// each allows.
pub fn faults(
    run: &PlannedRun,
    stage: &Stage,
    device: &str,
    asking: &Asking<'_>,
    limits: &[(&'static str, usize)],
) -> Vec<Fault> {
    let model = KnownModel::of(run, stage);
    let mut faults = super::device_faults(device);
    faults.extend(model.faults.iter().cloned());
    if let Some(shape) = &model.shape {
        faults.extend(limits.iter().filter_map(|limit| too_long(shape, 1, *limit)));
    }
    let folder = run.known_input(stage, "model");
    let template = folder.as_ref().map(|folder| PromptTemplate::new(asking.prompt, folder));
    if let Some(Err(error)) = &template {
        let key = if matches!(asking.prompt, PromptSettings::Inline(_)) { "prompt" } else { "template" };
        faults.push(Fault::new(key, error.to_string()));
    }
    for (problems, limit) in &asking.sets {
        let known = match problems.known(run, stage) {
            None => continue,
            Some(Err(fault)) => {
                faults.push(fault);
                continue;
            }
            Some(Ok(known)) => known,
        };
        let (Some(Ok(template)), Some(tokenizer)) = (&template, model.tokenizer()) else { continue };
        let mut longest = 0;
        for problem in known.iter().take(TRIED) {
            let tokens = template.render(problem, 0).and_then(|prompt| tokenizer.encode(&prompt));
            match tokens {
                Err(error) => {
                    faults.push(Fault::new(problems.slot(), error.to_string()));
                    break;
                }
                Ok(tokens) if tokens.len() <= asking.longest_prompt => longest = longest.max(tokens.len()),
                Ok(_) => {}
            }
        }
        // A limit that leaves no room for any prompt has been named.
        let fits_one = |(_, most): &(&str, usize), shape: &ModelConfig| *most < shape.max_position_embeddings;
        if let (Some(shape), Some(limit)) = (&model.shape, limit)
            && fits_one(limit, shape)
        {
            faults.extend(too_long(shape, longest, *limit));
        }
    }
    faults
}

/// The fault of a response that with a prompt of so many tokens has more than the model has positions.
fn too_long(shape: &ModelConfig, prompt: usize, (key, most): (&str, usize)) -> Option<Fault> {
    let positions = shape.max_position_embeddings;
    if prompt.saturating_add(most) <= positions {
        return None;
    }
    let message = match positions.saturating_sub(prompt) {
        _ if most >= positions => {
            format!(
                "{most} tokens of a response are more than the model's {positions} positions, which prompt and response share"
            )
        }
        0 => {
            format!("a prompt has {prompt} tokens, and the model {positions} positions; set `max_prompt_tokens` lower")
        }
        room => format!(
            "{most} tokens of a response and {prompt} of a prompt are more than the model's {positions} positions; at most \
             {room} are left, or set `max_prompt_tokens` lower"
        ),
    };
    Some(Fault::new(key, message))
}
