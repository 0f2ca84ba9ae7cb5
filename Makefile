# Everything starts here, on a machine with Python 3.11-3.13 and make alone. Bare `make` lists the verbs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help environment reproduce test lint format docs report bare ui lock clean

PYTHON ?= $(firstword $(foreach v,3.11 3.12 3.13,$(shell python$(v) -c 'print("python$(v)")' 2>/dev/null)) python3)
CORES ?= all
BARE_PYTHON ?= 3.12
# The experiment that params.yaml names, unless the command line says another: make reproduce EXPERIMENT=folder
EXPERIMENT ?= $(shell sed -n 's/^experiment: *\([A-Za-z0-9_-]*\).*/\1/p' params.yaml)

VENV := .venv
READY := $(VENV)/ready
export PATH := $(abspath $(VENV))/bin:$(PATH)
export MLFLOW_DISABLE_TELEMETRY ?= true
SNAKEMAKE := snakemake --config experiment=$(EXPERIMENT)

help:  ## list these verbs
	@sed -n 's/^\([a-z]*\):.*##/\1:/p' $(MAKEFILE_LIST) | awk -F': *' '{printf "  make %-12s %s\n", $$1, $$2}'

environment: $(READY)  ## make .venv from requirements.lock (the other verbs do this when it is needed)

reproduce: $(READY)  ## run the whole experiment, from data to tables, pictures, report and tracked runs
	@echo "== experiment $(EXPERIMENT): running the workflow (the same command carries on after an interruption)"
	@$(SNAKEMAKE) --cores $(CORES)
	@$(MAKE) --no-print-directory report
	@echo "== done. Look at, in results/$(EXPERIMENT)/:"
	@echo "     summary.md          the table: every run beside the copy of the input and, where known, the truth"
	@echo "     figures/edits.png   people whom the model has never seen, and their edits"
	@echo "     figures/runs.png    the runs side by side; figures/curves.png their losses"
	@echo "     report.html         all of it in one file, with how it was made"
	@echo "   make ui compares the runs in the browser."

test: $(READY)  ## run the tests
	@python -m pytest

lint: $(READY)  ## check format and style of Python and of the rules, the workflow, and what DVC reads
	ruff format --check .
	ruff check .
	snakefmt --check Snakefile workflow/rules
	snakemake --lint
	python -m wemgan.config --check
	dvc dag > /dev/null

format: $(READY)  ## bring Python and rules into their format
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow/rules

docs: $(READY)  ## write docs/parameters.md anew from the schema, and DATA.md from the inventory of data sets
	python -m wemgan.config --describe > docs/parameters.md
	python -m wemgan.inventory > DATA.md

report: $(READY)  ## bundle tables, pictures and provenance of a finished experiment into one HTML file
	@$(SNAKEMAKE) --quiet all --report results/$(EXPERIMENT)/report.html

bare: $(READY)  ## pack into bare/ what a GPU machine with torch alone lacks for the experiment (docs/gpu.md)
	@rm -rf bare && mkdir -p bare/packages/feat/resources
	@python -m wemgan.bare plan --experiment $(EXPERIMENT) --plan bare/plan.json
	@pip freeze | grep -E '^(numba|llvmlite|tqdm)==' > bare/requirements.txt
	@pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version $(BARE_PYTHON) \
	  --dest bare/wheels -r bare/requirements.txt
	@touch bare/packages/feat/__init__.py
	@cp $(VENV)/lib/python3*/site-packages/feat/resources/{au_to_mesh_pls_v4.npz,canonical_face_tessellation.json} \
	  bare/packages/feat/resources/
	@du -sh bare

ui: $(READY)  ## compare the tracked runs in the browser
	@test -n "$$MLFLOW_TRACKING_URI" -o -e mlflow.db || $(SNAKEMAKE) --cores 1 --forcerun track
	@echo "== in the page that opens: Model training (top left), the experiment $(EXPERIMENT), tick runs, Compare"
	mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

lock: $(READY)  ## renew requirements.lock from requirements.in
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	  requirements.in -o requirements.lock

clean:  ## remove the environment (results, weights and tracked runs stay)
	rm -rf $(VENV)

# uv, itself pinned in the lock, installs the rest many times faster than pip; pip is the way where uv finds no index.
# uv does not read pip's configuration, so that an index named there is handed on.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "error: $(PYTHON) is not Python 3.11, 3.12 or 3.13; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "== environment: installing the locked packages into $(VENV) (about 7 GB on disk)"
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "error: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu install python3-venv"; exit 1; }
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt
	@pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$(pip config get global.index-url 2>/dev/null || true)}}; \
	  if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	  uv pip install --compile-bytecode --python $(VENV)/bin/python --require-hashes -r requirements.lock || { \
	    echo "== uv could not install the packages; trying pip, which takes longer"; \
	    pip install --disable-pip-version-check --require-hashes -r requirements.lock; }
	@pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
