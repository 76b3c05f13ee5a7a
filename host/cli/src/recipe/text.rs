//! The recipe's text: TOML, overrides from the command line, and where in the file a key stands.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use super::expand;
use super::keys::nearest;
use super::replace;

/// A recipe after overrides and expansion, with the file's own text for pointing at lines.
pub struct RecipeText {
    pub path: PathBuf,
    pub root: Table,
    lines: Vec<String>,
}

impl RecipeText {
    /// Reads the file and applies `--set KEY=VALUE` and `--plugin ROLE=REF[:WEIGHT]`.
    pub fn read(path: &Path, set: &[String], plugin: &[String]) -> Result<RecipeText> {
        let source =
            std::fs::read_to_string(path).with_context(|| format!("could not read the recipe {}", path.display()))?;
        let root: Table = match source.parse() {
            Ok(root) => root,
            Err(error) => bail!("{} is not valid TOML\n{error}", path.display()),
        };
        let lines = source.lines().map(str::to_owned).collect();
        let mut text = RecipeText { path: path.to_owned(), root, lines };
        if let Some(stages) = text.root.remove("stages") {
            let Value::Table(stages) = stages else {
                bail!("{}: `stages` must be a table of stages ([stages.NAME])", path.display());
            };
            let stages = expand::expand(&text, stages)?;
            text.root.insert("stages".into(), Value::Table(stages));
        }
        for assignment in set {
            text.set(assignment)?;
        }
        // An override of a recipe without stages brings in its own.
        if let Some(Value::Table(stages)) = text.root.get("stages") {
            stages.keys().try_for_each(|name| expand::check_name(&text, name))?;
        }
        replace::replace(&mut text.root, plugin)?;
        Ok(text)
    }

    /// `seed=3`, `stages.base.tokens=1000`, or `base.tokens=1000` for a stage.
    fn set(&mut self, assignment: &str) -> Result<()> {
        let Some((key, value)) = assignment.split_once('=') else {
            bail!("--set {assignment:?} has no '='; write KEY=VALUE, such as --set seed=3");
        };
        let value = parse_value(value);
        let mut path: Vec<&str> = key.trim().split('.').collect();
        let roots = ["name", "seed", "plugins", "stages"];
        if !roots.contains(&path[0]) {
            let stages: Vec<String> = match self.root.get("stages") {
                Some(Value::Table(stages)) => stages.keys().cloned().collect(),
                _ => Vec::new(),
            };
            if !stages.iter().any(|stage| stage == path[0]) {
                let known = roots.iter().map(|key| key.to_string()).chain(stages);
                bail!("--set {key}: the recipe has no key or stage {:?}{}", path[0], nearest(path[0], known));
            }
            path.insert(0, "stages");
        }
        if path[0] == "stages" && path.len() > 1 {
            let known = match self.root.get("stages") {
                Some(Value::Table(stages)) if !stages.contains_key(path[1]) => {
                    Some(stages.keys().cloned().collect::<Vec<_>>())
                }
                _ => None,
            };
            if let Some(known) = known {
                bail!("--set {key}: the recipe has no stage {:?}{}", path[1], nearest(path[1], known));
            }
        }
        assign(&mut self.root, &path, value).with_context(|| format!("--set {key}"))
    }

    /// `recipes/demo.toml:31: stages.base.tokens`: the line of a key, as far as the text shows it.
    pub fn place(&self, table: &str, key: &str) -> String {
        let dotted = match (table, key) {
            ("", key) => key.to_owned(),
            (table, "") => table.to_owned(),
            (table, key) => format!("{table}.{key}"),
        };
        match self.line(table, key) {
            Some(line) => format!("{}:{line}: {dotted}", self.path.display()),
            None => format!("{}: {dotted}", self.path.display()),
        }
    }

    fn line(&self, table: &str, key: &str) -> Option<usize> {
        let plain = |text: &str| text.replace(['"', '\'', ' '], "");
        let mut inside = table.is_empty();
        let mut header = None;
        for (index, line) in self.lines.iter().enumerate() {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                inside = same_table(&plain(name), table);
                if inside {
                    header = Some(index + 1);
                }
            } else if inside
                && !key.is_empty()
                && line
                    .split('=')
                    .next()
                    .is_some_and(|name| plain(name) == key || plain(name).starts_with(&format!("{key}.")))
            {
                return Some(index + 1);
            }
        }
        header
    }
}

/// A header such as `stages.rl-{each}` stands for every stage that it expands to.
fn same_table(header: &str, table: &str) -> bool {
    match header.split_once("{each}") {
        None => header == table,
        Some((before, after)) => table.starts_with(before) && table.ends_with(after),
    }
}

/// A TOML value where it parses as one, else the text itself: `--set base.decay_shape=cosine` needs no quotes.
fn parse_value(text: &str) -> Value {
    match format!("value = {text}").parse::<Table>() {
        Ok(mut table) => table.remove("value").unwrap_or_else(|| Value::String(text.to_owned())),
        Err(_) => Value::String(text.to_owned()),
    }
}

fn assign(table: &mut Table, path: &[&str], value: Value) -> Result<()> {
    match path {
        [] => Ok(()),
        [last] => {
            table.insert((*last).to_owned(), value);
            Ok(())
        }
        [first, rest @ ..] => match table.entry((*first).to_owned()).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => assign(inner, rest, value),
            Value::String(reference) if rest[0] == "config" || rest[0] == "limits" => {
                // `role = "name"` becomes a table as soon as its config is set.
                let mut inner = Table::new();
                inner.insert("plugin".into(), Value::String(reference.clone()));
                assign(&mut inner, rest, value)?;
                table.insert((*first).to_owned(), Value::Table(inner));
                Ok(())
            }
            _ => bail!("{first:?} is a value, not a table"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, set: &[&str], plugin: &[&str]) -> Result<RecipeText> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("r.toml");
        std::fs::write(&path, text)?;
        let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        RecipeText::read(&path, &own(set), &own(plugin))
    }

    const RECIPE: &str =
        "seed = 1\n[plugins]\nreward = \"r\"\n[stages.\"x-{each}\"]\neach = [\"a\", \"b\"]\nkind = \"rl\"\nsteps = 3\n";

    #[test]
    fn set_reaches_one_stage_of_an_expansion() {
        let text = read(RECIPE, &["x-a.steps=5", "seed=9"], &[]).unwrap();
        assert_eq!(text.root["stages"]["x-a"]["steps"].as_integer(), Some(5));
        assert_eq!(text.root["stages"]["x-b"]["steps"].as_integer(), Some(3));
        assert_eq!(text.root["seed"].as_integer(), Some(9));
    }

    #[test]
    fn set_of_an_unknown_stage_suggests_the_nearest() {
        let error = read(RECIPE, &["x-aa.steps=5"], &[]).err().unwrap().to_string();
        assert!(error.contains("did you mean \"x-a\""), "{error}");
    }

    #[test]
    fn set_brings_in_no_stage_that_could_not_stand_in_the_file() {
        for set in ["stages.a/b.kind=curate", "stages..kind=curate", "stages={ '../a' = { kind = 'curate' } }"] {
            let error = read("seed = 1\n", &[set], &[]).err().unwrap().to_string();
            assert!(error.contains("a stage's name is made of"), "{error}");
        }
        assert!(read("seed = 1\n", &["stages.a.kind=curate"], &[]).is_ok());
    }

    #[test]
    fn set_of_config_turns_a_bare_name_into_a_table() {
        let text = read(RECIPE, &["plugins.reward.config.correct=3.0"], &[]).unwrap();
        assert_eq!(text.root["plugins"]["reward"]["plugin"].as_str(), Some("r"));
        assert_eq!(text.root["plugins"]["reward"]["config"]["correct"].as_float(), Some(3.0));
    }

    #[test]
    fn a_key_is_found_by_line_in_an_expanded_stage() {
        let text = read(RECIPE, &[], &[]).unwrap();
        assert!(text.place("stages.x-b", "steps").contains("r.toml:7:"));
    }
}
