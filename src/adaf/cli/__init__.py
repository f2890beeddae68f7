"""The command `adaf`: one file a command, no logic."""

from __future__ import annotations

import sys

from cyclopts import App

from pack2 import __version__
from pack2.cli import end_on_signals, run

app = App(
    name="adaf",
    version=__version__,
    help="ADAF Dashboard: load data, serve it, run it tuned.\n\nExample: `adaf run --serve-only`",
)
app.command("adaf.cli.feed:run", name="feed")
app.command("adaf.cli.import_bars:run", name="import")
app.command("adaf.cli.load:run", name="load")
app.command("adaf.cli.reports:app", name="reports")
app.command("adaf.cli.run:run_command", name="run")
app.command("adaf.cli.serve:run", name="serve")
app.command("adaf.cli.users:run", name="users")
app.command("adaf.cli.worker:run", name="worker")


def main() -> None:
    """Run one command; exit 0 done, 1 judged and failed, 2 invalid input or environment."""
    end_on_signals()
    sys.exit(run(app))
