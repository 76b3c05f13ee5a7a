//! What a stage has run on: kept with what it made, since a run may be looked at on another machine.

use serde::{Deserialize, Serialize};

/// Devices of one kind that worked together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// `cpu` or `cuda`.
    pub kind: String,
    /// The GPU's name, where it tells one; that of rank 0 where several work together.
    pub name: Option<String>,
    /// One for each process.
    pub count: usize,
}

impl Used {
    /// By a stage with this `device` in its config, in `processes` processes.
    #[cfg(feature = "train")]
    pub fn by(device: &str, processes: usize) -> Used {
        match octo_train::hardware::gpu_index(device) {
            None => Used { kind: "cpu".to_owned(), name: None, count: processes },
            Some(index) => {
                Used { kind: "cuda".to_owned(), name: octo_train::hardware::gpu_name(index), count: processes }
            }
        }
    }

    fn told(&self) -> String {
        let name = self.name.as_deref().unwrap_or(&self.kind);
        if self.count > 1 { format!("{} x {name}", self.count) } else { name.to_owned() }
    }
}

/// All that a run's stages have run on, in their order. Stages that are no libtorch's run on the CPU.
pub fn told<'a>(used: impl Iterator<Item = &'a Used>) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in used.map(Used::told) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { "cpu".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_once_each_with_name_and_count() {
        let used = |kind: &str, name: Option<&str>, count| Used {
            kind: kind.to_owned(),
            name: name.map(str::to_owned),
            count,
        };
        let (cpu, cards) = (used("cpu", None, 1), used("cuda", Some("NVIDIA H100 80GB HBM3"), 8));
        assert_eq!(told([&cpu, &cards, &cpu].into_iter()), "cpu, 8 x NVIDIA H100 80GB HBM3");
        assert_eq!(told([&used("cuda", None, 2)].into_iter()), "2 x cuda");
        assert_eq!(told([].into_iter()), "cpu");
    }
}
