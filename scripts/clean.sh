#!/bin/sh
# Removes the state of this checkout: servers that a kill left running, .pack2 and what it links to, results.
set -eu
cd "$(dirname "$0")/.."

if [ -d .pack2 ] && [ -x .venv/bin/pack2 ]; then
    .venv/bin/pack2 services stop
fi
if [ -L .pack2 ]; then
    rm -rf "$(readlink .pack2)"
fi
rm -rf .pack2 build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
