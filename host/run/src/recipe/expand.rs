//! `each`: one table of a recipe that stands for several stages.
//!
//! `[stages."rl-{each}"]` with `each = ["short", "long"]` becomes the stages `rl-short` and `rl-long`, with
//! `{each}` replaced in every string of the table. Other braces are left alone (`{problem}` belongs to prompts).
//!
//! A value may be a table with a `name`: of `each = [{ name = "low-s1", data = "low", seed = 1 }]`, `{each}` is the name and
//! `{each.data}` the value under that key; a string that is nothing but such a mark becomes the value itself, so that
//! `seed = "{each.seed}"` is a number.

use anyhow::{Result, anyhow, bail};
use toml::{Table, Value};

use super::text::RecipeText;

const MARK: &str = "{each}";

/// Every stage of `stages` with its own table.
///
/// # Errors
/// A stage that is not a table, an `each` that is not a list of texts, a name that cannot name a folder or is there twice.
pub fn expand(text: &mut RecipeText, stages: Table) -> Result<Table> {
    let mut expanded = Table::new();
    for (name, value) in stages {
        let Value::Table(mut table) = value else {
            bail!("{}: a stage is a table with a `kind`", text.place(&["stages", &name]));
        };
        let place = text.place(&["stages", &name, "each"]);
        let Some(each) = table.remove("each") else {
            if name.contains(MARK) {
                bail!("{place}: the name has {{each}}, but the stage has no `each = [..]`");
            }
            insert(text, &mut expanded, name, table)?;
            continue;
        };
        let Some(values) = each.as_array().filter(|values| !values.is_empty()) else {
            bail!("{place}: `each` must be a list of at least one text or table");
        };
        if !name.contains(MARK) {
            bail!("{place}: a stage with `each` needs {{each}} in its name, such as [stages.\"{name}-{{each}}\"]");
        }
        // Each of the stages would else be given the places of all their names: a million of them, of a thousand stages.
        text.origins.forget_below(&["stages", &name, "each"]);
        for value in values {
            let one = One::read(value).map_err(|message| anyhow!("{place}: {message}"))?;
            let mut copy = Value::Table(table.clone());
            substitute(&mut copy, &one);
            if let Some(unknown) = left_over(&copy) {
                bail!("{place}: {unknown} stands in the stage, and the value named {:?} has no such key", one.name);
            }
            if let Value::Table(copy) = copy {
                let own_name = name.replace(MARK, one.name);
                text.origins.copy(&["stages", &name], &["stages", &own_name]);
                insert(text, &mut expanded, own_name, copy)?;
            }
        }
    }
    Ok(expanded)
}

/// Checks that a stage's name can be the name of its folder.
///
/// # Errors
/// The place of the name, and what names are made of.
pub fn check_name(text: &RecipeText, name: &str) -> Result<()> {
    if !names_a_folder(name) {
        bail!("{}: a stage's name is made of letters, digits, '-', '_' and '.'", text.place(&["stages", name]));
    }
    Ok(())
}

/// Whether a name can be that of a folder on any system, and of one that is not hidden.
pub fn names_a_folder(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn insert(text: &RecipeText, stages: &mut Table, name: String, table: Table) -> Result<()> {
    check_name(text, &name)?;
    if stages.insert(name.clone(), Value::Table(table)).is_some() {
        bail!("{}: two stages have the name {name:?}", text.path.display());
    }
    Ok(())
}

/// One value of an `each`.
struct One<'a> {
    name: &'a str,
    /// `{each.KEY}`, and the value under that key.
    marks: Vec<(String, &'a Value)>,
}

impl One<'_> {
    fn read(value: &Value) -> Result<One<'_>, &'static str> {
        match value {
            Value::String(name) => Ok(One { name, marks: Vec::new() }),
            Value::Table(table) => {
                let name = table.get("name").and_then(Value::as_str).ok_or("a table of `each` needs a text `name`")?;
                if table.values().any(|value| matches!(value, Value::Array(_) | Value::Table(_))) {
                    return Err("a table of `each` has texts, numbers and truth values, and nothing within them");
                }
                let marks = table.iter().map(|(key, value)| (format!("{{each.{key}}}"), value));
                Ok(One { name, marks: marks.collect() })
            }
            _ => Err("`each` must be a list of texts or tables"),
        }
    }
}

/// A mark that no value has filled.
fn left_over(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let (_, after) = text.split_once("{each.")?;
            let (key, _) = after.split_once('}')?;
            Some(format!("{{each.{key}}}"))
        }
        Value::Array(items) => items.iter().find_map(left_over),
        Value::Table(table) => table.values().find_map(left_over),
        _ => None,
    }
}

fn substitute(value: &mut Value, with: &One<'_>) {
    match value {
        Value::String(text) => {
            if let Some((_, whole)) = with.marks.iter().find(|(mark, _)| mark == text) {
                *value = (*whole).clone();
                return;
            }
            *text = text.replace(MARK, with.name);
            for (mark, own) in &with.marks {
                let own = own.as_str().map_or_else(|| own.to_string(), str::to_owned);
                *text = text.replace(mark, &own);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, with)),
        Value::Table(table) => table.iter_mut().for_each(|(_, item)| substitute(item, with)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stages: &str) -> Result<RecipeText> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("r.toml");
        std::fs::write(&path, stages)?;
        RecipeText::read(&path, &[], &[])
    }

    #[test]
    fn each_value_is_a_stage_with_its_own_texts_and_places() {
        let text =
            read("[stages.\"x-{each}\"]\neach = [\"a\", \"b\"]\nfrom = [\"@{each}/y\", { p = \"{each}{problem}\" }]\n");
        let text = text.expect("reads");
        let stages = text.root["stages"].as_table().expect("a table");
        assert_eq!(stages.keys().collect::<Vec<_>>(), ["x-a", "x-b"]);
        assert_eq!(stages["x-b"].to_string(), "{ from = [\"@b/y\", { p = \"b{problem}\" }] }");
        assert!(text.place(&["stages", "x-b", "from", "[1]", "p"]).ends_with("r.toml:3: stages.x-b.from[1].p"));
        // The names of the others are none of a stage's.
        assert!(!text.origins.has(&["stages", "x-a", "each", "[1]"].map(str::to_owned)));
    }

    #[test]
    fn tables_fill_their_own_marks_and_numbers_stay_numbers() {
        let text = read(
            "[stages.\"x-{each}\"]\neach = [{ name = \"a-s1\", data = \"a\", seed = 1 }, { name = \"b-s2\", data = \"b\", seed = 2 }]\n\
             from = \"@{each.data}/y\"\nseed = \"{each.seed}\"\nsaid = \"{each} has {each.seed}, {problem}\"\n",
        );
        let stages = text.expect("reads").root["stages"].clone();
        assert_eq!(stages["x-b-s2"].to_string(), "{ from = \"@b/y\", seed = 2, said = \"b-s2 has 2, {problem}\" }");
    }

    #[test]
    fn an_each_that_cannot_be_expanded_is_placed() {
        for (stages, words) in [
            (
                "[stages.\"x-{each}\"]\nkind = \"rl\"\n",
                "r.toml:1: stages.x-{each}.each: the name has {each}, but the stage has no `each = [..]`",
            ),
            (
                "[stages.\"x-{each}\"]\neach = []\n",
                "r.toml:2: stages.x-{each}.each: `each` must be a list of at least one text or table",
            ),
            (
                "[stages.\"x-{each}\"]\neach = [\"a\", 1]\n",
                "r.toml:2: stages.x-{each}.each: `each` must be a list of texts or tables",
            ),
            (
                "[stages.\"x-{each}\"]\neach = [{ seed = 1 }]\n",
                "r.toml:2: stages.x-{each}.each: a table of `each` needs a text `name`",
            ),
            (
                "[stages.\"x-{each}\"]\neach = [{ name = \"a\", b = [1] }]\n",
                "a table of `each` has texts, numbers and truth values, and nothing within them",
            ),
            (
                "[stages.\"x-{each}\"]\neach = [{ name = \"a\" }]\nfrom = [\"{each.data}\"]\n",
                "{each.data} stands in the stage, and the value named \"a\" has no such key",
            ),
            (
                "[stages.x]\neach = [\"a\"]\n",
                "r.toml:2: stages.x.each: a stage with `each` needs {each} in its name, such as [stages.\"x-{each}\"]",
            ),
            ("[stages.\"x-{each}\"]\neach = [\"a\", \"a\"]\n", "two stages have the name \"x-a\""),
        ] {
            let error = read(stages).err().expect("refused").to_string();
            assert!(error.ends_with(words), "{error}");
        }
    }
}
