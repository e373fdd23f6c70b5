# `make nightly` runs a whole night on the sample, `make test` the tests. Both set everything up first.
EXTRA ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
HERTZ = .venv/bin/hertz
export PREFECT_SERVER_ANALYTICS_ENABLED = false
export DO_NOT_TRACK = 1

.PHONY: nightly test serve prefect check pins

nightly: .venv/ready
	$(HERTZ) sample --users 2000 --seed 7 --out data/profiles.parquet
	$(HERTZ) nightly

# Two files at a time, in tests/conftest.py's order; on a GPU one, which cannot hold two files' engines.
test: .venv/ready
	requirements/browser
	.venv/bin/python -m pytest -n $(if $(filter gpu,$(EXTRA)),0,2) --dist loadfile --no-loadscope-reorder

serve: .venv/ready
	$(HERTZ) serve

prefect: .venv/ready
	.venv/bin/python -m hertz.flows.server.start

check: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

pins:
	requirements/compile

.venv/ready: requirements/setup requirements/$(EXTRA).txt requirements/models.txt requirements/uv.txt pyproject.toml
	requirements/setup $(EXTRA)
