# Every target first makes .venv if it is not there, from the standard library's venv and pip alone.
# Another interpreter: make setup PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
FOLDERS := envs search nets training experiments tests notebooks src

.PHONY: help setup contest test check bench clean

help:  ## print this list
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' Makefile

setup: $(READY)  ## make .venv and install astarzero into it, editable, with its tools

contest: $(READY)  ## value against policy on the 8-puzzle, 24 and 3x3 Go: tables, pictures, nine minutes
	$(BIN)/astarzero contest --quick

test: $(READY)  ## run the tests, two files at a time; the last line says how many ran
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(READY)  ## lint, and check types
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(READY)  ## time everything beside its peers; a table in results/bench
	$(BIN)/python -m pytest tests/benchmarks

clean:  ## remove .venv, every cache (compiled kernels too), builds; results stay
	rm -rf .venv build dist src/*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .coverage htmlcov
	find $(wildcard $(FOLDERS)) -name __pycache__ -prune -exec rm -rf {} +

# Installs again when its list or its Python has changed; a .venv whose Python has gone, or that has no pip, is made afresh.
$(READY): pyproject.toml constraints.txt $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { $(check-python) && $(PYTHON) -m venv --clear .venv; }
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m compileall -q $(FOLDERS)  # pip leaves that out here; each start would do it anew where Python may write no bytecode
	@touch $@

$(BIN)/python: ;

define check-python
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "astarzero needs Python 3.11 or newer, which $(PYTHON) is not: name another, as in `make setup PYTHON=python3.12`.")'
endef
