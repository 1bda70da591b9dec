# Each target does its own set-up: a fresh clone needs Python, and nothing else.
#   make run                      a brain, alive in your terminal, then served to your browser
#   make PYTHON=python3.12 test   with the Python you name

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
# Two installations into one environment at a time would collide.
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
# -qq: pip speaks only when something is wrong. The constraints pin what we measured with.
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
PINS := pyproject.toml constraints.txt
BENCHMARKS := digits online kernels individuals crash mnist
PHYSICS_BENCHMARKS := hodgkin_huxley gradients circuits plastic_circuit fitting measures
FACULTY_BENCHMARKS := integration integration_iit4 gaussian_integration complexity umi reasoning conflicts weighted_programs logic_operators memory digit_addition split_mnist
SERVICE_BENCHMARKS := isolation service overload crash_service fuzz soak

# The first Python on this machine that we support.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	2>/dev/null; then echo $$python; break; fi; done)

.PHONY: help
help: ## List the targets (the default)
	@echo "NeuralLayers. The first call of a target sets it up (a minute or two), the next starts at once."
	@echo
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.installed-run ## Train a brain on real digits, watch it learn, then serve it
	@$(BIN)/neurallayers run

.PHONY: test
test: $(VENV)/.installed-dev ## Run the whole test suite with its coverage gate
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=term

.PHONY: check
check: lint types floors security docs test ## Everything that CI checks

.PHONY: lint
lint: $(VENV)/.installed-dev ## Formatting and lint (ruff)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

.PHONY: format
format: $(VENV)/.installed-dev ## Format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: types
types: $(VENV)/.installed-dev ## Types (mypy --strict)
	$(BIN)/mypy --strict src

.PHONY: floors
floors: $(VENV)/.installed-dev ## Who may import whom (import-linter)
	$(BIN)/lint-imports

.PHONY: security
security: $(VENV)/.installed-dev ## Security lint of the source (bandit)
	$(BIN)/bandit -q -c pyproject.toml -r src

.PHONY: docs
docs: $(VENV)/.installed-docs ## Build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -q -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

.PHONY: bench
bench: $(VENV)/.installed-dev ## Run every benchmark, or one: make bench NAME=digits
	@for name in $(or $(NAME),$(BENCHMARKS)); do \
		echo "benchmark $$name"; $(BIN)/python -m benchmarks.$$name; done

.PHONY: bench-physics
bench-physics: $(VENV)/.installed-dev ## Run the benchmarks of the physics (about 40 minutes)
	@for name in $(PHYSICS_BENCHMARKS); do \
		echo "benchmark $$name"; $(BIN)/python -m benchmarks.$$name; done

.PHONY: bench-faculties
bench-faculties: $(VENV)/.installed-dev ## Run those of logic, memory and measures (about two hours)
	@for name in $(FACULTY_BENCHMARKS); do \
		echo "benchmark $$name"; $(BIN)/python -m benchmarks.$$name; done

.PHONY: bench-service
bench-service: $(VENV)/.installed-dev ## Run the benchmarks of the service (about 40 minutes)
	@for name in $(SERVICE_BENCHMARKS); do \
		echo "benchmark $$name"; $(BIN)/python -m benchmarks.$$name; done

.PHONY: serve
serve: $(VENV)/.installed-run ## Serve the network that ships with the package
	@$(BIN)/neurallayers serve

.PHONY: zoo
zoo: $(VENV)/.installed-run ## Train again the weights that ship in the package
	@$(BIN)/python -m neurallayers.research.build_zoo

.PHONY: audit
audit: $(VENV)/.installed-dev ## Known vulnerabilities of what is installed (needs the network)
	$(BIN)/pip-audit --skip-editable

.PHONY: dist
dist: $(VENV)/.installed-dev ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build

.PHONY: clean
clean: ## Remove the environment, builds and caches
	rm -rf $(VENV) build dist docs/_build .coverage .coverage.* htmlcov \
		.hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# ------------------------------------------------------------------------------- set-up

$(VENV)/pyvenv.cfg:
	@python="$(PYTHON)"; test -n "$$python" || { \
		echo "NeuralLayers needs Python 3.11, 3.12 or 3.13, and none was found." \
		"Install one, or name it: make PYTHON=/path/to/python3.12 run" >&2; exit 1; }; \
	echo "[set-up 1/2] creating $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV) || { rm -rf $(VENV); \
		echo "The venv module failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed-run: $(PINS) | $(VENV)/pyvenv.cfg
	@echo "[set-up 2/2] installing torch and what else runs a brain (a minute or two, once)"
	@$(INSTALL) -e '.[viz,service]'
	@touch $@

# The tools include what `run` needs, so that its set-up is done as well.
$(VENV)/.installed-dev: $(PINS) | $(VENV)/pyvenv.cfg
	@echo "[set-up 2/2] installing torch and the tools of the tests (a minute or two, once)"
	@$(INSTALL) -e '.[dev,viz,service,client,logic,fitting,parquet,exchange]'
	@touch $(VENV)/.installed-run $@

$(VENV)/.installed-docs: $(PINS) | $(VENV)/pyvenv.cfg
	@echo "[set-up] installing the tools of the documentation"
	@$(INSTALL) -e '.[docs,viz,service,client]'
	@touch $(VENV)/.installed-run $@
