//! A row of a data file: its columns by name, each built only when it is read.

use crate::error::{quoted, shortened};
use crate::json::{Json, Scanner, write_text};
use serde_json::Value;
use std::fmt::Write;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The most columns that a row may have.
pub const MOST_COLUMNS: usize = 1 << 16;
/// Names that a message lists, and the bytes of one that it shows.
const NAMES_SHOWN: usize = 12;
const NAME_SHOWN: usize = 40;

/// A row. Its columns are in the order of the file.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Vec<Column>,
    /// The text that raw cells are parts of.
    line: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Column {
    name: Arc<str>,
    cell: Cell,
}

#[derive(Clone, Debug)]
enum Cell {
    /// JSON as it is written, at this place of the line, and what it was once it has been read.
    Raw(Range<usize>, OnceLock<Result<Json, String>>),
    Value(Json),
    /// The file has it and whoever opened the file did not ask for it.
    NotRead,
    /// The file's format says what is wrong with it.
    Bad(String),
}

impl Row {
    /// Reads a JSON object. Values are passed over; what is wrong inside one costs only whoever reads it.
    ///
    /// # Errors
    /// Where the line is not JSON or not an object, or has more than [`MOST_COLUMNS`].
    pub fn parse(line: Vec<u8>) -> Result<Row, String> {
        let mut scanner = Scanner::new(&line);
        scanner.skip_blanks();
        if scanner.peek() != Some(b'{') {
            scanner.skip_value().and_then(|_| scanner.end()).map_err(|fault| fault.to_string())?;
            let kind = match line.trim_ascii_start().first() {
                Some(b'[') => "a list",
                Some(b'"') => "a text",
                Some(b't' | b'f') => "a boolean",
                Some(b'n' | b'N') => "null",
                _ => "a number",
            };
            return Err(format!("a record is a JSON object; this is {kind}"));
        }
        let columns = Row::entries(&mut scanner)?;
        Ok(Row { columns, line })
    }

    fn entries(scanner: &mut Scanner<'_>) -> Result<Vec<Column>, String> {
        let said = |fault: crate::json::Fault| fault.to_string();
        let mut columns = Vec::new();
        scanner.eat(b'{');
        scanner.skip_blanks();
        if !scanner.eat(b'}') {
            loop {
                scanner.skip_blanks();
                let name = scanner.skip_name().map_err(said)?;
                let name = scanner.text(name).map_err(said)?;
                let place = scanner.skip_value().map_err(said)?;
                if columns.len() == MOST_COLUMNS {
                    return Err(format!("has more than {MOST_COLUMNS} columns, the most that is read"));
                }
                columns.push(Column { name: name.into(), cell: Cell::Raw(place, OnceLock::new()) });
                scanner.skip_blanks();
                if scanner.eat(b'}') {
                    break;
                }
                if !scanner.eat(b',') {
                    let what = match scanner.peek() {
                        None => "ends inside an object",
                        Some(_) => "a comma or a closing brace is missing",
                    };
                    return Err(scanner.wrong(what).to_string());
                }
            }
        }
        scanner.end().map_err(said)?;
        Ok(columns)
    }

    /// A row of a format with columns of its own: a value, or None for a column that was not read, or what is wrong.
    pub(crate) fn of_cells(cells: impl IntoIterator<Item = (Arc<str>, Option<Result<Json, String>>)>) -> Row {
        let columns = cells.into_iter().map(|(name, cell)| {
            let cell = match cell {
                None => Cell::NotRead,
                Some(Ok(value)) => Cell::Value(value),
                Some(Err(message)) => Cell::Bad(message),
            };
            Column { name, cell }
        });
        Row { columns: columns.collect(), line: Vec::new() }
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| &*column.name)
    }

    /// Names of the columns for a message: the first dozen, each cut where it is long.
    pub fn shown_names(&self) -> String {
        let names: Vec<String> = self.names().take(NAMES_SHOWN).map(|name| shortened(name, NAME_SHOWN)).collect();
        let mut text = names.join(", ");
        if self.columns.len() > NAMES_SHOWN {
            let _ = write!(text, " and {} more", self.columns.len() - NAMES_SHOWN);
        }
        text
    }

    /// Whether it has no column.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The value in column `name`; None where there is no such column.
    ///
    /// # Errors
    /// Where the value cannot be read, or there are two columns of that name: which of them is meant nobody knows.
    pub fn get(&self, name: &str) -> Result<Option<&Json>, String> {
        let mut found = self.columns.iter().filter(|column| &*column.name == name);
        let Some(column) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(format!("has two columns of the name {}; give each a name of its own", quoted(name)));
        }
        self.value(column).map(Some)
    }

    /// Every column with its value, in order, or what is wrong with it.
    pub fn all(&self) -> impl Iterator<Item = (&str, Result<&Json, String>)> {
        self.columns.iter().map(|column| (&*column.name, self.value(column)))
    }

    /// The JSON of column `name` as it is written, what is not UTF-8 in it replaced; None where the row was not JSON.
    pub fn as_written(&self, name: &str) -> Option<String> {
        let column = self.columns.iter().find(|column| &*column.name == name)?;
        match &column.cell {
            Cell::Raw(place, _) => Some(String::from_utf8_lossy(&self.line[place.clone()]).into_owned()),
            Cell::Value(_) | Cell::NotRead | Cell::Bad(_) => None,
        }
    }

    fn value<'a>(&'a self, column: &'a Column) -> Result<&'a Json, String> {
        let named = |message: &str| format!("the column {} {message}", quoted(&column.name));
        match &column.cell {
            Cell::Value(value) => Ok(value),
            Cell::Raw(place, read) => {
                read.get_or_init(|| Json::parse(&self.line[place.clone()])).as_ref().map_err(|message| named(message))
            }
            Cell::Bad(message) => Err(named(message)),
            Cell::NotRead => Err(named("was not asked for when the file was opened; this is a bug of Octo")),
        }
    }

    /// The value in column `name` as serde_json holds it.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn value_of(&self, name: &str) -> Result<Option<Value>, String> {
        Ok(self.get(name)?.map(Json::to_value))
    }

    /// Bytes that it takes, about: what a reader counts to stay within its memory.
    pub fn bytes(&self) -> usize {
        let cells = self.columns.iter().map(|column| match &column.cell {
            Cell::Value(value) => value.bytes(),
            Cell::Raw(..) | Cell::NotRead | Cell::Bad(_) => 0,
        });
        self.line.len() + self.columns.len() * size_of::<Column>() + cells.sum::<usize>()
    }

    /// The row as a line of JSON with `added` columns at its end, which replace those of their names. Values are what was
    /// read, numbers with all their digits; one that cannot be read becomes null, since JSON could not hold it.
    pub fn to_json_with(&self, added: &[(&str, Value)]) -> String {
        let mut text = String::from("{");
        let mut entry = |name: &str, value: &dyn std::fmt::Display| {
            if text.len() > 1 {
                text.push(',');
            }
            // A String takes whatever is written to it.
            let _ = write_text(&mut text, name);
            let _ = write!(text, ":{value}");
        };
        for column in &self.columns {
            if !added.iter().any(|(name, _)| *name == &*column.name) {
                entry(&column.name, self.value(column).unwrap_or(&crate::json::NULL));
            }
        }
        for (name, value) in added {
            entry(name, value);
        }
        text.push('}');
        text
    }
}

/// A row made of a JSON object; what is not an object has no columns.
impl From<Value> for Row {
    fn from(value: Value) -> Row {
        let Value::Object(entries) = value else {
            return Row { columns: Vec::new(), line: Vec::new() };
        };
        Row::of_cells(entries.into_iter().map(|(name, value)| (name.into(), Some(Ok(Json::from(value))))))
    }
}
