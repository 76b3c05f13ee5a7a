//! Where plugins are looked for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::LoadError;

/// Finds the file that a recipe or command line means. A bare name is `NAME` or `NAME.wasm` in the folders of
/// `$OCTO_PLUGIN_PATH`, in `plugins` beside the program, in `plugins` beside the program's folder (where a build of the
/// repository puts them), and in `share/octo/plugins` beside that (where `make install` puts them), and only then a file
/// of the working folder, so that a file which happens to be called like a plugin does not take its place. What has a
/// `/` is a path, and is looked for nowhere else.
///
/// # Errors
/// [`LoadError::NotFound`], with every file that was tried.
pub fn find_plugin(reference: &str) -> Result<PathBuf, LoadError> {
    let program = std::env::current_exe().ok();
    find(reference, &folders(std::env::var_os("OCTO_PLUGIN_PATH").as_deref(), program.as_deref()))
}

fn folders(plugin_path: Option<&OsStr>, program: Option<&Path>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = plugin_path
        .map(|list| std::env::split_paths(list).filter(|folder| !folder.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if let Some(beside) = program.and_then(Path::parent) {
        folders.push(beside.join("plugins"));
        folders.extend(beside.parent().map(|above| above.join("plugins")));
        folders.extend(beside.parent().map(|above| above.join("share/octo/plugins")));
    }
    folders
}

fn find(reference: &str, folders: &[PathBuf]) -> Result<PathBuf, LoadError> {
    let mut looked = Vec::new();
    // A name is one part: `../x` and `a/b` are paths, and are not looked for in folders.
    let is_name = Path::new(reference).components().count() == 1 && Path::new(reference).file_name().is_some();
    if is_name && !reference.ends_with(std::path::MAIN_SEPARATOR) {
        for folder in folders {
            looked.push(folder.join(reference));
            looked.push(folder.join(format!("{reference}.wasm")));
        }
    }
    looked.push(PathBuf::from(reference));
    match looked.iter().find(|path| path.is_file()) {
        Some(found) => Ok(found.clone()),
        None => Err(LoadError::NotFound { reference: reference.to_owned(), looked }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_with_and_without_its_ending_in_the_first_folder_that_has_it() {
        let home = tempfile::tempdir().expect("folder");
        let (first, second) = (home.path().join("first"), home.path().join("second"));
        for folder in [&first, &second] {
            std::fs::create_dir(folder).expect("folder");
            std::fs::write(folder.join("both.wasm"), b"").expect("file");
        }
        std::fs::write(second.join("one.wasm"), b"").expect("file");
        let folders = [first.clone(), second.clone()];
        assert_eq!(find("both", &folders).expect("found"), first.join("both.wasm"));
        assert_eq!(find("one.wasm", &folders).expect("found"), second.join("one.wasm"));
        let path = second.join("one.wasm");
        assert_eq!(find(path.to_str().expect("UTF-8"), &[]).expect("a path"), path);
    }

    #[test]
    fn a_file_of_the_working_folder_does_not_take_the_place_of_an_installed_plugin() {
        // Tests run in the crate's own folder, which has a file of this name.
        let installed = tempfile::tempdir().expect("folder");
        assert_eq!(find("Cargo.toml", &[installed.path().to_owned()]).expect("there"), Path::new("Cargo.toml"));
        std::fs::write(installed.path().join("Cargo.toml"), b"").expect("file");
        let found = find("Cargo.toml", &[installed.path().to_owned()]).expect("installed");
        assert_eq!(found, installed.path().join("Cargo.toml"));
        assert_eq!(find("./Cargo.toml", &[installed.path().to_owned()]).expect("a path"), Path::new("./Cargo.toml"));
    }

    #[test]
    fn a_plugin_that_is_nowhere_is_reported_with_every_place() {
        let folders = [PathBuf::from("/nowhere/plugins")];
        let error = find("absent", &folders).expect_err("not there").to_string();
        assert!(error.contains("/nowhere/plugins/absent.wasm") && error.contains("plugin build"), "{error}");
        let error = find("folder/absent", &folders).expect_err("not there").to_string();
        assert!(!error.contains("/nowhere"), "a path is not looked for elsewhere: {error}");
    }

    #[test]
    fn the_users_folders_come_before_those_of_the_program() {
        let found = folders(Some(OsStr::new("/mine:/yours")), Some(Path::new("/repo/target/release/octo-host")));
        assert_eq!(
            found,
            [
                "/mine",
                "/yours",
                "/repo/target/release/plugins",
                "/repo/target/plugins",
                "/repo/target/share/octo/plugins"
            ]
            .map(PathBuf::from)
        );
    }
}
