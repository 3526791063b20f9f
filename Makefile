# Everything needs only Python >= 3.10 and make: the first target that needs it makes the virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
SITE = rm -rf site && $(BIN)/python -m sphinx -q -E --fail-on-warning -b html docs site

.PHONY: demo test test-slow bench lint docs outputs format clean

demo: $(STAMP)  ## list the zoo and draw 64 digits
	$(BIN)/ganzoo list
	$(BIN)/ganzoo sample dcgan-mnist -n 64 -o grid.png

test: $(STAMP)  ## the whole test suite
	$(BIN)/python -m pytest -n 2

test-slow: $(STAMP)  ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

bench: $(STAMP)  ## ganzoo against other ways to do the same: speed, as ratios, in one table
	$(BIN)/python benchmarks/bench.py

lint: $(STAMP)  ## format, lint, types, the outputs shown in the docs, and the site
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cog --check --diff README.md docs/*.md
	$(SITE)

docs: $(STAMP)  ## build the guide and the reference as a static site: site/index.html
	$(SITE)

outputs: $(STAMP)  ## generate the outputs shown in the docs anew
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cog -r README.md docs/*.md

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "ganzoo needs Python 3.10 or newer: make PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) site
