# make demo        environment, install, and the main job on real signals
# make demo-clean  empty the demo's folder
# make test        environment, install, and the tests, as many at once as there are cores
# make lint        ruff and mypy
# make fix         let ruff mend what it can

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-clean test lint fix

demo: $(VENV)/.demo
	mkdir -p .demo
	cd .demo && ../$(BIN)/vqtext run

demo-clean:
	rm -rf .demo

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vqtext needs Python 3.11 or newer: make demo PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# A stamp is written only after its install went through, so that an interrupted one is done again.
$(VENV)/.%: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$*]"
	touch $@
