//! Before the first step: whether the model has room for what the schedule is going to plan.
//!
//! Prompt and response share the model's positions. A limit that grows in stairs may fit for days and then not, so the
//! schedule is asked for all its plans beforehand, and its memory is put back. A plan that depends on figures of steps
//! that were not made yet cannot be foreseen; such a one is held to the room there is, with a warning
//! ([`Reinforcement::held_to_room`]).

use super::Reinforcement;
use crate::error::TrainError;
use crate::generation::prompts::Prompt;

/// Response tokens that a model of `positions` has room for beside the longest of `prompts`.
fn room<'p>(positions: usize, prompts: impl Iterator<Item = &'p Prompt>) -> Result<(usize, usize), TrainError> {
    let longest = prompts.map(|prompt| prompt.tokens.len()).max().unwrap_or(0);
    if longest >= positions {
        let message =
            format!("the longest prompt has {longest} tokens, and the model has {positions} positions in all");
        return Err(TrainError::config("max_prompt_tokens", message));
    }
    Ok((positions - longest, longest))
}

impl Reinforcement<'_> {
    /// Refuses, with the key to change, prompts, held-out limits and plans that the model has no room for.
    pub(super) fn look_ahead(&mut self) -> Result<(), TrainError> {
        let positions = self.model.config().max_position_embeddings;
        for set in &self.held_out {
            let (room, longest) = room(positions, set.prompts.iter())?;
            let limit = self.config.held_out_limit();
            if limit > room {
                let key = match self.config.held_out_response_tokens {
                    Some(_) => "held_out_response_tokens",
                    None => "max_response_tokens",
                };
                let message = format!(
                    "{limit} tokens do not fit for the held-out problems: with their longest prompt, of {longest} \
                     tokens, the model's {positions} positions leave {room}"
                );
                return Err(TrainError::config(key, message));
            }
        }
        let (room, longest) = room(positions, self.prompts.iter().flatten())?;
        self.room = room;
        if self.config.max_response_tokens <= room {
            return Ok(());
        }
        let Some((step, tokens)) = self.first_beyond(room)? else { return Ok(()) };
        let message = format!(
            "the schedule plans responses of {tokens} tokens at step {}, and with the longest prompt, of {longest} \
             tokens, the model's {positions} positions leave {room}; set {room} or less here, or lower the \
             schedule's limit",
            step + 1
        );
        Err(TrainError::config("max_response_tokens", message))
    }

    /// The first step, counted from 0, whose plan has more than `room` response tokens, and how many. The schedule is
    /// afterwards as it was.
    fn first_beyond(&mut self, room: usize) -> Result<Option<(u64, usize)>, TrainError> {
        let failed = |failure| TrainError::plugin("schedule", self.state.step, failure);
        let memory = self.schedule.save().map_err(failed)?;
        let mut at = self.progress();
        let mut found = None;
        for step in self.state.step..self.config.steps {
            at.step = step;
            // Where a plan needs figures that are not there, the step itself says so.
            let Ok(plan) = self.schedule.plan(&at) else { break };
            let tokens = (plan.max_response_tokens as usize).min(self.config.max_response_tokens);
            if tokens > room {
                found = Some((step, tokens));
                break;
            }
        }
        self.schedule.restore(&memory).map_err(failed)?;
        Ok(found)
    }

    /// A plan's response tokens, held to the room that the model has beside the longest prompt.
    pub(super) fn held_to_room(&self, tokens: usize) -> usize {
        if tokens > self.room {
            let (step, room) = (self.state.step + 1, self.room);
            tracing::warn!(
                "step {step}: the schedule plans responses of {tokens} tokens, and the model has room for {room} \
                 beside the longest prompt; they are held to that"
            );
        }
        tokens.min(self.room)
    }
}
