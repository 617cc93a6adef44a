# Everything a contributor or CI runs. Only `make help` needs nothing; the rest sets up .venv by itself.

PYTHON ?= python3
PYTEST_ARGS ?= -n auto --dist worksteal
IMAGE_ARGS ?= --demo
LIVES ?= 1:300
LEAST ?= 50
POINTS ?= 10000
SEEDS ?= 301:1000
HOURS ?= 1
MUTANTS ?= hedgebot.*
OUT ?= campaign.json
PAYLOADS ?= 100000
RUNS ?= 20

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --require-hashes --only-binary :all:
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml

# Each test process would otherwise compile every module anew, and pytest rewrite every test.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv demo test quick shuffled hostile simulate simulate-long mutants lint bench lock image clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/dev.stamp  ## set up .venv with everything that development needs

demo: $(VENV)/run.stamp  ## watch the daemon hedge on a simulated exchange, in about a minute
	@$(BIN)/hedgebot demo

test: venv  ## run all tests (PYTEST_ARGS="-k name" to choose)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

quick: venv  ## run the tests that play no whole life and need no child process, browser or real time
	@$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not slow"

shuffled: venv  ## run them RUNS times, each time in another random order
	@for run in $$(seq $(RUNS)); do \
		$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not slow" -q --random-order || exit 1; \
	done

hostile: venv  ## hand damaged replies to the conversion of each exchange: none may be believed
	@$(BIN)/python -m tests.hostile --count $(PAYLOADS) --jobs 2

simulate: venv  ## play seeded lives of the daemon under troubles (LIVES=1:300, each trouble LEAST=50 times), then let it die everywhere
	@$(BIN)/python -m tests.campaign run --seeds $(LIVES) --jobs 2 --least $(LEAST)
	@$(BIN)/python -m tests.campaign crashes --jobs 2 --least $(POINTS)

simulate-long: venv  ## the first of these for as many seeds and hours as are given: SEEDS=301:10000 HOURS=8 OUT=figures.json
	@$(BIN)/python -m tests.campaign run --seeds $(SEEDS) --hours $(HOURS) --jobs 2 --json $(OUT)

mutants: venv  ## change the code in thousands of small ways and see whether a test notices (MUTANTS="hedgebot.risk.*")
	@$(BIN)/mutmut run "$(MUTANTS)"
	@$(BIN)/mutmut results

lint: venv  ## style, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: venv  ## measure latency, memory and start-up against their limits
	@$(BIN)/python -m pytest tests/bench

lock: venv  ## pin the newest allowed dependencies again, with hashes
	@$(LOCK) --upgrade --output-file requirements.txt --extra build
	@$(LOCK) --upgrade --output-file requirements-dev.txt --all-extras --constraint requirements.txt

image:  ## build the container image and play the demo in it (needs root and buildah)
	@config/build-image $(IMAGE_ARGS)

clean:  ## remove what make made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis mutants
	find hedgebot tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Dependencies are installed again only when their pins change.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hedgebot needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing the dependencies into $(VENV)"
	@$(INSTALL) -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@echo "installing what development needs into $(VENV)"
	@$(INSTALL) --no-binary forbiddenfruit -r requirements-dev.txt  # pure Python, published as source only
	@touch $@
