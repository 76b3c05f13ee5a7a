//! A table of keys for a terminal.

use std::fmt::Write;

use octo_plugin::for_people;

use crate::key_rows::Row;

/// Widest columns of the table of config keys.
const WIDEST: [usize; 4] = [28, 30, 12, 50];
/// Longest cell of that table, in bytes.
const LONGEST_CELL: usize = 2000;

/// Keys in columns, the first under `head`, with long cells on several lines.
pub fn write(text: &mut String, head: &str, rows: &[Row]) -> std::fmt::Result {
    let heads = [head, "takes", "default", "meaning"];
    // A plugin's schema is its own text, which must not drive the terminal.
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|row| [&row.key, &row.takes, &row.default, &row.meaning].map(|cell| for_people(cell, LONGEST_CELL)))
        .collect();
    let heads = heads.map(str::to_owned);
    let mut widths = [0; 4];
    for row in std::iter::once(&heads).chain(&cells) {
        for ((cell, width), widest) in row.iter().zip(&mut widths).zip(WIDEST) {
            *width = (*width).max(cell.chars().count().min(widest));
        }
    }
    for row in std::iter::once(&heads).chain(&cells) {
        let columns: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrapped(cell, width)).collect();
        for line in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
            let mut written = String::new();
            for (column, width) in columns.iter().zip(widths) {
                write!(written, "{:<width$}  ", column.get(line).map_or("", String::as_str))?;
            }
            writeln!(text, "{}", written.trim_end())?;
        }
    }
    Ok(())
}

/// The words of `cell` in lines of at most `width` characters; a longer word has a line of its own.
fn wrapped(cell: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in cell.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
