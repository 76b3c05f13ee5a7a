//! Compiles `src/shim.cpp` against the headers of the libtorch that torch-sys links.

use std::path::PathBuf;

fn main() {
    for changed in ["src/shim.cpp", "build.rs"] {
        println!("cargo:rerun-if-changed={changed}");
    }
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let folder = std::env::var_os("LIBTORCH").map(PathBuf::from);
    let include = folder.map(|folder| folder.join("include")).filter(|include| include.join("ATen").is_dir());
    let Some(include) = include else {
        panic!("LIBTORCH names no folder with include/ATen; `make setup` lays one out in .octo/libtorch");
    };
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .pic(true)
        // libtorch's headers are not ours to mend.
        .warnings(false)
        .flag("-isystem")
        .flag(&include)
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .file("src/shim.cpp")
        .compile("octo_shim");
}
