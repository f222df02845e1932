# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3.14 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1 && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
TORCH ?= torch==2.13.0

.PHONY: help demo test extras test-all torture check format bench bench-served bench-chroma bench-rivals install model clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

# Debian's python3 may lack ensurepip: then the pip that is there is asked to bring one, and as the
# last resort root installs python3-venv.
$(VENV)/installed: pyproject.toml constraints.txt requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found"; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 && $(BIN)/python -m pip --version >/dev/null 2>&1 \
		|| { $(PYTHON) -m venv --clear --without-pip $(VENV) \
			&& $(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python \
				install pip; } 2>/dev/null \
		|| { test "$$(id -u)" = 0 && apt-get -qq update && apt-get -qq install -y python3-venv \
			&& $(PYTHON) -m venv --clear $(VENV); } \
		|| { echo "$(PYTHON) cannot make a virtual environment: install python3-venv"; exit 1; }
	@echo "installing into $(VENV) ..."
	@$(PIP) install -c constraints.txt -r requirements-dev.txt -e .
	@touch $@

install: $(VENV)/installed ## Make the virtual environment with all that is needed

model: install ## Install the embedding model, once
	@$(BIN)/memory-vault model install

demo: model ## Save a conversation, ask five questions, show the prompt blocks
	@$(BIN)/memory-vault demo

test: model ## Run every test that needs no optional package
	@$(BIN)/python -m pytest tests --ignore=tests/extras -rs

# What the integrations are for: their types are checked and their tests run with it.
extras: install
	@$(PIP) install -c constraints.txt -e ".[server,langchain,anthropic,openai,mcp,otel]" \
		aiosqlite hypercorn opentelemetry-sdk uvloop schemathesis
	@$(PIP) install -c constraints.txt --no-deps langchain-tests

test-all: model extras ## Run the tests of optional packages with their real parts
	@$(PIP) install -c constraints.txt "$(TORCH)" sentence-transformers -e ".[chroma]"
	@$(BIN)/python -m pytest tests/extras -rs

torture: install ## Kill, cancel and crowd the vault for about 20 minutes; figures under benchmarks/results
	@$(BIN)/python -m tests.faults.crash --kills 2000 --points all --crowd 20 --cancel \
		--out benchmarks/results/torture.json

check: extras ## Format, lint, types, generated code, contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@PATH="$(CURDIR)/$(BIN):$$PATH" pyright --verifytypes memory_vault --ignoreexternal
	@$(BIN)/python tools/gen_sync.py --check
	@$(BIN)/python -m pytest tests/contract

format: install ## Format the code and write the generated files
	@$(BIN)/python tools/gen_sync.py
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

bench: model ## Measure save, recall and start, with raw figures under benchmarks/results
	@$(BIN)/python benchmarks/core.py
	@$(BIN)/python benchmarks/load.py benchmarks/results/load.json saves

bench-served: model extras ## Load a served vault for five minutes, two workers killed meanwhile
	@$(BIN)/python benchmarks/served.py

bench-chroma: model ## Measure the exact index beside ChromaDB, embedded and served
	@$(PIP) install -c constraints.txt -e ".[chroma]"
	@$(BIN)/python benchmarks/chroma.py

bench-rivals: model ## Measure beside other memory systems, each in an environment of its own
	@$(BIN)/python benchmarks/rivals.py

clean: ## Remove what the other targets made here
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
