//! Compiled code is kept, and a cache in any state costs time at most.

mod guests;

use std::fs;
use std::path::{Path, PathBuf};

use guests::{attempts, verifier};
use octo_plugin::{Host, Limits};

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect()
}

fn judges(folder: &Path) {
    let host = Host::with_cache_folder(Some(folder)).expect("a supported machine");
    assert!(verifier(&host, &Limits::default()).verify(&attempts(&["c"]))[0].is_ok());
}

#[test]
fn a_plugin_is_compiled_once_and_survives_damage_to_the_cache() {
    let home = tempfile::tempdir().expect("folder");
    let folder = home.path().join("cache");
    judges(&folder);
    let entry = entries(&folder).pop().expect("kept");
    let good = fs::read(&entry).expect("entry");
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&entry).expect("entry"));

    judges(&folder);
    assert_eq!(entries(&folder), std::slice::from_ref(&entry), "nothing new and nothing left over");
    assert_eq!(std::os::unix::fs::MetadataExt::ino(&fs::metadata(&entry).expect("entry")), inode, "written again");

    for damage in [&b""[..], b"garbage", &good[..good.len() - 1], &[good.as_slice(), b"more"].concat()] {
        fs::write(&entry, damage).expect("damage it");
        judges(&folder);
        assert_eq!(fs::read(&entry).expect("entry"), good, "compiled again and kept");
    }

    fs::remove_file(&entry).expect("remove");
    fs::create_dir(&entry).expect("a folder in the entry's place");
    judges(&folder);
}

#[test]
fn a_cache_that_cannot_be_used_is_done_without() {
    let home = tempfile::tempdir().expect("folder");
    fs::write(home.path().join("file"), b"in the way").expect("file");
    judges(&home.path().join("file").join("cache"));
}
