# Two commands for a newcomer: `make book` and `make test`. They need Python 3.11 or newer and git.
# Others: `make help`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
STAMP := $(VENV)/.installed
PYTEST := TQDM_DISABLE=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

.PHONY: book test lint rerun bench lock clean help
.DEFAULT_GOAL := help

book: $(STAMP) ## build the book into _build/html and print the page to open
	@$(BIN)/lcs book

test: lint ## style, types, tests, and every notebook against its committed outputs
	$(PYTEST)
	LCS_STORE="$(CURDIR)/_build/no-runs" $(PYTEST) --nbval --nbval-current-env --nbval-cell-timeout 120 book/*.ipynb

lint: $(STAMP) ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

rerun: $(STAMP) ## run a chapter anew: make rerun CHAPTER=table2 SCALE=smoke PARAMETERS="seeds=3"
	@test -n "$(CHAPTER)" || { echo "say which chapter: make rerun CHAPTER=table2 SCALE=smoke" >&2; exit 2; }
	@$(BIN)/lcs book $(CHAPTER) $(foreach pair,$(if $(SCALE),scale=$(SCALE)) $(PARAMETERS),-p $(pair))

bench: $(STAMP) ## speed, side by side with the conventional way; takes minutes
	@for script in tests/benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

lock: $(STAMP) ## resolve pyproject.toml anew into requirements.lock
	$(BIN)/uv pip compile -q --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --extra dev \
		pyproject.toml -o requirements.lock --no-emit-index-url

clean: ## remove the built book and the caches; .venv and the records stay
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache
	find lcs tests book -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The environment, made again only when the lock or pyproject.toml has changed.
$(STAMP): requirements.lock pyproject.toml
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python lacks venv: on Debian or Ubuntu, apt install python3-venv" >&2; exit 1; }
	@echo "Installing what requirements.lock names into $(VENV): up to 5 GB with CUDA, once."
	@"$(PYTHON)" -m venv $$($(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null || echo --clear) $(VENV)
	@# compiled once, for where Python is not allowed to write bytecode each process would compile torch
	@PIP_USER=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@
