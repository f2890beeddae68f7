# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SIZE ?= medium
ARGS ?=

.PHONY: run test test-deep check prove lock clean

run: .venv/ready
	@exec $(BIN)/adaf run $(ARGS)

test: .venv/ready
	@sh scripts/chromium.sh
	@$(BIN)/python -m pytest -m "not deep" $(ARGS)

test-deep: .venv/ready
	@sh scripts/chromium.sh
	@$(BIN)/python -m pytest -m deep $(ARGS)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src/pack2
	$(BIN)/lint-imports

prove: .venv/ready
	@sh scripts/chromium.sh
	@$(BIN)/pack2 prove --size $(SIZE) $(ARGS)

# requirements.lock names packages and hashes, no registry host.
lock: .venv/ready
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --extra adaf --group dev --output-file requirements.lock pyproject.toml

.venv/ready: requirements.lock pyproject.toml
	@sh scripts/bootstrap.sh "$(PYTHON)"

clean:
	@sh scripts/clean.sh
