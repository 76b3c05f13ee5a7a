fn main() {
    // Here so that cargo counts the build dependencies; there is nothing to do.
    println!("cargo::rerun-if-changed=build.rs");
}
