# `make` alone lists what there is. Everything runs in .venv, which the first target that needs it makes.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
FLASK  := $(BIN)/python -m flask --app flask_app
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run worker test check bench bench-events bench-nearby bench-stock bench-timing bench-walls lint format swagger migrate revision lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.run-time  ## Serve on port 5000 (or PORT): migrated, the first time with the demo shop
	@$(FLASK) db upgrade
	@environment=$$($(BIN)/python -c 'import config; print(config.configuration().NAME)') || exit 1; \
	  [ "$$environment" = production ] || said=$$($(FLASK) demo --if-empty) || exit 1; \
	  SHOW_WELCOME=1 WELCOME_NOTE="$$said" exec $(BIN)/python -m gunicorn -c gunicorn.conf.py flask_app:app

worker: $(VENV)/.run-time  ## Send mail and do the other jobs, where the server does not (REDIS_URL)
	@exec $(FLASK) worker

test: $(VENV)/.tools  ## Run the tests on SQLite (PYTEST_ARGS="-k tickets" picks some)
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 $(PYTEST_ARGS)

check:  ## Everything that CI checks; needs PostgreSQL and Redis on this machine, and Node for the collection
	@.ci/run

bench: $(VENV)/.tools  ## Measure and keep bench/RESULTS.md; needs PostgreSQL and Redis (SCALE=1: a million tickets)
	@$(BIN)/python bench/run.py $(BENCH_ARGS)

bench-events: $(VENV)/.tools  ## Measure how soon a watcher hears of a commit, over two workers with Redis, and keep bench/EVENTS.md
	@$(BIN)/python bench/events.py

bench-nearby: $(VENV)/.tools  ## Measure the search nearby among 100,000 workshops, and keep bench/NEARBY.md
	@$(BIN)/python bench/nearby.py

bench-stock: $(VENV)/.tools  ## See whether 100,000 parts and 5,000,000 movements are read as fast as 1,000 parts, and keep bench/STOCK.md
	@$(BIN)/python bench/stock.py

bench-timing: $(VENV)/.tools  ## See whether time tells who has an account, and keep bench/TIMING.md
	@$(BIN)/python bench/timing.py

bench-walls: $(VENV)/.tools  ## See what PostgreSQL's own wall between workshops costs, and keep bench/ROW_SECURITY.md
	@$(BIN)/python bench/row_security.py

lint: $(VENV)/.tools  ## Style, format, types, imports, security
	@.ci/run lint format types imports security

format: $(VENV)/.tools  ## Format the code, and mend what can be mended without thought
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

swagger: $(VENV)/.run-time  ## Write app/static/swagger.yaml anew from the code
	@$(FLASK) openapi-write

migrate: $(VENV)/.run-time  ## Bring the database up to date
	@$(FLASK) db upgrade

revision: $(VENV)/.run-time  ## Draft a migration from the models (m="add invoices")
	@$(FLASK) db migrate -m "$(if $(m),$(m),$(error Say what it does: make revision m="add invoices"))"

lock:  ## Pin the packages of requirements*.in anew (needs uv)
	@command -v uv >/dev/null || { echo 'This needs uv: $(PYTHON) -m pip install uv' >&2; exit 1; }
	@for name in requirements requirements-dev; do \
	  { echo "# Made by \`make lock\` from $$name.in; not edited by hand." && \
	    uv pip compile $$name.in --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
	      --generate-hashes --no-strip-extras --no-header --no-emit-index-url; } > $$name.txt.new && mv $$name.txt.new $$name.txt \
	  || { rm -f $$name.txt.new; exit 1; }; done

clean:  ## Remove .venv and caches; the database in instance/ stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis .coverage .coverage.* htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp per lock: newer than it, nothing to do; older, the packages are brought in line.
$(VENV)/.run-time: requirements.txt | $(BIN)/python
	@echo "Installing the locked packages (about half a minute) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.tools: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing the locked packages and tools (about a minute) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $(VENV)/.run-time $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed, and there is no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); echo "$(PYTHON) can't make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
