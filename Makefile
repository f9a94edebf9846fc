# make demo and make test need nothing but Python 3.11 (or later) and make. `make help` lists all.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-lock.txt

# else each of the hundreds of processes of a test run would compile the package anew
unexport PYTHONDONTWRITEBYTECODE

PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test quick check lint types docs generated coverage bench wheel lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

# the versions of the lock file, and where those cannot be had, the newest that pyproject.toml allows
define install
@echo "installing into $(VENV): $(2)"
@$(PIP) --constraint $(LOCK) --editable '$(1)' || \
    { echo "the locked versions cannot be had here: taking the newest that fit" && $(PIP) --editable '$(1)'; }
@touch $@
endef

$(VENV)/ready: pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "spora-build needs Python 3.11 or later: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(call install,.,about a minute)

$(VENV)/installed: $(VENV)/ready
	$(call install,.[dev],what tests and docs need)

demo: $(VENV)/ready  ## install, build the example cohort in demo/, show and validate it
	$(BIN)/spora-build demo demo
	@echo ". $(BIN)/activate brings spora-build into this shell; then: spora-build report demo/example2026demo"

test: $(VENV)/installed check  ## lint, types and all tests
	$(BIN)/pytest -n auto -m "not faults"

quick: $(VENV)/installed  ## the tests that take no more than a few seconds each
	$(BIN)/pytest -n auto -m 'not slow'

check: lint types  ## lint and types

faults: $(VENV)/installed  ## the long form of the fault tests: hundreds of kills, ten thousand damaged headers, every broken dataset
	$(BIN)/pytest tests/faults tests/test_agreement_with_spora_io.py

lint: $(VENV)/installed
	$(BIN)/ruff check spora_build tests tools
	$(BIN)/ruff format --check spora_build tests tools

types: $(VENV)/installed
	$(BIN)/mypy

generated: $(VENV)/installed  ## write the pages of docs/ that come from the code
	$(BIN)/python -m tools.make_docs

docs: generated  ## build the site in site/; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

coverage: $(VENV)/installed  ## lines and branches that the tests reach
	$(BIN)/pytest -n auto --cov --cov-report=term --cov-report=html

bench: $(VENV)/installed  ## speed and memory beside other writers in the same run: some twenty minutes, 10 GB of disk
	$(BIN)/python -m tests.benchmarks $(SECTIONS)

wheel: $(VENV)/installed  ## wheel and source archive in dist/
	$(BIN)/python -m build

lock:  ## write the lock file anew from the newest versions that fit
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --editable '.[dev]'
	{ grep '^#' $(LOCK); build/lock/bin/python -m pip freeze --exclude-editable | grep -v ' @ '; } > build/lock.txt
	mv build/lock.txt $(LOCK) && rm -rf build/lock

clean:  ## remove everything that make makes
	rm -rf $(VENV) demo build dist site htmlcov .coverage*
