#!/usr/bin/env bash
# Puts libtorch 2.11.0 under .octo/ from PyPI and lays out the small folder of links that torch-sys wants.
# The CPU build of the host needs no CUDA library at link time: libtorch.so is a linker script that names
# libtorch_cpu.so alone. Running it again does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.11.0
links=.octo/libtorch
if [ -f "$links/.version" ] && [ "$(cat "$links/.version")" = "$torch_version" ]; then
  exit 0
fi

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }
command -v python3 >/dev/null || fail "python3 is missing. Install Python 3.11 (Debian: apt-get install python3 python3-venv) and run make again."

echo "setup: installing libtorch $torch_version from PyPI (about 550 MB, once)" >&2
[ -x .octo/venv/bin/python ] || python3 -m venv .octo/venv \
  || fail "could not make a virtual environment. On Debian: apt-get install python3-venv."
.octo/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
  "torch==$torch_version" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85 \
  || fail "pip could not fetch torch==$torch_version. Check that this machine reaches PyPI and has 2 GB free, then run make again."

site=$(.octo/venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
site=$(realpath --relative-to=.octo "$site")
rm -rf "$links" && mkdir -p "$links/lib"
# All links are relative, so the clone can be moved.
ln -s "../$site/torch/include" "$links/include"
for library in libc10.so libtorch_cpu.so libtorch_global_deps.so; do
  ln -s "../../$site/torch/lib/$library" "$links/lib/$library"
done
gomp=$(cd .octo/"$site" && ls torch/lib/libgomp* torch.libs/libgomp* 2>/dev/null | head -n 1 || true)
[ -n "$gomp" ] && ln -s "../../$site/$gomp" "$links/lib/libgomp.so.1"
echo 'INPUT(libtorch_cpu.so)' > "$links/lib/libtorch.so"
# Fixed names for the run path in .cargo/config.toml, whatever Python's minor version is.
ln -sfn "$site/torch/lib" .octo/torch-lib
ln -sfn "$site/nvidia/cu13/lib" .octo/cuda-lib
echo "$torch_version" > "$links/.version.tmp" && mv "$links/.version.tmp" "$links/.version"
