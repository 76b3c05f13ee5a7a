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
# Cargo's tools that `make hakari` and `make deny` look for first: where a clone keeps its own.
export PATH := $(CURDIR)/.octo/tools/bin:$(PATH)
# What tests/support writes a line to for each test that did not run.
SKIPPED := target/skipped-tests.txt

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

PREFIX ?= /usr/local

.PHONY: install
install: plugins ## Install into PREFIX=/usr/local a tree that runs from anywhere; DESTDIR goes before it
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" setup/install.sh

.PHONY: demo
demo: plugins ## Run recipes/demo.toml, or RECIPE=FILE, and write its report
	@$(OCTO) run $(RECIPE) \
	  || { echo "make: the run did not finish. What is done is kept: \`make demo\` resumes from there." >&2; exit 1; }

.PHONY: test
test: plugins ## Run every test, and list those that were skipped
	@rm -f $(SKIPPED)
	@status=0; cargo test --release --workspace || status=$$?; \
	  if [ -s $(SKIPPED) ]; then echo; echo "Tests that did not run on this machine:"; sort -u $(SKIPPED); fi; \
	  if [ $$status -ne 0 ]; then \
	    echo "make: a test failed; its name and words are above. Run it alone: cargo test --release --workspace NAME" >&2; fi; \
	  exit $$status

.PHONY: ci
ci: ## Run what CI runs: every test, then the checks
	@bash .ci/run

.PHONY: fmt
fmt: ## Format the code
	@cargo fmt

.PHONY: clippy
clippy: setup ## Lint the code; warnings are errors
	@cargo clippy --release --workspace --all-targets -- -D warnings

.PHONY: doc
doc: setup ## Build the documentation of all crates into target/doc; a broken link is an error
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --release --workspace --no-deps

# Benchmarks that need neither a peer library nor a real model; BENCH=NAME runs one of all that there are.
BENCHES := $(shell sed -n '/^\[\[bench\]\]/{n;s/^name = "\(.*\)"/\1/p;}' */*/Cargo.toml)
BENCH ?= $(filter-out against_transformers,$(BENCHES))

.PHONY: bench
bench: plugins ## Run the benchmarks of the Rust crates, or BENCH=NAME
	@cargo bench --workspace $(foreach bench,$(BENCH),--bench $(bench)) \
	  || { echo "make: there are the benchmarks $(BENCHES)" >&2; exit 1; }

FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
TARGET ?= $(FUZZ_TARGETS)
SECONDS ?= 60

.PHONY: fuzz
fuzz: ## Run each fuzz target, or TARGET=NAME, for SECONDS=60 (see fuzz/README.md; the first build takes 20 minutes)
	@{ command -v cargo-fuzz && cargo +nightly --version; } >/dev/null 2>&1 \
	  || { echo "make: fuzzing needs cargo-fuzz and a nightly compiler: cargo install cargo-fuzz --locked && rustup toolchain install nightly" >&2; exit 1; }
	@cd fuzz && for target in $(TARGET); do \
	  echo "== $$target, $(SECONDS) s"; mkdir -p corpus/$$target; \
	  words=; if [ -f words/$$target.dict ]; then words=-dict=words/$$target.dict; fi; \
	  cargo +nightly fuzz run --sanitizer none $$target corpus/$$target seeds/$$target -- \
	    -max_total_time=$(SECONDS) -timeout=10 $$words \
	    || { echo "make: $$target failed; the input is in fuzz/artifacts/$$target" >&2; exit 1; }; \
	done

.PHONY: hakari
hakari: ## Write host/features/Cargo.toml anew after a change of dependencies; installs cargo-hakari if it is missing
	@command -v cargo-hakari >/dev/null || cargo install cargo-hakari --version 0.9.39 --locked --root .octo/tools
	@cargo hakari generate
	@cargo hakari manage-deps --yes

ADVISORIES := $(wildcard $(or $(CARGO_HOME),$(HOME)/.cargo)/advisory-dbs/advisory-db-*)

.PHONY: deny
deny: ## Check licences, sources and known vulnerabilities of all dependencies (deny.toml); OFFLINE=1 fetches nothing
	@command -v cargo-deny >/dev/null \
	  || { echo "make: this needs cargo-deny: cargo install cargo-deny --locked --root .octo/tools" >&2; exit 1; }
	@cargo deny --locked check bans licenses sources
	@if [ -z "$(OFFLINE)" ]; then \
	  cargo deny --locked check advisories || { \
	    echo "make: known vulnerabilities could not be ruled out, as is said above. Without a network: make deny OFFLINE=1" >&2; exit 1; }; \
	elif [ -n "$(ADVISORIES)" ]; then \
	  cargo deny --locked --offline check advisories; \
	else \
	  echo "make: vulnerabilities were not looked for: OFFLINE is set, and no advisory database was ever fetched" >&2; \
	fi

.PHONY: peers
peers: ## Install the libraries that golden files and benchmarks are made with (5 GB; no test needs them)
	@setup/peers.sh

.PHONY: smollm2
smollm2: ## Fetch SmolLM2-135M-Instruct for the parity test and the experiments (540 MB, and `make peers`)
	@setup/smollm2.sh

.PHONY: llama
llama: plugins ## Check `annotate` against llama.cpp's server, killed in the middle (its build takes 20 minutes the first time)
	@setup/llama.sh
	@python3 tests/engines/llama_cpp.py $(OCTO) .octo/llama
