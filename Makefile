# make demo    the main job in two minutes: no root, no system package
# make test    every check and test (in CI, or as root, installs the system packages it needs first)
# make check   ruff, mypy, import contracts: under a minute
# make reference   write the pages that are generated from code
# make bench   what it costs and how fast it is, measured here; BENCH="cost hooks" measures just those
# make fault   the long campaigns: a thousand forks, ten minutes without a broker, 10,000 tasks under every fault
# make test-matrix   the recorder against every Celery it promises; CELERY="5.4 5.7" names some

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SOURCES := pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help demo test test-matrix fault check bench reference format clean packages

help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(VENV)/.demo
	$(BIN)/celeriac demo

test: $(VENV)/.dev packages check
	$(BIN)/python -m pytest -n 4 --dist worksteal

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fault: $(VENV)/.dev packages
	RECORDER_FORKS=1000 RECORDER_OUTAGE=600 $(BIN)/python -m pytest tests/fault -k recorder --timeout 3600
	CONSERVATION_TASKS=10000 CONSERVATION_SEEDS=1,2 CONSERVATION_RABBIT_SEEDS=0,3 $(BIN)/python -m pytest tests/conservation

test-matrix: $(VENV)/.pip packages
	scripts/test-matrix $(BIN)/python $(CELERY)

bench: $(VENV)/.bench packages
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: $(VENV)/.dev
	$(BIN)/python scripts/reference.py

packages:
	@scripts/system-packages

clean:
	rm -rf $(VENV) .matrix .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Celeriac needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.demo: $(VENV)/.pip $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[demo]' --group dev
	@touch $@

$(VENV)/.bench: $(VENV)/.dev $(SOURCES)
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@
