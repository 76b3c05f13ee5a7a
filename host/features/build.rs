//! Here so that cargo counts the build dependencies of the manifest; there is nothing to do.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
