# Two commands do everything on a fresh machine (python3 >= 3.11 with venv, make, git, a package index):
#   make demo    the main job on the two real articles and the samples of seeds/, into var/demo/
#   make test    all checks and tests
PYTHON ?= python3
BIN := .venv/bin
# pip reads the machine's own configuration; the lock files pin versions and hashes and name no server.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes

# Programs that tests start are compiled once, not at every start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint types arrows pytest conformance faults bench lock settings-page gazetteer clean

help:
	@sed -n '1,3p' Makefile
	@echo "#   make lint | types | arrows | pytest    one of the checks alone"
	@echo "#   make conformance | faults | bench      what takes long: outside tools, kills, figures"
	@echo "#   make lock | settings-page | gazetteer  make what is derived anew"

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Digest needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

# The stamp of the smaller set is also made by the larger one: a test environment can run the demo.
.venv/run.stamp: requirements.lock | .venv/bin/python
	$(PIP) -r requirements.lock
	@touch $@

.venv/dev.stamp: requirements-dev.lock requirements.lock | .venv/bin/python
	$(PIP) -r requirements-dev.lock
	@touch .venv/run.stamp $@

demo: .venv/run.stamp
	$(BIN)/python -m digest demo

# Two at a time: mypy is busy on one processor only, while tests wait for servers.
test: lint
	$(MAKE) --no-print-directory --jobs=2 types arrows pytest

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/dev.stamp
	$(BIN)/mypy

arrows: .venv/dev.stamp
	$(BIN)/lint-imports --no-logo

pytest: .venv/dev.stamp
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

# What takes long and is run before a release; a short form of each is in `make test`.
conformance: .venv/dev.stamp
	$(BIN)/python -m pytest -q -m "heavy or not heavy" tests/conformance

faults: .venv/dev.stamp
	$(BIN)/python -m pytest -q -m "heavy or not heavy" tests/faults
	$(BIN)/python -m pytest -q -m heavy tests --ignore tests/faults --ignore tests/conformance
	$(BIN)/python -m benchmarks.kills

BENCHMARKS := $(foreach name,copies sending feeds console editorial pickup scale,$(if $(wildcard benchmarks/$(name).py benchmarks/$(name)/__main__.py),$(name)))
bench: .venv/dev.stamp
	for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name --json || exit 1; done

# Needs uv (pip install uv). No header and no annotations: a lock names no server and no machine.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra postgresql
lock:
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) --group dev pyproject.toml --output-file requirements-dev.lock
	grep -o 'hatchling>=[0-9.]*' pyproject.toml | head -1 | $(subst --extra postgresql,,$(LOCK)) - --output-file deploy/requirements-build.lock

settings-page: .venv/dev.stamp
	$(BIN)/python -m tools.settings_page

gazetteer: .venv/dev.stamp
	$(BIN)/python -m tools.compile_gazetteer

clean:
	rm -rf .venv var build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
