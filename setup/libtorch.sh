#!/usr/bin/env bash
# Puts libtorch 2.11.0 under .octo/ from PyPI and lays out the small folder of links that torch-sys wants.
# The CPU build of the host needs no CUDA library at link time: libtorch.so is a linker script that names
# libtorch_cpu.so alone. Running it again does nothing.
#
# `libtorch.sh cuda` adds what the GPU build links and loads: the same torch with all that its wheel asks for, and CUDA's
# headers. A clone that has it keeps it.
#
# setup/pinned/ has the version and the digests of every wheel; setup/pin.sh writes them.
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.11.0
links=.octo/libtorch
flavour=${1:-cpu}
have=$(cat "$links/.version" 2>/dev/null || true)
case "$flavour:$have" in
  "cpu:$torch_version" | *":$torch_version+cuda") exit 0 ;;
  cpu:* | cuda:*) ;;
  *) printf 'setup: libtorch.sh takes `cpu` or `cuda`, not %s\n' "$flavour" >&2; exit 2 ;;
esac

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }
command -v python3 >/dev/null || fail "python3 is missing. Install Python 3.11 (Debian: apt-get install python3 python3-venv) and run make again."

case "$flavour" in
  cpu) size="about 550 MB" ;;
  cuda) size="about 3 GB" ;;
esac
echo "setup: installing libtorch $torch_version ($flavour) from PyPI ($size, once)" >&2
[ -x .octo/venv/bin/python ] || python3 -m venv .octo/venv \
  || fail "could not make a virtual environment. On Debian: apt-get install python3-venv."
# Wheels alone, of the digests that are written down: nothing is built, and nothing is taken that has changed.
.octo/venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes \
    -r "setup/pinned/libtorch-$flavour.txt" \
  || fail "pip could not install torch==$torch_version; its words are above. Check that this machine reaches PyPI and has 2 GB free, then run make again. If a digest differs, what PyPI gave is not what was pinned: do not go past that."

site=$(.octo/venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
site=$(realpath --relative-to=.octo "$site")
rm -rf "$links" && mkdir -p "$links/lib"
# All links are relative, so the clone can be moved.
ln -s "../$site/torch/include" "$links/include"
libraries="libc10.so libtorch_cpu.so libtorch_global_deps.so"
[ "$flavour" = cuda ] && libraries="$libraries libc10_cuda.so libtorch_cuda.so libtorch_cuda_linalg.so libtorch_nvshmem.so"
for library in $libraries; do
  ln -s "../../$site/torch/lib/$library" "$links/lib/$library"
done
gomp=$(cd .octo/"$site" && ls torch/lib/libgomp* torch.libs/libgomp* 2>/dev/null | head -n 1 || true)
[ -n "$gomp" ] && ln -s "../../$site/$gomp" "$links/lib/libgomp.so.1"
echo 'INPUT(libtorch_cpu.so)' > "$links/lib/libtorch.so"
# Fixed names for the run path in .cargo/config.toml, whatever Python's minor version is.
ln -sfn "$site/torch/lib" .octo/torch-lib
ln -sfn "$site/nvidia/cu13/lib" .octo/cuda-lib
if [ "$flavour" = cuda ]; then
  # The name that NCCL is looked for by, in a folder of the programs' run path.
  ln -sfn ../../nvidia/nccl/lib/libnccl.so.2 ".octo/$site/torch/lib/libnccl.so"
  # Cargo sees no difference in what LIBTORCH names.
  command -v cargo >/dev/null && cargo clean --quiet --release -p torch-sys -p octo-shim
  torch_version="$torch_version+cuda"
fi
echo "$torch_version" > "$links/.version.tmp" && mv "$links/.version.tmp" "$links/.version"
