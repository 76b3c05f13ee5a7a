#!/usr/bin/env bash
# Everything of this folder, one after the other; README.md says what each is. `all.sh --device cpu --tiny` shows that
# the scripts work where there is no GPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.octo/peers/bin/python}

case "$*" in
  *cpu*) echo "tests that need a GPU: skipped, since --device cpu was asked for" ;;
  # One after the other: they look at the memory of one GPU.
  *) cargo test --release -p octo-shim -- --ignored --test-threads=1 ;;
esac
python3 tests/gpu/determinism.py "$@"
gpus=$(nvidia-smi --list-gpus 2>/dev/null | wc -l || true)
case "$*" in *cpu*) gpus=2 ;; esac
if [ "$gpus" -ge 2 ]; then
  python3 tests/gpu/two_ranks.py "$@"
else
  echo "two_ranks.py: skipped, it wants two GPUs and there are $gpus"
fi
"$python" tests/gpu/midtrain_throughput.py --python "$python" "$@"
"$python" tests/gpu/generation.py --python "$python" "$@"
