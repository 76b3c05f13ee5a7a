//! Compiles the C++ files against the headers of the libtorch that torch-sys links; with libtorch_cuda beside it and
//! CUDA's headers at hand, also what needs those.

use std::path::{Path, PathBuf};

const FILES: [&str; 6] = [
    "src/lists.cpp",
    "src/attention.cpp",
    "src/cached_attention.cpp",
    "src/device.cpp",
    "src/cuda.cpp",
    "src/version.cpp",
];
/// Folders of headers below the site-packages of CUDA wheels, for CUDA 13 and 12.
const WHEELS: [&str; 3] = ["nvidia/cu13/include", "nvidia/cuda_runtime/include", "triton/backends/nvidia/include"];

fn main() {
    for changed in FILES.into_iter().chain(["src/shim.h", "build.rs"]) {
        println!("cargo:rerun-if-changed={changed}");
    }
    for variable in ["LIBTORCH", "CUDA_HOME", "CUDA_PATH"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let folder = std::env::var_os("LIBTORCH").map(PathBuf::from);
    let Some(folder) = folder.filter(|folder| folder.join("include/ATen").is_dir()) else {
        panic!("LIBTORCH names no folder with include/ATen; `make setup` lays one out in .octo/libtorch");
    };
    let include = folder.join("include");
    let mut build = cc::Build::new();
    // libtorch's headers are not ours to mend, so its warnings are not ours to see.
    build.cpp(true).std("c++17").pic(true).warnings(false).define("_GLIBCXX_USE_CXX11_ABI", "1").files(FILES);
    build.flag("-isystem").flag(&include);
    // `at::parallel_for` is written out where it is used, on the OpenMP threads that libtorch has.
    build.flag("-fopenmp").opt_level(3);
    if folder.join("lib/libtorch_cuda.so").exists() {
        build.define("OCTO_TORCH_CUDA", None);
        match cuda_headers(&include) {
            Some(headers) => {
                build.define("OCTO_CUDA_HEADERS", None).flag("-isystem").flag(headers);
            }
            None => println!(
                "cargo:warning=no CUDA headers (cuda_runtime_api.h and crt/) in CUDA_HOME, /usr/local/cuda or beside \
                 torch: this build has no CUDA graphs"
            ),
        }
    }
    build.compile("octo_shim");
    println!("cargo:rustc-link-lib=gomp");
    if folder.join("lib/libtorch_cuda.so").exists() {
        println!("cargo:rustc-link-search=native={}", folder.join("lib").display());
        println!("cargo:rustc-link-lib=torch_cuda");
        println!("cargo:rustc-link-lib=c10_cuda");
    }
}

/// Where CUDA's headers lie, whole: wheels of the runtime come without `crt/`, which another one has.
fn cuda_headers(include: &Path) -> Option<PathBuf> {
    let named = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(std::env::var_os);
    let named = named.map(|folder| PathBuf::from(folder).join("include"));
    let system = [PathBuf::from("/usr/local/cuda/include")];
    // libtorch of a wheel is site-packages/torch.
    let packages = include.canonicalize().ok().and_then(|include| Some(include.parent()?.parent()?.to_path_buf()));
    let wheels = packages.into_iter().flat_map(|packages| WHEELS.map(|wheel| packages.join(wheel)));
    let whole = |folder: &PathBuf| {
        ["cuda_runtime_api.h", "crt/host_defines.h"].into_iter().all(|header| folder.join(header).is_file())
    };
    named.chain(system).chain(wheels).find(whole)
}
