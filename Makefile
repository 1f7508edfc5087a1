# `make` lists what there is. Every target makes .venv first where it needs one.
VENV := .venv
PYTHON ?= python3
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check -q
APP := $(VENV)/.app-installed
DEV := $(VENV)/.dev-installed
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# pyright's launcher otherwise advertises its newest release.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# Only from the command line: a variable that happens to be set must not open the app.
ifeq ($(origin OPEN),command line)
HALL := $(if $(filter-out 0 no,$(OPEN)),WORKINGS_OPEN=1)
endif

# Two processes with one thread each: threads of their own would only wait for one another.
TWO := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PY)
PARALLEL := -n 2 --dist worksteal -q

# On a busy machine a browser may wait in vain. What failed is tried once more, alone; a test that is
# right to fail fails again.
ONCE_MORE := { echo "Once more, one after another:"; \
  $(PY) -m pytest -q -m browser --last-failed --last-failed-no-failures none; }

.DEFAULT_GOAL := help
.PHONY: help run dev lecture test test-fast bench lint format shots pictures clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: $(APP) ## start the app and open it in the browser
	@$(PY) app.py

dev: $(APP) ## start the app; it reloads when a file changes and shows errors in full
	@WORKINGS_DEV=1 $(PY) app.py

lecture: $(APP) ## start the app in a projector's type size; OPEN=1 lets the hall's network in
	@WORKINGS_LECTURE=1 $(HALL) $(PY) app.py

test: $(DEV) ## lint, then the whole suite, browser tests included
	@$(PY) scripts/browser.py
	@$(MAKE) --no-print-directory lint
	@$(TWO) -m pytest $(PARALLEL) -m "not browser"
	@$(PY) -m pytest $(PARALLEL) -m browser || $(ONCE_MORE)

test-fast: $(DEV) ## the suite without browser and slow tests
	@$(TWO) -m pytest $(PARALLEL) -m "not browser and not slow"

bench: $(DEV) ## run all benchmarks one after another; fails in the end if an aim was missed
	@missed=0; for file in tests/benchmarks/bench_*.py; do \
	  echo "== $$file"; PYTHONPATH=. $(PY) "$$file" || missed=1; \
	done; exit $$missed

lint: $(DEV) ## formatting, lint and types
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/pyright

format: $(DEV) ## format the code and mend what ruff can mend
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

shots: $(DEV) ## a screenshot of every page, into tests/browser/shots/
	@PYTHONPATH=. $(PY) tests/browser/shots.py

pictures: $(DEV) ## the pictures of the home page and the README, taken from the running app
	@$(PY) scripts/pictures.py

clean: ## remove caches and screenshots; .venv stays
	@rm -rf .pytest_cache .ruff_cache .hypothesis tests/browser/shots
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(PY):
	@for python in $(PYTHON) python3.11 python3.12 python3.13 python3.14; do \
	  if "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version)."; \
	    "$$python" -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "Python cannot make a virtual environment; on Debian: apt install python3-venv"; \
	    exit 1; \
	  fi; \
	done; \
	found=$$($(PYTHON) --version 2>/dev/null || echo "not found"); \
	echo "Workings needs Python 3.11 or newer, and $(PYTHON) is $$found;" \
	  "name another one with: make run PYTHON=/path/to/python"; \
	exit 1

$(APP): requirements.txt | $(PY)
	@$(PY) -c '$(NEW_ENOUGH)' || \
	  { echo "$(VENV) was made with a Python older than 3.11; delete it and try again."; exit 1; }
	@echo "Installing what the app needs; the first time takes some minutes."
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt requirements-dask.txt $(APP)
	@echo "Installing what the tests need."
	@$(PIP) -r requirements-dev.txt
	@touch $@
