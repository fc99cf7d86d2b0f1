# One virtual environment, made once and renewed when its pins change.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LINKS := .links# the package as one folder, for what reads its files instead of importing them
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip install $(if $(CI),--quiet) --disable-pip-version-check --constraint constraints.txt

.PHONY: app install test check-tests e2e lint bench notebooks zoo
.DEFAULT_GOAL := app

app: $(STAMP)
	$(BIN)/headscope app

install: $(STAMP)
	@echo "headscope is installed in $(VENV)"

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow and not e2e"
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m e2e

e2e: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m e2e

check-tests: $(STAMP)
	$(PIP) --no-build-isolation --editable '.[dev,checks]'
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow and not e2e" \
		--cov models/attention --cov interp --cov-report term:skip-covered
	$(BIN)/python tests/mutants.py

bench: $(STAMP)
	$(BIN)/python benchmarks/attention_speed.py
	$(BIN)/python benchmarks/row_statistics.py
	$(BIN)/python benchmarks/app_speed.py

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	PYTHONPATH=$(LINKS) $(BIN)/lint-imports

notebooks: $(STAMP)
	$(BIN)/python notebooks/store.py

zoo: $(STAMP)
	$(BIN)/headscope zoo --retrain

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headscope needs Python 3.11 or newer, got " + sys.version.split()[0] + "; name one with: make PYTHON=python3.11")'
	@echo "Installing into $(VENV): a few minutes the first time"
	$(PYTHON) -m venv $(VENV)
	$(PIP) setuptools # what builds this project and the one requirement without a wheel
	$(PIP) --no-build-isolation --editable '.[dev]'
	mkdir -p $(LINKS)/headscope
	ln -sfn $(CURDIR)/app/face/__init__.py $(LINKS)/headscope/__init__.py
	@for part in app interp models; do ln -sfn $(CURDIR)/$$part $(LINKS)/headscope/$$part; done
	@touch $@
