# make reproduce: the post. make all: everything beyond it as well. make test: the tests. make lint: ruff.
# make test-all: the slow tests, too. make bench: the benchmarks. make clean: what can be made again.
# make pairs: all 45 pairs of digits, from MNIST's ten; make pairs SOURCE=... takes yours.
# make networks: closer certificates of the networks, half an hour.
# make ten: all ten digits at once, with SOURCE=... as well.
# make constraints: the newest versions that fit requirements*.txt, into constraints.txt.
# make notebook: the notebook's outputs. make test-colab: its test with Colab's versions, downloaded.
# Each installs what it needs into .venv, once, with the first of these Pythons that TensorFlow has.
PYTHONS = $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
VERSION := import sys; print("%d.%d" % sys.version_info[:2])
FOUND = $(shell for name in $(PYTHONS); do \
	$$name -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $$name && break; done)
BIN := .venv/bin
# What Colab has, and what the test needs beside it.
COLAB := tensorflow==2.20.0 keras==3.10.0 numpy==2.0.2 scipy matplotlib jinja2 pytest hypothesis \
	nbclient ipykernel
COLAB_PYTHON = python3.12
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# make PYTHON=python3.12 beside a .venv of another Python stops, or it would not be the one in use.
ifeq ($(origin PYTHON)$(wildcard .venv/installed),command line.venv/installed)
ifneq ($(MAKECMDGOALS),clean)
THERE := $(shell $(BIN)/python -c '$(VERSION)')
WANTED := $(shell $(PYTHON) -c '$(VERSION)' 2>/dev/null)
ifneq ($(THERE),$(WANTED))
$(error .venv has Python $(THERE), and $(PYTHON) is $(or $(WANTED),no Python); \
	leave PYTHON away, or first "make clean" to install again)
endif
endif
endif

.PHONY: reproduce all pairs networks ten test test-all test-colab lint notebook bench \
	constraints clean

reproduce: .venv/installed
	$(BIN)/python reproduce.py

all: .venv/installed
	$(BIN)/python reproduce.py --all

pairs: .venv/installed-cluster
	$(BIN)/python data_prep.py --digits all $(if $(SOURCE),--source $(SOURCE))
	$(BIN)/python -m beyond.pairs
	$(BIN)/python plots pairs claims_over_pairs
	$(BIN)/python -m report.report

networks: .venv/installed
	$(BIN)/python -m beyond.networks.slopes
	$(BIN)/python -m report.report

ten: .venv/installed
	$(BIN)/python data_prep.py --digits all $(if $(SOURCE),--source $(SOURCE))
	$(BIN)/python -m beyond.ten.linear
	$(BIN)/python -m beyond.ten.network
	$(BIN)/python plots ten_linear ten_network

test: .venv/installed-dev
	@echo "The tests take about two minutes on two cores"
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-all: .venv/installed-dev
	EXAMPLES=400 $(BIN)/python -m pytest -m "slow or not slow"

test-colab:
	$(COLAB_PYTHON) -m venv --clear .venv-colab
	.venv-colab/bin/python -m pip install --quiet --disable-pip-version-check $(COLAB)
	.venv-colab/bin/python -m pytest -m slow tests/test_notebook.py

lint: .venv/ruff/bin/ruff
	.venv/ruff/bin/ruff check
	.venv/ruff/bin/ruff format --check

notebook: .venv/installed-dev
	$(BIN)/python tests/test_notebook.py

bench: .venv/installed-bench
	for name in pipeline training attack exact scale figures page bounds pairs; do $(BIN)/python -W ignore benchmarks/$$name.py || exit 1; done

# In an environment of its own, so that nothing else is in the list.
constraints:
	@test -n "$(FOUND)" || { echo "Python 3.11, 3.12 or 3.13 is needed"; exit 1; }
	$(FOUND) -m venv --clear .venv/fresh
	.venv/fresh/bin/python -m pip install --quiet -r requirements-bench.txt setuptools wheel
	{ sed -n '/^#/p' constraints.txt; .venv/fresh/bin/python -m pip freeze --all \
		--exclude pip | sed 's/+cpu$$//'; } > .venv/constraints.new
	mv .venv/constraints.new constraints.txt
	rm -rf .venv/fresh

clean:
	rm -rf .venv .venv-colab .pytest_cache .ruff_cache .hypothesis results/.*.new results/.*.old
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: requirements.txt constraints.txt
	@test -n "$(FOUND)" || { echo "Python 3.11, 3.12 or 3.13 is needed, for which there is a" \
		"TensorFlow; install one, as with 'uv python install 3.13', and give its path:" \
		"make PYTHON=..."; exit 1; }
	$(FOUND) -m venv .venv
	@echo "Installing TensorFlow and the rest into .venv, 2.7 GB: some minutes, this once"
	$(INSTALL) -r requirements.txt
	@touch $@

.venv/installed-cluster: .venv/installed requirements-cluster.txt
	$(INSTALL) -r requirements-cluster.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt requirements-cluster.txt
	$(INSTALL) -r requirements-dev.txt
	@touch $@

.venv/ruff/bin/ruff: constraints.txt
	$(FOUND) -m venv .venv/ruff
	.venv/ruff/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt ruff
	@touch $@

.venv/installed-bench: .venv/installed-dev requirements-bench.txt
	$(INSTALL) -r requirements-bench.txt
	@touch $@
