#!/usr/bin/env bash
# Instructions that a verdict takes, natively and in the sandbox, by callgrind: a count that a busy machine does not
# change, so a regression shows that times would hide. Each side runs with some items and with twice as many, and the
# difference is theirs alone, without the start. Last, the ratio to the counts that were recorded here before.
#
# Needs valgrind (Debian: `apt-get install valgrind`) and `make plugins`. `--record` writes the counts found.
set -euo pipefail
cd "$(dirname "$0")/../.."
recorded=tests/bench/instructions.txt
items=512
command -v valgrind >/dev/null || { echo "instructions.sh: valgrind is missing; install it, on Debian with apt-get install valgrind" >&2; exit 1; }
cargo build --release -q -p octo-plugin --example judge
judge=target/release/examples/judge
"$judge" sandbox 1 >/dev/null # compiles the plugin, where that was not done

count() { # SIDE ITEMS: instructions of the whole process
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$judge" "$1" "$2" 2>&1 >/dev/null | awk '/Collected/ {print $NF}'
}
each() { # SIDE: instructions an item
  local some more
  some=$(count "$1" "$items"); more=$(count "$1" $((2 * items)))
  echo $(((more - some) / items))
}
native=$(each native); sandbox=$(each sandbox)
if [ "${1:-}" = --record ]; then printf 'native %s\nsandbox %s\n' "$native" "$sandbox" >"$recorded"; fi
awk -v native="$native" -v sandbox="$sandbox" '
  { before[$1] = $2 }
  END {
    printf "%-10s %9s %22s\n", "side", "an item", "to the recorded count"
    printf "%-10s %9d %21.3fx\n", "native", native, native / before["native"]
    printf "%-10s %9d %21.3fx\n", "sandbox", sandbox, sandbox / before["sandbox"]
    printf "the sandbox takes %.2f times the instructions of native code\n", sandbox / native
  }' "$recorded"
