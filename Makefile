# Needs only make and Python 3.11 or newer. `make` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench fidelity validation profile-cpu clean

# The first of these that runs, is new enough and can make environments; or name one: make PYTHON=/path/to/python3
USABLE := -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do $$p $(USABLE) && echo $$p && break; done)
RUN := .venv/bin/python
PIP := $(RUN) -m pip -qq --disable-pip-version-check
DATA ?= ../shared/data

# An editable install stores the path of the checkout: one that was copied or moved is installed again.
ifneq ($(shell cat .venv/installed 2>/dev/null),$(CURDIR))
.PHONY: .venv/installed
endif

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "  %-16s %s\n", $$1, $$2 }'

demo: .venv/installed ## simulate the built-in example and print its figures
	$(RUN) -m isim run --force --output runs/demo
	@echo "The run lies in $(CURDIR)/runs/demo; print it again with .venv/bin/isim show runs/demo"

test: lint ## run every check: lint, then the tests
	$(RUN) -m pytest -n 2

lint: .venv/tools ## check style, types and the direction of imports
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	@rm -rf build/types && mkdir -p build/types/isim
	@ln -s "$(CURDIR)"/sim/* "$(CURDIR)/profiler" "$(CURDIR)/traces" "$(CURDIR)/policies" build/types/isim/
	$(RUN) -m mypy
	PYTHONPATH=build/types $(RUN) .venv/bin/lint-imports --cache-dir build/import-linter

bench: .venv/tools ## measure the speed of the engine, into build/bench.json
	@mkdir -p build
	$(RUN) tests/benchmarks/run.py --output build/bench.json

# The part of `validation` that is quick: `leftover` at its default parameters, pair by pair.
fidelity: .venv/tools
	@test -d "$(DATA)/gpu" || { echo "make $@: no measurements in $(DATA); name their folder with DATA=" >&2; exit 1; }
	@mkdir -p build
	$(RUN) tests/fidelity/report.py --data "$(DATA)" --output build/fidelity.json

validation: fidelity ## compare with measurements (DATA=folder): docs/validation.md and build/validation.json
	$(RUN) tests/fidelity/validation.py --data "$(DATA)" --page docs/validation.md --output build/validation.json

ZOO := resnet18 transformer4 mlp depthwise
profile-cpu: .venv/tools ## record this CPU in two minutes: a profile and all pairs on its cores, into build/
	@mkdir -p build
	$(RUN) -m isim profile $(ZOO) --device cpu --batch-sizes 1,4 --timeout 4s --force --output build/cpu.parquet
	$(RUN) -m isim profile $(ZOO) --colocate-all --device cpu --batch-sizes 1 --timeout 4s --force --output build/cpu-pairs.parquet

clean: ## remove everything that was made here, except runs/
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find sim profiler traces policies tests -name __pycache__ -prune -exec rm -rf {} +

.venv/installed: pyproject.toml
	@$(RUN) $(USABLE) || $(PYTHON) $(USABLE) || { \
	  echo "make: no usable Python 3.11 or newer (with venv and pip) found; install one or name it: make PYTHON=/path/to/python3" >&2; \
	  exit 1; }
	@$(RUN) $(USABLE) || $(PYTHON) -m venv --clear .venv
	@echo "Installing isim and what it needs into .venv (about a minute)"
	@$(PIP) install 'pip>=25.1'
	@$(PIP) install --editable .
	@printf '%s' "$(CURDIR)" > $@

.venv/tools: .venv/installed
	@echo "Installing the tools of a developer into .venv"
	@$(PIP) install --group dev
	@touch $@
