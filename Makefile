# `make help` lists the targets. Everything is installed into .venv from the locked files in requirements/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := src tests bench docs

.DEFAULT_GOAL := help
.PHONY: help run test check bench docs format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## Start the service on http://127.0.0.1:8600
	@exec $(BIN)/tabard serve

test: $(VENV)/test.stamp ## Run all tests, against a real PostgreSQL
	@$(BIN)/pytest -n 2 --dist worksteal -q

check: $(VENV)/check.stamp ## Format, lint, types, import contracts, sizes, fresh documents
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q -p no:randomly tests/architecture

bench: $(VENV)/test.stamp ## Measure, and print the table of docs/performance.md
	@$(BIN)/python -m bench

docs: $(VENV)/test.stamp ## Write the documents that are made from code
	@$(BIN)/python -m docs.generate

format: $(VENV)/check.stamp ## Format the code
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

lock: $(VENV)/check.stamp ## Lock the newest allowed versions of all dependencies
	@$(BIN)/pip install --quiet uv
	@cd requirements && for set in run test check; do \
	  ../$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
	    --no-header --no-emit-index-url $$([ $$set = run ] || echo "-c run.txt") $$set.in -o $$set.txt || exit 1; done

clean: ## Remove the virtual environment and all caches; the data directory stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build src/*.egg-info

$(VENV)/pip.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Tabard needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (on Debian: apt install python3-venv)" >&2; exit 1; }
	@touch $@

# Newer sets hold the smaller ones, at the same versions, so each set is one call of pip.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml $(VENV)/pip.stamp
	@echo "installing the dependencies to $* Tabard"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@
