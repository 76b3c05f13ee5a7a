#!/usr/bin/env bash
# Writes setup/pinned/NAME.txt from NAME.in: every package that pip installs, with the version and the digests of all
# its files, so that the set-up takes the same bytes everywhere or fails. Run it after a change of a NAME.in, or to take
# newer versions, and read what changed before it is committed. It needs `uv` (pip install uv).
set -euo pipefail
cd "$(dirname "$0")/pinned"
command -v uv >/dev/null || { echo "pin: this needs uv: pip install uv" >&2; exit 1; }
for names in *.in; do
  # These two are installed without what they ask for.
  alone=()
  case "$names" in libtorch-cpu.in | smollm2.in) alone=(--no-deps) ;; esac
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --custom-compile-command setup/pin.sh "${alone[@]}" "$names" -o "${names%.in}.txt"
done
