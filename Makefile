PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types check bench clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed  ## install, build the example cohort, show and validate it
	$(BIN)/spora-build demo demo

test: $(VENV)/installed  ## lint, types, tests
	$(BIN)/ruff check spora_build tests
	$(BIN)/mypy
	$(BIN)/pytest -n auto

lint: $(VENV)/installed
	$(BIN)/ruff check spora_build tests

types: $(VENV)/installed
	$(BIN)/mypy

check: lint types

bench: $(VENV)/installed  ## measure against other writers in the same run
	$(BIN)/pytest tests/benchmarks --benchmark-only

clean:
	rm -rf $(VENV) demo build dist
