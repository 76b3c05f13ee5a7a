//! Which files an extraction reads, what each is, and how they are named.

use octo_data::DataError;
use octo_data::rows::parts::{Part, Place};
use std::path::{Path, PathBuf};

/// Columns of tables that hold pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The page's HTML.
    pub html: String,
    /// Where it was found.
    pub url: String,
    /// When, as a text that begins with the year.
    pub date: String,
}

/// A file of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it lies.
    pub path: PathBuf,
    /// What the ids of its documents begin with: the file's name, with the folders between it and the input, and that one's
    /// name, where the input is a folder.
    pub name: String,
    /// What it is.
    pub form: Form,
}

/// What a file of pages is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A WARC or WET archive.
    Archive,
    /// One page.
    Html,
    /// Rows with a column of HTML.
    Table,
}

impl Form {
    /// By the name: `.html`, `.htm` and `.xhtml` are pages, formats of rows are tables, anything else is an archive.
    fn of(path: &Path) -> Form {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if ends(&[".html", ".htm", ".xhtml"]) {
            return Form::Html;
        }
        let unpacked =
            [".gz", ".xz", ".bz2", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
        match Path::new(unpacked).extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson" | "json" | "csv" | "tsv" | "parquet") => Form::Table,
            _ => Form::Archive,
        }
    }
}

/// The files that `inputs` name, in order. A folder stands for the archives and HTML files in it and below, by name; links to
/// folders are not followed.
///
/// # Errors
/// A folder that cannot be listed or has neither.
pub fn sources(inputs: &[PathBuf]) -> Result<Vec<Source>, DataError> {
    let mut found = Vec::new();
    for input in inputs {
        let name = |path: &Path| {
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
        };
        if !input.is_dir() {
            found.push(Source { path: input.clone(), name: name(input), form: Form::of(input) });
            continue;
        }
        let mut files = Vec::new();
        list(input, &mut files)?;
        if files.is_empty() {
            let message =
                "has neither archives (.warc or .wet, with .gz or .zst) nor HTML files; name tables themselves".into();
            return Err(DataError::Format { path: input.clone(), message });
        }
        files.sort();
        found.extend(files.into_iter().map(|path| {
            let below = path.strip_prefix(input).unwrap_or(&path).to_string_lossy().into_owned();
            Source { name: format!("{}/{below}", name(input)), form: Form::of(&path), path }
        }));
    }
    Ok(found)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let failed = |error| DataError::file("list", folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() && !path.is_symlink() {
            list(&path, files)?;
        } else if path.is_file() && (Form::of(&path) == Form::Html || is_archive(&path)) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a file in a folder is an archive, by its name.
fn is_archive(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.ends_with(".warc") || name.ends_with(".wet")
}

impl Source {
    /// Its parts. Archives and pages are parts by themselves: nobody knows where a record begins before those in front of it
    /// are read.
    pub(super) fn parts(&self, wanted: u64) -> Result<Vec<Part>, DataError> {
        if self.form == Form::Table {
            return octo_data::rows::parts::cut(&self.path, wanted);
        }
        let data = std::fs::metadata(&self.path).map_err(|error| DataError::file("read", &self.path, error))?;
        Ok(vec![Part { place: Place::Whole, bytes: data.len(), weight: data.len() }])
    }
}
