# `make demo` does the whole job on a fresh machine, `make test` runs every test. A second call rebuilds nothing.
#
# Everything is built by `cargo build --release --workspace`, so that the host, its tests and the demo share it all.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

OCTO := target/release/octo-host
# The reference plugins, and those that the tests of the sandbox are made with.
PLUGINS := $(patsubst %/Cargo.toml,%,$(wildcard plugins/*/Cargo.toml tests/hostile_plugin/Cargo.toml tests/hostile_plugin/*/Cargo.toml))
RECIPE ?= recipes/demo.toml

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z0-9]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z0-9]+):.*## /\1|/' \
	  | while IFS='|' read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

.PHONY: setup
setup: ## Fetch what the build needs: libtorch from PyPI, the WebAssembly target from rustup
	@setup/tools.sh
	@setup/libtorch.sh
	@setup/wasm_target.sh

.PHONY: cuda
cuda: ## Take libtorch with CUDA from now on (3 GB); `make build` then links it
	@setup/tools.sh
	@setup/libtorch.sh cuda

.PHONY: build
build: setup ## Build octo-host and all crates (10 to 20 minutes the first time)
	@cargo build --release --workspace \
	  || { echo "make: the build failed; the compiler's words are above. If a download broke off, run make again." >&2; exit 1; }

.PHONY: plugins
plugins: build ## Build the plugins into target/plugins
	@if [ -f .octo/guest-toolchain.env ]; then set -a; . .octo/guest-toolchain.env; set +a; fi; \
	  $(OCTO) plugin build $(PLUGINS) \
	  || { echo "make: the plugins could not be built; the message above says which and why." >&2; exit 1; }

.PHONY: demo
demo: plugins ## Run recipes/demo.toml, or RECIPE=FILE, and write its report
	@$(OCTO) run $(RECIPE) \
	  || { echo "make: the run did not finish. What is done is kept: \`make demo\` goes on from there." >&2; exit 1; }

.PHONY: test
test: plugins ## Run every test
	@cargo test --release --workspace \
	  || { echo "make: a test failed; its name and words are above. Run it alone: cargo test --release --workspace NAME" >&2; exit 1; }

.PHONY: fmt
fmt: ## Format the code
	@cargo fmt

.PHONY: clippy
clippy: setup ## Lint the code; warnings are errors
	@cargo clippy --release --workspace --all-targets -- -D warnings

.PHONY: peers
peers: ## Install the libraries that golden files and benchmarks are made with (5 GB; no test needs them)
	@setup/peers.sh

.PHONY: smollm2
smollm2: ## Fetch SmolLM2-135M-Instruct for the parity test and the experiments (540 MB, and `make peers`)
	@setup/smollm2.sh
