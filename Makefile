# Every target makes what it needs in .venv; nothing has to be installed by hand but Python 3.11+, git and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test tools check conformance bench quality clean

demo: .venv/.ready-all ## Run a real tuning job on real data and show its results
	$(BIN)/sm-tuning run docs/examples/digits.toml

test: .venv/.ready-dev .venv-sdk2/.ready .venv-sdk3/.ready | tools ## Run all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

# A Docker engine with a Debian for its images, and Node.js.
TOOLS := dockerd=docker.io debootstrap=debootstrap node=nodejs npm=npm

tools: ## Programs that some tests start; root may install them, others see those tests skipped
	@missing=$$(for one in $(TOOLS); do command -v $${one%=*} >/dev/null || echo $${one#*=}; done); \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "Some tests will be skipped: they need Debian's" $$missing >&2; fi

conformance: .venv/.ready-dev ## How Automatic Model Tuning behaves, fact by fact: how many hold
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/acceptance/test_conformance.py

check: .venv/.ready-dev ## Lint, types, import directions
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.ready-dev ## Measure; writes Markdown tables to standard output
	$(BIN)/python benchmarks/overhead.py

quality: .venv/.ready-bench ## Search quality beside Optuna's samplers (installs Optuna and PyTorch)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/quality.py

clean:
	rm -rf .venv .venv-sdk2 .venv-sdk3

# The SageMaker SDK's two versions cannot be in one environment, nor need they be in ours: they are clients.
.venv-sdk2/.ready: SDK := sagemaker>=2.250,<3
.venv-sdk3/.ready: SDK := sagemaker>=3,<4
.venv-sdk%/.ready: | .venv/bin/python
	.venv/bin/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check '$(SDK)'
	touch $@

.venv/.ready-%: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[$*]'
	touch $@

# Debian keeps venv in a package of its own; root may install it, others are told.
.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; test "$$(id -u)" = 0 && apt-get update -qq && \
	  apt-get install -y -qq python3-venv && $(PYTHON) -m venv .venv; } || \
	  { rm -rf .venv; echo "$(PYTHON) -m venv failed; on Debian: sudo apt-get install python3-venv" >&2; exit 1; }
