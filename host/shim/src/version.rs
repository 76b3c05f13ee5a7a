//! Which libtorch is loaded, as the library itself reports it.

use std::ffi::CStr;

use crate::{Message, octo_shim_free};

// As in version.cpp.
unsafe extern "C" {
    fn octo_shim_build_settings() -> Message;
}

/// What stands before the version among the build settings.
const KEY: &str = "TORCH_VERSION=";

/// The version of the libtorch that this process has loaded, such as `2.11.0`, out of the build settings that the
/// library reports at run time (`torch.__config__.show()` in Python). None where it reports none.
pub fn libtorch_version() -> Option<String> {
    // SAFETY: no arguments, and what is thrown is caught.
    let settings = unsafe { octo_shim_build_settings() };
    if settings.is_null() {
        return None;
    }
    // SAFETY: what is not null is a C string of the shim's, which is ours to hand back once.
    let text = unsafe {
        let text = CStr::from_ptr(settings).to_string_lossy().into_owned();
        octo_shim_free(settings);
        text
    };
    version_in(&text)
}

fn version_in(settings: &str) -> Option<String> {
    let (_, rest) = settings.split_once(KEY)?;
    let version = rest.split([',', ' ', '\n']).next().unwrap_or_default();
    (!version.is_empty()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_reports_a_version_of_its_own() {
        let version = libtorch_version().expect("libtorch reports its build settings");
        let numbers: Vec<&str> = version.split('.').collect();
        assert!(numbers.len() >= 3 && numbers[..2].iter().all(|part| part.parse::<u32>().is_ok()), "{version}");
    }

    #[test]
    fn the_version_is_found_among_other_settings() {
        let settings = "PyTorch built with:\n  - GCC 13.3\n  - Build settings: BLAS_INFO=mkl, TORCH_VERSION=2.11.0+cpu, USE_CUDA=0, \n";
        assert_eq!(version_in(settings).as_deref(), Some("2.11.0+cpu"));
        assert_eq!((version_in("USE_CUDA=0"), version_in("TORCH_VERSION=, ")), (None, None));
    }
}
