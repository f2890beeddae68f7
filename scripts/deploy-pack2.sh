#!/bin/sh
# The guide's deployment script: `pack2 deploy` does the work, and takes the same options.
exec "$(dirname "$0")/../.venv/bin/pack2" deploy "$@"
