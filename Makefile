# make demo        environment, install, and the main job: on simulated people, then on real signals
# make demo-clean  empty the demo's folder
# make test        environment, install, and the tests, as many at once as there are cores
# make test-all    all that a commit must pass: lint, tests, site with tutorial, wheel and sdist
# make lint        ruff and mypy
# make fix         let ruff mend what it can
# make docs        the site, in build/site; broken links are errors
# make notebook    run the tutorial
# make wheel       build wheel and sdist, and use them outside the tree

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-clean test test-all lint fix docs notebook wheel

demo: $(VENV)/.demo .demo/people/vqtext.toml
	@echo "== people that are simulated, so that the truth of every moment is known; three of them kept for the test"
	cd .demo/people && ../../$(BIN)/vqtext run
	@echo "== BasicMotions: a watch on one wrist at 10 Hz"
	cd .demo && ../$(BIN)/vqtext run
	@echo "== what the steps of people never seen were read as, and what they truly were"
	@cd .demo/people && ../../$(BIN)/vqtext explain
	@echo "next: open this report; in .demo/people try \`vqtext preview\`, \`vqtext studio\` and"
	@echo "  \`vqtext explain --window N --why-not LABEL\`; your own data: docs/own-data.md"

# Small and short: half a minute on two cores.
.demo/people/vqtext.toml:
	mkdir -p .demo/people
	printf '[data]\nname = "planted"\n\n[train]\npreset = "tiny"\nepochs = 4\ntest_subjects = ["10", "11", "12"]\n' > $@

demo-clean:
	rm -rf .demo

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

test-all: lint test docs wheel

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: notebook
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "to read it: $(BIN)/python -m http.server --directory build/site"

notebook: build/tutorial/tutorial.ipynb

build/tutorial/tutorial.ipynb: docs/tutorial.ipynb docs/hooks/run_notebook.py $(shell find vqtext -type f -not -name '*.pyc') | $(VENV)/.docs
	$(BIN)/python docs/hooks/run_notebook.py

wheel: $(VENV)/.dev
	.ci/wheel $(BIN)/python

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vqtext needs Python 3.11 or newer: make demo PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# A stamp is written only after its install went through, so that an interrupted one is done again.
$(VENV)/.%: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$*]"
	touch $@
