# `make demo` and `make test` are all that a newcomer needs; both are quick when run again.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INDEX := var/index
PORT ?= 8080

.PHONY: setup demo ask test slow check format clean

setup: $(STAMP)  ## .venv with the command .venv/bin/truepenny

$(STAMP): pyproject.toml constraints.txt
	@echo "== Making $(VENV) and installing the dependencies (2 to 6 minutes, about 1.5 GB)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $@

$(INDEX)/CURRENT: $(STAMP) $(shell find examples/helpcentre -name '*.md' 2>/dev/null)
	@echo "== Fetching weights and indexing the sample help centre (the first time 1 to 3 minutes)"
	@$(BIN)/truepenny models fetch
	@$(BIN)/truepenny index examples/helpcentre --out $(INDEX)
	@touch $@

demo: $(INDEX)/CURRENT  ## the sample shop: widget, flows, and an order service for them
	@echo "== Starting the service; ready in a few seconds at http://127.0.0.1:$(PORT)/ (Ctrl-C stops it)"
	@$(BIN)/python -m examples.demo --index $(INDEX) --port $(PORT)

ask: $(INDEX)/CURRENT  ## one answer in the terminal: make ask Q="how long can I return boots?"
	@test -n "$(Q)" || { echo 'Ask something: make ask Q="How long may I send things back?"' >&2; exit 2; }
	@$(BIN)/truepenny ask "$(Q)" --index $(INDEX)

test: $(STAMP)  ## the default suite (under 3 minutes; no network, no model weights)
	@echo "== Running the tests (under 3 minutes)"
	@$(BIN)/python -m pytest

slow: $(STAMP)  ## tests with real models and ../shared/data (under a minute)
	@$(BIN)/python -m pytest -m slow -n 0

check: $(STAMP)  ## what CI runs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) var build *.egg-info
