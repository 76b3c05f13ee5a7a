#!/usr/bin/env bash
# Makes the Rust toolchain able to compile plugins, for wasm32-unknown-unknown. Running it again does nothing.
#
# `rustup target add` is the way. Where rustup can't reach its server, Debian's packages of a newer compiler and of the
# standard library's sources build the same target; they are unpacked under .octo/, and nothing is installed. Plugins
# are then the work of another compiler, so their bytes are not those that others get.
set -euo pipefail
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown
settings=.octo/guest-toolchain.env
unpacked=.octo/debian-rust

say() { printf 'setup: %s\n' "$1" >&2; }
fail() { say "$1"; exit 1; }

has_target() { ls "$(rustc --print target-libdir --target "$target" 2>/dev/null)"/libcore-*.rlib >/dev/null 2>&1; }

if has_target; then
  rm -f "$settings"
  exit 0
fi
mkdir -p .octo
# Set up before, and the clone wasn't moved since.
if [ -f "$settings" ] && grep -qF "\"$PWD/$unpacked/rustc\"" "$settings" && "$unpacked/rustc" --version >/dev/null 2>&1; then
  exit 0
fi
if command -v rustup >/dev/null && timeout 300 rustup target add "$target" >.octo/rustup.log 2>&1 && has_target; then
  rm -f "$settings"
  say "plugins are compiled by $(rustc --version), with the target $target from rustup"
  exit 0
fi

say "rustup can't add the target $target; trying Debian's compiler instead (155 MB)"
command -v apt-get >/dev/null && command -v dpkg >/dev/null \
  || fail "this is no Debian either. Install the target by hand: \`rustup target add $target\` (its words are in .octo/rustup.log)."
linker="$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/rust-lld"
[ -x "$linker" ] || linker=$(command -v wasm-ld) \
  || fail "no linker for WebAssembly. Install Debian's: apt-get install lld"

version=$(apt-cache policy rustc-web | sed -n 's/^ *Candidate: //p')
{ [ -n "$version" ] && [ "$version" != "(none)" ]; } \
  || fail "apt knows no package rustc-web. Run \`apt-get update\` and make again."
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
[ "$(printf '%s\n' "$wanted" "${version%%+*}" | sort -V | head -n 1)" = "$wanted" ] \
  || fail "apt's rustc-web is $version, and Rust $wanted or newer is needed. Run \`apt-get update\` and make again."

# The compiler, the sources, and every library that the compiler needs; the C toolchain is here already.
packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
  --no-enhances rustc-web | grep -E '^(rustc-web|libstd-rust-web.*|libllvm.*|libz3.*|libxml2|libicu.*|libedit2|libbsd0|libmd0|libffi.*|libtinfo6|libzstd1|liblzma5)$' | sort -u)
rm -rf "$unpacked.partial" && mkdir -p "$unpacked.partial/packages"
(cd "$unpacked.partial/packages" && apt-get download -q rust-web-src $packages) >.octo/apt.log 2>&1 \
  || fail "apt could not download the compiler; its words are in .octo/apt.log."
for package in "$unpacked.partial"/packages/*.deb; do
  dpkg -x "$package" "$unpacked.partial"
done
rm -rf "$unpacked.partial/packages" "$unpacked" && mv "$unpacked.partial" "$unpacked"

here=$PWD/$unpacked
sources=$(ls -d "$unpacked"/usr/src/rustc-* | head -n 1)
# Cargo looks for the standard library's sources here.
mkdir -p "$unpacked/usr/lib/rustlib/src" && ln -sfn "../../../src/$(basename "$sources")" "$unpacked/usr/lib/rustlib/src/rust"
cat > "$unpacked/rustc" <<WRAPPER
#!/bin/sh
# Debian's rustc with the libraries that were unpacked beside it.
LD_LIBRARY_PATH="$here/usr/lib/x86_64-linux-gnu:$here/usr/lib" exec "$here/usr/bin/rustc" --sysroot "$here/usr" "\$@"
WRAPPER
chmod +x "$unpacked/rustc"
"$unpacked/rustc" --version >/dev/null || fail "Debian's compiler does not start; run $unpacked/rustc --version to see why."
cat > "$settings.tmp" <<SETTINGS
OCTO_GUEST_RUSTC="$here/rustc"
OCTO_GUEST_LINKER="$linker"
OCTO_GUEST_BUILD_STD="std,panic_abort"
SETTINGS
mv "$settings.tmp" "$settings"
say "plugins are compiled by Debian's $("$unpacked/rustc" --version), which builds the standard library with them"
