//! What `--version` says of the build: the commit, and the libtorch that `octo-trainer` is built with.
//!
//! Neither needs more than files. A tree without `.git` has no commit to tell, unless `SOURCE_COMMIT` names it.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SOURCE_COMMIT");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let named = std::env::var("SOURCE_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = named.or_else(|| commit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")));
    println!("cargo:rustc-env=BUILD_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    println!("cargo:rustc-env=BUILD_LIBTORCH={}", libtorch().as_deref().unwrap_or("unknown"));
}

/// The commit that is checked out, as git's own files have it.
fn commit(root: &Path) -> Option<String> {
    let dot_git = root.join(".git");
    let folder = match std::fs::read_to_string(&dot_git) {
        // A worktree, or a submodule: the file says where its folder is.
        Ok(file) => root.join(file.strip_prefix("gitdir:")?.trim()),
        Err(_) => dot_git,
    };
    let head = read(&folder.join("HEAD"))?;
    // HEAD changes with the branch alone; this grows with every commit.
    watch(&folder.join("logs/HEAD"));
    let Some(branch) = head.strip_prefix("ref:").map(str::trim) else { return hexadecimal(&head) };
    // Branches are kept once for all worktrees.
    let shared = read(&folder.join("commondir")).map_or_else(|| folder.clone(), |shared| folder.join(shared.trim()));
    if let Some(commit) = read(&shared.join(branch)) {
        return hexadecimal(&commit);
    }
    let packed = read(&shared.join("packed-refs"))?;
    packed.lines().find_map(|line| line.strip_suffix(branch)).and_then(hexadecimal)
}

fn hexadecimal(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
}

/// The version in libtorch's headers.
fn libtorch() -> Option<String> {
    let folder = PathBuf::from(std::env::var_os("LIBTORCH")?);
    let headers = read(&folder.join("include/torch/headeronly/version.h"))
        .or_else(|| read(&folder.join("include/torch/csrc/api/include/torch/version.h")))?;
    let number = |name: &str| {
        let line = headers.lines().find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse::<u32>().ok())
    };
    let [major, minor, patch] = ["TORCH_VERSION_MAJOR", "TORCH_VERSION_MINOR", "TORCH_VERSION_PATCH"].map(number);
    Some(format!("{}.{}.{}", major?, minor?, patch?))
}

/// The file's text; the build runs again when it changes.
fn read(path: &Path) -> Option<String> {
    watch(path);
    std::fs::read_to_string(path).ok()
}

/// One that is not there would have the build run every time.
fn watch(path: &Path) {
    if path.is_file() {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}
