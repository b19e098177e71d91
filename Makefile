.DEFAULT_GOAL := help
.PHONY: run test lint fmt bench clean help

PORT ?= 8080
DATA_DIR ?= .data

help: ## Show what there is.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: ## Start everything on embedded defaults: PORT=8080 (0 takes any free one), DATA_DIR=.data.
	@cargo build --package pipeline
	@exec ./target/debug/pipeline run --port $(PORT) --data-dir "$(DATA_DIR)"

test: ## Run the whole suite.
	@./scripts/test

lint: ## Check formatting, lints and docs; warnings are errors.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

fmt: ## Format the code.
	cargo fmt --all

bench: ## Measure in a release build, and write docs/benchmarks.md.
	cargo build --release --package pipeline --package tests
	./target/release/bench --write docs/benchmarks.md

clean: ## Remove what was built; data folders stay.
	cargo clean
