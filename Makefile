# The commands of a checkout. `make run` and `make test` are all a newcomer needs.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2

.PHONY: help run setup dev test check bench cluster schema wheel lock clean

help: ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: setup ## Run the city: install what is needed, start everything, until Ctrl-C
	@exec $(BIN)/citybrain up

setup: ## Install the locked packages and prepare the faces (a moment when nothing changed)
	@$(PYTHON) tools/prepare.py

dev: ## The same, with what tests and checks need
	@$(PYTHON) tools/prepare.py --dev

test: ## Run every test, the journeys in a real browser included
	@$(PYTHON) tools/prepare.py --dev --browser
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: dev ## Run every check of style
	@$(BIN)/python tools/check.py

bench: dev ## Measure; results go to bench/results/
	@$(BIN)/python tools/bench.py $(ARGS)

cluster: dev ## Ask DuckDB, Sail and a Spark cluster on this machine the same, compare rows and cost (needs Java)
	@$(BIN)/python tools/spark.py
	@$(BIN)/python -m bench.cluster $(ARGS)

schema: dev ## Record what the migrations execute, after a change of them (an empty database is laid from it)
	@$(BIN)/python tools/schema.py

wheel: dev ## Build the package into dist/, with translations and the browser's files
	@rm -rf build
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build citybrain.egg-info

lock: ## Write the lock files anew after a change of requirements/*.in
	@sh tools/lock.sh

clean: ## Remove what was made here, but not the city's data
	rm -rf .venv node_modules build dist citybrain/faces/look/static/vendor .pytest_cache .mypy_cache .ruff_cache test-results
	find citybrain tests -name '*.mo' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
