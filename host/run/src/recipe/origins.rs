//! Where each value of a recipe came from: a line of the file, or a flag of the command line.
//!
//! The lines are those of the spans that the TOML parser gives, so a key is found wherever and however it is written:
//! under its header, dotted, inline, or in a table that `each` has made several stages of.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where one value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the recipe's file, counted from 1.
    Line(usize),
    /// A flag, as the user wrote it: `--set seed=x`.
    Flag(String),
}

/// The keys that lead to a value; an element of a list is `[0]`, `[1]`, ...
pub type KeyPath = Vec<String>;

/// The origin of every value of a recipe.
#[derive(Default)]
pub struct Origins {
    known: BTreeMap<KeyPath, Origin>,
}

impl Origins {
    /// The lines of all values of `table`, which was parsed from `source`.
    pub fn of_file(table: &DeTable<'_>, source: &str) -> Origins {
        let mut starts = vec![0];
        starts.extend(source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1));
        let mut origins = Origins::default();
        origins.add_table(table, &mut Vec::new(), &starts);
        origins
    }

    fn add_table(&mut self, table: &DeTable<'_>, path: &mut KeyPath, starts: &[usize]) {
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            self.known.insert(path.clone(), Origin::Line(line(key.span().start, starts)));
            self.add_value(value, path, starts);
            path.pop();
        }
    }

    fn add_value(&mut self, value: &Spanned<DeValue<'_>>, path: &mut KeyPath, starts: &[usize]) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(table, path, starts),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(format!("[{index}]"));
                    self.known.insert(path.clone(), Origin::Line(line(item.span().start, starts)));
                    self.add_value(item, path, starts);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// Gives what lies below `to` the origins of what lies below `from`, and `to` itself that of `from`.
    pub fn copy(&mut self, from: &[&str], to: &[&str]) {
        let first: KeyPath = from.iter().map(|key| (*key).to_owned()).collect();
        let copied: Vec<(KeyPath, Origin)> = self
            .known
            .range(first..)
            .take_while(|(path, _)| starts_with(path, from))
            .map(|(path, origin)| {
                let rest = path[from.len()..].iter().cloned();
                (to.iter().map(|key| (*key).to_owned()).chain(rest).collect(), origin.clone())
            })
            .collect();
        self.known.extend(copied);
    }

    /// Forgets the origins of what lies below `path`.
    pub fn forget_below(&mut self, path: &[&str]) {
        let first: KeyPath = path.iter().map(|key| (*key).to_owned()).collect();
        let below = self.known.range(first..).take_while(|(known, _)| starts_with(known, path));
        let below: Vec<KeyPath> =
            below.map(|(known, _)| known).filter(|known| known.len() > path.len()).cloned().collect();
        for known in below {
            self.known.remove(&known);
        }
    }

    /// The value at `path`, and all below it, came from `flag`.
    pub fn set(&mut self, path: &[&str], flag: &str) {
        self.known.retain(|known, _| !starts_with(known, path));
        self.known.insert(path.iter().map(|key| (*key).to_owned()).collect(), Origin::Flag(flag.to_owned()));
    }

    /// Whether there is a value at exactly this path.
    pub fn has(&self, path: &[String]) -> bool {
        self.known.contains_key(path)
    }

    /// The origin of the value at `path`, or of the nearest table or list around it that has one.
    pub fn of(&self, path: &[String]) -> Option<&Origin> {
        (1..=path.len()).rev().find_map(|length| self.known.get(&path[..length]))
    }
}

fn starts_with(path: &[String], prefix: &[&str]) -> bool {
    path.len() >= prefix.len() && path.iter().zip(prefix).all(|(key, other)| key == other)
}

fn line(offset: usize, starts: &[usize]) -> usize {
    starts.partition_point(|start| *start <= offset)
}

/// `stages.rl.reward[1].weight`.
pub fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for key in path {
        if !text.is_empty() && !key.starts_with('[') {
            text.push('.');
        }
        text.push_str(key);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(source: &str) -> Origins {
        Origins::of_file(DeTable::parse(source).expect("TOML").get_ref(), source)
    }

    fn line_of(origins: &Origins, path: &[&str]) -> Option<Origin> {
        origins.of(&path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>()).cloned()
    }

    #[test]
    fn a_key_is_found_however_it_is_written() {
        let source = "seed = 1\n\n[stages.a]\nkind = \"x\"\nlist = [\n  1,\n  { deep = 2 },\n]\n[stages]\nb.c.d = 3\n";
        let found = origins(source);
        for (path, line) in [
            (&["seed"][..], 1),
            (&["stages", "a"], 3),
            (&["stages", "a", "kind"], 4),
            (&["stages", "a", "list", "[0]"], 6),
            (&["stages", "a", "list", "[1]", "deep"], 7),
            (&["stages", "b", "c", "d"], 10),
            // What is not there is looked for where it should stand.
            (&["stages", "a", "missing"], 3),
        ] {
            assert_eq!(line_of(&found, path), Some(Origin::Line(line)), "{path:?}");
        }
        assert_eq!(line_of(&found, &["none"]), None);
    }

    #[test]
    fn a_flag_takes_the_place_of_lines_and_copies_keep_them() {
        let mut found = origins("[stages.\"x-{each}\"]\nkind = \"rl\"\nmap = { a = 1 }\n");
        found.copy(&["stages", "x-{each}"], &["stages", "x-1"]);
        assert_eq!(line_of(&found, &["stages", "x-1", "map", "a"]), Some(Origin::Line(3)));
        found.set(&["stages", "x-1", "map"], "--set x-1.map=2");
        assert_eq!(line_of(&found, &["stages", "x-1", "map", "a"]), Some(Origin::Flag("--set x-1.map=2".into())));
        assert_eq!(line_of(&found, &["stages", "x-1", "kind"]), Some(Origin::Line(2)));
    }

    #[test]
    fn what_lies_below_a_path_is_forgotten_and_the_path_is_not() {
        let mut found = origins("[stages.x]\neach = [\"a\",\n \"b\"]\neach2 = 1\n");
        found.forget_below(&["stages", "x", "each"]);
        let keys = |found: &Origins| found.known.keys().map(|path| dotted(path)).collect::<Vec<_>>();
        assert_eq!(keys(&found), ["stages", "stages.x", "stages.x.each", "stages.x.each2"]);
        assert_eq!(line_of(&found, &["stages", "x", "each", "[1]"]), Some(Origin::Line(2)));
    }

    #[test]
    fn a_path_is_written_as_a_person_would() {
        let path: Vec<String> = ["stages", "rl", "reward", "[1]", "weight"].map(String::from).to_vec();
        assert_eq!(dotted(&path), "stages.rl.reward[1].weight");
    }
}
