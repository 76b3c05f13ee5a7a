//! The rewards of an `rl` stage: one role, or several that add up.
//!
//! `reward = "outcome"`, or `reward = ["outcome", { role = "overlong", weight = 0.5 }]`.

use std::fmt;

use anyhow::{Result, anyhow, bail};
use octo_plugin::{RewardSum, RewardTerm};
use octo_run::context::StageContext;
use octo_run::recipe::stage::StageTable;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `reward` as a recipe writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum RewardTerms {
    /// One role, whose parts keep their names.
    One(String),
    /// Roles with weights, whose parts are named `ROLE.PART`.
    Sum(Vec<Term>),
}

/// One reward of a sum.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    role: String,
    weight: f64,
}

/// [`Term`] as a table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TermTable {
    /// Role of a reward plugin.
    role: String,
    /// What its totals and parts are multiplied by.
    #[serde(default = "one")]
    weight: f64,
}

fn one() -> f64 {
    1.0
}

impl<'de> Deserialize<'de> for Term {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Term, D::Error> {
        struct RoleOrTable;
        impl<'de> Visitor<'de> for RoleOrTable {
            type Value = Term;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a role, or { role = .., weight = .. }")
            }
            fn visit_str<E: Error>(self, role: &str) -> Result<Term, E> {
                Ok(Term { role: role.to_owned(), weight: 1.0 })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Term, A::Error> {
                let TermTable { role, weight } = TermTable::deserialize(MapAccessDeserializer::new(map))?;
                if !weight.is_finite() {
                    return Err(A::Error::custom(format!("the weight of {role:?} is {weight}; it must be finite")));
                }
                Ok(Term { role, weight })
            }
        }
        deserializer.deserialize_any(RoleOrTable)
    }
}

impl<'de> Deserialize<'de> for RewardTerms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RewardTerms, D::Error> {
        struct RoleOrList;
        impl<'de> Visitor<'de> for RoleOrList {
            type Value = RewardTerms;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a role, or a list of roles and { role = .., weight = .. }")
            }
            fn visit_str<E: Error>(self, role: &str) -> Result<RewardTerms, E> {
                Ok(RewardTerms::One(role.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<RewardTerms, A::Error> {
                let terms = Vec::<Term>::deserialize(SeqAccessDeserializer::new(items))?;
                if terms.is_empty() {
                    return Err(A::Error::custom("is an empty list; name at least one role"));
                }
                Ok(RewardTerms::Sum(terms))
            }
        }
        deserializer.deserialize_any(RoleOrList)
    }
}

impl JsonSchema for RewardTerms {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RewardTerms".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<TermTable>();
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "anyOf": [{ "type": "string" }, table] } },
        ] })
    }
}

/// The roles that pay, in order, each with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewards {
    terms: Vec<(String, f64)>,
    /// Whether they came as a list: their parts are then named by role.
    named: bool,
}

impl Rewards {
    /// Gives each role a slot `reward` of the stage.
    ///
    /// # Errors
    /// A role that is not in `[plugins]`, or is there twice.
    pub fn take(table: &mut StageTable<'_>, terms: RewardTerms) -> Result<Rewards> {
        let rewards = match terms {
            RewardTerms::One(role) => Rewards { terms: vec![(role, 1.0)], named: false },
            RewardTerms::Sum(terms) => {
                Rewards { terms: terms.into_iter().map(|term| (term.role, term.weight)).collect(), named: true }
            }
        };
        for (index, (role, _)) in rewards.terms.iter().enumerate() {
            if rewards.terms[..index].iter().any(|(other, _)| other == role) {
                bail!("{}: the role {role:?} is there twice; give it one weight", table.place("reward"));
            }
            table.role("reward", role)?;
        }
        Ok(rewards)
    }

    /// What the stage's key has of it. Roles name the parts of a list, so they count there.
    pub fn content(&self) -> Value {
        if self.named { json!(self.terms) } else { Value::Null }
    }

    /// The plugins as one reward.
    ///
    /// # Errors
    /// A plugin that does not start, or parts that cannot add up.
    pub fn load(&self, context: &StageContext<'_>) -> Result<RewardSum> {
        let mut terms = Vec::new();
        for (role, weight) in &self.terms {
            let function = context.plugin(role)?.into_reward()?;
            if !self.named {
                return Ok(function.into());
            }
            terms.push(RewardTerm { name: role.clone(), weight: *weight, function });
        }
        RewardSum::new(terms).map_err(|message| anyhow!("reward: {message}"))
    }
}
