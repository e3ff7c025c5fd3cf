# Everything a person or CI does to this project. `make` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# One thread for each process: on a busy machine more of them are slower, not faster.
THREADS := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.PHONY: help run test test-long check lint layer-tables clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: $(VENV)/.runs ## Set everything up, start Bespoke, print its address
	@$(BIN)/python manage.py up

test: $(VENV)/.checks lint ## Linters and all tests but the long ones
	$(THREADS) $(BIN)/python -m pytest -m "not long" --durations=10

test-long: $(VENV)/.checks ## Many seeds and many kills
	$(THREADS) $(BIN)/python -m pytest -m long --durations=10

check: $(VENV)/.checks lint ## The quick half: linters and unit tests
	$(THREADS) $(BIN)/python -m pytest tests/unit -q

lint: $(VENV)/.checks ## Formatting, lint, types, room borders, templates, migrations, JavaScript
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djade --target-version 5.2 --check $$(git ls-files 'templates/*.html')
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	node --test tests/js/

layer-tables: $(VENV)/.runs ## Write the layer shapes of the catalogue's models again
	$(BIN)/python -m engine.nn.layer_tables

clean: ## Remove what runs and tests left behind, the virtual environment too
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Bespoke needs Python 3.11 or newer; name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runs: requirements.txt | $(VENV)/bin/python
	@echo "Installing what Bespoke needs (PyTorch is large; this takes a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.checks: requirements-dev.txt $(VENV)/.runs
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
