//! How a GPU rounds, and whether it does so alike each time. Both are settings of the whole process.

use crate::{Message, outcome};

// As in device.cpp.
unsafe extern "C" {
    fn octo_shim_allow_tf32(allowed: bool) -> Message;
    fn octo_shim_allows_tf32() -> bool;
    fn octo_shim_deterministic(wanted: bool) -> Message;
    fn octo_shim_is_deterministic() -> bool;
}

/// Whether products of fp32 matrices may round their factors to TF32, 10 bits of mantissa, on GPUs that have it. About
/// eight times as fast there; nothing changes elsewhere.
///
/// # Errors
/// libtorch's words; none are known.
pub fn allow_tf32(allowed: bool) -> Result<(), String> {
    // SAFETY: no pointers, and what is thrown is caught.
    outcome(unsafe { octo_shim_allow_tf32(allowed) })
}

/// What [`allow_tf32`] has set; libtorch begins without.
pub fn allows_tf32() -> bool {
    // SAFETY: no arguments, and what is thrown is caught.
    unsafe { octo_shim_allows_tf32() }
}

/// Has libtorch take only kernels that give the same bits each time, as `torch.use_deterministic_algorithms`. An
/// operation without one is an error that names it. cuBLAS wants `CUBLAS_WORKSPACE_CONFIG` set for it, to `:4096:8` or
/// `:16:8`, before its first call.
///
/// # Errors
/// libtorch's words; none are known.
pub fn use_deterministic(wanted: bool) -> Result<(), String> {
    // SAFETY: no pointers, and what is thrown is caught.
    outcome(unsafe { octo_shim_deterministic(wanted) })
}

/// What [`use_deterministic`] has set; libtorch begins without.
pub fn is_deterministic() -> bool {
    // SAFETY: no arguments.
    unsafe { octo_shim_is_deterministic() }
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test, since the settings are the process's.
    #[test]
    fn settings_are_kept_and_the_cpu_rounds_as_before() {
        use tch::{Device, Kind, Tensor};
        let product = || {
            let numbers = (Tensor::arange(64 * 64, (Kind::Float, Device::Cpu)) * 0.37).sin().view([64, 64]);
            numbers.matmul(&numbers)
        };
        assert!(!allows_tf32() && !is_deterministic());
        let before = product();
        for wanted in [true, false] {
            allow_tf32(wanted).expect("sets");
            use_deterministic(wanted).expect("sets");
            assert_eq!((allows_tf32(), is_deterministic()), (wanted, wanted));
            assert_eq!(product(), before);
        }
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn tf32_rounds_more_coarsely_on_a_gpu_and_only_when_allowed() {
        use tch::{Device, Kind, Tensor};
        let numbers = (Tensor::arange(512 * 512, (Kind::Double, Device::Cuda(0))) * 0.37).sin().view([512, 512]);
        let exact = numbers.matmul(&numbers);
        let error = |allowed| {
            allow_tf32(allowed).expect("sets");
            let narrow = numbers.to_kind(Kind::Float);
            (narrow.matmul(&narrow).to_kind(Kind::Double) - &exact).abs().max().double_value(&[])
        };
        let (coarse, fine) = (error(true), error(false));
        assert!(fine < 1e-3 && coarse > 4.0 * fine, "{fine} and {coarse}");
    }
}
