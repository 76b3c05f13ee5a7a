//! Octo's plugin runtime: runs WebAssembly components behind the octo:plugin worlds, within limits.
