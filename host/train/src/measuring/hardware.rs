//! What the machine can do at most, and what the process has taken: for the progress line and time estimates.

use octo_shim::memory::device_memory;
use tch::Device;

/// Dense bf16 peaks in TFLOP/s by name, as the makers' data sheets give them (without sparsity). A longer name stands
/// before a shorter one that it contains.
const PEAKS: [(&str, f64); 19] = [
    ("GB200", 2500.0),
    ("B200", 2250.0),
    ("B100", 1750.0),
    ("GH200", 989.0),
    ("H200", 989.0),
    ("H100 PCIe", 756.0),
    ("H100 NVL", 835.0),
    ("H100", 989.0),
    ("H800", 989.0),
    ("H20", 148.0),
    ("A100", 312.0),
    ("A800", 312.0),
    ("L40S", 362.0),
    ("L40", 181.0),
    ("L4", 121.0),
    ("A10G", 70.0),
    ("A10", 125.0),
    ("RTX 4090", 165.0),
    ("RTX 3090", 71.0),
];

/// Dense bf16 peak of a device by its name, in TFLOP/s; none for a name that is not known.
pub fn peak_teraflops_of(name: &str) -> Option<f64> {
    let words: Vec<String> = name.split([' ', '-', '_']).map(str::to_uppercase).collect();
    let has = |known: &str| {
        let known: Vec<String> = known.split(' ').map(str::to_uppercase).collect();
        words.windows(known.len()).any(|window| window == known) || known.iter().all(|word| words.contains(word))
    };
    PEAKS.iter().find(|(known, _)| has(known)).map(|(_, peak)| *peak)
}

/// Dense bf16 peak of the recipe's `device` (`cpu`, `cuda`, `cuda:N`) in TFLOP/s. None for the CPU, whose peak depends
/// on clock and vector units that its name does not give, and for a GPU that is not in the table.
pub fn peak_teraflops(device: &str) -> Option<f64> {
    peak_teraflops_of(&gpu_name(gpu_index(device)?)?)
}

/// Which GPU the recipe's `device` is. `cuda` alone is the one of this process: the number that `torchrun` or `srun`
/// gave it among those of its machine, and the first one without them or where it sees only one. None for `cpu` and for
/// what is not a device.
pub fn gpu_index(device: &str) -> Option<usize> {
    let given = |key: &str| std::env::var(key).ok();
    let local_rank = given("LOCAL_RANK").or_else(|| given("SLURM_LOCALID"));
    gpu_index_among(device, local_rank.as_deref(), octo_shim::device::cuda_devices())
}

fn gpu_index_among(device: &str, local_rank: Option<&str>, visible: usize) -> Option<usize> {
    match device {
        // `srun --gpus-per-task=1` shows each process its own alone.
        "cuda" if visible == 1 => Some(0),
        "cuda" => Some(local_rank.and_then(|rank| rank.trim().parse().ok()).unwrap_or(0)),
        other => other.strip_prefix("cuda:")?.parse().ok(),
    }
}

/// Name of a GPU, as the driver has it. Where libtorch cannot say, it is taken from the system's list of all cards:
/// those of one machine are nearly always alike, so that the list's order hardly matters.
pub fn gpu_name(index: usize) -> Option<String> {
    if let Some(name) = octo_shim::device::gpu_name(index) {
        return Some(name);
    }
    let mut folders: Vec<_> =
        std::fs::read_dir("/proc/driver/nvidia/gpus").ok()?.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let text = std::fs::read_to_string(folders.get(index)?.join("information")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Model:")).map(|name| name.trim().to_owned())
}

/// The most memory that this process has held so far, in bytes. On a GPU what libtorch has taken of it since the stage
/// began; on the CPU the peak resident set of the process. None where the system does not say.
pub fn peak_memory_bytes(device: Device) -> Option<u64> {
    if device.is_cuda() {
        return device_memory(device).map(|memory| memory.peak_reserved);
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_names_find_their_peak_and_unknown_ones_none() {
        for (name, peak) in [
            ("NVIDIA H100 80GB HBM3", Some(989.0)),
            ("NVIDIA H100 PCIe", Some(756.0)),
            ("NVIDIA H200", Some(989.0)),
            ("NVIDIA A100-SXM4-80GB", Some(312.0)),
            ("NVIDIA GeForce RTX 4090", Some(165.0)),
            ("NVIDIA L4", Some(121.0)),
            ("NVIDIA L40S", Some(362.0)),
            ("Tesla K80", None),
        ] {
            assert_eq!(peak_teraflops_of(name), peak, "{name}");
        }
        assert_eq!(peak_teraflops("cpu"), None);
    }

    #[test]
    fn every_process_of_a_machine_has_its_own_gpu_unless_one_is_named() {
        for (device, local_rank, visible, index) in [
            ("cuda", None, 8, Some(0)),
            ("cuda", Some("3"), 8, Some(3)),
            ("cuda", Some("3"), 1, Some(0)),
            ("cuda:1", Some("3"), 8, Some(1)),
            ("cpu", Some("3"), 8, None),
            ("cuda:x", None, 8, None),
            ("tpu", None, 8, None),
        ] {
            assert_eq!(gpu_index_among(device, local_rank, visible), index, "{device} {local_rank:?} {visible}");
        }
    }

    #[test]
    fn peak_memory_is_that_of_a_process_that_runs() {
        if let Some(bytes) = peak_memory_bytes(Device::Cpu) {
            assert!(bytes > 1 << 20, "{bytes}");
        }
        assert_eq!(peak_memory_bytes(Device::Cuda(4096)), None, "the host's memory is not a GPU's");
    }
}
