.DEFAULT_GOAL := help
.PHONY: run fleet dashboard dashboard-dev test contract clients lint fmt bench bench-fleet crash crash-fleet simulate fuzz mutants clean help

PORT ?= 8080
DATA_DIR ?= .data
SERVICES := webhook-ingest media-processor ai-analyzer crm-dispatcher notifier management-api

help: ## Show what there is.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: ## Start everything on embedded defaults: PORT=8080 (0 takes any free one), DATA_DIR=.data.
	@./scripts/dashboard
	@cargo build --package pipeline
	@exec ./target/debug/pipeline run --port $(PORT) --data-dir "$(DATA_DIR)"

fleet: ## Start the six services on Google's emulators: PORT=8080 (0 takes any free one), DATA_DIR=.data-fleet.
	@./scripts/dashboard
	@cargo build --workspace --bins
	@exec ./target/debug/fleet --port $(PORT) --data-dir "$(if $(filter file,$(origin DATA_DIR)),.data-fleet,$(DATA_DIR))"

dashboard: ## Build the dashboard that the program serves; needs Node.
	@DASHBOARD=required ./scripts/dashboard

dashboard-dev: ## Serve the dashboard as it is being written, before the product that runs: PRODUCT_URL=http://127.0.0.1:8080.
	@DASHBOARD=required ./scripts/dashboard
	@cd dashboard && exec npm run --silent dev

test: ## Run the whole suite.
	@./scripts/test

contract: ## Fuzz the API by its own description: CONTRACT_SECONDS=80, CONTRACT_SEED=.
	@cargo build --package pipeline
	@./scripts/contract

clients: ## Drive the simulated providers and the product with the providers' official clients; needs Node.
	@cargo build --package pipeline
	@CLIENTS=required ./scripts/clients

lint: ## Check formatting, lints and docs; warnings are errors.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
# As `make run` compiles it: nothing but `tests` asks for the feature `google`. Its tests are compiled with that feature.
	cargo clippy --package pipeline --locked -- -D warnings
# With the feature that the tests have, so that no dependency is checked twice.
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet --features testkit/stopped-time

fmt: ## Format the code.
	cargo fmt --all

bench: ## Measure the one process in a release build, and write its part of docs/benchmarks.md.
	cargo build --release --package pipeline --bin pipeline --package tests --bin bench
	./target/release/bench --write docs/benchmarks.md

bench-fleet: ## Measure the fleet in an optimised build of its services, and write its part of docs/benchmarks.md.
	cargo build --profile fleet --package tests --bin bench $(foreach service,$(SERVICES),--package $(service) --bin $(service))
	./target/fleet/bench --write docs/benchmarks.md fleet

crash: ## Kill the product 50 times under 100,000 webhooks, and check from outside: WEBHOOKS=, KILLS=, SEED=.
	cargo build --release --package tests --bin crash
	./target/release/crash --webhooks $(or $(WEBHOOKS),100000) --kills $(or $(KILLS),50) $(if $(SEED),--seed $(SEED))
	$(MAKE) crash-fleet WEBHOOKS= KILLS= SEED=$(SEED)

crash-fleet: ## Kill the fleet's services under 500 webhooks, and freeze its emulators: WEBHOOKS=, KILLS=, SEED=.
	cargo build --workspace --bins
	./target/debug/crash --fleet $(if $(WEBHOOKS),--webhooks $(WEBHOOKS)) $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

simulate: ## Run seeded simulations of the spine: SEEDS=10000, FROM=0.
	cargo build --package tests --bin simulation
	./target/debug/simulation --seeds $(or $(SEEDS),10000) --from $(or $(FROM),0)

fuzz: ## Fuzz what reads the outside's bytes, guided by coverage: FUZZ_SECONDS=60 for each target.
	@./scripts/fuzz

mutants: ## Change the code where it must not go wrong, and see that tests notice. Takes an hour or two.
	@./scripts/mutants

clean: ## Remove what was built; data folders stay.
	cargo clean
