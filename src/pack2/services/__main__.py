"""`python -m pack2.services` is `pack2 services`."""

from __future__ import annotations

import sys

from pack2.cli import app, run

sys.exit(run(app, ["services", *sys.argv[1:]]))
