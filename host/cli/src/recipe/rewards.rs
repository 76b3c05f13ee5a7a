//! The rewards of an `rl` stage: one role, or several that add up.
//!
//! `reward = "outcome"`, or `reward = ["outcome", { role = "overlong", weight = 0.5 }]`.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::keys::Keys;
use super::stage::Wiring;
use super::text::RecipeText;

/// The roles that pay, in order, each with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewards {
    pub terms: Vec<(String, f64)>,
    /// Whether they came as a list: their parts are then named by role.
    pub named: bool,
}

impl Rewards {
    /// Reads the stage's `reward`, and gives each role a slot of that name.
    pub fn take(wiring: &mut Wiring<'_>, text: &RecipeText, stage: &str) -> Result<Rewards> {
        let place = wiring.keys.place("reward");
        let rewards = match wiring.keys.take("reward") {
            None => return Err(wiring.keys.missing("reward")),
            Some(toml::Value::String(role)) => Rewards { terms: vec![(role, 1.0)], named: false },
            Some(toml::Value::Array(items)) if !items.is_empty() => {
                let terms =
                    items.into_iter().map(|item| term(text, stage, &place, item)).collect::<Result<Vec<_>>>()?;
                Rewards { terms, named: true }
            }
            Some(_) => bail!("{place}: must be a role, or a list of roles and {{ role = .., weight = .. }}"),
        };
        for (index, (role, _)) in rewards.terms.iter().enumerate() {
            if rewards.terms[..index].iter().any(|(other, _)| other == role) {
                bail!("{place}: the role {role:?} is there twice; give it one weight");
            }
            wiring.push_role("reward", role.clone())?;
        }
        Ok(rewards)
    }

    /// What the stage's key has of it. Roles name the parts of a list, so they count there.
    pub fn config(&self) -> Value {
        if self.named { json!(self.terms) } else { Value::Null }
    }
}

fn term(text: &RecipeText, stage: &str, place: &str, item: toml::Value) -> Result<(String, f64)> {
    match item {
        toml::Value::String(role) => Ok((role, 1.0)),
        toml::Value::Table(table) => {
            let mut keys = Keys::new(text, &format!("stages.{stage}.reward"), table);
            let role = keys.require_string("role")?;
            let weight = match keys.take("weight") {
                None => 1.0,
                Some(toml::Value::Float(weight)) => weight,
                Some(toml::Value::Integer(weight)) => weight as f64,
                Some(other) => bail!("{place}: the weight of {role:?} must be a number, not {other}"),
            };
            keys.finish()?;
            if !weight.is_finite() {
                bail!("{place}: the weight of {role:?} is {weight}; it must be finite");
            }
            Ok((role, weight))
        }
        other => bail!("{place}: {other} is no reward; write a role, or {{ role = .., weight = .. }}"),
    }
}
