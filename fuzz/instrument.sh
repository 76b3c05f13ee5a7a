#!/usr/bin/env bash
# Compiles what the targets are not about without the fuzzer's counters: the compiler's and the runtime's own crates are
# most of a build, and instrumenting them makes it several times longer. What reads a component, a schema, a recipe or a
# case before or beside them keeps its counters: that is where an input can find a new path in Octo.
set -euo pipefail

rustc=$1
shift
name=
previous=
for argument in "$@"; do
  if [[ $previous == --crate-name ]]; then name=$argument; fi
  previous=$argument
done

case $name in
  cranelift* | regalloc2 | gimli | addr2line | object | wasmtime | wasmtime_internal_* | wasmtime_wasi* | pulley* | \
    cap_* | system_interface | rustix | tokio | mio | io_extras | io_lifetimes | libm | cpp_demangle | zstd* | rayon* | \
    icu_* | idna* | url | syn | bumpalo | crossbeam* | hashbrown) ;;
  *) exec "$rustc" "$@" ;;
esac

kept=()
for argument in "$@"; do
  case $argument in
    -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-*) ;;
    *) kept+=("$argument") ;;
  esac
done
exec "$rustc" "${kept[@]}"
