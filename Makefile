# Every target makes what it needs in .venv; nothing has to be installed by hand but Python 3.11+, git and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test tools check conformance bench quality clean

demo: .venv/.ready-all ## Run a real tuning job on real data and show its results
	$(BIN)/sm-tuning run docs/examples/digits.toml
	$(BIN)/sm-tuning diagnose
	$(BIN)/sm-tuning report --output demo-output/report.html

PEERS := $(foreach peer,optuna syne-tune ray,.venv-bench-$(peer)/.ready)
CLIENTS := .venv-sdk2/.ready .venv-sdk3/.ready .venv-airflow/.ready .venv-toolkit/.ready .node/.ready

test: .venv/.ready-dev $(CLIENTS) | tools ## Run all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# A Docker engine with a Debian for its images, version 2 of the AWS CLI (PyPI has version 1), Node.js, a browser, a C compiler.
TOOLS := dockerd=docker.io debootstrap=debootstrap /usr/bin/aws=awscli chromium=chromium node=nodejs npm=npm \
  gcc=gcc,libc6-dev,python3-dev

tools: ## Programs that some tests start; root may install them, others see those tests skipped
	@missing=$$(for one in $(TOOLS); do command -v $${one%=*} >/dev/null || echo $${one#*=} | tr , ' '; done); \
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

bench: .venv/.ready-dev $(PEERS) ## Measure; writes Markdown tables to standard output
	@for one in overhead api scale; do ! test -e benchmarks/$$one.py || $(BIN)/python benchmarks/$$one.py || exit 1; done

quality: .venv/.ready-bench ## Search quality beside Optuna's samplers (installs Optuna and PyTorch)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/quality.py

clean:
	rm -rf .venv .venv-bench-* .venv-sdk2 .venv-sdk3 .venv-airflow .venv-toolkit .node

# Clients that the tests run. The SageMaker SDK's two versions cannot be in one environment, nor need any of them be in ours.
.venv-sdk2/.ready: PACKAGES := 'sagemaker>=2.250,<3' scikit-learn
.venv-sdk3/.ready: PACKAGES := 'sagemaker>=3,<4'
.venv-airflow/.ready: PACKAGES := 'apache-airflow>=3,<4' apache-airflow-providers-amazon
.venv-%/.ready: | .venv/bin/python
	.venv/bin/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PACKAGES)
	touch $@

# Peers that the benchmarks measure beside; one that cannot be installed here is a row of the table that says so.
.venv-bench-optuna/.ready: PACKAGES := 'optuna>=4'
.venv-bench-syne-tune/.ready: PACKAGES := 'syne-tune>=0.16'
.venv-bench-ray/.ready: PACKAGES := 'ray[tune]>=2.52'
.venv-bench-%/.ready: | .venv/bin/python
	.venv/bin/python -m venv $(@D)
	if $(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PACKAGES); then touch $@; \
	else rm -rf $(@D); echo "$(PACKAGES) cannot be installed here" >&2; fi

# What AWS's framework images hold; it has no wheel, so it needs a C compiler.
.venv-toolkit/.ready: | .venv/bin/python tools
	.venv/bin/python -m venv $(@D)
	if command -v gcc >/dev/null; then \
	  $(@D)/bin/python -m pip install --quiet --disable-pip-version-check 'sagemaker-training>=5.1,<6' setuptools && touch $@; fi

# The newest that runs on Debian's Node.js too.
AWS_SDK := $(foreach client,sagemaker s3 cloudwatch-logs,'@aws-sdk/client-$(client)@<3.960')
.node/.ready: | tools
	mkdir -p .node
	if command -v npm >/dev/null; then \
	  npm install --silent --no-audit --no-fund --no-package-lock --prefix .node $(AWS_SDK) axe-core@4 && touch $@; fi

.venv/.ready-%: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[$*]'
	touch $@

# Debian keeps venv in a package of its own; root may install it, others are told.
.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; test "$$(id -u)" = 0 && apt-get update -qq && \
	  apt-get install -y -qq python3-venv && $(PYTHON) -m venv .venv; } || \
	  { rm -rf .venv; echo "$(PYTHON) -m venv failed; on Debian: sudo apt-get install python3-venv" >&2; exit 1; }
