# make reproduce: the post. make all: everything beyond it as well. make test: lint and tests.
# make test-all: the slow tests, too. make bench: the benchmarks. make clean: what can be made again.
# Each installs what it needs into .venv, once, with the first of these Pythons that TensorFlow supports.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do $$name -c \
	'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: reproduce all test test-all lint bench clean

reproduce: .venv/installed
	$(BIN)/python reproduce.py

all: .venv/installed
	$(BIN)/python reproduce.py --all

test: .venv/installed-dev
	@echo "The tests take about two minutes on two cores"
	$(BIN)/python -m pytest

test-all: .venv/installed-dev
	EXAMPLES=400 $(BIN)/python -m pytest -m "slow or not slow"

lint: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

bench: .venv/installed-bench
	for name in pipeline training attack exact scale plots; do $(BIN)/python -W ignore benchmarks/$$name.py || exit 1; done

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis results/.*.new results/.*.old
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: requirements.txt constraints.txt
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed, for which there is a TensorFlow; install one, for" \
		"example with 'uv python install 3.13', and give it: make PYTHON=python3.13"; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "Installing TensorFlow and the rest into .venv: about a minute, this once"
	$(INSTALL) -r requirements.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(INSTALL) -r requirements-dev.txt
	@touch $@

.venv/installed-bench: .venv/installed-dev requirements-bench.txt
	$(INSTALL) -r requirements-bench.txt
	@touch $@
