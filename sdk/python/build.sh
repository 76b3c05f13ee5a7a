#!/usr/bin/env bash
# Builds a plugin in Python: `sdk/python/build.sh PLUGIN.py OUT.wasm [WORLD]`, with verifier-plugin for the world if none
# is named. `sdk/python/build.sh --setup` installs what it needs, componentize-py, into a virtual environment of its own:
# .octo/componentize, or the folder in OCTO_COMPONENTIZE. Ends with 3 where that is missing.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
environment=${OCTO_COMPONENTIZE:-$root/.octo/componentize}
# Another version may lay out Python's own imports anew; the test of this script is made with this one.
wanted=componentize-py==0.25.1

if [ "${1:-}" = --setup ]; then
  [ -x "$environment/bin/python" ] || python3 -m venv "$environment"
  exec "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$wanted"
fi
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: sdk/python/build.sh PLUGIN.py OUT.wasm [WORLD], or sdk/python/build.sh --setup" >&2
  exit 2
fi

componentize=
for candidate in "$environment/bin/componentize-py" "$root/.octo/peers/bin/componentize-py" "$(command -v componentize-py || true)"; do
  if [ -x "$candidate" ]; then componentize=$candidate; break; fi
done
if [ -z "$componentize" ]; then
  echo "sdk/python/build.sh: componentize-py is missing; \`sdk/python/build.sh --setup\` installs it" >&2
  exit 3
fi

plugin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1" .py)
out=$2
unfinished=$(mktemp "$out.XXXXXX")
trap 'rm -f "$unfinished"' EXIT
"$componentize" --wit-path "$root/wit" --world "${3:-verifier-plugin}" \
  componentize --python-path "$(dirname "$plugin")" --output "$unfinished" "$(basename "$plugin")" >&2
chmod 644 "$unfinished"
mv "$unfinished" "$out"
