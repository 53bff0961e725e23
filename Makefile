# make demo   see two glideins run jobs          make test   run every check and test
# make help   all targets
#
# Each sets itself up (.ci/setup): the virtual environment .venv, Python packages and, as root,
# Debian packages. GLIDEIN_BASH=/path/to/bash makes the features use another bash.

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export GLIDEIN_FACTORY_CACHE := $(CURDIR)/build/cache
REPORT := build/report
WORKERS ?= 2# pytest processes; each takes whole files
SHELL_FILES = $(wildcard glidein/*.sh glidein/*/*.sh glidein/worker_api/*.source glidein/worker_api/gwms-python \
  glidein/worker_api/condor_chirp tests/shell/*.bash .ci/run .ci/setup .ci/steps)
BATS_FILES = $(wildcard tests/shell/*.bats)
# Whoever started make may ignore signals (nohup, a shell's &), which no shell below could trap.
PLAINLY = env --default-signal=HUP,INT,QUIT,TERM
PYTEST = $(PLAINLY) pytest --numprocesses=$(WORKERS) --dist=loadfile -r fE

# What `make test` runs, in this order: the quick ones first.
STEPS := ruff ruff-format mypy shellcheck shfmt codespell bats unit features

.PHONY: help demo man test setup-demo setup-test lint types shell-test bench bench-reconfig bench-scripts bench-factory clean $(STEPS)

help: ## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

demo: setup-demo ## start a pool and two glideins, run four jobs, stop everything
	@glidein-factory demo $(DEMO)

test: setup-test ## run every check and test, then sum up
	@.ci/steps $(STEPS)

lint: ruff ruff-format shellcheck shfmt codespell ## read the code: style, mistakes, spelling

types: mypy ## check the types

shell-test: bats ## test glidein/lib, one bats file each

unit: | $(REPORT) ## test the parts of orchestrator/ and of the tests
	$(PYTEST) --junitxml=$(REPORT)/unit.xml tests

features: | $(REPORT) ## try what the toolkit promises, against real servers
	$(PYTEST) --junitxml=$(REPORT)/features.xml features

bench: setup-test ## measure how a glidein starts; writes build/bench-startup.json
	@python -m tests.bench.startup $(BENCH)

bench-reconfig: setup-test ## measure how a configuration is taken over; build/bench-reconfig.json
	@python -m tests.bench.reconfig $(BENCH)

bench-scripts: setup-test ## measure what an attribute costs a script; writes build/bench-scripts.json
	@python -m tests.bench.script_interface

bench-factory: setup-test ## measure what 500 entries cost (an hour); writes build/bench-factory.json
	@python -m tests.bench.factory $(BENCH)

man: setup-demo ## write the manual's pages to build/man
	@glidein-factory manual --write build/man

clean: ## remove all that make made: build/, .venv/ and caches
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-demo:
	@.ci/setup demo

setup-test:
	@.ci/setup test

ruff:
	ruff check .

ruff-format:
	ruff format --check .

mypy:
	mypy

shellcheck:
	shellcheck $(SHELL_FILES)
	shellcheck --exclude=SC1091,SC2030,SC2031,SC2034,SC2154 $(BATS_FILES)

shfmt:
	shfmt -d $(SHELL_FILES) $(BATS_FILES)

codespell:
	codespell

bats: | $(REPORT)
	$(PLAINLY) bats --report-formatter tap --output $(REPORT) tests/shell

$(REPORT):
	@mkdir -p $@
