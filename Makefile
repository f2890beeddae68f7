# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SIZE ?= medium
ARGS ?=
UNIT := tests/pack2/unit tests/adaf/unit tests/architecture tests/docs/test_configuration.py

# Python keeps its bytecode, whatever the environment says: without it every process compiles for seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-unit test-deep check prove lock clean

run: .venv/ready
	@exec $(BIN)/adaf run $(ARGS)

# Three workers on what waits as often as it works, the long suites first; then, whatever came of them, one by one the tests that measure time.
test: .venv/ready
	@sh scripts/chromium.sh
	@sh scripts/prometheus.sh
	@$(BIN)/python -m pytest -m "not deep and not alone" -n 3 --dist loadscope --no-loadscope-reorder $(ARGS); first=$$?; \
	$(BIN)/python -m pytest -m "not deep and alone" $(ARGS); second=$$?; \
	for code in $$first $$second; do [ $$code = 0 ] || [ $$code = 5 ] || exit $$code; done

# What needs no server.
test-unit: .venv/ready
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal $(UNIT) $(ARGS)

# Long suites, and the property tests with many more examples.
test-deep: .venv/ready
	@sh scripts/chromium.sh
	@sh scripts/prometheus.sh
	@$(BIN)/python -m pytest -m deep $(ARGS)
	@$(BIN)/python -m pytest -n 2 --hypothesis-profile deep $(UNIT)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src/pack2
	$(BIN)/lint-imports

prove: .venv/ready
	@sh scripts/chromium.sh chromium-headless-shell
	@$(BIN)/pack2 prove --size $(SIZE) $(ARGS)

# requirements.lock names packages and hashes, no registry host.
lock: .venv/ready
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --extra adaf --group dev --output-file requirements.lock pyproject.toml

.venv/ready: requirements.lock pyproject.toml
	@sh scripts/bootstrap.sh "$(PYTHON)"

clean:
	@sh scripts/clean.sh
