# logpond. `make help` lists what there is; every target sets up first what it needs, once.

# The first of these that runs and is new enough; `make PYTHON=...` names another.
PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
UV ?= uv
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input
JARS := $(or $(LOGPOND_JARS),.jars)
READY := .venv/.packages .venv/.project $(JARS)/verified.json
# Only for tests: with it the hundred JVMs that they start take half the CPU to be ready.
ARCHIVES := $(JARS)/spark.jsa

# What `make demo` passes on: make demo DURATION=300 RATE=2000 INCIDENT=scanner@+60s:120s
BACKFILL ?= 2h
RATE ?= 100
INCIDENT ?= error-burst@+20s:3m
UP := --backfill $(BACKFILL) $(if $(DURATION),--duration $(DURATION)) $(if $(RATE),--rate $(RATE)) \
	$(foreach incident,$(INCIDENT),--incident $(incident)) $(if $(LAKE),--lake $(LAKE))

# What Python and pytest make of a file is kept, whatever the shell says: they would make it anew each time.
export PYTHONDONTWRITEBYTECODE :=
# Two processes take whole files, in the order that tests/conftest.py puts them into: long ones first.
IN_TWO := -n 2 --dist loadfile --no-loadscope-reorder

# Faults at length; a row a run is noted, of which docs/faults.md is made.
AT_NIGHT := FAULTS_AT_NIGHT=1 DISKS_AT_NIGHT=1 RANDOM_KILLS=20 GATEWAY_KILLS=50 UPKEEP_SECONDS=180 FROZEN_SECONDS=300 \
	SOAK_SECONDS=$(or $(SOAK),3600)
FOR_TABLE := FAULTS_AT_NIGHT=1 RANDOM_KILLS=8 UPKEEP_SECONDS=60 SOAK_SECONDS=$(or $(SOAK),600)
FAULTS := $(CURDIR)/.faults.ndjson

.DEFAULT_GOAL := help
.PHONY: help setup setup-s3 development demo demo-s3 test test-fast test-nightly test-faults test-compose lint docs screens bench bench-s3 conf lock clean reset reset-compose machine
.NOTPARALLEL:

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

setup: $(READY)  ## virtual environment and jars, from lock files with hashes; once

setup-s3: setup $(JARS)/s3  ## what a lake in a bucket needs besides: 36 jars, 11 MB; once

development: setup .venv/.development $(JARS)/s3  ## the same, and what tests and lint need

demo: setup  ## Kafka, producer and ingest with a live screen (DURATION RATE INCIDENT BACKFILL LAKE)
	@$(BIN)/logpond up $(UP)

demo-s3: development setup-s3  ## the same with the lake in a bucket, of an object store that is started with it
	@PYTHONPATH=.:tests $(BIN)/python -m support.bucket $(BIN)/logpond up $(UP)

test: development $(ARCHIVES)  ## all tests but those of containers: first those that need no broker, then the others
	@$(BIN)/pytest $(IN_TWO) -m "not (broker or faults or compose or nightly)"
	@$(BIN)/pytest $(IN_TWO) -m "(broker or faults) and not nightly"

test-fast: development  ## the quick ones, without Spark and Kafka, in a minute and a half
	@$(BIN)/pytest $(IN_TWO) --hypothesis-profile fast \
		-m "not (spark or broker or faults or compose or browser or slow or nightly)"

test-nightly: development $(ARCHIVES)  ## properties tried a thousand times, every fault at length, a soak of an hour
	@$(AT_NIGHT) RANDOM_LAKES=20 $(BIN)/pytest $(IN_TWO) \
		--hypothesis-profile nightly --timeout 3600 -m "random or faults or nightly"

test-faults: development $(ARCHIVES)  ## every fault, each followed by `verify`, into docs/faults.md (SOAK=seconds)
	@rm -f $(FAULTS)
	@$(FOR_TABLE) FAULTS_TABLE=$(FAULTS) $(BIN)/pytest --timeout 3600 -m faults
	@PYTHONPATH=.:tests $(BIN)/python -m support.fault_table $(FAULTS) >docs/faults.md

test-compose: development  ## the stack in containers: built, started, killed; on a cluster too (Docker)
	@$(BIN)/pytest -m compose

lint: development  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

screens: development  ## pictures of the pages into docs/screens (AT an address, or of a LAKE)
	@PYTHONPATH=.:tests $(BIN)/python tests/support/screens.py $(or $(AT),$(LAKE),lake)

docs: setup  ## docs/commands.md, from the table of commands, and the README's collectors
	@$(BIN)/python -m cli.reference >docs/commands.md
	@$(BIN)/python -m analytics.web.ingest.readme README.md

bench: development .venv/.bench  ## rates, costs and freshness, measured here
	@$(BIN)/python -m benchmarks

bench-s3: development setup-s3  ## the same of a lake in a bucket, next to a plain consumer, in four minutes
	@PYTHONPATH=.:tests $(BIN)/python -m benchmarks.bucket

conf: setup  ## the files in conf anew, from the defaults and docstrings of the settings
	@$(BIN)/python -m lakehouse.toml_file lakehouse.settings:Settings conf/logpond.toml
	@$(BIN)/python -m lakehouse.toml_file anomaly.engine.config:Config conf/anomaly.toml

lock: setup  ## for maintainers: lock files anew, from pyproject.toml and conf/jars.lock (needs uv)
	$(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" --quiet --output-file requirements.lock
	$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --custom-compile-command "make lock" --quiet \
		--output-file requirements-dev.lock
	$(UV) pip compile pyproject.toml --extra bench --universal --python-version 3.11 \
		--generate-hashes --custom-compile-command "make lock" --quiet \
		--output-file requirements-bench.lock
	$(BIN)/python -m lakehouse.runtime.jars --lock

clean:  ## what the set-up made, and caches; the lake stays
	rm -rf .venv $(JARS) .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

reset: setup  ## start over: delete the lake, the broker's records and the checkpoints; asks (LAKE)
	@$(BIN)/logpond reset $(if $(LAKE),--lake $(LAKE))

reset-compose:  ## the same of the containers: their volumes go, all of them
	@docker compose -f docker-compose.yml -f docker-compose.cluster.yml --profile '*' down --volumes --remove-orphans

machine:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -m lakehouse.runtime.java

.venv/.packages: requirements.lock | machine
	@echo "setting up, once: packages into .venv (1.4 GB on disk), jars into $(JARS) (60 MB)"
	@$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@

.venv/.development: requirements-dev.lock .venv/.packages
	@echo "setting up for tests, once: more packages into .venv (0.4 GB on disk)"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.bench: requirements-bench.lock .venv/.development
	@echo "setting up for benchmarks, once: ClickHouse in a package (0.8 GB on disk)"
	@$(PIP) --require-hashes -r requirements-bench.lock
	@touch $@

# What builds the project is locked with the packages of tests; a new environment has none of it.
.venv/.project: pyproject.toml .venv/.packages
	@awk '/^[a-z]/ {on = /^setuptools==/} on' requirements-dev.lock >.venv/build.lock
	@$(PIP) --quiet --require-hashes -r .venv/build.lock
	@$(PIP) --quiet --no-deps --no-index --no-build-isolation \
		--config-settings editable_mode=compat --editable .
	@touch $@

$(JARS)/verified.json: conf/jars.lock .venv/.packages | machine
	@$(BIN)/python -m lakehouse.runtime.jars

$(JARS)/spark.jsa: $(JARS)/verified.json .venv/.development
	@PYTHONPATH=.:tests $(BIN)/python -m support.class_archives

$(JARS)/s3: conf/jars-s3.lock $(JARS)/verified.json
	@$(BIN)/python -m lakehouse.runtime.jars s3
	@touch $@
