//! What a process holds: resident memory and threads, from the kernel's own account.

use std::time::{Duration, Instant};

/// What all cases so far may leave, so that none leaves much. The pool keeps a few idle instances warm, and an
/// allocator does not give back every page: about 95 MiB in all, of which 65 are of making the guests that are hard to
/// compile, and no more after the first third of the cases than after all.
const SLACK: u64 = 128 << 20;

/// How long the kernel and other threads may take to settle; only a failure waits this long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the process holds now.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub resident_bytes: u64,
    pub threads: usize,
}

impl Held {
    pub fn now() -> Held {
        // See proc(5): `statm` counts pages.
        let account = std::fs::read_to_string("/proc/self/statm").expect("proc is mounted");
        let pages: u64 = account.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a count of pages");
        let threads = std::fs::read_dir("/proc/self/task").expect("proc is mounted").count();
        Held { resident_bytes: pages * 4096, threads }
    }

    /// What is wrong, unless the process comes back to what it held and every thread of the pool answers.
    pub fn not_back(self) -> Option<String> {
        // Returns once each has run it: none is stuck in a guest.
        rayon::broadcast(|_| ());
        let started = Instant::now();
        loop {
            let now = Held::now();
            if now.threads == self.threads && now.resident_bytes <= self.resident_bytes + SLACK {
                return None;
            }
            if started.elapsed() > PATIENCE {
                return Some(format!("the process holds {now:?}; it held {self:?}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
