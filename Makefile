# Two commands: `make check` runs the project's main job, `make test` everything that must hold.
# Each makes its environment first; later runs find it made and need no network.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := model impl proofs harness conformance cli
READY := $(VENV)/ready

.PHONY: check test lint types imports tests deep docs bench clean

check: $(READY)
	$(BIN)/flashcopy check

test: lint types imports tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy $(foreach package,$(PACKAGES),-p flashcopy.$(package))
	$(BIN)/mypy tests benchmarks

imports: $(READY)
	$(BIN)/lint-imports

tests: $(READY)
	$(BIN)/pytest -n 2 --dist worksteal

# The same tests with Hypothesis's deep profile: about an hour.
deep: $(READY)
	FLASHCOPY_PROFILE=deep $(BIN)/pytest -n 2 --dist worksteal

# Draw the diagrams and tables of docs/spec.md and docs/faults.md again, after a change of what they show.
docs: $(READY)
	$(BIN)/python -m flashcopy.model.diagrams
	$(BIN)/python -m tests.docs_clauses
	$(BIN)/python -m tests.docs_faults

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# requirements.txt pins every version, so the same results come out everywhere. The link lets type
# checkers and editors find `flashcopy.model` in `model/` and so on (see docs/design.md).
$(READY): pyproject.toml requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	mkdir -p $(VENV)/types
	ln -sfn ../.. $(VENV)/types/flashcopy
	touch $(READY)
