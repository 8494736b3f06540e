# What a person types. Everything lives in .venv; only Python >= 3.11 and make are needed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test lint bench soak clean
setup: .venv/.ready

.venv/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "muniment needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

demo: setup
	$(BIN)/muniment demo

test: setup
	$(BIN)/python -m pytest -n 2 $(if $(COVER),--cov --cov-report=term:skip-covered)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m benchmarks

soak: setup
	MUNIMENT_SOAK=1 $(BIN)/python -m pytest -n 2 -m soak

clean:
	rm -rf .venv build dist .coverage .coverage.*
