//! Where an installed `octo-trainer` looks for libtorch: in `lib/octo` beside its own folder, as `make install` lays it
//! out. Where a build of the repository finds it is in `.cargo/config.toml`, for tests and benches too.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-bins=-Wl,-rpath,$ORIGIN/../lib/octo/torch/lib");
}
