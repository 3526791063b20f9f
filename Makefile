# Everything needs only Python >= 3.11 and make: the first target that needs it makes the virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
SITE = rm -rf site && $(BIN)/python -m sphinx -q -E --fail-on-warning -b html docs site

.PHONY: demo test test-slow browser attack bench lint docs outputs format clean

demo: $(STAMP)  ## list the zoo and write a grid of 64 generated digits
	$(BIN)/ganzoo list
	$(BIN)/ganzoo sample dcgan-mnist -n 64 -o grid.png

test: $(STAMP)  ## the default tests; those that start many processes or train: make test-slow
	$(BIN)/python -m pytest -n 2
	@echo "the tests that start many processes or train: make test-slow"

browser:  ## a Chromium for the tests that look at pages, where one is wanted and apt may install it; else they are skipped
	@for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do \
		command -v $$name >/dev/null 2>&1 && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "installing Chromium for the tests that look at pages"; \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) \
			>/dev/null 2>&1 && exit 0; \
	fi; \
	echo "no Chromium: the tests that look at pages are skipped"

test-slow: $(STAMP) browser  ## the tests that start many processes, train, or look at pages in Chromium
	$(BIN)/python -m pytest -n 2 -m slow

attack: $(STAMP)  ## kills, flipped bits, mutated files, files that ask for memory, crowds: what was tried, held, failed
	PYTHONPATH=tests $(BIN)/python -W ignore -m attacks

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
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganzoo needs Python 3.11 or newer: make PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) site
