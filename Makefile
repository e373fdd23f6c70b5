# `make nightly` runs a whole night on the sample, `make test` the tests. Both set everything up first.
EXTRA ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
BIN = .venv/bin
PYTEST = $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder
export PREFECT_SERVER_ANALYTICS_ENABLED = false
export DO_NOT_TRACK = 1

.PHONY: nightly serve prefect check test test-fast architecture pins

nightly: .venv/ready
	$(BIN)/hertz sample --users 2000 --seed 7 --out data/profiles.parquet
	$(BIN)/hertz nightly

serve: .venv/ready
	$(BIN)/hertz serve

prefect: .venv/ready
	$(BIN)/python -m hertz.flows.server.start

# Everything that is checked without running Hertz.
check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/architecture.py --check
	$(BIN)/codespell

# Two files at a time, in tests/conftest.py's order; on a GPU one, which cannot hold two files' engines.
test: .venv/ready
	requirements/browser
	$(PYTEST) -n $(if $(filter gpu,$(EXTRA)),0,2) --cov --durations=20

# Without language models, servers, browsers and whole nights: under two minutes on two cores.
test-fast: .venv/ready
	$(PYTEST) -n 2 -m "not (slow or browser or engine or night or server or thorough)"

architecture: .venv/ready
	$(BIN)/python docs/architecture.py

pins:
	requirements/compile

.venv/ready: requirements/setup requirements/$(EXTRA).txt requirements/models.txt requirements/uv.txt pyproject.toml
	requirements/setup $(EXTRA)
