# make reproduce: every number and figure. make test: the tests. make test-all: the slow ones, too. make bench: the benchmarks. Each installs what it needs into .venv, once.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: reproduce test test-all bench

reproduce: .venv/installed
	$(BIN)/python reproduce.py

test: .venv/installed-dev
	$(BIN)/python -m pytest

test-all: .venv/installed-dev
	EXAMPLES=400 $(BIN)/python -m pytest -m "slow or not slow"

bench: .venv/installed-bench
	for name in pipeline training attack exact scale plots; do $(BIN)/python -W ignore benchmarks/$$name.py || exit 1; done

.venv/installed: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.12")'
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
