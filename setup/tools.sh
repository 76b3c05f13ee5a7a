#!/usr/bin/env bash
# Says what is missing on this machine before anything long begins: Rust, a C++ compiler and Python.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

command -v cargo >/dev/null && command -v rustc >/dev/null \
  || fail "Rust is missing. Install it from https://rustup.rs and run make again."
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(rustc --version | cut -d ' ' -f 2)
[ "$(printf '%s\n' "$wanted" "${found%%-*}" | sort -V | head -n 1)" = "$wanted" ] \
  || fail "Rust $wanted or newer is needed, and this is $found. Run \`rustup update stable\` and then make again."
for compiler in cc c++; do
  command -v "$compiler" >/dev/null \
    || fail "The compiler \`$compiler\` is missing; libtorch's bindings need it. On Debian: apt-get install g++"
done
command -v python3 >/dev/null \
  || fail "python3 is missing; libtorch comes from PyPI. On Debian: apt-get install python3 python3-venv"
