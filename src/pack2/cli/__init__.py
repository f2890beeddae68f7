"""The command `pack2`: one file a command group, no logic. Failures are one line on stderr, exit code 2."""

from __future__ import annotations

import os
import signal
import sys

from cyclopts import App

from pack2 import __version__
from pack2.cli.listing import summarise
from pack2.errors import Pack2Error

app = App(
    name="pack2",
    version=__version__,
    help="Measure, propose, apply, prove, keep or take back.\n\nExample: `pack2 slow --help`",
)
app.command("pack2.cli.services:app", name="services")
app.command("pack2.cli.feed:app", name="feed")
app.command("pack2.cli.cache:app", name="cache")
app.command("pack2.cli.prove:prove_command", name="prove")
app.command("pack2.cli.loadtest:loadtest_command", name="loadtest")
app.command("pack2.cli.regress:app", name="regress")
app.command("pack2.cli.indexes:app", name="indexes")
app.command("pack2.cli.rollup:app", name="rollup")
app.command("pack2.cli.slow:slow_command", name="slow")
app.command("pack2.cli.maintain:maintain_command", name="maintain")
app.command("pack2.cli.recommend:recommend_command", name="recommend")
app.command("pack2.cli.schedule:app", name="schedule")
app.command("pack2.cli.monitoring:app", name="monitoring")
app.command("pack2.cli.deploy:deploy_command", name="deploy")
app.command("pack2.cli.deploy:rollback_command", name="rollback")
app.command("pack2.cli.checklist:checklist_command", name="checklist")


def main() -> None:
    """Run one command; exit 0 done, 1 judged and failed, 2 invalid input or environment."""
    end_on_signals()
    sys.exit(run(app))


def end_on_signals() -> None:
    """SIGTERM and a closed terminal end a command like Ctrl-C does: what it started is stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def run(command: App, tokens: list[str] | None = None) -> int:
    """Run `command` and turn its failures into an exit code and one line."""
    if (sys.argv[1:] if tokens is None else tokens)[:1] in ([], ["--help"], ["-h"]):
        summarise(command)
    try:
        result = command(tokens, result_action="return_value")
        sys.stdout.flush()
    except Pack2Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except (
        BrokenPipeError
    ):  # `pack2 slow | head` has what it wanted; the rest goes nowhere, the last flush too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return result if isinstance(result, int) else 0
