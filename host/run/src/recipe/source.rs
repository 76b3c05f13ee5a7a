//! What an input of a stage refers to: a file of another stage (`@corpus/web.jsonl.zst`), its checkpoint after so
//! many steps (`@stable:25000`), or a path.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use octo_record::layout::{self, CHECKPOINTS};

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file or folder that another stage wrote.
    Stage {
        /// The other stage's name.
        stage: String,
        /// The path in its folder; empty for the whole folder.
        path: String,
    },
    /// A file or folder outside the run.
    File(PathBuf),
}

impl Source {
    /// Reads `@STAGE/path`, or a path relative to the recipe's folder with `${NAME}` and `${NAME:-default}` expanded.
    ///
    /// # Errors
    /// A text that is not an input, or needs a variable that is not set.
    pub fn parse(text: &str, folder: &Path) -> Result<Source> {
        let Some(reference) = text.strip_prefix('@') else {
            let expanded = expand_environment(text)?;
            return Ok(Source::File(folder.join(expanded)));
        };
        if let Some((stage, step)) = reference.split_once(':')
            && !stage.contains('/')
        {
            let step: u64 = match step.parse() {
                Ok(step) if !stage.is_empty() => step,
                _ => bail!("{text:?} is not a checkpoint; write @STAGE:STEPS, such as @stable:25000"),
            };
            return Ok(Source::Stage {
                stage: stage.to_owned(),
                path: format!("{CHECKPOINTS}/{}", layout::checkpoint(step)),
            });
        }
        let (stage, path) = reference.split_once('/').unwrap_or((reference, ""));
        // A stage's files are its own: no way out of its folder.
        if stage.is_empty() || Path::new(path).components().any(|part| !matches!(part, std::path::Component::Normal(_)))
        {
            bail!("{text:?} is not an input; write @STAGE/path, without '..'");
        }
        Ok(Source::Stage { stage: stage.to_owned(), path: path.to_owned() })
    }
}

/// Refuses what is neither a file nor a folder: a pipe would be waited for, a device may have no end, and neither gives
/// the same bytes again. What is not there is nobody's fault yet.
///
/// # Errors
/// What it is, as a sentence.
pub fn file_or_folder(path: &Path) -> Result<()> {
    let Ok(data) = std::fs::metadata(path) else { return Ok(()) };
    let kind = data.file_type();
    if kind.is_file() || kind.is_dir() {
        return Ok(());
    }
    let what = match () {
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    bail!("{} is {what}; a run reads files, which give the same again: write what it gives to a file", path.display());
}

/// The step of the checkpoint that a path in a stage's folder leads to or into.
pub fn checkpoint_step(path: &str) -> Option<u64> {
    let (folder, inside) = path.split_once('/')?;
    (folder == CHECKPOINTS).then(|| layout::checkpoint_step(inside.split('/').next()?)).flatten()
}

fn expand_environment(text: &str) -> Result<String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, after)) = after.split_once('}') else {
            bail!("{text:?} has \"${{\" without a closing brace");
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        expanded.push_str(before);
        match (std::env::var(name), default) {
            // A relative path in a variable is meant from where the user stands, not from the recipe's folder.
            (Ok(value), _) if !value.is_empty() && expanded.is_empty() => {
                expanded.push_str(&std::path::absolute(&value)?.to_string_lossy());
            }
            (Ok(value), _) if !value.is_empty() => expanded.push_str(&value),
            (_, Some(default)) => expanded.push_str(default),
            _ => bail!("{text:?} needs the environment variable {name}, which is not set"),
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_input_can_not_leave_its_folder() {
        assert!(Source::parse("@a/../b", Path::new("r")).is_err());
        assert!(Source::parse("@/b", Path::new("r")).is_err());
        let whole = Source::parse("@a", Path::new("r")).unwrap();
        assert_eq!(whole, Source::Stage { stage: "a".into(), path: String::new() });
    }

    #[test]
    fn a_checkpoint_is_named_by_its_step() {
        let source = Source::parse("@stable:25000", Path::new("r")).unwrap();
        assert_eq!(source, Source::Stage { stage: "stable".into(), path: "checkpoints/step-025000".into() });
        let spelled = Source::parse("@stable/checkpoints/step-025000", Path::new("r")).unwrap();
        assert_eq!(source, spelled);
        assert_eq!(checkpoint_step("checkpoints/step-025000"), Some(25000));
        assert_eq!(checkpoint_step("model"), None);
        for wrong in ["@stable:", "@:3", "@stable:last", "@stable:-1"] {
            assert!(Source::parse(wrong, Path::new("r")).unwrap_err().to_string().contains("@STAGE:STEPS"), "{wrong}");
        }
    }

    #[test]
    fn an_unset_variable_takes_its_default_or_is_named() {
        let path = Source::parse("${OCTO_SURELY_UNSET:-x}/y", Path::new("r")).unwrap();
        assert_eq!(path, Source::File(PathBuf::from("r/x/y")));
        let error = Source::parse("${OCTO_SURELY_UNSET}/y", Path::new("r")).unwrap_err().to_string();
        assert!(error.contains("OCTO_SURELY_UNSET"));
    }
}
