"""The command `adaf`: one file a command, no logic."""

from __future__ import annotations

import sys

from cyclopts import App

from pack2 import __version__
from pack2.cli import end_on_signals, run

app = App(name="adaf", version=__version__, help="ADAF Dashboard: load data, serve it, run it tuned.")
app.command("adaf.cli.import_bars:app", name="import")
app.command("adaf.cli.load:app", name="load")
app.command("adaf.cli.run:app", name="run")
app.command("adaf.cli.serve:app", name="serve")
app.command("adaf.cli.users:app", name="users")


def main() -> None:
    """Run one command; exit 0 done, 1 judged and failed, 2 invalid input or environment."""
    end_on_signals()
    sys.exit(run(app))
