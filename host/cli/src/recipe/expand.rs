//! `each`: one table of a recipe that stands for several stages.
//!
//! `[stages."rl-{each}"]` with `each = ["short", "long"]` becomes the stages `rl-short` and `rl-long`, with
//! `{each}` replaced in every string of the table. Other braces are left alone (`{problem}` belongs to prompts).

use anyhow::{Result, bail};
use toml::{Table, Value};

use super::text::RecipeText;

const MARK: &str = "{each}";

pub fn expand(text: &RecipeText, stages: Table) -> Result<Table> {
    let mut expanded = Table::new();
    for (name, value) in stages {
        let Value::Table(mut table) = value else {
            bail!("{}: a stage is a table with a `kind`", text.place("stages", &name));
        };
        let place = || text.place(&format!("stages.{name}"), "each");
        let Some(each) = table.remove("each") else {
            if name.contains(MARK) {
                bail!("{}: the name has {{each}}, but the stage has no `each = [..]`", place());
            }
            insert(text, &mut expanded, name, table)?;
            continue;
        };
        let Some(values) = each.as_array().filter(|values| !values.is_empty()) else {
            bail!("{}: `each` must be a list of at least one text", place());
        };
        if !name.contains(MARK) {
            bail!("{}: a stage with `each` needs {{each}} in its name, such as [stages.\"{name}-{{each}}\"]", place());
        }
        for value in values {
            let Some(value) = value.as_str() else {
                bail!("{}: `each` must be a list of texts", place());
            };
            let mut copy = Value::Table(table.clone());
            substitute(&mut copy, value);
            if let Value::Table(copy) = copy {
                insert(text, &mut expanded, name.replace(MARK, value), copy)?;
            }
        }
    }
    Ok(expanded)
}

/// A stage's name is the name of its folder.
pub fn check_name(text: &RecipeText, name: &str) -> Result<()> {
    let sound = !name.is_empty()
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !sound {
        bail!("{}: a stage's name is made of letters, digits, '-', '_' and '.'", text.place("stages", name));
    }
    Ok(())
}

fn insert(text: &RecipeText, stages: &mut Table, name: String, table: Table) -> Result<()> {
    check_name(text, &name)?;
    if stages.insert(name.clone(), Value::Table(table)).is_some() {
        bail!("{}: two stages have the name {name:?}", text.path.display());
    }
    Ok(())
}

fn substitute(value: &mut Value, with: &str) {
    match value {
        Value::String(text) => *text = text.replace(MARK, with),
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, with)),
        Value::Table(table) => table.iter_mut().for_each(|(_, item)| substitute(item, with)),
        _ => {}
    }
}
