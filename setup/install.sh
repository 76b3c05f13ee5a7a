#!/usr/bin/env bash
# Puts what `make plugins` has built into PREFIX (/usr/local where it is not set), below DESTDIR where that is set, as a
# tree that may be moved as a whole:
#
#   bin/                            octo-host and octo-trainer
#   lib/octo/                       the libraries of libtorch that octo-trainer loads, in the layout of their wheels
#   share/octo/plugins, recipes     the reference plugins, which octo-host finds there, and the recipes
#   share/man/man1                  the manual pages
#   share/bash-completion, share/zsh, share/fish, share/doc
#
# Files of an earlier installation are replaced; nothing else is touched.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'install: %s\n' "$1" >&2; exit 1; }

prefix=${PREFIX:-/usr/local}
case "$prefix" in /*) ;; *) fail "PREFIX is $prefix; give a path that begins with \`/\`." ;; esac
root=${DESTDIR:-}$prefix
target=${CARGO_TARGET_DIR:-target}
programs=(octo-host octo-trainer)
for program in "${programs[@]}"; do
  [ -x "$target/release/$program" ] || fail "$target/release/$program is missing; \`make install\` builds it."
done
mkdir -p "$root" 2>/dev/null && [ -w "$root" ] || fail "$root cannot be written to; \`make install PREFIX=\$HOME/octo\` needs no rights."

# `install` removes what it replaces before it writes, so that a program that runs is not disturbed.
put() { install -D -m "$1" -- "$2" "$root/$3" || fail "could not write $root/$3"; }

for program in "${programs[@]}"; do put 755 "$target/release/$program" "bin/$program"; done

# The libraries that the build's octo-trainer is given, but for those of the system.
site=$(realpath .octo/torch-lib/../..)
resolved=$(env -u LD_LIBRARY_PATH ldd "$target/release/octo-trainer")
if printf '%s\n' "$resolved" | grep -q 'not found'; then
  fail "octo-trainer lacks libraries; \`ldd $target/release/octo-trainer\` says which. \`make setup\` fetches libtorch."
fi
mapfile -t libraries < <(printf '%s\n' "$resolved" | sed -n 's/.* => \(\/.*\) (0x[0-9a-f]*)$/\1/p')
# What libtorch with CUDA opens by itself is in no list.
if grep -q cuda .octo/libtorch/.version; then
  mapfile -t -O "${#libraries[@]}" libraries < <(find "$site/nvidia" "$site/torch/lib" -name '*.so*' ! -name '*python*')
fi
count=0
for library in "${libraries[@]}"; do
  place=$(realpath "$(dirname "$library")")/$(basename "$library")
  case "$place" in
    "$site"/*) put 755 "$place" "lib/octo/${place#"$site"/}"; count=$((count + 1)) ;;
  esac
done
[ "$count" -gt 0 ] || fail "octo-trainer takes no library from $site; was it built with another libtorch?"

for crate in plugins/*/Cargo.toml; do
  plugin=$(basename "$(dirname "$crate")")
  [ -f "$target/plugins/$plugin.wasm" ] || fail "$target/plugins/$plugin.wasm is missing; \`make install\` builds it."
  put 644 "$target/plugins/$plugin.wasm" "share/octo/plugins/$plugin.wasm"
done
while IFS= read -r recipe; do put 644 "$recipe" "share/octo/$recipe"; done < <(find recipes -type f ! -name '*.tmp')
put 644 LICENSE share/doc/octo/LICENSE

described=$(mktemp -d)
trap 'rm -rf "$described"' EXIT
"$target/release/octo-host" man --out "$described/man"
for page in "$described"/man/*.1; do put 644 "$page" "share/man/man1/$(basename "$page")"; done
"$target/release/octo-host" completions bash > "$described/bash"
put 644 "$described/bash" share/bash-completion/completions/octo-host
"$target/release/octo-host" completions zsh > "$described/zsh"
put 644 "$described/zsh" share/zsh/site-functions/_octo-host
"$target/release/octo-host" completions fish > "$described/fish"
put 644 "$described/fish" share/fish/vendor_completions.d/octo-host.fish
echo "installed in $root; $prefix/bin/octo-host is the command"
