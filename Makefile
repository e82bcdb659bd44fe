# LionTrack Stream. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PROCESSES ?= 2
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TOOLS_VENV := .cache/image-tools
FUZZ_VENV := .cache/fuzz-env
AUDIT_VENV := .cache/audit-env
UV_LOCK := uv pip compile --generate-hashes --no-emit-index-url --python-version 3.11 --universal --quiet --no-header \
  --no-annotate
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
SPARK_VENV := .venv-spark
SPARK_STAMP := $(SPARK_VENV)/.stamp
SPARK_LOCK := deploy/spark/requirements.lock
BENCH_VENV := .venv-bench
BENCH_PEERS := quix bytewax
AIRFLOW_VENV := .venv-airflow
AIRFLOW_STAMP := $(AIRFLOW_VENV)/.stamp
AIRFLOW_LOCK := deploy/airflow/requirements.lock
TOOLS_VENV := .cache/image-tools
UV_LOCK := uv pip compile --generate-hashes --no-emit-index-url --python-version 3.11 --universal --quiet --no-header \
  --no-annotate
WEB_APP := liontrack_stream/views/web_app
unexport PYTHONDONTWRITEBYTECODE  # tests start our commands hundreds of times

.PHONY: help setup spark airflow packages lock sbom lint format schema dashboards web test test-spark demo bench \
  bench-venvs bench-spark bench-growth bench-api bench-aims bench-lake scale soak soak-table soak-lake mutants fuzz audit \
  release clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## Create .venv from the hash-locked requirements (nothing to do: milliseconds)

$(STAMP): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; name it with: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$("$(PYTHON)" --version) (the first time takes a minute or two)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation \
	  --config-settings editable_mode=compat -e .
	@touch $@

spark: $(SPARK_STAMP) ## Create .venv-spark, which `liontrack submit` runs Spark in (450 MB; it uses .venv's packages too)

$(SPARK_STAMP): $(STAMP) $(SPARK_LOCK)
	@echo "Setting up $(SPARK_VENV) with Spark (the first time takes some two minutes)"
	@deploy/spark/make-environment $(SPARK_VENV) $(BIN)/python
	@touch $@

airflow: $(AIRFLOW_STAMP) ## Create .venv-airflow, where Airflow runs deploy/airflow/dags (190 MB, nothing of .venv in it)

$(AIRFLOW_STAMP): $(STAMP) $(AIRFLOW_LOCK)
	@echo "Setting up $(AIRFLOW_VENV) with Airflow (the first time takes half a minute)"
	@rm -rf $(AIRFLOW_VENV) && $(BIN)/python -m venv --without-pip $(AIRFLOW_VENV)
	@$(BIN)/python -m pip --python $(AIRFLOW_VENV)/bin/python install --quiet --disable-pip-version-check --no-deps \
	  --no-compile --require-hashes -r $(AIRFLOW_LOCK)
	@touch $@

lock: setup ## Renew all locks (needs uv)
	@{ echo "# Every package with its hash. Renew: make lock"; \
	  uv pip compile pyproject.toml --all-extras --generate-hashes --no-emit-index-url --upgrade \
	    --python-version 3.11 --universal --quiet --no-header --no-annotate; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@{ echo "# Spark's environment, beside .venv. Every package with its hash. Renew: make lock"; \
	  uv pip compile deploy/spark/requirements.in --generate-hashes \
	    --no-emit-index-url --no-emit-package numpy --no-emit-package python-dateutil --no-emit-package pytz \
	    --no-emit-package six --python-version 3.11 --universal --quiet --no-header --no-annotate; } > $(SPARK_LOCK).new
	@mv $(SPARK_LOCK).new $(SPARK_LOCK)
	@{ echo "# Airflow's environment, apart from .venv. Every package with its hash. Renew: make lock"; \
	  $(UV_LOCK) deploy/airflow/requirements.in; } > $(AIRFLOW_LOCK).new
	@mv $(AIRFLOW_LOCK).new $(AIRFLOW_LOCK)
	@{ echo "# What the image runs on: requirements.lock without its extras. Every package with its hash. Renew: make lock"; \
	  $(UV_LOCK) pyproject.toml --constraints requirements.lock; } > deploy/requirements.lock.new
	@mv deploy/requirements.lock.new deploy/requirements.lock
	@{ echo "# What builds the image. Every package with its hash. Renew: make lock"; \
	  $(UV_LOCK) deploy/image/tools.in --constraints requirements.lock; } > deploy/image/tools.lock.new
	@mv deploy/image/tools.lock.new deploy/image/tools.lock
	@{ echo "# The notebooks' image. Every package with its hash. Renew: make lock"; \
	  $(UV_LOCK) deploy/jupyter/requirements.in --constraints requirements.lock; } > deploy/jupyter/requirements.lock.new
	@mv deploy/jupyter/requirements.lock.new deploy/jupyter/requirements.lock
	@for peer in $(BENCH_PEERS); do { echo "# $$peer's environment in make bench. Every package with its hash. Renew: make lock"; \
	  $(UV_LOCK) tests/bench/peers/$$peer.in; } > tests/bench/peers/$$peer.lock.new && \
	  mv tests/bench/peers/$$peer.lock.new tests/bench/peers/$$peer.lock; done
	@for what in fuzz audit; do { echo "# For make $$what. Every package with its hash. Renew: make lock"; \
	  $(UV_LOCK) tests/$$what/requirements.in; } > tests/$$what/requirements.lock.new && \
	  mv tests/$$what/requirements.lock.new tests/$$what/requirements.lock; done

packages: ## Debian packages that tests use (chromium …), where root on Debian misses one
	@tests/support/debian_packages.sh

sbom: setup ## Write dist/sbom.cdx.json: what the image runs on, by CycloneDX (the image has its own in /opt/liontrack)
	@test -x $(TOOLS_VENV)/bin/cyclonedx-py || { "$(PYTHON)" -m venv $(TOOLS_VENV) && \
	  $(TOOLS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/image/tools.lock; }
	@mkdir -p dist && $(TOOLS_VENV)/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --output-format JSON --output-file dist/sbom.cdx.json deploy/requirements.lock
	@echo dist/sbom.cdx.json

lint: setup ## Style, types, and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.support.node_producer

format: setup ## Put the code into its one format
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

schema: setup ## Write sql/schema.sql anew from the migrations
	@$(BIN)/python -m tests.support.schema_snapshot

dashboards: setup ## Write Grafana's dashboards anew from deploy/grafana (also when a limit of an alert changes)
	@$(BIN)/python -m deploy.grafana.write

web: setup ## Build the dashboard anew from its TypeScript (needs Node 20; what it makes is committed)
	@$(BIN)/python -m tests.support.web_types
	@cd $(WEB_APP) && npm ci --no-fund --no-audit && npm run --silent check && npm test --silent && npm run --silent build

test: setup packages lint ## Everything that must hold, on a real Kafka, PostgreSQL and S3
	@$(BIN)/python -m tests.support.go_programs
	@$(BIN)/python -m tests.support.deploy_programs
	@$(BIN)/python -m pytest --numprocesses $(PROCESSES)

test-spark: setup spark ## Spark's tests with all fixes of the Kalahari's lions (make test takes 400 of each)
	@SPARK_REAL_FIXES=1000000 $(BIN)/python -m pytest -q tests/spark

demo: setup ## The whole stream with simulated lions, on http://127.0.0.1:4001
	@exec $(BIN)/liontrack demo

bench: setup bench-venvs ## Ours beside its floor, Faust, Quix Streams, Bytewax and Spark; writes tests/bench/results (BENCH="--help")
	@exec $(BIN)/python -m tests.bench $(BENCH)

bench-venvs: spark $(BENCH_PEERS:%=$(BENCH_VENV)/%/.stamp) ## Create .venv-bench/…, where make bench runs other engines (500 MB)

$(BENCH_VENV)/%/.stamp: tests/bench/peers/%.lock $(STAMP)
	@echo "Setting up $(@D) (the first time takes some ten seconds)"
	@rm -rf $(@D) && $(BIN)/python -m venv --without-pip $(@D)
	@$(BIN)/python -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check --no-deps --no-compile \
	  --require-hashes -r $<
	@touch $@

bench-spark: spark ## Ours, its floor and stock Faust, and ours on Spark: the three ways of "When to use which" in README.md
	@exec $(BIN)/python -m tests.bench --only floor ours faust submit

bench-growth: setup ## Whether the 20 millionth event is as quick as the first (half an hour, 40 GB)
	@exec $(BIN)/python -m tests.bench.aims growth $(GROWTH)

bench-api: setup ## API quick while events come? Events stored while it is asked? (10 minutes)
	@exec $(BIN)/python -m tests.bench.api

bench-aims: setup ## Latency, memory at 10 million events, 10 to 100,000 lions, two workers, the Kalahari file (AIMS="latency …")
	@exec $(BIN)/python -m tests.bench.aims $(AIMS)

scale: setup ## Claims and commits of 1, 10 and 100 simulated workers, then a hundred under faults (WORKERS=… FAULTS=… SEED=…)
	@exec $(BIN)/python -m tests.scaling

bench-lake: setup ## A closed day of 420 MB in small files is compacted, one of silver cut, under readers (3 minutes)
	@LAKE_DAY_MB=420 $(BIN)/python -m pytest -q -s tests/lake/test_large_days.py

soak-lake: setup ## The bucket is away for 200 s while a worker stores (8 minutes; needs Go the first time)
	@$(BIN)/python -m tests.support.go_programs
	@LAKE_OUTAGE_S=200 $(BIN)/python -m pytest -q -s tests/lake/test_outage_under_load.py

soak: setup ## Producers, workers, replays, readers against faults, held against the oracle (SOAK_SECONDS=600 SEED=…)
	@$(BIN)/python -m tests.support.go_programs
	@exec $(BIN)/python -m tests.soak

soak-table: setup ## What all soaks of this checkout found, together, as a table
	@exec $(BIN)/python -m tests.soak --together

mutants: setup ## The soak against named breaks of the pipeline: it has to catch each (half an hour)
	@$(BIN)/python -m tests.support.go_programs
	@exec $(BIN)/python -m tests.soak.mutants

fuzz: setup $(FUZZ_VENV)/.stamp ## Ten million inputs into the decoders (FUZZ_INPUTS=…; a quarter of an hour)
	@exec $(FUZZ_VENV)/bin/python -m tests.fuzz

audit: setup $(AUDIT_VENV)/.stamp ## bandit, known flaws of the lock's packages, and what the API refuses, as a table
	@exec $(BIN)/python -m tests.audit $(AUDIT_VENV)

$(FUZZ_VENV)/.stamp: tests/fuzz/requirements.lock
$(AUDIT_VENV)/.stamp: tests/audit/requirements.lock
$(FUZZ_VENV)/.stamp $(AUDIT_VENV)/.stamp:
	@$(BIN)/python -m venv --without-pip $(@D)
	@purelib='import sysconfig; print(sysconfig.get_path("purelib"))'; \
	  echo "import site; site.addsitedir('$$($(BIN)/python -c "$$purelib")')" > "$$($(@D)/bin/python -c "$$purelib")/liontrack.pth"
	@$(BIN)/python -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check --no-deps --ignore-installed \
	  --require-hashes -r $<
	@touch $@

release: ## Tag the version that CHANGELOG.md and the package have (make release VERSION=0.2.0)
	@deploy/release "$(VERSION)"

clean: ## Remove caches and builds (not .venv, not data)
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
