//! `--plugin ROLE=REF[:WEIGHT]`: other plugins than the recipe's.
//!
//! Given once for a role, it is the plugin that changes and nothing else. Given again, or with a weight, for the role of
//! a reward, the rewards add up: each becomes a role of its own, named as its file, and the stages that name the role
//! pay all of them.

use std::path::Path;

use anyhow::{Result, bail};
use toml::{Table, Value};

use super::text::RecipeText;
use crate::nearest;

/// A plugin and how much it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    /// A path or a bare name.
    pub reference: String,
    /// As it was given.
    pub weight: Option<f64>,
}

impl Weighed {
    /// Reads `REF` or `REF:WEIGHT`. What stands after the last colon is a weight if it is a number and there is no file
    /// of the whole name.
    pub fn parse(text: &str) -> Result<Weighed> {
        if !Path::new(text).exists()
            && let Some((reference, weight)) = text.rsplit_once(':')
            && let Ok(weight) = weight.parse::<f64>()
        {
            if !weight.is_finite() || reference.is_empty() {
                bail!("--plugin {text}: write REF:WEIGHT with a finite weight, such as reward_overlong:0.5");
            }
            return Ok(Weighed { reference: reference.to_owned(), weight: Some(weight) });
        }
        Ok(Weighed { reference: text.to_owned(), weight: None })
    }

    /// The file's name without its ending, with '_' for what can't be in the name of a part.
    pub fn name(&self) -> String {
        let file = Path::new(&self.reference).file_name().unwrap_or_default().to_string_lossy();
        let stem = file.strip_suffix(".wasm").unwrap_or(&file);
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect()
    }

    /// A path on the command line is relative to where the user stands, not to the recipe.
    fn located(&self) -> Result<String> {
        let here = Path::new(&self.reference);
        if here.exists() {
            return Ok(std::path::absolute(here)?.to_string_lossy().into_owned());
        }
        Ok(self.reference.clone())
    }
}

/// Applies all `--plugin` of a call to the recipe.
///
/// # Errors
/// The flag, and what is wrong with it: no '=', a role that the recipe lacks, plugins that cannot add up.
pub fn replace(text: &mut RecipeText, assignments: &[String]) -> Result<()> {
    for Change { role, path, adds_up } in replaced(&mut text.root, assignments)? {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        text.origins.set(&path, &format!("--plugin {role}"));
        if adds_up && !text.summed_roles.contains(&role) {
            text.summed_roles.push(role);
        }
    }
    Ok(())
}

/// A value that the flag of a role has set.
struct Change {
    role: String,
    path: Vec<String>,
    /// The role is no more: several rewards stand in its place.
    adds_up: bool,
}

fn replaced(root: &mut Table, assignments: &[String]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut roles: Vec<(&str, Vec<Weighed>)> = Vec::new();
    for assignment in assignments {
        let Some((role, reference)) = assignment.split_once('=') else {
            bail!(
                "--plugin {assignment:?} has no '='; with `run` write ROLE=PLUGIN, such as --plugin reward=my_reward.wasm"
            );
        };
        let plugin = Weighed::parse(reference)?;
        match roles.iter_mut().find(|(name, _)| *name == role) {
            Some((_, plugins)) => plugins.push(plugin),
            None => roles.push((role, vec![plugin])),
        }
    }
    for (role, new) in roles {
        let Some(Value::Table(plugins)) = root.get_mut("plugins") else {
            bail!("--plugin {role}: the recipe names no plugins");
        };
        let known: Vec<String> = plugins.keys().cloned().collect();
        if !plugins.contains_key(role) {
            bail!("--plugin {role}: the recipe has no such role{}", nearest(role, known));
        }
        let paths = match new.as_slice() {
            [Weighed { weight: None, .. }] => {
                let mut path = vec!["plugins".to_owned(), role.to_owned()];
                if plugins.get(role).is_some_and(Value::is_table) {
                    path.push("plugin".to_owned());
                }
                set(plugins, role, &new[0])?;
                changes.push(Change { role: role.to_owned(), path, adds_up: false });
                continue;
            }
            _ => add_up(root, role, &new)?,
        };
        changes.extend(paths.into_iter().map(|path| Change { role: role.to_owned(), path, adds_up: true }));
    }
    Ok(changes)
}

/// The entry keeps its config and limits.
fn set(plugins: &mut Table, role: &str, plugin: &Weighed) -> Result<()> {
    let reference = Value::String(plugin.located()?);
    match plugins.get_mut(role) {
        Some(Value::Table(table)) => {
            table.insert("plugin".into(), reference);
        }
        _ => {
            plugins.insert(role.to_owned(), reference);
        }
    }
    Ok(())
}

/// Puts `new` in the place of `role`, and gives the paths of what it has changed.
fn add_up(root: &mut Table, role: &str, new: &[Weighed]) -> Result<Vec<Vec<String>>> {
    let mut changed = Vec::new();
    if let Some(Value::Table(stages)) = root.get_mut("stages") {
        for (name, stage) in stages.iter_mut() {
            if let Value::Table(stage) = stage
                && let Some(value) = stage.get_mut("reward").filter(|value| names(value, role))
            {
                *value = expanded(value, role, new);
                changed.push(vec!["stages".into(), name.clone(), "reward".into()]);
            }
        }
    }
    let Some(Value::Table(plugins)) = root.get_mut("plugins") else { return Ok(changed) };
    // The first one stands where the recipe's stood, with its config and limits.
    let before = plugins.remove(role);
    for (index, plugin) in new.iter().enumerate() {
        let name = plugin.name();
        if new[..index].iter().any(|other| other.name() == name) {
            bail!("--plugin {role}: two plugins are called {name:?}; give them roles in the recipe");
        }
        let taken = match plugins.get(&name) {
            None => false,
            // A config alone is what `--set plugins.NAME.config=..` made for this plugin.
            Some(Value::Table(table)) => table.contains_key("plugin"),
            Some(_) => true,
        };
        if taken {
            bail!("--plugin {role}: the recipe has a role {name:?} already; add it to the stages' `reward` there");
        }
        if index == 0
            && let Some(Value::Table(own)) = &before
            && !plugins.contains_key(&name)
        {
            plugins.insert(name.clone(), Value::Table(own.clone()));
        }
        set(plugins, &name, plugin)?;
        changed.push(vec!["plugins".into(), name]);
    }
    Ok(changed)
}

/// Whether a stage's value names a role.
fn names(value: &Value, role: &str) -> bool {
    match value {
        Value::String(name) => name == role,
        Value::Array(items) => items.iter().any(|item| names(item, role)),
        Value::Table(table) => table.get("role").is_some_and(|name| names(name, role)),
        _ => false,
    }
}

/// A stage's `reward` with the new ones in the place of `role`, each times the weight that the role had.
fn expanded(value: &Value, role: &str, new: &[Weighed]) -> Value {
    let items = match value {
        Value::Array(items) => items.clone(),
        one if names(one, role) => vec![one.clone()],
        other => return other.clone(),
    };
    let expand = |item: Value| {
        if !names(&item, role) {
            return vec![item];
        }
        let weight = match item.get("weight") {
            Some(Value::Float(weight)) => *weight,
            Some(Value::Integer(weight)) => *weight as f64,
            _ => 1.0,
        };
        let term = |plugin: &Weighed| {
            let weight = weight * plugin.weight.unwrap_or(1.0);
            let pairs = [("role", Value::String(plugin.name())), ("weight", Value::Float(weight))];
            Value::Table(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        };
        new.iter().map(term).collect()
    };
    Value::Array(items.into_iter().flat_map(expand).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = "[plugins]\nverifier = \"v\"\nreward = { plugin = \"r\", config = { correct = 2.0 } }\nother = \"o\"\n\
        [stages.a]\nverifier = \"verifier\"\nreward = \"reward\"\n\
        [stages.b]\nreward = [\"other\", { role = \"reward\", weight = 0.5 }]\n[stages.c]\nreward = \"other\"\n";

    fn replaced(recipe: &str, plugins: &[&str]) -> Result<Table> {
        let mut root: Table = recipe.parse()?;
        super::replaced(&mut root, &plugins.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())?;
        Ok(root)
    }

    fn terms(root: &Table, stage: &str) -> Vec<(String, f64)> {
        let items = root["stages"][stage]["reward"].as_array().expect("a list");
        let term = |item: &Value| match item {
            Value::String(role) => (role.clone(), 1.0),
            item => (item["role"].as_str().expect("a role").to_owned(), item["weight"].as_float().expect("a weight")),
        };
        items.iter().map(term).collect()
    }

    #[test]
    fn one_plugin_keeps_the_roles_config_and_the_stages() {
        let root = replaced(RECIPE, &["reward=x/other.wasm"]).expect("replaces");
        assert_eq!(root["plugins"]["reward"]["plugin"].as_str(), Some("x/other.wasm"));
        assert_eq!(root["plugins"]["reward"]["config"]["correct"].as_float(), Some(2.0));
        assert_eq!(root["stages"]["a"]["reward"].as_str(), Some("reward"));
    }

    #[test]
    fn several_rewards_add_up_with_their_weights_where_the_role_stood() {
        let root = replaced(RECIPE, &["reward=x/first.v2.wasm", "reward=second:0.25"]).expect("adds");
        let own = |pairs: &[(&str, f64)]| pairs.iter().map(|(n, w)| ((*n).to_owned(), *w)).collect::<Vec<_>>();
        assert_eq!(terms(&root, "a"), own(&[("first_v2", 1.0), ("second", 0.25)]));
        assert_eq!(terms(&root, "b"), own(&[("other", 1.0), ("first_v2", 0.5), ("second", 0.125)]));
        assert_eq!(root["stages"]["c"]["reward"].as_str(), Some("other"));
        assert_eq!(root["plugins"]["first_v2"]["config"]["correct"].as_float(), Some(2.0), "the first takes its place");
        assert_eq!(root["plugins"]["second"].as_str(), Some("second"));
        assert!(root["plugins"].get("reward").is_none());
    }

    #[test]
    fn a_config_set_for_an_added_reward_is_its_own() {
        let recipe = format!("{RECIPE}\n[plugins.second]\nconfig = {{ buffer = 9 }}\n");
        let root = replaced(&recipe, &["reward=first", "reward=second"]).expect("adds");
        assert_eq!(root["plugins"]["second"]["config"]["buffer"].as_integer(), Some(9));
        assert_eq!(root["plugins"]["second"]["plugin"].as_str(), Some("second"));
    }

    #[test]
    fn what_can_not_add_up_is_refused() {
        for (plugins, words) in [
            (&["reward=a", "reward=x/a.wasm"][..], "two plugins are called \"a\""),
            (&["reward=a", "reward=other"][..], "has a role \"other\" already"),
            (&["reward=a:inf"][..], "finite weight"),
            (&["rewrd=a"][..], "did you mean \"reward\"?"),
            (&["a.wasm"][..], "has no '='"),
        ] {
            let error = replaced(RECIPE, plugins).expect_err("refused").to_string();
            assert!(error.contains(words), "{plugins:?}: {error}");
        }
    }

    #[test]
    fn a_weight_is_told_from_a_path() {
        let weighed = |text: &str| Weighed::parse(text).map(|found| (found.reference, found.weight)).expect("reads");
        assert_eq!(weighed("a.wasm:0.5"), ("a.wasm".into(), Some(0.5)));
        assert_eq!(weighed("a.wasm:-1"), ("a.wasm".into(), Some(-1.0)));
        assert_eq!(weighed("c:/plugins/a.wasm"), ("c:/plugins/a.wasm".into(), None));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a:2");
        std::fs::write(&file, "").expect("written");
        let file = file.to_string_lossy().into_owned();
        assert_eq!(weighed(&file), (file, None));
    }
}
